/* Few bad keys cost nothing, many are slow, and a flood is not looked at;
 * whoever has another address notices none of that. */
#include "src/bridge/refusals.h"

#include "tests/lib/tap.h"

static const struct refusals_address flooder = {.bytes = {1}};
static const struct refusals_address other = {.bytes = {2}};

static struct moment at(uint64_t mono_ms)
{
    return (struct moment){.mono_ms = mono_ms};
}

TAP_CASE(a_few_are_free)
{
    struct refusals r;

    refusals_init(&r, 1);
    for (int i = 0; i < REFUSALS_SLOW_AFTER; i++) {
        tap_check(!refusals_slow(&r, &flooder, at(5)));
        refusals_add(&r, &flooder, at(5));
    }
    tap_check(!refusals_slow(&r, &flooder, at(5)));
    refusals_add(&r, &flooder, at(5));
    tap_check(refusals_slow(&r, &flooder, at(5)));
    tap_check(refusals_allow(&r, &flooder, at(5)));
    tap_check(!refusals_slow(&r, &other, at(5)));
    refusals_done(&r);
}

TAP_CASE(so_many_in_a_minute_for_hours_are_free)
{
    struct refusals r;

    refusals_init(&r, 1);
    for (uint64_t ms = 0; ms < 7200000; ms += 60000 / REFUSALS_SLOW_AFTER) {
        refusals_add(&r, &flooder, at(ms));
        tap_check(!refusals_slow(&r, &flooder, at(ms)));
    }
    refusals_done(&r);
}

TAP_CASE(a_flood_is_checked_at_a_bounded_rate)
{
    struct refusals r;
    uint64_t checked = 0;
    uint64_t ms = 0;

    refusals_init(&r, 1);
    for (; ms < 60000; ms++) {
        for (int i = 0; i < 10; i++) {
            if (refusals_allow(&r, &flooder, at(ms))) {
                refusals_add(&r, &flooder, at(ms));
                checked++;
            }
        }
    }
    tap_check(checked >= REFUSALS_MAX);
    tap_check(checked <= REFUSALS_MAX + 60 * REFUSALS_PER_S);
    tap_check(refusals_allow(&r, &other, at(ms)));

    /* It ends: a second later some are checked, minutes later all is free. */
    tap_check(refusals_allow(&r, &flooder, at(ms + 1000)));
    tap_check(refusals_slow(&r, &flooder, at(ms + 1000)));
    tap_check(!refusals_slow(&r, &flooder, at(ms + 180000)));
    refusals_done(&r);
}

TAP_CASE(addresses_are_bounded_and_the_latest_stay)
{
    struct refusals r;
    struct refusals_address address = {.bytes = {0}};

    refusals_init(&r, 1);
    for (uint32_t i = 0; i < 3 * REFUSALS_ADDRESSES_MAX; i++) {
        for (int n = 0; n < 2 && i % 100 == 0; n++) {
            refusals_add(&r, &flooder, at(0));
        }
        memcpy(address.bytes + 4, &i, sizeof(i));
        refusals_add(&r, &address, at(0));
    }
    tap_equal(r.map.count, REFUSALS_ADDRESSES_MAX);
    tap_check(refusals_slow(&r, &flooder, at(0)));
    refusals_done(&r);
}

TAP_CASE(a_network_of_ipv6_is_one_and_ipv4_is_the_same_in_both_forms)
{
    const uint8_t one[16] = {0x20, 1, [7] = 9, [15] = 1};
    const uint8_t two[16] = {0x20, 1, [7] = 9, [8] = 7, [15] = 2};
    const uint8_t far[16] = {0x20, 1, [7] = 8, [15] = 1};
    const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    const uint8_t next[16] = {[10] = 0xff, 0xff, 192, 0, 2, 2};
    struct refusals_address a = refusals_address_of(bytes_of(one, 16));
    struct refusals_address b = refusals_address_of(bytes_of(two, 16));

    tap_equal(memcmp(&a, &b, sizeof(a)), 0);
    b = refusals_address_of(bytes_of(far, 16));
    tap_check(memcmp(&a, &b, sizeof(a)) != 0);
    a = refusals_address_of(bytes_of(mapped, 16));
    b = refusals_address_of(bytes_of(mapped + 12, 4));
    tap_equal(memcmp(&a, &b, sizeof(a)), 0);
    b = refusals_address_of(bytes_of(next, 16));
    tap_check(memcmp(&a, &b, sizeof(a)) != 0);
    a = refusals_address_of(bytes_of(NULL, 0));
    tap_check(memcmp(&a, &b, sizeof(a)) != 0);
}

TAP_MAIN()

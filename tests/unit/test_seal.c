/* What is sealed opens again, with the same key and unchanged, and only so. */
#include "base/rc.h"
#include "proto/cluster_secret.h"
#include "proto/seal.h"
#include "tests/lib/tap.h"

#define CONTENT "what members tell each other"

static const uint8_t key[SEAL_KEY_BYTES] = {1, 2, 3};
static const uint8_t nonce[SEAL_NONCE_BYTES] = {7, 8, 9};

static struct buffer sealed_of(const char *content)
{
    struct buffer sealed;

    buffer_init(&sealed, 2000);
    seal_write(key, nonce, bytes_text(content), &sealed);
    tap_check(!sealed.overflowed);
    return sealed;
}

/* The result for `datagram`; `ret` may be NULL. */
static int open_with(const uint8_t *with,
                     struct bytes datagram,
                     struct seal_counters *counters)
{
    struct buffer opened;
    int rc;

    buffer_init(&opened, 2000);
    rc = seal_open(with, datagram, &opened, counters);
    if (rc == RC_OK) {
        tap_equal_text(buffer_view(&opened), CONTENT);
    } else {
        tap_equal(opened.len, 0);
    }
    buffer_done(&opened);
    return rc;
}

TAP_CASE(seal_open_gives_back_what_was_sealed)
{
    struct buffer sealed = sealed_of(CONTENT);
    struct seal_counters counters = {0};

    tap_equal(sealed.len, strlen(CONTENT) + SEAL_EXTRA_BYTES);
    tap_check(memmem(sealed.data, sealed.len, "members", 7) == NULL);
    tap_equal(open_with(key, buffer_view(&sealed), &counters), RC_OK);
    tap_equal(counters.opened, 1);
    buffer_done(&sealed);
}

TAP_CASE(seal_open_gives_back_nothing_sealed)
{
    struct buffer sealed = sealed_of("");
    struct seal_counters counters = {0};
    struct buffer opened;

    buffer_init(&opened, 2000);
    tap_equal(seal_open(key, buffer_view(&sealed), &opened, &counters), RC_OK);
    tap_equal(opened.len, 0);
    buffer_done(&opened);
    buffer_done(&sealed);
}

TAP_CASE(seal_open_refuses_a_change_of_any_one_bit)
{
    struct buffer sealed = sealed_of(CONTENT);
    struct seal_counters counters = {0};

    for (size_t i = 0; i < sealed.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            int rc;

            sealed.data[i] ^= (uint8_t)(1u << bit);
            rc = open_with(key, buffer_view(&sealed), &counters);
            tap_equal(rc, i == 0 ? RC_UNSUPPORTED : RC_DENIED);
            sealed.data[i] ^= (uint8_t)(1u << bit);
        }
    }
    tap_equal(counters.other_version, 8);
    tap_equal(counters.not_authentic, 8 * (sealed.len - 1));
    tap_equal(counters.opened, 0);
    buffer_done(&sealed);
}

TAP_CASE(seal_open_refuses_every_shorter_datagram)
{
    struct buffer sealed = sealed_of(CONTENT);
    struct seal_counters counters = {0};

    for (size_t len = 0; len < sealed.len; len++) {
        tap_equal(open_with(key, bytes_of(sealed.data, len), &counters),
                  len < SEAL_EXTRA_BYTES ? RC_MALFORMED : RC_DENIED);
    }
    tap_equal(counters.too_short, SEAL_EXTRA_BYTES);
    buffer_done(&sealed);
}

TAP_CASE(seal_open_refuses_another_secret)
{
    uint8_t secret[CLUSTER_SECRET_BYTES] = {1};
    uint8_t ours[SEAL_KEY_BYTES];
    uint8_t other_secret[SEAL_KEY_BYTES];
    uint8_t other_use[SEAL_KEY_BYTES];
    struct seal_counters counters = {0};
    struct buffer sealed;

    cluster_secret_derive(secret, SEAL_GOSSIP_CONTEXT, ours);
    cluster_secret_derive(secret, "weir link 1", other_use);
    secret[0] ^= 1;
    cluster_secret_derive(secret, SEAL_GOSSIP_CONTEXT, other_secret);
    buffer_init(&sealed, 2000);
    seal_write(ours, nonce, bytes_text(CONTENT), &sealed);
    tap_equal(open_with(ours, buffer_view(&sealed), &counters), RC_OK);
    tap_equal(open_with(other_secret, buffer_view(&sealed), &counters),
              RC_DENIED);
    tap_equal(open_with(other_use, buffer_view(&sealed), &counters), RC_DENIED);
    tap_equal(counters.not_authentic, 2);
    buffer_done(&sealed);
}

TAP_CASE(seal_open_refuses_what_is_over_the_cap)
{
    struct buffer sealed = sealed_of(CONTENT);
    struct seal_counters counters = {0};
    struct buffer opened;

    buffer_init(&opened, 10);
    tap_equal(seal_open(key, buffer_view(&sealed), &opened, &counters),
              RC_TOO_LARGE);
    tap_equal(opened.len, 0);
    tap_check(!opened.overflowed);
    tap_equal(counters.too_large, 1);
    buffer_done(&opened);
    buffer_done(&sealed);
}

TAP_CASE(seal_write_marks_a_buffer_that_is_too_small)
{
    struct buffer small;

    buffer_init(&small, SEAL_EXTRA_BYTES + 1);
    seal_write(key, nonce, bytes_text("xy"), &small);
    tap_check(small.overflowed);
    buffer_done(&small);
}

/* Fixed bytes, so that the format does not change unnoticed. */
TAP_CASE(seal_write_puts_version_then_nonce_then_the_rest)
{
    struct buffer sealed = sealed_of("x");

    tap_equal(sealed.data[0], SEAL_VERSION);
    tap_check(memcmp(sealed.data + 1, nonce, sizeof(nonce)) == 0);
    tap_equal(sealed.len, 42);
    buffer_done(&sealed);
}

TAP_MAIN()

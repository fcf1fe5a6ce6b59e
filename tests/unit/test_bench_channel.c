/* src/bench_channel: names of fixed width. */
#include "src/bench_channel.h"

#include "tests/lib/tap.h"

static void name_is(const char *prefix, size_t number, const char *expected)
{
    char name[BENCH_CHANNEL_BYTES_MAX];

    bench_channel_name(prefix, number, name);
    tap_equal_text(bytes_text(name), expected);
}

TAP_CASE(bench_channel_has_leading_zeros)
{
    name_is("/default/bench", 0, "/default/bench-000000");
    name_is("/default/bench", 42, "/default/bench-000042");
    name_is("/default/bench", 999999, "/default/bench-999999");
}

TAP_CASE(bench_channel_takes_the_longest_prefix)
{
    char prefix[BENCH_CHANNEL_PREFIX_BYTES_MAX + 1];
    char name[BENCH_CHANNEL_BYTES_MAX];

    memset(prefix, 'p', sizeof(prefix) - 1);
    prefix[sizeof(prefix) - 1] = '\0';
    bench_channel_name(prefix, 7, name);

    tap_equal(strlen(name), BENCH_CHANNEL_PREFIX_BYTES_MAX + 7);
    tap_equal_text(bytes_text(name + BENCH_CHANNEL_PREFIX_BYTES_MAX),
                   "-000007");
}

TAP_CASE(bench_channel_digits_replace_those_in_a_text)
{
    uint8_t text[] = "x-000000/y";

    bench_channel_digits(120345, text + 2);

    tap_equal_text(bytes_text((char *)text), "x-120345/y");
}

TAP_MAIN()

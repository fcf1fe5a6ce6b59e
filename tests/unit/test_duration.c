/* Every unit both ways, and the edges of 64 bits. */
#include "src/duration.h"

#include "tests/lib/tap.h"

static void expect(const char *text, uint64_t ms)
{
    uint64_t found = 7;

    tap_check(duration_parse(bytes_text(text), &found));
    tap_equal(found, ms);
}

static void expect_refused(const char *text)
{
    uint64_t found = 7;

    tap_check(!duration_parse(bytes_text(text), &found));
    tap_equal(found, 7);
}

static void expect_printed(uint64_t ms, const char *text)
{
    char found[DURATION_TEXT_BYTES_MAX];

    duration_print(ms, found);
    tap_equal_text(bytes_text(found), text);
}

TAP_CASE(duration_reads_each_unit)
{
    expect("500ms", 500);
    expect("15s", 15000);
    expect("5min", 300000);
    expect("24h", 86400000);
    expect("30d", UINT64_C(2592000000));
    expect("0s", 0);
    expect("0", 0);
}

TAP_CASE(duration_refuses_a_number_without_its_unit)
{
    expect_refused("15");
    expect_refused("");
    expect_refused("s");
}

TAP_CASE(duration_refuses_what_it_does_not_know)
{
    expect_refused("15 s");
    expect_refused("15S");
    expect_refused("15m");
    expect_refused("-1s");
    expect_refused("1.5s");
    expect_refused("1h30min");
}

TAP_CASE(duration_refuses_what_64_bits_do_not_hold)
{
    expect("213503982334d", UINT64_C(213503982334) * 86400000);
    expect_refused("213503982335d");
    expect_refused("18446744073709551616ms");
}

TAP_CASE(duration_prints_the_largest_unit_that_divides)
{
    expect_printed(0, "0");
    expect_printed(1, "1ms");
    expect_printed(1001, "1001ms");
    expect_printed(90000, "90s");
    expect_printed(120000, "2min");
    expect_printed(7200000, "2h");
    expect_printed(86400000, "1d");
}

TAP_MAIN()

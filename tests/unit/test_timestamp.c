/* Days that are, days that are not, and both ends of the range. */
#include "src/timestamp.h"

#include "tests/lib/tap.h"

static void expect(const char *text, uint64_t seconds)
{
    uint64_t found = 7;

    tap_check(timestamp_parse(bytes_text(text), &found));
    tap_equal(found, seconds);
}

static void expect_refused(const char *text)
{
    uint64_t found = 7;

    tap_check(!timestamp_parse(bytes_text(text), &found));
    tap_equal(found, 7);
}

TAP_CASE(timestamp_reads_a_day_a_second_and_unix_seconds)
{
    expect("2026-01-31", 1769817600);
    expect("2026-01-31T12:00:01Z", 1769860801);
    expect("1769860801", 1769860801);
    expect("1970-01-01", 0);
    expect("0", 0);
}

TAP_CASE(timestamp_reads_the_last_second_and_no_later_one)
{
    expect("9999-12-31T23:59:59Z", UINT64_C(253402300799));
    expect("253402300799", UINT64_C(253402300799));
    expect_refused("253402300800");
}

TAP_CASE(timestamp_knows_which_days_there_are)
{
    expect("2028-02-29", 1835395200);
    expect_refused("2026-02-29");
    expect_refused("2026-02-30");
    expect_refused("2026-13-01");
    expect_refused("2026-01-31T24:00:00Z");
    expect_refused("2026-01-31T12:60:00Z");
    expect_refused("1969-12-31");
}

TAP_CASE(timestamp_refuses_other_forms)
{
    expect_refused("");
    expect_refused("tomorrow");
    expect_refused("2026-1-31");
    expect_refused("2026-01-31T12:00:00");
    expect_refused("2026-01-31 12:00:00Z");
    expect_refused("2026-01-31T12:00:00+01:00");
    expect_refused("-1");
}

TAP_CASE(timestamp_prints_seconds_and_milliseconds)
{
    char text[TIMESTAMP_TEXT_BYTES_MAX];

    timestamp_print(1769860801, text);
    tap_equal_text(bytes_text(text), "2026-01-31T12:00:01Z");
    timestamp_print_ms(UINT64_C(1769860801007), text);
    tap_equal_text(bytes_text(text), "2026-01-31T12:00:01.007Z");
}

TAP_CASE(timestamp_prints_any_number_without_harm)
{
    char text[TIMESTAMP_TEXT_BYTES_MAX];

    timestamp_print(UINT64_MAX, text);
    tap_equal_text(bytes_text(text), "9999-12-31T23:59:59Z");
}

TAP_MAIN()

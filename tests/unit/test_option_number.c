/* src/option_number: both ends of the range, and what is no number. */
#include "src/option_number.h"

#include "tests/lib/tap.h"

static const struct options_entry entries[] = {
    {"count", "N", "How many.", false},
};

static const struct options_command command = {
    .name = "test",
    .operands = "",
    .summary = "Test.",
    .entries = entries,
    .entry_count = 1,
};

static bool reads(const char *text, uint64_t *number)
{
    char name[] = "test";
    char option[] = "--count";
    char value[64];
    char *argv[] = {name, option, value, NULL};
    struct options o;
    int status;

    snprintf(value, sizeof(value), "%s", text);
    tap_check(options_parse(&command, 3, argv, &o, &status));
    return option_number(&o, "count", 5, 10, number);
}

TAP_CASE(option_number_takes_both_ends_of_its_range)
{
    uint64_t number = 0;

    tap_check(reads("5", &number));
    tap_equal(number, 5);
    tap_check(reads("10", &number));
    tap_equal(number, 10);
}

TAP_CASE(option_number_refuses_what_is_beyond)
{
    uint64_t number = 7;

    tap_check(!reads("4", &number));
    tap_check(!reads("11", &number));
    tap_check(!reads("99999999999999999999999", &number));
    tap_equal(number, 7);
}

TAP_CASE(option_number_refuses_what_is_no_number)
{
    uint64_t number = 7;

    tap_check(!reads("", &number));
    tap_check(!reads("six", &number));
    tap_check(!reads("6x", &number));
    tap_check(!reads(" 6", &number));
    tap_check(!reads("+6", &number));
    tap_check(!reads("6.0", &number));
    tap_equal(number, 7);
}

TAP_CASE(option_number_keeps_the_default_when_it_is_not_given)
{
    char name[] = "test";
    char *argv[] = {name, NULL};
    uint64_t number = 99;
    struct options o;
    int status;

    tap_check(options_parse(&command, 1, argv, &o, &status));
    tap_check(option_number(&o, "count", 5, 10, &number));
    tap_equal(number, 99);
}

TAP_MAIN()

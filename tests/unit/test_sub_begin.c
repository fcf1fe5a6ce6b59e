/* src/sub_begin: what the options ask of the server. */
#include "src/sub_begin.h"

#include "tests/lib/tap.h"

static const struct options_entry entries[] = {
    {"after", "CURSOR", "", false},
    {"last", "N", "", false},
    {"seconds", "N", "", false},
    {"all", NULL, "", false},
};

static const struct options_command command = {
    .name = "t",
    .operands = "",
    .summary = "",
    .entries = entries,
    .entry_count = sizeof(entries) / sizeof(entries[0]),
};

static char member[SUB_BEGIN_BYTES_MAX];

static bool read_words(char *one, char *two, char *three)
{
    char name[] = "t";
    char *argv[] = {name, one, two, three, NULL};
    int argc = 1;
    struct options o;
    int status;

    while (argv[argc] != NULL) {
        argc++;
    }
    tap_check(options_parse(&command, argc, argv, &o, &status));
    return sub_begin_read(&o, member);
}

static void asks(char *one, char *two, const char *expected)
{
    tap_check(read_words(one, two, NULL));
    tap_equal_text(bytes_text(member), expected);
}

TAP_CASE(sub_begin_is_now_without_options)
{
    asks(NULL, NULL, "\"cursor\":true");
}

TAP_CASE(sub_begin_takes_each_option)
{
    char all[] = "--all";
    char last[] = "--last=0";
    char many[] = "--last=1000000";
    char seconds[] = "--seconds";
    char number[] = "4294967295";

    asks(all, NULL, "\"replay\":{\"all\":true}");
    asks(last, NULL, "\"replay\":{\"last\":0}");
    asks(many, NULL, "\"replay\":{\"last\":1000000}");
    asks(seconds, number, "\"replay\":{\"seconds\":4294967295}");
}

TAP_CASE(sub_begin_takes_a_cursor)
{
    struct vector v = {0};
    struct buffer text;
    char option[CURSOR_TEXT_MAX + 16];
    char expected[SUB_BEGIN_BYTES_MAX];

    for (uint64_t i = 1; i <= VECTOR_ORIGINS_MAX; i++) {
        tap_check(vector_raise(&v, i, 5));
    }
    buffer_init(&text, CURSOR_TEXT_MAX);
    cursor_print(&v, &text);
    tap_equal(text.len, CURSOR_TEXT_MAX);
    snprintf(option, sizeof(option), "--after=%.*s", (int)text.len, text.data);
    snprintf(expected,
             sizeof(expected),
             "\"replay\":{\"after\":\"%.*s\"}",
             (int)text.len,
             text.data);
    asks(option, NULL, expected);
    buffer_done(&text);
}

TAP_CASE(sub_begin_refuses_two_options)
{
    char all[] = "--all";
    char last[] = "--last=1";
    char seconds[] = "--seconds=1";

    tap_check(!read_words(all, last, NULL));
    tap_check(!read_words(last, seconds, NULL));
    tap_check(!read_words(last, seconds, all));
}

TAP_CASE(sub_begin_refuses_values_that_make_no_sense)
{
    char cursor[] = "--after=x";
    char empty[] = "--after=";
    char last[] = "--last=1000001";
    char seconds[] = "--seconds=4294967296";
    char negative[] = "--last=-1";
    char fraction[] = "--seconds=1.5";

    tap_check(!read_words(cursor, NULL, NULL));
    tap_check(!read_words(empty, NULL, NULL));
    tap_check(!read_words(last, NULL, NULL));
    tap_check(!read_words(seconds, NULL, NULL));
    tap_check(!read_words(negative, NULL, NULL));
    tap_check(!read_words(fraction, NULL, NULL));
}

TAP_MAIN()

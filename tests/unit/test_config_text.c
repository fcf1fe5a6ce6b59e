/* The grammar alone: names mean nothing here. */
#include "src/config_text.h"

#include "base/buffer.h"
#include "tests/lib/tap.h"

#include <stdio.h>

static const char *kind_name(enum config_text_kind kind)
{
    static const char *const names[] = {"end", "set", "open", "close"};

    return names[kind];
}

/* What a text holds, as "set 1 name=value; open 2 section(title);". */
static int describe(const char *text, struct buffer *out, struct why *why)
{
    struct config_text reader;
    static struct config_text_item item;
    int rc;

    config_text_init(&reader, bytes_text(text));
    for (;;) {
        rc = config_text_next(&reader, &item, why);
        if (rc != 0) {
            buffer_printf(out, "line %u", reader.line);
            return rc;
        }
        if (item.kind == CONFIG_TEXT_END) {
            return 0;
        }
        buffer_printf(out, "%s %u", kind_name(item.kind), item.line);
        if (item.kind != CONFIG_TEXT_SECTION_END) {
            buffer_u8(out, ' ');
            buffer_append(out, item.name);
        }
        if (item.has_title) {
            buffer_u8(out, '(');
            buffer_append(out, item.title);
            buffer_u8(out, ')');
        }
        for (size_t i = 0; i < item.value_count; i++) {
            buffer_text(out, i == 0 ? (item.is_list ? "=[" : "=") : ",");
            buffer_append(out, item.values[i]);
        }
        buffer_text(out, ";");
    }
}

static void expect(const char *text, const char *items)
{
    struct buffer out;
    struct why why = {""};

    buffer_init(&out, 65536);
    tap_equal(describe(text, &out, &why), 0);
    tap_equal_text(buffer_view(&out), items);
    buffer_done(&out);
}

static void expect_refused(const char *text, unsigned line, const char *words)
{
    struct buffer out;
    struct why why = {""};
    char last[32];

    buffer_init(&out, 65536);
    tap_check(describe(text, &out, &why) != 0);
    tap_check(strstr(why.text, words) != NULL);
    snprintf(last, sizeof(last), "line %u", line);
    tap_check(out.len >= strlen(last));
    tap_equal_text(bytes_from(buffer_view(&out), out.len - strlen(last)), last);
    buffer_done(&out);
}

TAP_CASE(config_text_of_nothing_is_empty)
{
    expect("", "");
    expect("\n  \n\t\r\n# only a comment", "");
}

TAP_CASE(config_text_reads_settings_with_and_without_a_sign)
{
    expect("a = 1\nb: 2\nc 3\nd=4;e=5",
           "set 1 a=1;set 2 b=2;set 3 c=3;"
           "set 4 d=4;set 4 e=5;");
}

TAP_CASE(config_text_reads_quoted_text_with_signs_in_it)
{
    expect("a = \"b # { } ; [\" # c", "set 1 a=b # { } ; [;");
    expect("a = \"\"", "set 1 a=;");
    expect("a = \"\xc3\xa9\"", "set 1 a=\xc3\xa9;");
}

TAP_CASE(config_text_wants_quotes_around_a_value_with_brackets)
{
    expect("a = \"[::1]:80\"", "set 1 a=[::1]:80;");
    expect_refused("a = [::1]:80", 1, "stands in quotes");
}

TAP_CASE(config_text_reads_lists_over_lines)
{
    expect("a = []", "set 1 a;");
    expect("a = [b, \"c d\" ,\n # why\n e,\n]\nf=1",
           "set 1 a=[b,c d,e;set 5 f=1;");
}

TAP_CASE(config_text_reads_sections_with_and_without_title)
{
    expect("a {\n b = 1\n}\nc \"d\" { e = 2 }\nf g { }",
           "open 1 a;set 2 b=1;close 3;open 4 c(d);set 4 e=2;close 4;"
           "open 5 f(g);close 5;");
}

TAP_CASE(config_text_refuses_what_is_not_closed)
{
    expect_refused("a {\nb = 1\n", 3, "'}' to end a section");
    expect_refused("a = \"b\nc\"", 1, "does not end in its line");
    expect_refused("a = [b,\n c", 2, "',' or ']'");
    expect_refused("a = [", 1, "a value");
}

TAP_CASE(config_text_refuses_what_was_not_opened)
{
    expect_refused("a = 1\n}", 2, "ends no section");
    expect_refused("a = 1 }", 1, "ends no section");
    expect_refused("]", 1, "the name of a setting");
}

TAP_CASE(config_text_refuses_two_values)
{
    expect_refused("\na = b c", 2, "stands in quotes");
    expect_refused("a = b = c", 1, "stands in quotes");
    expect_refused("a = [b] c", 1, "stands in quotes");
    expect_refused("a = [b c]", 1, "',' or ']'");
    expect_refused("a = b {", 1, "stands in quotes");
}

TAP_CASE(config_text_refuses_a_name_alone)
{
    expect_refused("a", 1, "a value");
    expect_refused("a =\nb = 1", 1, "a value");
    expect_refused("= 1", 1, "the name of a setting");
}

TAP_CASE(config_text_refuses_bytes_that_have_no_meaning)
{
    expect_refused("a = \"b\\n\"", 1, "backslash");
    expect_refused("a = \"b\tc\"", 1, "control character");
    expect_refused("a = 'b'", 1, "a value");
    expect_refused("a = \xc3\xa9", 1, "a value");
    expect_refused("\x01", 1, "the name of a setting");
}

TAP_CASE(config_text_bounds_sections_in_each_other)
{
    expect("a{a{a{a{}}}}",
           "open 1 a;open 1 a;open 1 a;open 1 a;"
           "close 1;close 1;close 1;close 1;");
    expect_refused("a{a{a{a{a{}}}}}", 1, "too many sections");
}

static void make_list(struct buffer *text, size_t count)
{
    buffer_clear(text);
    buffer_text(text, "a = [");
    for (size_t i = 0; i < count; i++) {
        buffer_text(text, "b,");
    }
    buffer_text(text, "]");
    buffer_u8(text, 0);
}

TAP_CASE(config_text_bounds_lists)
{
    struct buffer text;
    struct buffer out;
    struct why why;

    buffer_init(&text, 65536);
    buffer_init(&out, 65536);
    make_list(&text, CONFIG_TEXT_VALUES_MAX);
    tap_equal(describe((const char *)text.data, &out, &why), 0);
    make_list(&text, CONFIG_TEXT_VALUES_MAX + 1);
    tap_equal(describe((const char *)text.data, &out, &why), RC_TOO_LARGE);
    buffer_done(&text);
    buffer_done(&out);
}

TAP_MAIN()

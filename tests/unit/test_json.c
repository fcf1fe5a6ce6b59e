/* The tokens that the reader hands out; test_json_grammar.c has the grammar. */
#include "proto/json.h"
#include "tests/lib/tap.h"

static void expect(struct json *j, enum json_type type, const char *raw)
{
    struct json_token token = json_next(j);

    tap_equal(token.type, type);
    tap_equal_text(token.raw, raw);
}

TAP_CASE(json_next_hands_out_names_in_turn_with_values)
{
    struct json j;

    json_init(&j,
              bytes_text(" {\"a\" : -1.5 ,\"b\":[true,\"x\"], \"c\":null} "));
    expect(&j, JSON_OBJECT_BEGIN, "{");
    expect(&j, JSON_STRING, "a");
    expect(&j, JSON_NUMBER, "-1.5");
    expect(&j, JSON_STRING, "b");
    expect(&j, JSON_ARRAY_BEGIN, "[");
    expect(&j, JSON_TRUE, "true");
    expect(&j, JSON_STRING, "x");
    expect(&j, JSON_ARRAY_END, "]");
    expect(&j, JSON_STRING, "c");
    expect(&j, JSON_NULL, "null");
    expect(&j, JSON_OBJECT_END, "}");
    expect(&j, JSON_END, "");
    expect(&j, JSON_END, "");
}

TAP_CASE(json_next_stays_at_what_is_not_json)
{
    struct json j;

    json_init(&j, bytes_text("[1,x]"));
    expect(&j, JSON_ARRAY_BEGIN, "[");
    expect(&j, JSON_NUMBER, "1");
    tap_equal(json_next(&j).type, JSON_INVALID);
    tap_equal(j.offset, 3);
    tap_equal(json_next(&j).type, JSON_INVALID);
    tap_equal(j.offset, 3);
}

TAP_CASE(json_next_says_which_strings_have_escapes)
{
    struct json j;

    json_init(&j, bytes_text("[\"plain\",\"a\\nb\",\"plain\"]"));
    expect(&j, JSON_ARRAY_BEGIN, "[");
    tap_check(!json_next(&j).escaped);
    tap_check(json_next(&j).escaped);
    tap_check(!json_next(&j).escaped);
}

TAP_CASE(json_skip_passes_over_one_value_of_any_kind)
{
    static const char *values[] = {
        "1",
        "\"s\"",
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "[[{\"a\":[1,{}]}],2]",
        "{\"a\":{\"b\":[[]]}}",
    };

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct buffer text;
        struct json j;

        buffer_init(&text, 100);
        buffer_printf(&text, "[%s,7]", values[i]);
        json_init(&j, buffer_view(&text));
        expect(&j, JSON_ARRAY_BEGIN, "[");
        tap_check(json_skip(&j, json_next(&j)));
        expect(&j, JSON_NUMBER, "7");
        expect(&j, JSON_ARRAY_END, "]");
        buffer_done(&text);
    }
}

TAP_CASE(json_skip_fails_inside_what_is_not_json)
{
    struct json j;

    json_init(&j, bytes_text("[[1,[2,]],3]"));
    expect(&j, JSON_ARRAY_BEGIN, "[");
    tap_check(!json_skip(&j, json_next(&j)));
    tap_equal(json_next(&j).type, JSON_INVALID);
}

TAP_CASE(json_skip_does_not_take_an_end_for_a_value)
{
    struct json j;

    json_init(&j, bytes_text("[]"));
    expect(&j, JSON_ARRAY_BEGIN, "[");
    tap_check(!json_skip(&j, json_next(&j)));
    tap_check(!json_skip(&j, json_next(&j)));
}

static struct json_token first_of(const char *text)
{
    struct json j;

    json_init(&j, bytes_text(text));
    return json_next(&j);
}

TAP_CASE(json_text_is_a_view_of_the_text_when_there_are_no_escapes)
{
    struct json_token token = first_of("\"plain\"");
    struct buffer scratch;

    buffer_init(&scratch, 100);
    tap_check(json_text(token, &scratch).data == token.raw.data);
    tap_equal(scratch.len, 0);
    buffer_done(&scratch);
}

TAP_CASE(json_text_is_appended_to_the_scratch_when_there_are_escapes)
{
    struct buffer scratch;

    buffer_init(&scratch, 100);
    buffer_text(&scratch, "before");
    tap_equal_text(json_text(first_of("\"a\\tb\""), &scratch), "a\tb");
    tap_equal_text(buffer_view(&scratch), "beforea\tb");
    buffer_done(&scratch);
}

TAP_CASE(json_equal_text_compares_what_the_string_stands_for)
{
    tap_check(json_equal_text(first_of("\"type\""), "type"));
    tap_check(json_equal_text(first_of("\"\\u0074yp\\u0065\""), "type"));
    tap_check(!json_equal_text(first_of("\"typ\""), "type"));
    tap_check(!json_equal_text(first_of("\"types\""), "type"));
    tap_check(!json_equal_text(first_of("\"typ\\u0065s\""), "type"));
    tap_check(!json_equal_text(first_of("\"typ\\u0000\""), "typ"));
    tap_check(!json_equal_text(first_of("\"\\u0054ype\""), "type"));
    tap_check(json_equal_text(first_of("\"\""), ""));
}

TAP_MAIN()

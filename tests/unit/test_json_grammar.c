/* What is JSON and what is not, on both sides of each rule of the grammar. */
#include "proto/json.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

/* Judge a copy of exact size, so that a sanitizer sees a read past the end. */
static bool valid(struct bytes text)
{
    uint8_t *copy = malloc(text.len + 1);
    uint8_t *exact = copy + 1;
    bool ret;

    memcpy(exact, text.data, text.len);
    ret = json_valid(bytes_of(exact, text.len));
    free(copy);
    return ret;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void accept_all(const struct bytes *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!valid(texts[i])) {
            tap_fail(__FILE__, (int)i, (const char *)texts[i].data);
        }
    }
}

static void refuse_all(const struct bytes *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (valid(texts[i])) {
            tap_fail(__FILE__, (int)i, (const char *)texts[i].data);
        }
    }
}

#define ACCEPT(...)                                        \
    do {                                                   \
        static const struct bytes texts[] = {__VA_ARGS__}; \
        accept_all(texts, COUNT(texts));                   \
    } while (0)
#define REFUSE(...)                                        \
    do {                                                   \
        static const struct bytes texts[] = {__VA_ARGS__}; \
        refuse_all(texts, COUNT(texts));                   \
    } while (0)
#define T(text) BYTES_LITERAL(text)

TAP_CASE(json_accepts_each_kind_of_value_alone)
{
    ACCEPT(T("null"),
           T("true"),
           T("false"),
           T("0"),
           T("\"\""),
           T("\"a\""),
           T("{}"),
           T("[]"));
}

TAP_CASE(json_accepts_white_space_wherever_the_grammar_has_it)
{
    ACCEPT(T(" 1"),
           T("1 "),
           T("\t\n\r [ \t1\n,\r2 ] \n"),
           T(" { \"a\" : 1 , \"b\" : [ ] } "),
           T("[\n]"),
           T("{\r}"));
}

TAP_CASE(json_refuses_white_space_of_other_kinds)
{
    REFUSE(T("\f1"),
           T("\v1"),
           T("[\xc2\xa0]"),
           T("1\0"),
           T("\0"),
           T("[1\x1f]"),
           T("\xe2\x80\xa8[]"));
}

TAP_CASE(json_refuses_nothing_at_all)
{
    REFUSE(T(""), T(" "), T("\t\n\r  "));
    tap_check(!json_valid(bytes_of(NULL, 0)));
}

TAP_CASE(json_refuses_a_byte_order_mark)
{
    REFUSE(T("\xef\xbb\xbf{}"),
           T("\xef\xbb\xbf"),
           T("\xff\xfe{\0}\0"),
           T("\xfe\xff\0{\0}"));
}

TAP_CASE(json_accepts_the_numbers_of_the_grammar)
{
    ACCEPT(T("-0"),
           T("9"),
           T("10"),
           T("-1"),
           T("1234567890"),
           T("0.5"),
           T("-0.0"),
           T("1.25"),
           T("1e5"),
           T("1E5"),
           T("1e+5"),
           T("1e-5"),
           T("0e0"),
           T("0.1E+02"),
           T("123e65"),
           T("1e999999"),
           T("[-1.5e+300,0,1]"),
           T("100000000000000000000000000000000000000000000000000"));
}

TAP_CASE(json_refuses_numbers_outside_the_grammar)
{
    REFUSE(T("01"),
           T("-01"),
           T("00"),
           T("+1"),
           T(".5"),
           T("-.5"),
           T("1."),
           T("1.e1"),
           T("1e"),
           T("1e+"),
           T("1E-"),
           T("0e"),
           T("0.e1"),
           T("-"),
           T("--1"),
           T("- 1"),
           T("1 2"),
           T("0x10"),
           T("1_000"),
           T("1,000"),
           T("0b1"),
           T("1a"),
           T("1-2"),
           T("1.2.3"),
           T("1e5e5"),
           T("1e5.5"),
           T("\xef\xbc\x91"));
}

TAP_CASE(json_refuses_words_that_are_not_its_three)
{
    REFUSE(T("nul"),
           T("nulll"),
           T("NULL"),
           T("True"),
           T("tru"),
           T("fals"),
           T("falsey"),
           T("NaN"),
           T("nan"),
           T("Infinity"),
           T("-Infinity"),
           T("undefined"),
           T("truefalse"),
           T("a"),
           T("'a'"));
}

TAP_CASE(json_accepts_strings_with_every_escape)
{
    ACCEPT(T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
           T("\"\\u0000\""),
           T("\"\\u00e9\\u00E9\\uabcD\""),
           T("\"\\ud83d\\ude00\""),
           T("\"\\uDBFF\\uDFFF\""),
           T("\"\\ud7ff\\ue000\""),
           T("\"\\uffff\""),
           T("\"\x7f\""),
           T("\"/\""),
           T("\"12345678\\\\\""));
}

TAP_CASE(json_refuses_escapes_that_do_not_exist)
{
    REFUSE(T("\"\\a\""),
           T("\"\\v\""),
           T("\"\\0\""),
           T("\"\\x41\""),
           T("\"\\'\""),
           T("\"\\U0041\""),
           T("\"\\\n\""),
           T("\"\\\""),
           T("\"\\"),
           T("\"\\\xc3\xa9\""),
           T("\"\\ \""));
}

TAP_CASE(json_refuses_escapes_that_are_cut_short)
{
    REFUSE(T("\"\\u\""),
           T("\"\\u0\""),
           T("\"\\u00\""),
           T("\"\\u004\""),
           T("\"\\u004"),
           T("\"\\u004g\""),
           T("\"\\u00 4\""),
           T("\"\\u-041\""),
           T("\"\\u"));
}

TAP_CASE(json_accepts_the_escape_of_half_a_surrogate_pair)
{
    ACCEPT(T("\"\\ud800\""),
           T("\"\\udbff\""),
           T("\"\\udc00\""),
           T("\"\\udfff\""),
           T("\"\\ud83dx\""),
           T("\"\\ud83d\\n\""),
           T("\"\\ud83d\\u0041\""),
           T("\"\\ud83d\\ud83d\""),
           T("\"\\ude00\\ud83d\""));
    REFUSE(T("\"\\ud83d\\u\""),
           T("\"\\ud83d\\"),
           T("\"\\ud83d\\ude0\""),
           T("\"\\ud83"),
           T("\"\\ud83\""));
}

TAP_CASE(json_refuses_control_characters_in_strings)
{
    for (unsigned i = 0; i < 0x20; i++) {
        uint8_t text[] = {'"', 'a', (uint8_t)i, 'b', '"'};

        tap_check(!valid(bytes_of(text, sizeof(text))));
    }
}

TAP_CASE(json_finds_a_control_character_at_any_place_of_a_long_string)
{
    uint8_t text[40];

    for (size_t i = 1; i < sizeof(text) - 1; i++) {
        memset(text, 'x', sizeof(text));
        text[0] = text[sizeof(text) - 1] = '"';
        tap_check(valid(bytes_of(text, sizeof(text))));
        text[i] = '\n';
        tap_check(!valid(bytes_of(text, sizeof(text))));
    }
}

TAP_CASE(json_accepts_utf8_up_to_its_bounds)
{
    ACCEPT(T("\"\xc2\x80\""),
           T("\"\xdf\xbf\""),
           T("\"\xe0\xa0\x80\""),
           T("\"\xec\xbf\xbf\""),
           T("\"\xed\x9f\xbf\""),
           T("\"\xee\x80\x80\""),
           T("\"\xef\xbf\xbf\""),
           T("\"\xf0\x90\x80\x80\""),
           T("\"\xf3\xbf\xbf\xbf\""),
           T("\"\xf4\x8f\xbf\xbf\""),
           T("{\"\xc3\xa9\":\"\xe2\x82\xac\xf0\x9f\x98\x80 plain\"}"));
}

TAP_CASE(json_refuses_overlong_utf8)
{
    REFUSE(T("\"\xc0\x80\""),
           T("\"\xc0\xaf\""),
           T("\"\xc1\xbf\""),
           T("\"\xe0\x80\x80\""),
           T("\"\xe0\x9f\xbf\""),
           T("\"\xf0\x80\x80\x80\""),
           T("\"\xf0\x8f\xbf\xbf\""));
}

TAP_CASE(json_refuses_utf8_of_surrogates_and_over_the_last_code_point)
{
    REFUSE(T("\"\xed\xa0\x80\""),
           T("\"\xed\xbf\xbf\""),
           T("\"\xed\xa0\xbd\xed\xb8\x80\""),
           T("\"\xf4\x90\x80\x80\""),
           T("\"\xf5\x80\x80\x80\""),
           T("\"\xff\""),
           T("\"\xfe\""),
           T("\"\xf8\x88\x80\x80\x80\""));
}

TAP_CASE(json_refuses_utf8_that_is_cut_short_or_begins_in_the_middle)
{
    REFUSE(T("\"\xc3\""),
           T("\"\xe2\x82\""),
           T("\"\xe2\""),
           T("\"\xf0\x9f\x98\""),
           T("\"\xf0\x9f\""),
           T("\"\xf0\""),
           T("\"\xf0\x9f\x98"),
           T("\"\xc3"),
           T("\"\x80\""),
           T("\"\xbf\""),
           T("\"a\xe2\x82x\""),
           T("\"\xc3\xc3\""),
           T("\xc3\xa9"));
}

TAP_CASE(json_refuses_strings_without_an_end)
{
    REFUSE(T("\""), T("\"a"), T("\"abcdefgh"), T("[\"a]"), T("{\"a:1}"));
}

TAP_CASE(json_accepts_arrays_and_objects_in_each_other)
{
    ACCEPT(T("[1,\"a\",null,true,false,[],{}]"),
           T("{\"a\":{\"b\":[{\"c\":[]}]}}"),
           T("[[],[[]],[{}]]"),
           T("{\"\":0}"),
           T("[{\"a\":1},{\"a\":2}]"));
}

TAP_CASE(json_accepts_two_members_of_one_name)
{
    ACCEPT(T("{\"a\":1,\"a\":2}"), T("{\"\":1,\"\":1}"));
}

TAP_CASE(json_refuses_commas_in_the_wrong_place)
{
    REFUSE(T("[1,]"),
           T("[,1]"),
           T("[,]"),
           T("[1,,2]"),
           T("[1 2]"),
           T("{\"a\":1,}"),
           T("{,}"),
           T("{,\"a\":1}"),
           T("{\"a\":1,,\"b\":2}"),
           T("{\"a\":1 \"b\":2}"),
           T("1,"),
           T(",1"));
}

TAP_CASE(json_refuses_brackets_that_do_not_match)
{
    REFUSE(T("["),
           T("]"),
           T("{"),
           T("}"),
           T("[}"),
           T("{]"),
           T("[1}"),
           T("{\"a\":1]"),
           T("[[]"),
           T("[]]"),
           T("{}}"),
           T("{\"a\":[}]"),
           T("[1],"),
           T("[][]"),
           T("{}{}"),
           T("[1] x"));
}

TAP_CASE(json_refuses_members_without_a_name_or_value)
{
    REFUSE(T("{\"a\"}"),
           T("{\"a\":}"),
           T("{:1}"),
           T("{\"a\" 1}"),
           T("{\"a\"::1}"),
           T("{a:1}"),
           T("{1:1}"),
           T("{null:1}"),
           T("{[]:1}"),
           T("{\"a\":1,\"b\"}"),
           T("{'a':1}"),
           T("[\"a\":1]"),
           T("{\"a\",\"b\"}"));
}

TAP_CASE(json_refuses_comments)
{
    REFUSE(T("/**/1"), T("1//"), T("[1/*x*/]"), T("#\n1"), T("{}--"));
}

static void nest(char *text, size_t depth, char open, char close)
{
    memset(text, open, depth);
    memset(text + depth, close, depth);
}

TAP_CASE(json_accepts_128_levels_and_refuses_129)
{
    char text[2 * (JSON_DEPTH_MAX + 1)];

    nest(text, JSON_DEPTH_MAX, '[', ']');
    tap_check(valid(bytes_of(text, 2 * (size_t)JSON_DEPTH_MAX)));
    nest(text, JSON_DEPTH_MAX + 1, '[', ']');
    tap_check(!valid(bytes_of(text, sizeof(text))));
}

TAP_CASE(json_remembers_at_each_level_whether_it_is_an_object)
{
    struct buffer text;

    buffer_init(&text, 4096);
    for (size_t i = 0; i < JSON_DEPTH_MAX; i++) {
        buffer_text(&text, i % 2 == 0 ? "[" : "{\"a\":");
    }
    buffer_text(&text, "1");
    for (size_t i = JSON_DEPTH_MAX; i > 0; i--) {
        buffer_text(&text, (i - 1) % 2 == 0 ? "]" : "}");
    }
    tap_check(valid(buffer_view(&text)));

    text.data[text.len - 64] ^= ']' ^ '}';
    tap_check(!valid(buffer_view(&text)));
    buffer_done(&text);
}

TAP_CASE(json_refuses_every_text_that_was_cut_short)
{
    static const char text[] =
        "{\"a\":[1.5e3,true,null,\"\\u00e9\\ud83d\\ude00\xc3\xa9\"],\"b\":{}}";

    tap_check(valid(bytes_of(text, sizeof(text) - 1)));
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        tap_check(!valid(bytes_of(text, len)));
    }
}

TAP_MAIN()

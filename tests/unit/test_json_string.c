/* What escapes stand for, and that what is escaped comes back as it was. */
#include "proto/json_string.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

static void unescapes(const char *inside, struct bytes expected)
{
    struct buffer out;

    buffer_init(&out, 1000);
    json_string_unescape(bytes_text(inside), &out);
    tap_check(bytes_equal(buffer_view(&out), expected));
    tap_check(json_string_equal(bytes_text(inside), expected));
    buffer_done(&out);
}

static void escapes(struct bytes text, const char *expected)
{
    struct buffer out;

    buffer_init(&out, 1000);
    json_string_escape(text, &out);
    tap_equal_text(buffer_view(&out), expected);
    buffer_done(&out);
}

TAP_CASE(json_string_end_is_the_first_quote_that_is_not_escaped)
{
    bool escaped = false;

    tap_equal(json_string_end(bytes_text("\"\""), 1, &escaped), 1);
    tap_equal(json_string_end(bytes_text("\"abc\",\"d\""), 1, &escaped), 4);
    tap_equal(json_string_end(bytes_text("abcdefghijk\""), 0, &escaped), 11);
    tap_check(!escaped);
    tap_equal(json_string_end(bytes_text("a\\\"b\"c"), 0, &escaped), 4);
    tap_check(escaped);
}

TAP_CASE(json_string_end_is_found_at_every_distance)
{
    for (size_t len = 1; len < 40; len++) {
        char *text = malloc(len + 1);
        bool escaped = false;

        memset(text, 'a', len);
        text[len] = '"';
        tap_equal(json_string_end(bytes_of(text, len + 1), 0, &escaped), len);
        tap_equal(json_string_end(bytes_of(text, len), 0, &escaped), 0);
        free(text);
    }
}

TAP_CASE(json_string_end_counts_backslashes_in_pairs)
{
    bool escaped = false;

    tap_equal(json_string_end(bytes_text("aaaaaa\\\\\"x"), 0, &escaped), 8);
    tap_equal(json_string_end(bytes_text("aaaaa\\\\\\\"x\""), 0, &escaped), 10);
    tap_equal(json_string_end(bytes_text("aaaaaaa\\\"\""), 0, &escaped), 9);
    tap_equal(json_string_end(bytes_text("aaaaaaa\\\""), 0, &escaped), 0);
    tap_equal(json_string_end(bytes_text("aaaaaaa\\"), 0, &escaped), 0);
}

TAP_CASE(json_string_end_reports_escapes_and_never_takes_it_back)
{
    bool escaped = true;

    tap_equal(json_string_end(bytes_text("plain\""), 0, &escaped), 5);
    tap_check(escaped);
}

TAP_CASE(json_string_unescapes_letters)
{
    unescapes("\\\"\\\\\\/\\b\\f\\n\\r\\t",
              (struct bytes)BYTES_LITERAL("\"\\/\b\f\n\r\t"));
}

TAP_CASE(json_string_unescapes_code_units_to_utf8_of_each_length)
{
    unescapes("\\u0000", (struct bytes)BYTES_LITERAL("\0"));
    unescapes("\\u007f\\u0080",
              (struct bytes)BYTES_LITERAL("\x7f"
                                          "\xc2\x80"));
    unescapes("\\u07FF\\u0800",
              (struct bytes)BYTES_LITERAL("\xdf\xbf\xe0\xa0\x80"));
    unescapes("\\uffff", (struct bytes)BYTES_LITERAL("\xef\xbf\xbf"));
    unescapes("\\ud7ff\\ue000",
              (struct bytes)BYTES_LITERAL("\xed\x9f\xbf\xee\x80\x80"));
}

TAP_CASE(json_string_unescapes_surrogate_pairs_to_one_character)
{
    unescapes("\\ud800\\udc00",
              (struct bytes)BYTES_LITERAL("\xf0\x90\x80\x80"));
    unescapes("\\uD83D\\uDE00!",
              (struct bytes)BYTES_LITERAL("\xf0\x9f\x98\x80!"));
    unescapes("\\udbff\\udfff",
              (struct bytes)BYTES_LITERAL("\xf4\x8f\xbf\xbf"));
}

TAP_CASE(json_string_unescapes_half_a_pair_to_what_utf8_forbids)
{
    unescapes("\\ud800", (struct bytes)BYTES_LITERAL("\xed\xa0\x80"));
    unescapes("a\\uDFFFb",
              (struct bytes)BYTES_LITERAL("a\xed\xbf\xbf"
                                          "b"));
    unescapes("\\udc00\\ud800",
              (struct bytes)BYTES_LITERAL("\xed\xb0\x80\xed\xa0\x80"));
    unescapes("\\ud800\\ud83d\\ude00",
              (struct bytes)BYTES_LITERAL("\xed\xa0\x80\xf0\x9f\x98\x80"));
}

TAP_CASE(json_string_unescapes_at_every_place_of_a_word)
{
    for (size_t before = 0; before < 20; before++) {
        char inside[64] = {0};
        char expected[64] = {0};

        memset(inside, 'x', before);
        memset(expected, 'x', before);
        strcat(inside, "\\n0123456789\\\"");
        strcat(expected, "\n0123456789\"");
        unescapes(inside, bytes_text(expected));
    }
}

TAP_CASE(json_string_unescape_needs_no_more_room_than_the_string_has)
{
    struct buffer out;

    buffer_init(&out, 14);
    json_string_unescape(bytes_text("0123456789ab\\n"), &out);
    tap_equal_text(buffer_view(&out), "0123456789ab\n");
    tap_check(!out.overflowed);
    buffer_done(&out);
}

TAP_CASE(json_string_unescape_marks_a_buffer_that_is_too_small)
{
    struct buffer out;

    buffer_init(&out, 3);
    json_string_unescape(bytes_text("abcd"), &out);
    tap_equal(out.len, 0);
    tap_check(out.overflowed);
    buffer_done(&out);
}

TAP_CASE(json_string_equal_sees_the_end_of_both)
{
    struct bytes text = BYTES_LITERAL("a\nb");

    tap_check(json_string_equal(bytes_text("a\\nb"), text));
    tap_check(!json_string_equal(bytes_text("a\\n"), text));
    tap_check(!json_string_equal(bytes_text("a\\nbc"), text));
    tap_check(!json_string_equal(bytes_text("a\\nc"), text));
    tap_check(!json_string_equal(bytes_text("a\\u20ac"), text));
}

TAP_CASE(json_string_escapes_quotes_backslashes_and_control_characters)
{
    escapes((struct bytes)BYTES_LITERAL("\"\\\b\f\n\r\t"),
            "\\\"\\\\\\b\\f\\n\\r\\t");
    escapes((struct bytes)BYTES_LITERAL("\0\x01\x0b\x1f"),
            "\\u0000\\u0001\\u000b\\u001f");
}

TAP_CASE(json_string_escape_leaves_all_else_as_it_is)
{
    escapes((struct bytes)BYTES_LITERAL(""), "");
    escapes((struct bytes)BYTES_LITERAL(" /'<>&\x7f"), " /'<>&\x7f");
    escapes((struct bytes)BYTES_LITERAL("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    escapes((struct bytes)BYTES_LITERAL("\xc3\xa9\xa2\x80\xdc\x22\xa0\xa9"),
            "\xc3\xa9\xa2\x80\xdc\\\"\xa0\xa9");
}

TAP_CASE(json_string_escapes_in_buffers_that_just_hold_the_result)
{
    struct buffer out;

    buffer_init(&out, 18);
    json_string_escape((struct bytes)BYTES_LITERAL("0123456789\n\x01"), &out);
    tap_equal_text(buffer_view(&out), "0123456789\\n\\u0001");
    tap_check(!out.overflowed);
    buffer_done(&out);

    buffer_init(&out, 17);
    json_string_escape((struct bytes)BYTES_LITERAL("0123456789\n\x01"), &out);
    tap_check(out.overflowed);
    buffer_done(&out);
}

/* Each byte at each place of texts around the lengths of a word and of a
 * block. */
TAP_CASE(json_string_escape_then_unescape_gives_every_text_back)
{
    static const size_t lens[] = {1, 7, 8, 9, 16, 255, 256, 257, 600};

    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        uint8_t *text = malloc(lens[i]);

        for (unsigned shift = 0; shift < 256; shift++) {
            struct buffer escaped;
            struct buffer back;

            for (size_t k = 0; k < lens[i]; k++) {
                text[k] = (uint8_t)(k * 7 + shift);
            }
            buffer_init(&escaped, 6 * lens[i]);
            buffer_init(&back, 6 * lens[i]);
            json_string_escape(bytes_of(text, lens[i]), &escaped);
            json_string_unescape(buffer_view(&escaped), &back);
            tap_check(bytes_equal(buffer_view(&back), bytes_of(text, lens[i])));
            buffer_done(&escaped);
            buffer_done(&back);
        }
        free(text);
    }
}

TAP_MAIN()

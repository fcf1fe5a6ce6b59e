/* What a terminal would act upon is written out; all else stays. */
#include "base/visible.h"

#include "tests/lib/tap.h"

static struct buffer out;

static struct bytes shown(void (*show)(struct bytes, struct buffer *),
                          const char *text)
{
    buffer_done(&out);
    buffer_init(&out, 4096);
    show(bytes_text(text), &out);
    tap_check(!out.overflowed);
    return buffer_view(&out);
}

TAP_CASE(what_anybody_can_read_stays)
{
    const char *text = "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \"\\ ~";

    tap_equal_text(shown(visible_text, text), text);
    tap_equal_text(shown(visible_lines, text), text);
    tap_equal_text(shown(visible_json, text), text);
    tap_equal(shown(visible_text, "").len, 0);
}

TAP_CASE(controls_are_written_out)
{
    tap_equal_text(shown(visible_text, "\x1b]0;title\x07\b\x7f\r\n\t"),
                   "\\u001b]0;title\\u0007\\u0008\\u007f\\u000d\\u000a\\u0009");
    /* C1, whose U+009B is ESC [ to some. */
    tap_equal_text(shown(visible_text, "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"),
                   "\\u0080\\u009b\\u009f\xc2\xa0");
}

TAP_CASE(what_turns_letters_around_or_ends_lines_is_written_out)
{
    tap_equal_text(shown(visible_text,
                         "\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xa8"
                         "\xe2\x80\xaa\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9"),
                   "\\u061c\\u200e\\u200f\\u2028\\u202a\\u202e\\u2066\\u2069");
    tap_equal_text(shown(visible_text, "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5"),
                   "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5");
}

TAP_CASE(bytes_that_are_no_text_are_written_out)
{
    tap_equal_text(shown(visible_text,
                         "a\x9b"
                         "b\xff\xc3"),
                   "a\\x9bb\\xff\\xc3");
    /* Overlong and cut off forms of what is hidden, a surrogate. */
    tap_equal_text(
        shown(visible_text, "\xc0\x9b\xe0\x80\x9b\xed\xa0\x80\xe2\x80"),
        "\\xc0\\x9b\\xe0\\x80\\x9b\\xed\\xa0\\x80\\xe2\\x80");
}

TAP_CASE(lines_and_tabs_of_a_table_stay)
{
    tap_equal_text(shown(visible_lines, "a\tb\nc\x1b[2Jd\r\n"),
                   "a\tb\nc\\u001b[2Jd\\u000d\n");
}

TAP_CASE(json_stays_json_that_says_the_same_on_one_line)
{
    tap_equal_text(
        shown(visible_json,
              "{\"a\":\r\n\t[\"\x7f\xc2\x9b\xe2\x80\xae\\u001b\\n\"]}\n"),
        "{\"a\":   [\"\\u007f\\u009b\\u202e\\u001b\\n\"]} ");
}

TAP_CASE(no_byte_becomes_more_than_was_said)
{
    for (int byte = 1; byte < 256; byte++) {
        char text[2] = {(char)byte, '\0'};

        tap_check(shown(visible_text, text).len <= VISIBLE_FACTOR);
    }
    buffer_done(&out);
}

TAP_MAIN()

/* Cursors come back as they went out, and nothing else is taken for one. */
#include "proto/cursor.h"

#include "base/event.h"
#include "tests/lib/tap.h"

static struct vector vector_of_three(void)
{
    struct vector v = {0};

    (void)vector_raise(&v, 1, 2);
    (void)vector_raise(&v, 99, UINT64_MAX);
    (void)vector_raise(&v, EVENT_ORIGIN_MAX, 1);
    return v;
}

static struct bytes print(const struct vector *v, struct buffer *out)
{
    buffer_init(out, CURSOR_TEXT_MAX);
    cursor_print(v, out);
    tap_check(!out->overflowed);
    return buffer_view(out);
}

TAP_CASE(what_was_printed_is_read_back)
{
    struct vector v = vector_of_three();
    struct vector back;
    struct buffer text;

    tap_equal(cursor_parse(print(&v, &text), &back), 0);
    tap_check(vector_equal(&v, &back));
    buffer_done(&text);
}

TAP_CASE(nothing_seen_is_a_cursor_too)
{
    struct vector v = {0};
    struct vector back = vector_of_three();
    struct buffer text;

    tap_equal(cursor_parse(print(&v, &text), &back), 0);
    tap_equal(back.count, 0);
    buffer_done(&text);
}

TAP_CASE(a_floor_and_what_is_below_it_come_back)
{
    struct vector v = vector_of_three();
    struct vector back;
    struct buffer text;

    (void)vector_raise(&v, VECTOR_FLOOR, 50);
    tap_equal(cursor_parse(print(&v, &text), &back), 0);
    tap_equal(back.count, 4);
    tap_equal(vector_get(&back, 1), 2);
    tap_equal(vector_get(&back, 3), 50);
    buffer_done(&text);
}

TAP_CASE(the_largest_fits)
{
    struct vector v = {0};
    struct vector back;
    struct buffer text;

    for (uint64_t i = 0; i < VECTOR_ORIGINS_MAX; i++) {
        (void)vector_raise(&v, EVENT_ORIGIN_MAX - i, UINT64_MAX - i);
    }
    tap_equal(print(&v, &text).len, CURSOR_TEXT_MAX);
    tap_equal(cursor_parse(buffer_view(&text), &back), 0);
    tap_check(vector_equal(&v, &back));
    buffer_done(&text);
}

TAP_CASE(a_text_has_only_characters_that_a_url_may_hold)
{
    struct vector v = vector_of_three();
    struct buffer text;
    struct bytes view = print(&v, &text);

    for (size_t i = 0; i < view.len; i++) {
        uint8_t c = view.data[i];

        tap_check((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                  (c >= 'a' && c <= 'z') || c == '-' || c == '_');
    }
    buffer_done(&text);
}

TAP_CASE(every_change_of_one_character_is_noticed)
{
    struct vector v = vector_of_three();
    struct vector back;
    struct buffer text;

    (void)print(&v, &text);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t before = text.data[i];

        text.data[i] = before == 'A' ? 'B' : 'A';
        tap_check(cursor_parse(buffer_view(&text), &back) != 0);
        text.data[i] = before;
    }
    buffer_done(&text);
}

TAP_CASE(every_shorter_and_longer_text_is_refused)
{
    struct vector v = vector_of_three();
    struct vector back;
    struct buffer text;
    struct bytes view = print(&v, &text);

    for (size_t len = 0; len < view.len; len++) {
        tap_check(cursor_parse(bytes_of(view.data, len), &back) != 0);
    }
    text.cap += 8;
    buffer_text(&text, "AAAA");
    tap_equal(cursor_parse(buffer_view(&text), &back), RC_MALFORMED);
    buffer_done(&text);
}

TAP_CASE(words_are_no_cursor)
{
    static const char *const texts[] = {"", "now", "0", "%00", "-----", "null"};
    struct vector back;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tap_equal(cursor_parse(bytes_text(texts[i]), &back), RC_MALFORMED);
    }
}

TAP_MAIN()

/* Fields as offsets, in pieces, and the check of raw lines. */
#include "proto/http_head.h"

#include "tests/lib/tap.h"

#include <stdio.h>

#define HEAD_MAX 4096

static const char *at(const struct http_head *h, size_t offset)
{
    return (const char *)h->feed + offset;
}

/* Keep "A: bc\r\n" as llhttp would hand it out, split within the value. */
static void keep_field(struct http_head *h, const char *name, const char *value)
{
    char line[256];
    size_t name_len = strlen(name);
    size_t value_len = strlen(value);

    snprintf(line, sizeof(line), "%s: %s\r\n", name, value);
    http_head_feed(h, bytes_text(line));
    tap_check(http_head_name(h, at(h, 0), name_len));
    tap_check(http_head_value(h, at(h, name_len + 2), value_len / 2));
    tap_check(http_head_value(
        h, at(h, name_len + 2 + value_len / 2), value_len - value_len / 2));
    http_head_value_end(h);
    http_head_keep(h, strlen(line));
}

TAP_CASE(fields_are_found_by_name_in_any_case_and_trimmed)
{
    static struct http_head h;
    struct bytes name;

    http_head_init(&h, HEAD_MAX);
    keep_field(&h, "Host", "localhost");
    keep_field(&h, "X-Key", " a b \t");
    keep_field(&h, "x-key", "c");
    tap_equal(h.field_count, 3);
    tap_equal_text(http_head_find(&h, "host"), "localhost");
    tap_equal_text(http_head_find(&h, "X-KEY"), "a b");
    tap_check(http_head_find(&h, "x-ke").data == NULL);
    tap_equal(http_head_count(&h, "x-key"), 2);
    tap_equal(http_head_count(&h, "x-ke"), 0);
    tap_equal_text(http_head_at(&h, 2, &name), "c");
    tap_equal_text(name, "x-key");
    http_head_done(&h);
}

TAP_CASE(a_name_may_come_in_pieces_over_two_reads)
{
    static struct http_head h;
    struct bytes name;

    http_head_init(&h, HEAD_MAX);
    http_head_feed(&h, bytes_text("Ho"));
    tap_check(http_head_name(&h, at(&h, 0), 2));
    http_head_keep(&h, 2);
    http_head_feed(&h, bytes_text("st:h\r\n"));
    tap_equal(http_head_offset(&h, at(&h, 0)), 2);
    tap_check(http_head_name(&h, at(&h, 0), 2));
    tap_check(http_head_value(&h, at(&h, 3), 1));
    http_head_value_end(&h);
    http_head_keep(&h, 6);
    tap_equal_text(http_head_at(&h, 0, &name), "h");
    tap_equal_text(name, "Host");
    http_head_done(&h);
}

TAP_CASE(a_value_without_a_name_is_refused)
{
    static struct http_head h;

    http_head_init(&h, HEAD_MAX);
    http_head_feed(&h, bytes_text(": b\r\n"));
    tap_check(!http_head_value(&h, at(&h, 2), 1));
    http_head_keep(&h, 5);
    keep_field(&h, "a", "b");
    http_head_feed(&h, bytes_text(": b\r\n"));
    tap_check(!http_head_value(&h, at(&h, 2), 1));
    http_head_done(&h);
}

TAP_CASE(there_is_room_for_64_fields)
{
    static struct http_head h;

    http_head_init(&h, HEAD_MAX);
    for (int i = 0; i < HTTP_HEAD_FIELDS_MAX; i++) {
        keep_field(&h, "a", "b");
    }
    http_head_feed(&h, bytes_text("a: b\r\n"));
    tap_check(!http_head_name(&h, at(&h, 0), 1));
    http_head_clear(&h);
    keep_field(&h, "c", "d");
    tap_equal(h.field_count, 1);
    tap_check(http_head_find(&h, "a").data == NULL);
    http_head_done(&h);
}

TAP_CASE(tokens_are_found_in_lists_over_several_fields)
{
    static struct http_head h;

    http_head_init(&h, HEAD_MAX);
    keep_field(&h, "Connection", "keep-alive,\tUpgrade ");
    keep_field(&h, "connection", "TE");
    tap_check(http_head_has_token(&h, "connection", "upgrade"));
    tap_check(http_head_has_token(&h, "connection", "keep-alive"));
    tap_check(http_head_has_token(&h, "connection", "te"));
    tap_check(!http_head_has_token(&h, "connection", "keep"));
    tap_check(!http_head_has_token(&h, "connection", ""));
    tap_check(!http_head_has_token(&h, "upgrade", "upgrade"));
    http_head_done(&h);
}

static bool lines_accept(const char *text, size_t len)
{
    uint8_t whole = 0;
    uint8_t cut = 0;
    bool accepted = http_head_lines(&whole, bytes_of(text, len)) == NULL;
    bool bytewise = true;

    for (size_t i = 0; i < len && bytewise; i++) {
        bytewise = http_head_lines(&cut, bytes_of(text + i, 1)) == NULL;
    }
    tap_equal(accepted, bytewise);
    tap_check(!accepted || whole == cut);
    return accepted;
}

TAP_CASE(lines_end_with_both_characters_and_begin_with_none_that_fold)
{
    tap_check(lines_accept("a b\r\nc\td\r\n\r\n", 12));
    tap_check(lines_accept("a\r", 2));
    tap_check(!lines_accept("a\n", 2));
    tap_check(!lines_accept("\n", 1));
    tap_check(!lines_accept("a\rb", 3));
    tap_check(!lines_accept("a\r\r\n", 4));
    tap_check(!lines_accept("a\r\n\n", 4));
    tap_check(!lines_accept("a\r\n b", 5));
    tap_check(!lines_accept("a\r\n\tb", 5));
}

TAP_CASE(control_characters_are_refused_and_bytes_outside_ascii_are_not)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[] = {'a', (char)byte, '\r', '\n'};
        bool allowed = (byte >= 0x20 && byte != 0x7f) || byte == '\t';

        tap_equal(lines_accept(text, sizeof(text)), allowed);
    }
    /* Among many, at every place. */
    for (unsigned byte = 0; byte < 256; byte++) {
        bool allowed = (byte >= 0x20 && byte != 0x7f) || byte == '\t';

        for (size_t i = 1; i < 20; i++) {
            char text[21];

            memset(text, i % 2 == 0 ? ' ' : '~', sizeof(text));
            text[0] = 'a';
            text[i] = (char)byte;
            tap_equal(lines_accept(text, sizeof(text)), allowed);
        }
    }
}

TAP_MAIN()

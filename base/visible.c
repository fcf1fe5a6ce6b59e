/* One walk for all forms; they differ in what becomes of ASCII's controls. */
#include "base/visible.h"

#include "base/text.h"

enum form { FORM_TEXT, FORM_LINES, FORM_JSON };

static bool is_hidden(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x61c ||
           point == 0x200e || point == 0x200f ||
           (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069);
}

/* Of a sequence of one to three bytes; what has four is not hidden. */
static uint32_t decode(struct bytes sequence)
{
    uint32_t point = sequence.data[0];

    if (sequence.len == 2) {
        point &= 0x1f;
    } else if (sequence.len == 3) {
        point &= 0x0f;
    } else if (sequence.len == 4) {
        return UINT32_MAX;
    }
    for (size_t i = 1; i < sequence.len; i++) {
        point = point << 6 | (sequence.data[i] & 0x3f);
    }
    return point;
}

static void write_sequence(enum form form,
                           struct bytes sequence,
                           struct buffer *out)
{
    uint32_t point = decode(sequence);

    if (!is_hidden(point)) {
        buffer_append(out, sequence);
    } else if (form == FORM_LINES && (point == '\n' || point == '\t')) {
        buffer_append(out, sequence);
    } else if (form == FORM_JSON && point < 0x20) {
        buffer_u8(out, ' '); /* in a string it would not be JSON */
    } else {
        buffer_printf(out, "\\u%04x", point);
    }
}

static void show(enum form form, struct bytes text, struct buffer *out)
{
    while (text.len > 0) {
        size_t len = text_utf8_len(text);

        if (len == 0) {
            buffer_printf(out, "\\x%02x", text.data[0]);
            len = 1;
        } else {
            write_sequence(form, bytes_of(text.data, len), out);
        }
        text = bytes_from(text, len);
    }
}

void visible_text(struct bytes text, struct buffer *out)
{
    show(FORM_TEXT, text, out);
}

void visible_lines(struct bytes text, struct buffer *out)
{
    show(FORM_LINES, text, out);
}

void visible_json(struct bytes json, struct buffer *out)
{
    show(FORM_JSON, json, out);
}

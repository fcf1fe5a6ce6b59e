/* Written and read a million times a second, hence the fixed places. */
#include "src/bench_event.h"

#include "base/check.h"

#define MARKER "weir"
#define MARKER_LEN 4
#define PLAIN_GAP 3   /* `":"` between marker and digits */
#define ESCAPED_GAP 5 /* `\":\"` */

static void hex_write(uint64_t value, unsigned digit_count, uint8_t *out)
{
    for (unsigned i = digit_count; i > 0; i--) {
        out[i - 1] = (uint8_t) "0123456789abcdef"[value & 15];
        value >>= 4;
    }
}

static bool hex_read(const uint8_t *digits, unsigned digit_count, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < digit_count; i++) {
        uint8_t c = digits[i];

        if (c >= '0' && c <= '9') {
            value = value << 4 | (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        } else {
            return false;
        }
    }
    *ret = value;
    return true;
}

void bench_event_blank(size_t size,
                       bool escaped,
                       struct buffer *out,
                       size_t *ret_digits)
{
    const char *quote = escaped ? "\\\"" : "\"";
    size_t fixed = 0;

    check(size >= BENCH_EVENT_BYTES_MIN && size <= BENCH_EVENT_BYTES_MAX);
    buffer_printf(out, "{%s" MARKER "%s:%s", quote, quote, quote);
    *ret_digits = out->len;
    for (size_t i = 0; i < BENCH_EVENT_DIGITS; i++) {
        buffer_u8(out, '0');
    }
    buffer_printf(out, "%s,%spad%s:%s", quote, quote, quote, quote);
    fixed =
        sizeof("{\"" MARKER "\":\"\",\"pad\":\"\"}") - 1 + BENCH_EVENT_DIGITS;
    for (size_t i = fixed; i < size; i++) {
        buffer_u8(out, 'x');
    }
    buffer_printf(out, "%s}", quote);
}

void bench_event_write(const struct bench_event *event,
                       uint8_t digits[BENCH_EVENT_DIGITS])
{
    check(event->sequence >> 48 == 0);
    hex_write(event->publisher, 8, digits);
    hex_write(event->sequence, 12, digits + 8);
    hex_write(event->sent_ns, 16, digits + 20);
}

static bool digits_read(const uint8_t *digits, struct bench_event *ret)
{
    uint64_t publisher, sequence, sent_ns;

    if (!hex_read(digits, 8, &publisher) ||
        !hex_read(digits + 8, 12, &sequence) ||
        !hex_read(digits + 20, 16, &sent_ns)) {
        return false;
    }
    ret->publisher = (uint32_t)publisher;
    ret->sequence = sequence;
    ret->sent_ns = sent_ns;
    return true;
}

/* Read the event whose marker stands at `at`. */
static bool read_at(struct bytes text, size_t at, struct bench_event *ret)
{
    size_t digits = at + MARKER_LEN;

    if (digits + 1 >= text.len) {
        return false;
    }
    digits += text.data[digits] == '\\' ? ESCAPED_GAP : PLAIN_GAP;
    return digits + BENCH_EVENT_DIGITS <= text.len &&
           digits_read(text.data + digits, ret);
}

bool bench_event_read(struct bytes text, size_t *hint, struct bench_event *ret)
{
    const uint8_t *found;

    if (*hint + MARKER_LEN < text.len &&
        memcmp(text.data + *hint, MARKER, MARKER_LEN) == 0 &&
        read_at(text, *hint, ret)) {
        return true;
    }
    found = text.len == 0
                ? NULL
                : memmem(text.data, text.len, "\"" MARKER, MARKER_LEN + 1);
    if (found == NULL || !read_at(text, (size_t)(found - text.data) + 1, ret)) {
        return false;
    }
    *hint = (size_t)(found - text.data) + 1;
    return true;
}

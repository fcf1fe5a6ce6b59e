/* Offsets into one buffer stand for a message's fields; a second look at the
 * raw lines does not depend on how forgiving llhttp was built. */
#include "proto/http_head.h"

#include "base/check.h"

#define KEPT_BYTES_MAX 16384 /* between two messages */

void http_head_init(struct http_head *h, size_t bytes_max)
{
    check(bytes_max < UINT32_MAX);
    buffer_init(&h->raw, bytes_max);
    http_head_clear(h);
}

void http_head_done(struct http_head *h)
{
    buffer_done(&h->raw);
}

void http_head_clear(struct http_head *h)
{
    buffer_trim(&h->raw, KEPT_BYTES_MAX);
    h->feed = NULL;
    h->field_count = 0;
    h->naming = false;
    h->valuing = false;
}

void http_head_feed(struct http_head *h, struct bytes part)
{
    check(h->raw.len + part.len <= h->raw.cap);
    h->feed = part.data;
}

void http_head_keep(struct http_head *h, size_t n)
{
    buffer_append(&h->raw, bytes_of(h->feed, n));
    check(!h->raw.overflowed);
    h->feed = NULL;
}

uint32_t http_head_offset(const struct http_head *h, const char *at)
{
    check(h->feed != NULL);
    return (uint32_t)(h->raw.len + (size_t)((const uint8_t *)at - h->feed));
}

bool http_head_name(struct http_head *h, const char *at, size_t len)
{
    uint32_t start = http_head_offset(h, at);
    uint32_t end = start + (uint32_t)len;

    if (h->naming) {
        h->fields[h->field_count - 1].name_end = end;
        return true;
    }
    if (h->field_count == HTTP_HEAD_FIELDS_MAX) {
        return false;
    }
    h->fields[h->field_count++] =
        (struct http_head_field){start, end, end, end};
    h->naming = true;
    return true;
}

bool http_head_value(struct http_head *h, const char *at, size_t len)
{
    uint32_t start = http_head_offset(h, at);
    struct http_head_field *field = NULL;

    if (!h->naming && !h->valuing) {
        return false;
    }
    field = &h->fields[h->field_count - 1];
    if (h->naming) {
        field->value = start;
    }
    field->value_end = start + (uint32_t)len;
    h->naming = false;
    h->valuing = true;
    return true;
}

void http_head_value_end(struct http_head *h)
{
    h->naming = false;
    h->valuing = false;
}

static struct bytes head_slice(const struct http_head *h,
                               uint32_t start,
                               uint32_t end)
{
    check(start <= end);
    check(end <= h->raw.len);
    return bytes_of(h->raw.data + start, end - start);
}

struct bytes http_head_at(const struct http_head *h,
                          size_t index,
                          struct bytes *ret_name)
{
    check(index < h->field_count);
    const struct http_head_field *field = &h->fields[index];

    *ret_name = head_slice(h, field->name, field->name_end);
    return bytes_trim(head_slice(h, field->value, field->value_end));
}

static bool field_is(const struct http_head *h, size_t index, struct bytes name)
{
    const struct http_head_field *field = &h->fields[index];

    return field->name_end - field->name == name.len &&
           bytes_equal_nocase(head_slice(h, field->name, field->name_end),
                              (const char *)name.data);
}

struct bytes http_head_find(const struct http_head *h, const char *name)
{
    struct bytes wanted = bytes_text(name);
    size_t whole = h->field_count - (h->naming || h->valuing ? 1 : 0);
    struct bytes found;

    for (size_t i = 0; i < whole; i++) {
        if (field_is(h, i, wanted)) {
            return http_head_at(h, i, &found);
        }
    }
    return bytes_of(NULL, 0);
}

size_t http_head_count(const struct http_head *h, const char *name)
{
    struct bytes wanted = bytes_text(name);
    size_t count = 0;

    for (size_t i = 0; i < h->field_count; i++) {
        count += field_is(h, i, wanted);
    }
    return count;
}

static bool list_has_token(struct bytes list, const char *token)
{
    struct bytes item;

    while (bytes_split(&list, ',', &item)) {
        if (bytes_equal_nocase(bytes_trim(item), token)) {
            return true;
        }
    }
    return false;
}

bool http_head_has_token(const struct http_head *h,
                         const char *name,
                         const char *token)
{
    struct bytes wanted = bytes_text(name);
    struct bytes found;

    for (size_t i = 0; i < h->field_count; i++) {
        if (field_is(h, i, wanted) &&
            list_has_token(http_head_at(h, i, &found), token)) {
            return true;
        }
    }
    return false;
}

/* Whether eight bytes are visible ASCII or space, all at once: the high bit of
 * each stays clear when 0x20 is taken away and when 1 is added. */
static inline bool eight_plain(const uint8_t *data)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;

    memcpy(&word, data, sizeof(word));
    return ((word | (word - 0x20 * ones) | (word + ones)) & 0x80 * ones) == 0;
}

/* Bytes that are unremarkable after any byte but CR and LF. */
static inline bool byte_plain(uint8_t byte)
{
    return (uint8_t)(byte - 0x21) < 0x7f - 0x21;
}

static const char *pair_reason(uint8_t last, uint8_t byte)
{
    if (last == '\r' && byte != '\n') {
        return "a carriage return stands alone";
    }
    if (last != '\r' && byte == '\n') {
        return "a line feed stands alone";
    }
    if (last == '\n' && (byte == ' ' || byte == '\t')) {
        return "a line begins with white space";
    }
    /* From 0x80 on it is obs-text (RFC 9110, 5.5). */
    if (!byte_plain(byte) && byte < 0x80 && byte != ' ' && byte != '\t' &&
        byte != '\r' && byte != '\n') {
        return "a byte is a control character";
    }
    return NULL;
}

const char *http_head_lines(uint8_t *last, struct bytes part)
{
    uint8_t before = *last;

    for (size_t i = 0; i < part.len; i++) {
        uint8_t byte = part.data[i];

        if (byte_plain(before) && part.len - i > 8 &&
            eight_plain(part.data + i)) {
            i += 7;
            before = part.data[i];
            continue;
        }
        if (!byte_plain(byte) || before == '\r') {
            const char *reason = pair_reason(before, byte);

            if (reason != NULL) {
                return reason;
            }
        }
        before = byte;
    }
    *last = before;
    return NULL;
}

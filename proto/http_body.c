/* Counting what is dropped as what is kept holds both to the same limits. */
#include "proto/http_body.h"

#include "base/check.h"
#include "proto/http_head.h"

/* A chunk of one byte needs five of framing; this leaves room for short
 * extensions, and the head's limit for the trailers. */
#define CHUNK_FRAMING_PER_BYTE 16

#define KEPT_BYTES_MAX 16384 /* between two requests */

void http_body_init(struct http_body *b, size_t bytes_max)
{
    *b = (struct http_body){.dropped = false};
    buffer_init(&b->kept, bytes_max);
    b->bytes_max = bytes_max;
}

void http_body_done(struct http_body *b)
{
    buffer_done(&b->kept);
}

void http_body_clear(struct http_body *b)
{
    buffer_trim(&b->kept, KEPT_BYTES_MAX);
    b->dropped = false;
    b->bytes_max = b->kept.cap;
    b->len = 0;
    b->left = 0;
    b->framing_bytes = 0;
}

bool http_body_begin(struct http_body *b, const uint64_t *len)
{
    b->chunked = len == NULL;
    b->left = len == NULL ? 0 : *len;
    return b->left <= b->bytes_max;
}

bool http_body_within(const struct http_body *b, size_t bytes)
{
    return !b->chunked && b->left <= bytes;
}

bool http_body_limit(struct http_body *b, size_t bytes_max)
{
    if (bytes_max >= b->bytes_max) {
        return true;
    }
    if (b->len > bytes_max || b->left > bytes_max - b->len) {
        return false;
    }
    b->bytes_max = bytes_max;
    return true;
}

size_t http_body_room(const struct http_body *b)
{
    return b->len < b->bytes_max ? b->bytes_max - (size_t)b->len : 0;
}

void http_body_drop(struct http_body *b)
{
    buffer_done(&b->kept);
    b->dropped = true;
}

void http_body_add(struct http_body *b, struct bytes bytes)
{
    check(bytes.len <= http_body_room(b));
    b->len += bytes.len;
    if (!b->dropped) {
        buffer_append(&b->kept, bytes);
        check(!b->kept.overflowed);
    }
}

size_t http_body_take(struct http_body *b, struct bytes in)
{
    size_t n = in.len < b->left ? in.len : (size_t)b->left;

    http_body_add(b, bytes_of(in.data, n));
    b->left -= n;
    return n;
}

int http_body_framing(struct http_body *b,
                      const uint8_t *end,
                      uint8_t *last,
                      size_t beyond_max,
                      const char **ret_reason)
{
    size_t len = (size_t)(end - b->framing);

    *ret_reason = http_head_lines(last, bytes_of(b->framing, len));
    if (*ret_reason != NULL) {
        return 400;
    }
    b->framing_bytes += len;
    if (b->framing_bytes > beyond_max + CHUNK_FRAMING_PER_BYTE * b->len) {
        *ret_reason = "chunk extensions or trailers are too long";
        return 431;
    }
    return 0;
}

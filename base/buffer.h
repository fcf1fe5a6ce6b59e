/* Owned bytes that grow up to a cap given at the start.
 *
 * Appending past the cap appends nothing and marks the buffer `overflowed`;
 * nor does any append after that, until buffer_clear(). So a writer checks once
 * at its end instead of at every step. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/bytes.h"

struct buffer {
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t cap; /* len never exceeds it */
    bool overflowed;
};

void buffer_init(struct buffer *b, size_t cap); /* allocates nothing yet */
void buffer_done(struct buffer *b);             /* frees; b may be zeroed */
void buffer_clear(struct buffer *b);            /* empty, memory kept */

/* Empty; memory is kept unless it is more than `kept_max` bytes. */
void buffer_trim(struct buffer *b, size_t kept_max);

static inline struct bytes buffer_view(const struct buffer *b)
{
    return bytes_of(b->data, b->len);
}

/* Room for `n` bytes at the end, or NULL past the cap; the caller fills it and
 * then moves `len` with buffer_advance(). Valid until the next call. */
uint8_t *buffer_reserve(struct buffer *b, size_t n);
void buffer_advance(struct buffer *b, size_t n);

void buffer_append(struct buffer *b, struct bytes bytes);
void buffer_text(struct buffer *b, const char *text);
void buffer_u8(struct buffer *b, uint8_t value);
void buffer_u16(struct buffer *b, uint16_t value); /* little-endian */
void buffer_u32(struct buffer *b, uint32_t value);
void buffer_u64(struct buffer *b, uint64_t value);
void buffer_decimal(struct buffer *b, uint64_t value);
void buffer_printf(struct buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Drop `n` bytes at the front. */
void buffer_consume(struct buffer *b, size_t n);

#endif

/* Growth doubles the memory up to the cap. One byte more than `capacity` is
 * held for the NUL that vsnprintf() writes behind its text. */
#include "base/buffer.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUFFER_CAPACITY_MIN 64

void buffer_init(struct buffer *b, size_t cap)
{
    check(cap < SIZE_MAX / 2);
    *b = (struct buffer){.cap = cap};
}

void buffer_done(struct buffer *b)
{
    if (b != NULL) {
        free(b->data);
        *b = (struct buffer){.cap = b->cap};
    }
}

void buffer_clear(struct buffer *b)
{
    b->len = 0;
    b->overflowed = false;
}

void buffer_trim(struct buffer *b, size_t kept_max)
{
    buffer_clear(b);
    if (b->capacity > kept_max) {
        buffer_done(b);
    }
}

static void grow(struct buffer *b, size_t needed)
{
    size_t capacity = b->capacity * 2;

    if (capacity < BUFFER_CAPACITY_MIN) {
        capacity = BUFFER_CAPACITY_MIN;
    }
    if (capacity < needed) {
        capacity = needed;
    }
    if (capacity > b->cap) {
        capacity = b->cap;
    }
    b->data = alloc_resize(b->data, capacity + 1);
    b->capacity = capacity;
}

uint8_t *buffer_reserve(struct buffer *b, size_t n)
{
    check(b->len <= b->cap);
    if (b->overflowed || n > b->cap - b->len) {
        b->overflowed = true;
        return NULL;
    }
    if (b->data == NULL || n > b->capacity - b->len) {
        grow(b, b->len + n);
    }
    return b->data + b->len;
}

void buffer_advance(struct buffer *b, size_t n)
{
    check(n <= b->capacity - b->len);
    b->len += n;
}

void buffer_append(struct buffer *b, struct bytes bytes)
{
    uint8_t *room;

    if (bytes.len == 0) {
        return;
    }
    room = buffer_reserve(b, bytes.len);
    if (room != NULL) {
        memcpy(room, bytes.data, bytes.len);
        b->len += bytes.len;
    }
}

void buffer_text(struct buffer *b, const char *text)
{
    buffer_append(b, bytes_text(text));
}

static void append_number(struct buffer *b, uint64_t value, size_t size)
{
    uint8_t *room = buffer_reserve(b, size);

    if (room != NULL) {
        for (size_t i = 0; i < size; i++) {
            room[i] = (uint8_t)(value >> (8 * i));
        }
        b->len += size;
    }
}

void buffer_u8(struct buffer *b, uint8_t value)
{
    append_number(b, value, sizeof(value));
}

void buffer_u16(struct buffer *b, uint16_t value)
{
    append_number(b, value, sizeof(value));
}

void buffer_u32(struct buffer *b, uint32_t value)
{
    append_number(b, value, sizeof(value));
}

void buffer_u64(struct buffer *b, uint64_t value)
{
    append_number(b, value, sizeof(value));
}

void buffer_decimal(struct buffer *b, uint64_t value)
{
    char digits[20];
    size_t first = sizeof(digits);

    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buffer_append(b, bytes_of(digits + first, sizeof(digits) - first));
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list arguments;
    uint8_t *room;
    int len;

    va_start(arguments, format);
    len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    check(len >= 0);

    room = buffer_reserve(b, (size_t)len);
    if (room != NULL) {
        va_start(arguments, format);
        vsnprintf((char *)room, (size_t)len + 1, format, arguments);
        va_end(arguments);
        b->len += (size_t)len;
    }
}

void buffer_consume(struct buffer *b, size_t n)
{
    check(n <= b->len);
    if (n > 0) {
        b->len -= n;
        memmove(b->data, b->data + n, b->len);
    }
}

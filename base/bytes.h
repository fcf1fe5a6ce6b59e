/* A borrowed view of bytes and the bounded ways to take it apart. Nothing
 * outside this file does arithmetic on the pointers inside. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data; /* may be NULL when len is 0 */
    size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){.data = data, .len = len};
}

static inline struct bytes bytes_text(const char *text)
{
    return bytes_of(text, strlen(text));
}

/* A literal, usable in static initialisers. */
#define BYTES_LITERAL(text)                          \
    {                                                \
        (const uint8_t *)("" text), sizeof(text) - 1 \
    }

bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_equal_text(struct bytes a, const char *text);

/* ASCII letters compare alike in either case, as HTTP field names do. */
bool bytes_equal_nocase(struct bytes a, const char *text);

bool bytes_starts_with(struct bytes a, struct bytes prefix);

/* memcmp order, the shorter first when one is a prefix of the other. */
int bytes_compare(struct bytes a, struct bytes b);

/* Split off the first `n` bytes of `rest` into `ret_head`; false, changing
 * nothing, when fewer are left. */
bool bytes_take(struct bytes *rest, size_t n, struct bytes *ret_head);

/* The view from `offset` on; `offset` may equal the length, not exceed it. */
struct bytes bytes_from(struct bytes all, size_t offset);

/* Split off what stands before the next `separator`, which is dropped. With no
 * separator left, takes all. False when `rest` is empty. */
bool bytes_split(struct bytes *rest, char separator, struct bytes *ret_head);

/* Without spaces and tabs at both ends. */
struct bytes bytes_trim(struct bytes all);

/* Little-endian integers split off the front; false when too few are left. */
bool bytes_take_u8(struct bytes *rest, uint8_t *ret);
bool bytes_take_u16(struct bytes *rest, uint16_t *ret);
bool bytes_take_u32(struct bytes *rest, uint32_t *ret);
bool bytes_take_u64(struct bytes *rest, uint64_t *ret);

#endif

/* A vector as text, and back. */
#include "proto/cursor.h"

#include "base/check.h"
#include "base/event.h"
#include "base/hash.h"
#include "base/text.h"

#define CURSOR_VERSION 1
#define CURSOR_CHECKSUM_BYTES 4

static uint32_t checksum(struct bytes bytes)
{
    return (uint32_t)hash_checksum(bytes);
}

void cursor_print(const struct vector *v, struct buffer *out)
{
    uint8_t room[CURSOR_BYTES_MAX];
    struct buffer b = {.data = room, .capacity = sizeof(room)};
    char *text;

    b.cap = sizeof(room);
    buffer_u8(&b, CURSOR_VERSION);
    for (size_t i = 0; i < v->count; i++) {
        buffer_u64(&b, v->entries[i].origin);
        buffer_u64(&b, v->entries[i].sequence);
    }
    buffer_u32(&b, checksum(buffer_view(&b)));
    check(!b.overflowed);
    text = (char *)buffer_reserve(out, text_base64url_len(b.len));
    if (text != NULL) {
        text_base64url_encode(buffer_view(&b), text);
        buffer_advance(out, text_base64url_len(b.len));
    }
}

static int parse_entries(struct bytes rest, struct vector *ret)
{
    struct vector v = {0};
    uint64_t origin;
    uint64_t sequence;
    uint64_t least = VECTOR_FLOOR;

    while (bytes_take_u64(&rest, &origin)) {
        if (!bytes_take_u64(&rest, &sequence) || origin < least ||
            origin > EVENT_ORIGIN_MAX || !vector_set(&v, origin, sequence)) {
            return RC_MALFORMED;
        }
        least = origin + 1;
    }
    if (rest.len > 0) {
        return RC_MALFORMED;
    }
    *ret = v;
    return 0;
}

int cursor_parse(struct bytes text, struct vector *ret)
{
    uint8_t room[CURSOR_BYTES_MAX + 3];
    struct bytes body;
    struct bytes rest;
    size_t len;
    uint32_t stored;
    uint8_t version;

    if (text.len > CURSOR_TEXT_MAX ||
        !text_base64url_decode(text, room, &len) ||
        len < 1 + CURSOR_CHECKSUM_BYTES) {
        return RC_MALFORMED;
    }
    rest = bytes_of(room, len);
    if (!bytes_take(&rest, len - CURSOR_CHECKSUM_BYTES, &body) ||
        !bytes_take_u32(&rest, &stored) || stored != checksum(body) ||
        !bytes_take_u8(&body, &version)) {
        return RC_MALFORMED;
    }
    return version == CURSOR_VERSION ? parse_entries(body, ret)
                                     : RC_UNSUPPORTED;
}

/* Protobuf's wire format (protobuf.dev, "Encoding"): a field is a tag, its
 * number and its wire type in a varint, and a value by that type. A record is a
 * field of its own, so a reader walks from tag to tag. */
#include "proto/peer_events.h"

#include "base/check.h"
#include "base/event.h"
#include "proto/peer.h"

#include <endian.h>

enum wire {
    WIRE_VARINT = 0,
    WIRE_64 = 1,
    WIRE_BYTES = 2,
    WIRE_32 = 5,
};

#define WIRE_BITS 3
#define VARINT_32_BYTES 5
#define VARINT_64_BYTES 10
#define TAG_ORIGIN (1 << WIRE_BITS | WIRE_64)
#define TAG_RECORD (2 << WIRE_BITS | WIRE_BYTES)

#define ORIGIN_FIELD_BYTES (1 + 8)
#define RECORD_HEAD_BYTES_MAX (1 + 5)

_Static_assert(PEER_HEAD_BYTES + ORIGIN_FIELD_BYTES + RECORD_HEAD_BYTES_MAX <=
                   PEER_FRAME_BYTES_MAX - PEER_RECORD_BYTES_MAX,
               "the longest record fits an empty frame");

/* A varint of at most `bytes_max` bytes. */
static bool take_varint(struct bytes *rest, unsigned bytes_max, uint64_t *ret)
{
    uint64_t value = 0;
    uint8_t byte;

    for (unsigned i = 0; i < bytes_max; i++) {
        if (!bytes_take_u8(rest, &byte)) {
            return false;
        }
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return false;
}

/* Split off one field; its value is `ret_number` or `ret_bytes`. */
static bool take_field(struct bytes *rest,
                       uint64_t *ret_tag,
                       uint64_t *ret_number,
                       struct bytes *ret_bytes)
{
    uint32_t number;

    if (!take_varint(rest, VARINT_32_BYTES, ret_tag) || *ret_tag > UINT32_MAX ||
        *ret_tag >> WIRE_BITS == 0) {
        return false;
    }
    switch (*ret_tag & ((1 << WIRE_BITS) - 1)) {
    case WIRE_VARINT:
        return take_varint(rest, VARINT_64_BYTES, ret_number);
    case WIRE_64:
        return bytes_take_u64(rest, ret_number);
    case WIRE_BYTES:
        return take_varint(rest, VARINT_32_BYTES, ret_number) &&
               bytes_take(rest, *ret_number, ret_bytes);
    case WIRE_32:
        return bytes_take_u32(rest, &number);
    default:
        return false;
    }
}

bool peer_events_read(struct bytes body, struct peer_events *ret)
{
    struct peer_events events = {.fields = body};
    struct bytes record;
    uint64_t number;
    uint64_t tag;

    while (body.len > 0) {
        if (!take_field(&body, &tag, &number, &record)) {
            return false;
        }
        if (tag == TAG_RECORD) {
            if (record.len == 0) {
                return false;
            }
            events.count++;
        } else if (tag == TAG_ORIGIN) {
            events.origin = number;
        } else if (tag >> WIRE_BITS <= TAG_RECORD >> WIRE_BITS) {
            return false; /* one of these two, but of another type */
        }
    }
    *ret = events;
    return events.origin != 0 && events.origin <= EVENT_ORIGIN_MAX;
}

bool peer_events_next(struct peer_events *events, struct bytes *ret_record)
{
    uint64_t number;
    uint64_t tag;

    while (events->fields.len > 0) {
        check(take_field(&events->fields, &tag, &number, ret_record));
        if (tag == TAG_RECORD) {
            return true;
        }
    }
    return false;
}

void peer_events_none(uint64_t origin, struct buffer *out)
{
    buffer_u8(out, TAG_ORIGIN);
    buffer_u64(out, origin);
}

void peer_events_begin(struct peer_events_writer *w,
                       uint64_t origin,
                       struct buffer *out)
{
    *w = (struct peer_events_writer){.out = out, .start = out->len};
    buffer_u32(out, 0);
    buffer_u8(out, PEER_EVENTS);
    peer_events_none(origin, out);
}

uint8_t *peer_events_add(struct peer_events_writer *w, size_t len)
{
    size_t used = w->out->len - w->start + RECORD_HEAD_BYTES_MAX;
    size_t room = w->out->cap - w->out->len;
    size_t rest = len;
    uint8_t *record;

    check(len > 0 && len <= PEER_RECORD_BYTES_MAX);
    if (w->out->overflowed || used + len > PEER_FRAME_BYTES_MAX ||
        len + RECORD_HEAD_BYTES_MAX > room) {
        return NULL;
    }
    record = buffer_reserve(w->out, len + RECORD_HEAD_BYTES_MAX);
    *record++ = TAG_RECORD;
    for (; rest >= 0x80; rest >>= 7) {
        *record++ = (uint8_t)(rest | 0x80);
    }
    *record++ = (uint8_t)rest;
    w->out->len = (size_t)(record - w->out->data) + len;
    w->count++;
    return record;
}

void peer_events_end(struct peer_events_writer *w)
{
    uint32_t len;

    if (w->count == 0) {
        w->out->len = w->start;
        return;
    }
    len = htole32((uint32_t)(w->out->len - w->start - sizeof(len)));
    memcpy(w->out->data + w->start, &len, sizeof(len));
}

/* The body of an EVENTS or FETCHED frame: records of one origin, as
 * storage/record writes them, in order. Read and written by hand, without a
 * copy and without memory, in the wire format of the protobuf message
 * PeerEvents. */
#ifndef PROTO_PEER_EVENTS_H
#define PROTO_PEER_EVENTS_H

#include "base/buffer.h"

struct peer_events {
    uint64_t origin;
    size_t count;
    struct bytes fields; /* what peer_events_next() walks */
};

/* Look at each field once. False: malformed, or without an origin. */
bool peer_events_read(struct bytes body, struct peer_events *ret);

/* The next record, in order, a view into the body; false after the last.
 * `events`, which peer_events_read() made, is moved on. */
bool peer_events_next(struct peer_events *events, struct bytes *ret_record);

/* A whole frame that is being written at the end of `out`, to which nothing
 * else may be appended meanwhile. */
struct peer_events_writer {
    struct buffer *out;
    size_t start;
    size_t count;
};

void peer_events_begin(struct peer_events_writer *w,
                       uint64_t origin,
                       struct buffer *out);

/* Room for a record of `len` bytes, which the caller fills at once. NULL: the
 * frame would be over its limit, or `out` over its cap; the frame is good as it
 * is. A frame without records has room for one of PEER_RECORD_BYTES_MAX. */
uint8_t *peer_events_add(struct peer_events_writer *w, size_t len);

/* Append a body without records. */
void peer_events_none(uint64_t origin, struct buffer *out);

/* Complete the frame; without records, it is taken away again. */
void peer_events_end(struct peer_events_writer *w);

#endif

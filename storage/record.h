/* A record: one event as bytes on disk. The same bytes will travel to peers.
 *
 *     u8   version (1)
 *     u8   channel_len
 *     u16  flags: 1, there is a key; 2, events were here that are gone
 *     u32  content_len
 *     u64  origin, u64 sequence, u64 predecessor
 *     channel, content
 *     u8   key_len, key: with that flag only
 *     u64  checksum of everything before it (base/hash)
 *
 * Integers are little-endian. doc/log-format says the same for people. */
#ifndef STORAGE_RECORD_H
#define STORAGE_RECORD_H

#include "base/event.h"
#include "base/rc.h"

#define RECORD_OVERHEAD_BYTES (8 + 3 * 8 + 8)

/* What is read from a record without copying; views into the record. */
struct record {
    uint64_t origin;
    uint64_t sequence;
    uint64_t predecessor;
    struct bytes channel;
    struct bytes content;
    struct bytes key;   /* len 0: none */
    bool gone;          /* what event_gone_of() (base/event.h) is about */
    struct bytes whole; /* the record itself */
};

size_t record_len(const struct event *event);

/* How long the record was that was decoded. */
size_t record_len_decoded(const struct record *record);

/* Write record_len() bytes. */
void record_encode(const struct event *event, uint8_t *out);

/* RC_CORRUPT: lengths or checksum do not fit. RC_UNSUPPORTED: whole, but of a
 * version or with flags that this weir does not know. */
int record_decode(struct bytes bytes, struct record *ret);

#endif

/* One event: immutable once the hub has given it its name, shared by count
 * between threads, in one allocation. The fields are what the log stores.
 *
 * (origin, sequence) names the event for ever: `origin` is the node that
 * accepted it, `sequence` that node's hybrid logical clock (milliseconds << 16
 * | counter), strictly growing. `predecessor` is the origin's sequence before
 * it (0: none). `place` is where this node's own log holds it: each node
 * counts its own, so it never leaves the node. `key` is its publisher's: two
 * events of one channel with the same key are one event, sent twice. */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include "base/bytes.h"

#include <stdatomic.h>

/* 58 bits, so that (origin, sequence) fits a UUID; never 0. A node is two
 * origins: its identity, which is even, for events that need only its own disk,
 * and one more for those that wait for a quorum. So what waits never stands in
 * the way of what need not: each origin's events are seen in their order, and
 * the two go on apart. */
#define EVENT_ORIGIN_MAX ((UINT64_C(1) << 58) - 1)
#define EVENT_ORIGIN_QUORUM UINT64_C(1)

/* "KEY/N": an Idempotency-Key of 64 characters for several events. */
#define EVENT_KEY_BYTES_MAX 66

struct event {
    atomic_uint refs;
    uint64_t origin;
    uint64_t sequence;
    uint64_t predecessor;
    uint64_t place;
    struct bytes channel; /* canonical: "/namespace/a/b" */
    struct bytes content; /* JSON text, as it was published */
    struct bytes key;     /* idempotency key; len 0: none */
    bool gone;            /* see event_gone_of() */
    uint8_t data[];       /* what the three views point into */
};

/* A new event with one reference, copying what it is given; numbers are zero.
 */
struct event *event_new(struct bytes channel, struct bytes content);
struct event *event_new_keyed(struct bytes channel,
                              struct bytes content,
                              struct bytes key);
struct event *event_ref(struct event *event);
void event_unref(struct event *event); /* accepts NULL */

/* What stands for events that left a log from its middle: it ends with the last
 * of them and comes after what the first came after, so that its origin's chain
 * is whole. It has no content, and for a channel the namespaces that they may
 * be of, "/a/b"; "/" is any. Whether an event on `channel` may be one of them,
 * where `gone` is that list. */
#define EVENT_GONE_ANY "/"
bool event_gone_of(struct bytes gone, struct bytes channel);

/* The wall-clock millisecond inside a sequence. */
uint64_t event_sequence_ms(uint64_t sequence);

/* The next sequence after `last` at wall time `wall_ms`: the clock's when it is
 * ahead, else one more than the last. */
uint64_t event_sequence_next(uint64_t last, uint64_t wall_ms);

/* The 16 bytes of a version 7 UUID (RFC 9562, 5.7) that hold exactly
 * (origin, sequence), so an identifier can be looked up in the log. */
void event_uuid(uint64_t origin, uint64_t sequence, uint8_t ret[16]);
bool event_from_uuid(const uint8_t id[16],
                     uint64_t *ret_origin,
                     uint64_t *ret_sequence);

#endif

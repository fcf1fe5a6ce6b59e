/* A batch: events of one origin that went into one transaction of the log. Once
 * it is as safe as promised, every shard walks the same batch, read only, and
 * the last to let go frees it.
 *
 * The publishes that make up a batch are sorted by the shard that must answer
 * them; each shard takes its own list out and nobody else touches it. */
#ifndef BRIDGE_BATCH_H
#define BRIDGE_BATCH_H

#include "base/vector.h"
#include "src/bridge/intake.h"
#include "src/bridge/publish.h"

#include <stdatomic.h>

/* Large enough to be efficient, small enough that a commit keeps nobody waiting
 * long. Two own ones and what peers sent fit one append of the log. */
#define BATCH_EVENTS_MAX 8192
#define BATCH_BYTES_MAX ((size_t)6 << 20)
#define BATCH_FOREIGN_BYTES_MAX ((size_t)2 << 20)

struct batch {
    atomic_uint refs;
    struct list node; /* of whose turn it is, see frontier.h */
    struct intake *intake;
    size_t bytes;        /* charged to the intake */
    size_t discharged;   /* taken off it for a while */
    size_t record_bytes; /* of its events in the log, at most */
    uint64_t origin;     /* of its events; 0: of answers only */
    uint64_t skip_from;  /* no events: those after it, */
    uint64_t skip_to;    /* and up to there, are lost; else 0 */
    bool forked;         /* a skip of what its own origin went on without */
    struct vector *have; /* what is listed from now on; or NULL */
    uint64_t added_ms;   /* to the frontier */
    uint32_t shard_count;
    size_t repeated_count; /* events that were there already */
    size_t memory_count;   /* publishes that need not wait for the disk */
    size_t event_count;
    size_t event_capacity;
    struct event **events; /* in log order; references of the batch's own */
    struct list answers[]; /* of struct publish, one list a shard */
};

/* With one reference. */
struct batch *batch_new(struct intake *intake, uint32_t shard_count);

/* The events of `origin` after `from`, up to `to`, are not to be had. */
struct batch *batch_new_skip(struct intake *intake,
                             uint32_t shard_count,
                             uint64_t origin,
                             uint64_t from,
                             uint64_t to);

/* The same, of an origin that forked: it has later events. */
struct batch *batch_new_fork(struct intake *intake,
                             uint32_t shard_count,
                             uint64_t origin,
                             uint64_t from,
                             uint64_t to);

/* No events: from now on vectors list only what `have` does, which has a floor.
 */
struct batch *batch_new_prune(struct intake *intake,
                              uint32_t shard_count,
                              const struct vector *have);
struct batch *batch_ref(struct batch *batch);
void batch_unref(struct batch *batch);
void batch_unref_all(struct list *batches); /* empty then */

/* Take it off the intake, and charge it again, beyond the bound. */
void batch_discharge(struct batch *batch);
void batch_charge(struct batch *batch);

/* Whether another publish might not fit. */
bool batch_full(const struct batch *batch);

/* Take a publish over, with the events that are to be stored. */
void batch_add(struct batch *batch, struct publish *publish);

/* Take over one event that a peer sent, and its reference. */
void batch_add_event(struct batch *batch, struct event *event);

/* Drop its first events, up to and with `sequence`; and of what is gone
 * (event.h) the part up to there. */
void batch_drop_until(struct batch *batch, uint64_t sequence);

/* Whether its events are of one origin, in order, and none is missing between
 * two. (An origin that was set back names an older predecessor.) */
bool batch_chained(const struct batch *batch);

/* Move the publishes that wait from `from`; what they are charged stays there,
 * where their events are. */
void batch_take_answers(struct batch *batch, struct batch *from);

/* Take the publishes that need not wait for the disk out, to be answered now;
 * `ret_events` is how many events they wait for. NULL: there are none. */
struct batch *batch_split_memory(struct batch *batch, size_t *ret_events);

/* The log refused: no event of the batch happened, every publish in it is
 * answered with `problem`. */
void batch_fail(struct batch *batch, enum problem problem);

#endif

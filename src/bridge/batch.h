/* A batch: what went into one transaction of the log. Once it is on disk, every
 * shard walks the same batch, read only, and the last to let go frees it.
 *
 * The publishes that make up a batch are sorted by the shard that must answer
 * them; each shard takes its own list out and nobody else touches it. */
#ifndef BRIDGE_BATCH_H
#define BRIDGE_BATCH_H

#include "src/bridge/intake.h"
#include "src/bridge/publish.h"

#include <stdatomic.h>

/* One transaction: large enough to be efficient, small enough that a commit
 * keeps nobody waiting long, and no more than one append of the log takes. */
#define BATCH_EVENTS_MAX 8192
#define BATCH_BYTES_MAX ((size_t)16 << 20)

struct batch {
    atomic_uint refs;
    struct intake *intake;
    size_t bytes; /* charged to the intake */
    uint32_t shard_count;
    size_t repeated_count; /* events that were there already */
    size_t event_count;
    size_t event_capacity;
    struct event **events; /* in log order; references of the batch's own */
    struct list answers[]; /* of struct publish, one list a shard */
};

/* With one reference. */
struct batch *batch_new(struct intake *intake, uint32_t shard_count);
struct batch *batch_ref(struct batch *batch);
void batch_unref(struct batch *batch);

/* Whether another publish might not fit. */
bool batch_full(const struct batch *batch);

/* Take a publish over, with the events that are to be stored. */
void batch_add(struct batch *batch, struct publish *publish);

/* The log refused: no event of the batch happened, every publish in it is
 * answered with `problem`. */
void batch_fail(struct batch *batch, enum problem problem);

#endif

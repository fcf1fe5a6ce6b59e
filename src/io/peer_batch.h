/* What a peer sent, as batches for the committer. */
#ifndef IO_PEER_BATCH_H
#define IO_PEER_BATCH_H

#include "proto/peer_events.h"
#include "src/bridge/batch.h"

/* The events of one EVENTS frame, checked record by record: whole, of the
 * frame's origin, in their order. NULL: one is not. What they take is charged
 * to the intake, beyond its bound if need be: the link bounds it. */
struct batch *peer_batch_new(struct intake *intake,
                             uint32_t shard_count,
                             const struct peer_events *events);

#endif

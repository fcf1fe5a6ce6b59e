/* What was sent to a peer and is not on its disk yet: the bytes that bound how
 * far a sender of events runs ahead.
 *
 * Each batch leaves a mark (origin, last sequence, bytes), which is taken off
 * when the peer says that it has that sequence. When the marks are used up,
 * batches share the origin's last one, so the bytes are never counted too
 * low. */
#ifndef CLUSTER_INFLIGHT_H
#define CLUSTER_INFLIGHT_H

#include "base/vector.h"

#define INFLIGHT_MARKS_MAX 256

struct inflight_mark {
    uint64_t origin;
    uint64_t sequence;
    size_t bytes;
};

struct inflight {
    size_t bytes;
    size_t mark_count; /* in the order in which they were sent */
    struct inflight_mark marks[INFLIGHT_MARKS_MAX];
};

/* Count `bytes` as sent; they hold events of `origin` up to `sequence`, which
 * grows with each call. False, counting nothing: marks are left for none but
 * the origins that have one; there are at least VECTOR_ORIGINS_MAX of these. */
bool inflight_sent(struct inflight *i,
                   uint64_t origin,
                   uint64_t sequence,
                   size_t bytes);

/* The peer has on its disk what `have` says. */
void inflight_had(struct inflight *i, const struct vector *have);

/* Events of `origin` are no longer on their way: it was stopped, or asked for
 * from elsewhere. */
void inflight_forget(struct inflight *i, uint64_t origin);

#endif

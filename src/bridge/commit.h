/* The committer: the log thread's core. It names the events of this node's
 * publishers, takes those of its peers, has all that waits appended in one
 * transaction, and says which batches have become visible.
 *
 * Pure: the log is behind a table of functions, time comes in with each call.
 */
#ifndef BRIDGE_COMMIT_H
#define BRIDGE_COMMIT_H

#include "base/moment.h"
#include "base/why.h"
#include "src/bridge/frontier.h"
#include "src/bridge/metrics.h"
#include "src/bridge/sequencer.h"

/* What the committer needs of the log, as storage/log.h has it. */
struct commit_log {
    void *context;
    uint64_t (*last_sequence)(void *context, uint64_t origin);
    int (*append)(void *context,
                  struct event *const *events,
                  size_t count,
                  struct why *why);
    int (*move)(void *context,
                struct event *const *events,
                size_t count,
                struct why *why);
    int (*skip)(void *context, const struct batch *skip, struct why *why);
    /* Readers may see so much from now on; `all`: everything that is on disk,
     * as soon as it is. */
    void (*show)(void *context,
                 bool all,
                 uint64_t place,
                 const struct vector *shown);
    int (*find_key)(void *context,
                    struct bytes channel,
                    struct bytes key,
                    uint64_t *ret_origin,
                    uint64_t *ret_sequence);

    /* Names that the local origin may have given away, see log_reserve(). */
    uint64_t (*reserved)(void *context);
    void (*reserve)(void *context, uint64_t sequence);
};

struct commit_options {
    struct commit_log log;
    uint64_t identity; /* of the node: an even origin */
    struct vector shown;
    uint64_t shown_place;
    uint64_t quorum_timeout_ms;
    uint64_t seed; /* of hashes that clients must not foresee */
    uint32_t shard_count;
    struct intake *intake;
    struct metrics *metrics;

    /* Called within commit_step(): answers that need not wait for its commit,
     * in a batch without events, whose reference is the callee's. */
    void (*answer)(void *context, struct batch *batch);
    void *answer_context;
};

struct commit;

struct commit *commit_new(const struct commit_options *options);
void commit_free(struct commit *c); /* accepts NULL; drops what waits */

/* Take over publishes; the list is empty then. */
void commit_publish(struct commit *c, struct list *publishes);

/* Take over a batch of one peer's origin: events in their order, or a skip.
 * What does not follow from what the log has is dropped: it will be sent again.
 */
void commit_store(struct commit *c, struct batch *batch);

/* Take over a batch that was on disk, and not shown, before the start. */
void commit_defer(struct commit *c, struct batch *batch);

/* All those are deferred. What of `have` is neither shown nor among them left
 * the log while it was hidden: it is skipped, in its turn. */
void commit_deferred(struct commit *c, const struct vector *have);

/* The log has pruned its origins, and has `have`. */
void commit_prune(struct commit *c, const struct vector *have);

/* What the cluster has: of odd origins up to where a majority holds them;
 * `alone`: this node is all there is; `majority`: enough nodes are in reach
 * that it makes sense to begin to wait for them. At first a node is alone. */
void commit_cluster(struct commit *c,
                    const struct vector *safe,
                    bool alone,
                    bool majority);

/* Whether there is something to append. */
bool commit_waiting(const struct commit *c);

/* Append what waits, in one transaction, and advance the frontier.
 * 0; RC_NO_SPACE: own publishes were refused with PROBLEM_STORAGE, what peers
 * sent was dropped; RC_IO: the log has failed for good. */
int commit_step(struct commit *c, struct moment now, struct why *why);

/* When to step next although nothing comes; MOMENT_NEVER. */
uint64_t commit_deadline_ms(const struct commit *c);

/* How many own events are on disk and wait for a quorum. */
size_t commit_under_way(const struct commit *c);

/* The next batch for all shards, whose reference is the caller's; NULL. */
struct batch *commit_take(struct commit *c);

/* Events that were appended since the last call. */
size_t commit_take_appended(struct commit *c);

/* The same, that the log refused although their publishers were answered. */
size_t commit_take_lost(struct commit *c);

#endif

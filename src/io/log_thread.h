/* The log thread: the only writer of the log. All publishes that wait for it
 * become one batch, one transaction and one sync (group commit without a
 * timer); then every shard gets the batch. Between commits it trims the window
 * in small steps. */
#ifndef IO_LOG_THREAD_H
#define IO_LOG_THREAD_H

#include "src/bridge/batch.h"
#include "src/bridge/metrics.h"
#include "src/io/mailbox.h"
#include "storage/log.h"

struct log_thread;
struct log_mend;

struct log_thread_options {
    struct log *log;
    struct intake *intake;
    uint32_t shard_count;
    struct metrics *metrics;
    uint64_t seed;       /* of hashes that clients must not foresee */
    uint64_t age_max_ms; /* of events in the window; 0: no limit */
    uint64_t quorum_timeout_ms;
    bool clustered; /* not alone, until log_thread_cluster() says so */
};

struct log_thread *log_thread_new(const struct log_thread_options *options);

/* Begin; shards[i] gets every batch from now on. */
void log_thread_start(struct log_thread *t, struct mailbox *const *shards);

/* Take over a list of struct publish, from any thread; the list is empty
 * then. */
void log_thread_publish(struct log_thread *t, struct list *publishes);

/* Take over a batch that a peer sent, from any thread, see commit_store(). */
void log_thread_store(struct log_thread *t, struct batch *batch);

/* Take over what makes damaged records whole, from any thread; whether such is
 * under way; how many it did. */
void log_thread_mend(struct log_thread *t, struct log_mend *mend);
bool log_thread_mending(struct log_thread *t);
uint64_t log_thread_mended(struct log_thread *t);

/* Who may send more events of its own, from any thread: now is the time to
 * forget others, see log_prune(). Takes over `nodes`. */
void log_thread_prune(struct log_thread *t, uint64_t *nodes, size_t count);

/* What the cluster has, from any thread, see commit_cluster(). */
void log_thread_cluster(struct log_thread *t,
                        const struct vector *safe,
                        bool alone,
                        bool majority);

/* Before the start: be told, in the log thread, when events are on disk. */
void log_thread_on_append(struct log_thread *t,
                          void (*on_append)(void *context),
                          void *context);

/* Finish everything that waits, end, and free. Accepts NULL, and one that was
 * never started. */
void log_thread_stop(struct log_thread *t);

#endif

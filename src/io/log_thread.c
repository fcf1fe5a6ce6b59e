/* Group commit: what queues up during one sync is the next transaction. */
#include "src/io/log_thread.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/io/clock.h"
#include "src/io/log_commit.h"
#include "src/io/log_mend.h"
#include "src/io/logger.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Trimming once in so many commits costs less than in each (LIMITS.md, 1d). */
#define COMMITS_PER_TRIM 16
#define TRIM_EVENTS_MAX 4096
#define IDLE_TRIM_MS 1000

/* A node whose clock is behind by so much would not be heard. */
#define PRUNE_AGE_MS (UINT64_C(24) * 3600 * 1000)

/* While the peers sync what was committed last, publishes that will wait for
 * them as well gather, until there are as many events as those, and at most for
 * so long. Else, the publishers that wait in line would be spread over many
 * small transactions. */
#define GATHER_MS 5

struct log_thread {
    struct log_thread_options options;
    struct mailbox *const *shards;
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct list publishes;
    size_t event_count;  /* in these */
    bool hasty;          /* one of these waits for no quorum */
    size_t wake_count;   /* so many events are worth waking the thread */
    struct list batches; /* of peers */
    struct list mends;   /* the first is under way */
    uint64_t mended;     /* records */
    uint64_t *nodes;     /* see log_thread_prune(); NULL: no */
    size_t node_count;
    bool cluster_changed;
    bool alone;
    bool majority;
    struct vector safe;
    bool stopping;

    /* Of who waits for what is on disk; set before the start. */
    void (*on_append)(void *context);
    void *on_append_context;

    /* The thread's own. */
    struct commit *commit;
    uint64_t gather_until_ms;
    uint64_t trimmed_ms;
    unsigned commits; /* since the last trim */
    size_t appended;  /* events, since then */
    bool refusing;    /* said so already */
};

/* Whether the publishes that have come are left to gather. */
static bool gathers(const struct log_thread *t)
{
    return !t->stopping && t->majority && !t->hasty &&
           t->event_count < commit_under_way(t->commit) &&
           clock_now().mono_ms < t->gather_until_ms;
}

/* Until something comes, the frontier's deadline or a second has gone by. */
static void wait_idle(struct log_thread *t)
{
    uint64_t deadline_ms = commit_deadline_ms(t->commit);
    uint64_t until_ms = clock_now().mono_ms + IDLE_TRIM_MS;
    struct timespec until;

    until_ms = deadline_ms < until_ms ? deadline_ms : until_ms;
    t->wake_count = 0;
    if (gathers(t)) {
        t->wake_count = commit_under_way(t->commit);
        until_ms =
            t->gather_until_ms < until_ms ? t->gather_until_ms : until_ms;
    }
    until.tv_sec = (time_t)(until_ms / 1000);
    until.tv_nsec = (long)(until_ms % 1000) * 1000000;
    pthread_cond_timedwait(&t->wake, &t->mutex, &until);
}

static bool idle(const struct log_thread *t)
{
    return (list_empty(&t->publishes) || gathers(t)) &&
           list_empty(&t->batches) && list_empty(&t->mends) &&
           t->nodes == NULL && !t->cluster_changed;
}

/* Hand all that has come to the committer; with nothing there, and nothing left
 * there, wait a while. False: all is done, end. */
static bool take(struct log_thread *t)
{
    struct list *node;
    bool more;

    pthread_mutex_lock(&t->mutex);
    if (idle(t) && !commit_waiting(t->commit) && !t->stopping) {
        wait_idle(t);
    }
    if (!list_empty(&t->publishes) && !gathers(t)) {
        commit_publish(t->commit, &t->publishes);
        t->event_count = 0;
        t->hasty = false;
        t->gather_until_ms = clock_now().mono_ms + GATHER_MS;
    }
    while ((node = list_pop_front(&t->batches)) != NULL) {
        commit_store(t->commit, list_entry(node, struct batch, node));
    }
    if (t->cluster_changed) {
        commit_cluster(t->commit, &t->safe, t->alone, t->majority);
        t->cluster_changed = false;
    }
    more = !t->stopping || commit_waiting(t->commit);
    pthread_mutex_unlock(&t->mutex);
    return more;
}

/* What reached the disk is unknown, and asking again cannot tell (fsync(2) may
 * forget the error): the only honest thing is to end, and to start again from
 * what is there. */
static _Noreturn void end_process(const struct why *why)
{
    logger_line(LOGGER_ERROR,
                "log.failed",
                "reason=\"%s\" action=\"the node ends; unanswered publishes "
                "may or may not be stored\"",
                why->text);
    _exit(1);
}

/* What the log says to the turn; a full one is told of once, until it takes
 * events again. */
static void note_result(struct log_thread *t, int rc, const struct why *why)
{
    if (rc == RC_IO) {
        end_process(why);
    }
    if (rc != 0 && !t->refusing) {
        logger_line(LOGGER_ERROR, "log.refuses", "reason=\"%s\"", why->text);
    } else if (rc == 0 && t->refusing) {
        logger_line(LOGGER_INFO, "log.accepts", "again=yes");
    }
    t->refusing = rc != 0;
}

/* Their publishers were answered: all that is left is to say so. */
static void tell_lost(size_t count)
{
    if (count > 0) {
        logger_line(LOGGER_ERROR,
                    "log.lost",
                    "events=%zu reason=\"durability is memory\"",
                    count);
    }
}

static void post(struct log_thread *t, uint32_t shard, struct batch *batch)
{
    const struct mail mail = {.kind = MAIL_BATCH, .content = batch_ref(batch)};

    mailbox_post(t->shards[shard], &mail, 1);
}

/* Only to those who have somebody to answer. */
static void answer(void *context, struct batch *batch)
{
    struct log_thread *t = context;

    for (uint32_t i = 0; i < t->options.shard_count; i++) {
        if (!list_empty(&batch->answers[i])) {
            post(t, i, batch);
        }
    }
    batch_unref(batch);
}

static void deliver(struct log_thread *t)
{
    struct batch *batch;

    while ((batch = commit_take(t->commit)) != NULL) {
        for (uint32_t i = 0; i < t->options.shard_count; i++) {
            post(t, i, batch);
        }
        batch_unref(batch);
    }
}

/* One turn: what waits goes into the log, what has become visible out to the
 * shards. */
static void commit(struct log_thread *t, bool appends)
{
    struct why why = {{0}};
    int rc = commit_step(t->commit, clock_now(), &why);
    size_t appended = commit_take_appended(t->commit);

    if (appends) {
        note_result(t, rc, &why);
    } else if (rc == RC_IO) {
        end_process(&why);
    }
    tell_lost(commit_take_lost(t->commit));
    deliver(t);
    t->appended += appended;
    if (appended > 0 && t->on_append != NULL) {
        t->on_append(t->on_append_context);
    }
    if (appends) {
        log_grow(t->options.log);
        t->commits++;
    }
}

static void count_log(struct log_thread *t)
{
    struct metrics *metrics = t->options.metrics;
    struct log_stat stat;

    log_stat(t->options.log, &stat);
    metrics_set(metrics, log_corrupt_records, stat.corrupt_count);
    metrics_set(metrics, log_record_bytes, stat.record_bytes);
    metrics_set(metrics, log_events, stat.event_count);
    metrics_set(metrics, log_evicted, stat.evicted_count);
    metrics_set(metrics, log_index_bytes, stat.index_bytes);
    metrics_set(metrics, log_index_bytes_max, stat.index_bytes_max);
}

/* Let go of what left the window: at least as much as was appended since, so
 * that a full window stays full and no more. */
static void trim(struct log_thread *t)
{
    uint64_t age_max_ms = t->options.age_max_ms;
    uint64_t wall_ms = clock_now().wall_ms;
    uint64_t older_than_ms =
        age_max_ms == 0 || age_max_ms > wall_ms ? 0 : wall_ms - age_max_ms;
    size_t rounds = 1 + t->appended / TRIM_EVENTS_MAX;
    struct why why = {{0}};
    int count;

    if (log_window_expire(t->options.log, wall_ms, &why) != 0) {
        end_process(&why);
    }
    do {
        count = log_trim(t->options.log, older_than_ms, TRIM_EVENTS_MAX, &why);
        if (count == RC_IO) {
            end_process(&why);
        }
        if (count > 0) {
            metrics_add(t->options.metrics, log_trimmed, (uint64_t)count);
        }
    } while (count == TRIM_EVENTS_MAX && --rounds > 0);
    t->trimmed_ms = clock_now().mono_ms;
    t->commits = 0;
    t->appended = 0;
    count_log(t);
}

/* One hole a turn, so that no publisher waits for long. */
static void mend(struct log_thread *t)
{
    struct list *node;
    struct log_mend *m;
    struct why why;
    int count;

    pthread_mutex_lock(&t->mutex);
    node = list_empty(&t->mends) ? NULL : t->mends.next;
    pthread_mutex_unlock(&t->mutex);
    if (node == NULL) {
        return;
    }
    m = list_entry(node, struct log_mend, node);
    count = log_mend_run(t->options.log, m, &why);
    if (count == RC_IO) {
        end_process(&why);
    }
    pthread_mutex_lock(&t->mutex);
    list_remove(&m->node);
    t->mended += count > 0 ? (uint64_t)count : 0;
    pthread_mutex_unlock(&t->mutex);
    free(m);
    if (count > 0) {
        metrics_add(t->options.metrics, records_repaired, (uint64_t)count);
        count_log(t);
    }
}

static void prune(struct log_thread *t)
{
    uint64_t wall_ms = clock_now().wall_ms;
    uint64_t *nodes;
    size_t node_count;
    struct vector have;
    struct why why;
    int count;

    pthread_mutex_lock(&t->mutex);
    nodes = t->nodes;
    node_count = t->node_count;
    t->nodes = NULL;
    pthread_mutex_unlock(&t->mutex);
    if (nodes == NULL) {
        return;
    }
    count = wall_ms < PRUNE_AGE_MS ? 0
                                   : log_prune(t->options.log,
                                               nodes,
                                               node_count,
                                               wall_ms - PRUNE_AGE_MS,
                                               &why);
    free(nodes);
    if (count == RC_IO) {
        end_process(&why);
    }
    if (count > 0) {
        log_seek_vector(t->options.log, &have);
        commit_prune(t->commit, &have);
        logger_line(LOGGER_INFO, "log.pruned", "origins=%d", count);
    }
}

static void *run(void *argument)
{
    struct log_thread *t = argument;

    while (take(t)) {
        bool appends = commit_waiting(t->commit);

        commit(t, appends);
        mend(t);
        prune(t);
        if (t->refusing || t->commits >= COMMITS_PER_TRIM ||
            clock_now().mono_ms - t->trimmed_ms >= IDLE_TRIM_MS) {
            trim(t);
        }
    }
    return NULL;
}

struct log_thread *log_thread_new(const struct log_thread_options *options)
{
    struct log_thread *t = alloc_zero(sizeof(*t));
    pthread_condattr_t attributes;

    t->options = *options;
    list_init(&t->publishes);
    list_init(&t->batches);
    list_init(&t->mends);
    t->commit = log_commit_new(options, answer, t);
    check(pthread_mutex_init(&t->mutex, NULL) == 0);
    check(pthread_condattr_init(&attributes) == 0);
    check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_cond_init(&t->wake, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    return t;
}

void log_thread_start(struct log_thread *t, struct mailbox *const *shards)
{
    t->shards = shards;
    t->started = true;
    check(pthread_create(&t->thread, NULL, run, t) == 0);
    (void)pthread_setname_np(t->thread, "weir log");
}

void log_thread_publish(struct log_thread *t, struct list *publishes)
{
    size_t event_count = 0;
    bool hasty = false;
    bool wake;

    if (list_empty(publishes)) {
        return;
    }
    list_each(node, publishes)
    {
        const struct publish *p = list_entry(node, struct publish, node);

        event_count += p->count;
        hasty |= p->durability != NAMESPACE_QUORUM;
    }
    pthread_mutex_lock(&t->mutex);
    t->event_count += event_count;
    t->hasty |= hasty;
    list_splice_back(&t->publishes, publishes);
    wake = t->hasty || t->event_count >= t->wake_count;
    pthread_mutex_unlock(&t->mutex);
    if (wake) {
        pthread_cond_signal(&t->wake);
    }
}

void log_thread_store(struct log_thread *t, struct batch *batch)
{
    pthread_mutex_lock(&t->mutex);
    list_push_back(&t->batches, &batch->node);
    pthread_mutex_unlock(&t->mutex);
    pthread_cond_signal(&t->wake);
}

void log_thread_mend(struct log_thread *t, struct log_mend *mend)
{
    pthread_mutex_lock(&t->mutex);
    list_push_back(&t->mends, &mend->node);
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->mutex);
}

bool log_thread_mending(struct log_thread *t)
{
    bool mending;

    pthread_mutex_lock(&t->mutex);
    mending = !list_empty(&t->mends);
    pthread_mutex_unlock(&t->mutex);
    return mending;
}

uint64_t log_thread_mended(struct log_thread *t)
{
    uint64_t mended;

    pthread_mutex_lock(&t->mutex);
    mended = t->mended;
    pthread_mutex_unlock(&t->mutex);
    return mended;
}

void log_thread_prune(struct log_thread *t, uint64_t *nodes, size_t count)
{
    pthread_mutex_lock(&t->mutex);
    free(t->nodes);
    t->nodes = nodes;
    t->node_count = count;
    pthread_mutex_unlock(&t->mutex);
    pthread_cond_signal(&t->wake);
}

void log_thread_cluster(struct log_thread *t,
                        const struct vector *safe,
                        bool alone,
                        bool majority)
{
    pthread_mutex_lock(&t->mutex);
    t->safe = *safe;
    t->alone = alone;
    t->majority = majority;
    t->cluster_changed = true;
    pthread_mutex_unlock(&t->mutex);
    pthread_cond_signal(&t->wake);
}

void log_thread_on_append(struct log_thread *t,
                          void (*on_append)(void *context),
                          void *context)
{
    t->on_append = on_append;
    t->on_append_context = context;
}

void log_thread_stop(struct log_thread *t)
{
    if (t == NULL) {
        return;
    }
    if (t->started) {
        pthread_mutex_lock(&t->mutex);
        t->stopping = true;
        pthread_cond_signal(&t->wake);
        pthread_mutex_unlock(&t->mutex);
        pthread_join(t->thread, NULL);
    }
    batch_unref_all(&t->batches);
    while (!list_empty(&t->mends)) {
        free(list_entry(list_pop_front(&t->mends), struct log_mend, node));
    }
    free(t->nodes);
    commit_free(t->commit);
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->wake);
    free(t);
}

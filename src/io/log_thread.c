/* Group commit: what queues up during one sync is the next transaction. */
#include "src/io/log_thread.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/bridge/sequencer.h"
#include "src/io/clock.h"
#include "src/io/logger.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Trimming once in so many commits costs less than in each (LIMITS.md, 1d). */
#define COMMITS_PER_TRIM 16
#define TRIM_EVENTS_MAX 4096
#define IDLE_TRIM_MS 1000

struct log_thread {
    struct log_thread_options options;
    struct mailbox *const *shards;
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct list waiting;
    bool stopping;

    /* The thread's own. */
    struct list taken; /* what did not fit the last batch is the next's */
    struct sequencer sequencer;
    unsigned commits; /* since the last trim */
    size_t appended;  /* events, since then */
    bool refusing;    /* said so already */
};

static void wait_idle(struct log_thread *t)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_TRIM_MS / 1000;
    pthread_cond_timedwait(&t->wake, &t->mutex, &until);
}

/* Take all that waits; with nothing there, wait until there is or a second has
 * gone by. False: all is done, end. */
static bool take(struct log_thread *t)
{
    bool more;

    pthread_mutex_lock(&t->mutex);
    if (list_empty(&t->waiting) && list_empty(&t->taken) && !t->stopping) {
        wait_idle(t);
    }
    list_splice_back(&t->taken, &t->waiting);
    more = !t->stopping || !list_empty(&t->taken);
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

static int find_key(void *context,
                    struct bytes channel,
                    struct bytes key,
                    uint64_t *ret_origin,
                    uint64_t *ret_sequence)
{
    struct log_thread *t = context;
    struct why why = {{0}};
    int rc = log_find_key(
        t->options.log, channel, key, ret_origin, ret_sequence, &why);

    if (rc != 0 && rc != RC_NOT_FOUND) {
        logger_line(LOGGER_ERROR, "log.unreadable", "reason=\"%s\"", why.text);
    }
    return rc;
}

static enum problem append(struct log_thread *t, const struct batch *batch)
{
    struct metrics *metrics = t->options.metrics;
    struct why why = {{0}};
    int rc;

    if (batch->event_count == 0) {
        return PROBLEM_NONE;
    }
    rc = log_append(t->options.log, batch->events, batch->event_count, &why);
    if (rc == RC_IO) {
        end_process(&why);
    }
    if (rc != 0) {
        metrics_add(metrics, log_failures, 1);
        if (!t->refusing) {
            logger_line(LOGGER_ERROR, "log.refuses", "reason=\"%s\"", why.text);
        }
        t->refusing = true;
        return PROBLEM_STORAGE;
    }
    if (t->refusing) {
        logger_line(LOGGER_INFO, "log.accepts", "again=yes");
        t->refusing = false;
    }
    sequencer_stored(&t->sequencer, batch);
    t->appended += batch->event_count;
    metrics_add(metrics, log_batch_events_sum, batch->event_count);
    metrics_add(metrics, log_batch_events_count, 1);
    metrics_add(metrics, events, batch->event_count);
    return PROBLEM_NONE;
}

static void deliver(struct log_thread *t, struct batch *batch)
{
    const struct mail mail = {.kind = MAIL_BATCH, .content = batch};

    for (uint32_t i = 0; i < t->options.shard_count; i++) {
        batch_ref(batch);
        mailbox_post(t->shards[i], &mail, 1);
    }
    batch_unref(batch);
}

/* One turn: a batch of what waits, into the log, out to the shards. */
static void commit(struct log_thread *t)
{
    struct batch *batch = batch_new(t->options.intake, t->options.shard_count);
    const struct sequencer_known known = {
        .seed = t->options.seed, .find = find_key, .context = t};
    enum problem problem;

    sequencer_fill(&t->sequencer, clock_now(), &t->taken, &known, batch);
    problem = append(t, batch);
    if (problem != PROBLEM_NONE) {
        batch_fail(batch, problem);
    } else {
        metrics_add(t->options.metrics, events_repeated, batch->repeated_count);
    }
    deliver(t, batch);
    log_grow(t->options.log);
    t->commits++;
}

static void count_log(struct log_thread *t)
{
    struct metrics *metrics = t->options.metrics;
    struct log_stat stat;

    log_stat(t->options.log, &stat);
    metrics_set(metrics, log_corrupt_records, stat.corrupt_count);
    metrics_set(metrics, log_record_bytes, stat.record_bytes);
    metrics_set(metrics, log_events, stat.event_count);
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

    do {
        count = log_trim(t->options.log, older_than_ms, TRIM_EVENTS_MAX, &why);
        if (count == RC_IO) {
            end_process(&why);
        }
        if (count > 0) {
            metrics_add(t->options.metrics, log_trimmed, (uint64_t)count);
        }
    } while (count == TRIM_EVENTS_MAX && --rounds > 0);
    t->commits = 0;
    t->appended = 0;
    count_log(t);
}

static void *run(void *argument)
{
    struct log_thread *t = argument;

    while (take(t)) {
        bool idle = list_empty(&t->taken);

        if (!idle) {
            commit(t);
        }
        if (idle || t->refusing || t->commits >= COMMITS_PER_TRIM) {
            trim(t);
        }
    }
    return NULL;
}

struct log_thread *log_thread_new(const struct log_thread_options *options)
{
    struct log_thread *t = alloc_zero(sizeof(*t));
    pthread_condattr_t attributes;
    struct log_stat stat;

    t->options = *options;
    list_init(&t->waiting);
    list_init(&t->taken);
    log_stat(options->log, &stat);
    sequencer_init(&t->sequencer, stat.origin, stat.last_sequence);
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
}

void log_thread_publish(struct log_thread *t, struct list *publishes)
{
    if (list_empty(publishes)) {
        return;
    }
    pthread_mutex_lock(&t->mutex);
    list_splice_back(&t->waiting, publishes);
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->mutex);
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
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->wake);
    free(t);
}

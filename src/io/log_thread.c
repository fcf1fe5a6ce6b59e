/* Group commit: what queues up during one sync is the next transaction. */
#include "src/io/log_thread.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/io/clock.h"
#include "src/io/logger.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* One transaction's size: enough to be efficient, small enough that a commit
 * keeps nobody waiting long. */
#define TRANSACTION_EVENTS_MAX 8192
#define TRANSACTION_BYTES_MAX ((size_t)16 << 20)

/* Trimming once in so many commits costs less than in each (LIMITS.md, 1d). */
#define COMMITS_PER_TRIM 16
#define TRIM_EVENTS_MAX 4096
#define IDLE_TRIM_MS 1000

struct log_thread {
    struct log_thread_options options;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct batch **waiting;
    size_t waiting_count;
    size_t waiting_capacity;
    bool stopping;

    /* The thread's own. */
    struct batch **batches; /* of this transaction */
    size_t batch_capacity;
    struct event **events;
    size_t event_count;
    size_t event_capacity;
    struct mail *reports;
    size_t report_capacity;
    uint64_t last_sequence; /* of this node on disk: the next's predecessor */
    unsigned commits;       /* since the last trim */
    size_t appended;        /* events, since then */
    bool refusing;          /* said so already */
};

static void wait_idle(struct log_thread *t)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_TRIM_MS / 1000;
    pthread_cond_timedwait(&t->wake, &t->mutex, &until);
}

/* Take what fits one transaction, waiting until there is something or a second
 * has gone by. Returns how many; 0 with *ret_stop when all is done. */
static size_t take(struct log_thread *t, bool *ret_stop)
{
    size_t count = 0;
    size_t events = 0;
    size_t bytes = 0;

    pthread_mutex_lock(&t->mutex);
    if (t->waiting_count == 0 && !t->stopping) {
        wait_idle(t);
    }
    while (count < t->waiting_count && events < TRANSACTION_EVENTS_MAX &&
           bytes < TRANSACTION_BYTES_MAX) {
        events += t->waiting[count]->event_count;
        bytes += t->waiting[count]->bytes;
        count++;
    }
    if (count > t->batch_capacity) {
        t->batch_capacity = count * 2;
        t->batches =
            alloc_resize(t->batches, t->batch_capacity * sizeof(t->batches[0]));
    }
    if (count > 0) {
        memcpy(t->batches, t->waiting, count * sizeof(t->batches[0]));
        t->waiting_count -= count;
        memmove(t->waiting,
                t->waiting + count,
                t->waiting_count * sizeof(t->waiting[0]));
    }
    *ret_stop = t->stopping && count == 0;
    pthread_mutex_unlock(&t->mutex);
    return count;
}

static void gather_events(struct log_thread *t, size_t batch_count)
{
    uint64_t predecessor = t->last_sequence;
    size_t count = 0;

    for (size_t i = 0; i < batch_count; i++) {
        count += t->batches[i]->event_count;
    }
    if (count > t->event_capacity) {
        t->event_capacity = count * 2;
        t->events =
            alloc_resize(t->events, t->event_capacity * sizeof(t->events[0]));
    }
    t->event_count = 0;
    for (size_t i = 0; i < batch_count; i++) {
        const struct batch *batch = t->batches[i];

        for (size_t j = 0; j < batch->event_count; j++) {
            batch->events[j]->predecessor = predecessor;
            predecessor = batch->events[j]->sequence;
            t->events[t->event_count++] = batch->events[j];
        }
    }
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

static enum problem append(struct log_thread *t)
{
    struct metrics *metrics = t->options.metrics;
    struct why why = {{0}};
    int rc;

    if (t->event_count == 0) {
        return PROBLEM_NONE;
    }
    rc = log_append(t->options.log, t->events, t->event_count, &why);
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
    t->last_sequence = t->events[t->event_count - 1]->sequence;
    t->appended += t->event_count;
    metrics_add(metrics, log_batch_events_sum, t->event_count);
    metrics_add(metrics, log_batch_events_count, 1);
    metrics_add(metrics, events, t->event_count);
    return PROBLEM_NONE;
}

static void report(struct log_thread *t, size_t count, enum problem problem)
{
    if (count > t->report_capacity) {
        t->report_capacity = count * 2;
        t->reports = alloc_resize(t->reports,
                                  t->report_capacity * sizeof(t->reports[0]));
    }
    for (size_t i = 0; i < count; i++) {
        t->reports[i] = (struct mail){
            .kind = problem == PROBLEM_NONE ? MAIL_COMMITTED : MAIL_REFUSED,
            .content = t->batches[i],
        };
    }
    mailbox_post(t->options.hub, t->reports, count);
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
    bool stop = false;

    for (;;) {
        size_t count = take(t, &stop);

        if (stop) {
            return NULL;
        }
        if (count > 0) {
            gather_events(t, count);
            report(t, count, append(t));
            log_grow(t->options.log);
        }
        if (count == 0 || t->refusing || ++t->commits >= COMMITS_PER_TRIM) {
            trim(t);
        }
    }
}

struct log_thread *log_thread_start(const struct log_thread_options *options)
{
    struct log_thread *t = alloc_zero(sizeof(*t));
    pthread_condattr_t attributes;

    t->options = *options;
    t->last_sequence = options->last_sequence;
    check(pthread_mutex_init(&t->mutex, NULL) == 0);
    check(pthread_condattr_init(&attributes) == 0);
    check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_cond_init(&t->wake, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    check(pthread_create(&t->thread, NULL, run, t) == 0);
    return t;
}

void log_thread_append(struct log_thread *t, struct batch *batch)
{
    pthread_mutex_lock(&t->mutex);
    if (t->waiting_count == t->waiting_capacity) {
        t->waiting_capacity = t->waiting_capacity * 2 + 16;
        t->waiting = alloc_resize(t->waiting,
                                  t->waiting_capacity * sizeof(t->waiting[0]));
    }
    t->waiting[t->waiting_count++] = batch;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->mutex);
}

void log_thread_stop(struct log_thread *t)
{
    pthread_mutex_lock(&t->mutex);
    t->stopping = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->mutex);
    pthread_join(t->thread, NULL);
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->wake);
    free(t->waiting);
    free(t->batches);
    free(t->events);
    free(t->reports);
    free(t);
}

/* Between the committer and storage/log. */
#include "src/io/log_commit.h"

#include "base/check.h"
#include "src/io/logger.h"

static uint64_t last_sequence(void *context, uint64_t origin)
{
    return log_last_sequence(context, origin);
}

static int append(void *context,
                  struct event *const *events,
                  size_t count,
                  struct why *why)
{
    return log_append(context, events, count, why);
}

static int move(void *context,
                struct event *const *events,
                size_t count,
                struct why *why)
{
    return log_move(context, events, count, why);
}

static int skip(void *context, const struct batch *skip, struct why *why)
{
    return skip->forked
               ? log_append_fork(context, skip->origin, skip->skip_to, why)
               : log_append_skip(context, skip->origin, skip->skip_to, why);
}

static void show(void *context,
                 bool all,
                 uint64_t place,
                 const struct vector *shown)
{
    const struct log_shown seen = {
        .all = all, .place = place, .vector = *shown};

    log_show(context, &seen);
}

static int find_key(void *context,
                    struct bytes channel,
                    struct bytes key,
                    uint64_t *ret_origin,
                    uint64_t *ret_sequence)
{
    struct why why = {{0}};
    int rc =
        log_find_key(context, channel, key, ret_origin, ret_sequence, &why);

    if (rc != 0 && rc != RC_NOT_FOUND) {
        logger_line(LOGGER_ERROR, "log.unreadable", "reason=\"%s\"", why.text);
    }
    return rc;
}

static uint64_t reserved(void *context)
{
    return log_reserved(context);
}

static void reserve(void *context, uint64_t sequence)
{
    log_reserve(context, sequence);
}

/* What needs no quorum was safe with its commit, shown or not. */
static void show_local(struct log *log, struct vector *shown)
{
    struct vector have;

    log_seek_vector(log, &have);
    for (size_t i = 0; i < have.count; i++) {
        uint64_t origin = have.entries[i].origin;

        if ((origin & EVENT_ORIGIN_QUORUM) == 0) {
            (void)vector_raise(shown, origin, have.entries[i].sequence);
        }
    }
}

struct hidden {
    const struct log_thread_options *options;
    const struct log_shown *shown;
    struct commit *commit;
    uint64_t next_place;
    size_t count;
};

static bool defer(uint64_t place, const struct record *record, void *context)
{
    struct hidden *h = context;
    struct event *event;
    struct batch *batch;

    h->next_place = place + 1;
    if (log_show_covers(h->shown, place, record->origin, record->sequence)) {
        return true;
    }
    event = event_new_keyed(record->channel, record->content, record->key);
    event->origin = record->origin;
    event->sequence = record->sequence;
    event->predecessor = record->predecessor;
    event->place = place;
    event->gone = record->gone;
    batch = batch_new(h->options->intake, h->options->shard_count);
    batch->origin = record->origin;
    batch_add_event(batch, event);
    commit_defer(h->commit, batch);
    h->count++;
    return true;
}

/* Events that waited for their quorum when the node ended wait again. */
static void defer_hidden(struct hidden *h)
{
    struct log *log = h->options->log;
    uint64_t last = h->shown->place;
    uint64_t from;

    h->next_place = log_seek(log, &h->shown->vector);
    do {
        struct why why;

        from = h->next_place;
        if (log_read(log, from, LOG_PAGE_BYTES_MAX, defer, h, &why) != 0) {
            logger_line(LOGGER_ERROR, "log.read", "reason=\"%s\"", why.text);
            return;
        }
    } while (h->next_place > from && h->next_place <= last);
    if (h->count > 0) {
        logger_line(LOGGER_INFO,
                    "log.hidden",
                    "events=%zu reason=\"not known to be on enough nodes\"",
                    h->count);
    }
}

struct commit *log_commit_new(const struct log_thread_options *options,
                              void (*answer)(void *context,
                                             struct batch *batch),
                              void *answer_context)
{
    struct log *log = options->log;
    const struct vector none = {0};
    struct vector have;
    struct log_shown shown;
    struct log_stat stat;
    struct commit_options commit = {
        .log = {.context = log,
                .last_sequence = last_sequence,
                .append = append,
                .move = move,
                .skip = skip,
                .show = show,
                .find_key = find_key,
                .reserved = reserved,
                .reserve = reserve},
        .quorum_timeout_ms = options->quorum_timeout_ms,
        .seed = options->seed,
        .shard_count = options->shard_count,
        .intake = options->intake,
        .metrics = options->metrics,
        .answer = answer,
        .answer_context = answer_context,
    };
    struct hidden hidden = {.options = options, .shown = &shown};

    log_stat(log, &stat);
    log_show_now(log, &shown);
    show_local(log, &shown.vector);
    commit.identity = stat.origin & ~EVENT_ORIGIN_QUORUM;
    log_seek_expect(log, commit.identity);
    log_seek_expect(log, commit.identity | EVENT_ORIGIN_QUORUM);
    commit.shown = shown.vector;
    commit.shown_place = shown.place;
    hidden.commit = commit_new(&commit);
    if (!shown.all) {
        defer_hidden(&hidden);
        log_seek_vector(log, &have);
        commit_deferred(hidden.commit, &have);
    }
    /* Readers begin with what is shown from now on. */
    commit_cluster(
        hidden.commit, &none, !options->clustered, !options->clustered);
    return hidden.commit;
}

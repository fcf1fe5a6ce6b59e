/* The windows of channels as those who read the log see them: what has left,
 * what of it somebody misses, and what time makes leave. */
#include "storage/log_private.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

/* Lost events that are looked at one by one. More than the few that a reader
 * may have had already, since it begins at most LOG_SEEK_SLACK too early. */
#define LOOK_MAX 256

void log_window_init(struct log *log, const struct log_options *options)
{
    log->bytes_max = options->bytes_max;
    log->index_bytes_max = options->index_bytes_max;
    log->ages = alloc_zero((options->window_count + 1) * sizeof(log->ages[0]));
    for (size_t n = 0; n < options->window_count; n++) {
        const struct log_window *w = &options->windows[n];
        uint8_t *name;

        index_window_set(log->index, w->name_space, &w->channel);
        if (w->age_max_ms == INDEX_UNLIMITED) {
            continue;
        }
        name = alloc_raw(w->name_space.len + 1);
        memcpy(name, w->name_space.data, w->name_space.len);
        log->ages[log->age_count++] =
            (struct log_age){.name_space = bytes_of(name, w->name_space.len),
                             .age_max_ms = w->age_max_ms};
    }
}

void log_window_done(struct log *log)
{
    for (size_t n = 0; n < log->age_count; n++) {
        free((void *)(uintptr_t)log->ages[n].name_space.data);
    }
    free(log->ages);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Up to where an origin's events of a channel may have gone. */
static uint64_t gone_up_to(const struct log_origin *o,
                           const struct log_thin *thin,
                           struct index_gone gone)
{
    uint64_t low = larger(o->low, thin->sequence);
    uint64_t known = low < gone.sequence ? low : gone.sequence;

    if (gone.origin != 0 && gone.origin != o->origin) {
        known = 0;
    }
    return larger(known, larger(o->nameless, thin->nameless));
}

bool log_window_gone(struct log *log,
                     struct bytes channel,
                     const struct vector *after)
{
    struct index_gone gone = {.sequence = UINT64_MAX};
    bool any = false;

    if (channel.len > 0) {
        gone = index_gone(log->index, channel);
    }
    pthread_mutex_lock(&log->known_lock);
    for (size_t n = 0; n < log->origin_count; n++) {
        const struct log_origin *o = &log->origins[n];
        const struct log_thin thin = log_thin_of(log, channel, o->origin);

        any |= vector_get(after, o->origin) < gone_up_to(o, &thin, gone);
    }
    any |= log_prune_gone(&log->pruned, after);
    pthread_mutex_unlock(&log->known_lock);
    return any;
}

struct look {
    const struct vector *after;
    struct log_shown shown;
    size_t whole;
    size_t covered; /* or hidden: that comes yet, at another place */
};

static bool count_covered(uint64_t place,
                          const struct record *record,
                          void *context)
{
    struct look *look = context;

    look->whole++;
    if (vector_get(look->after, record->origin) >= record->sequence ||
        !log_show_covers(
            &look->shown, place, record->origin, record->sequence)) {
        look->covered++;
    }
    return true;
}

int log_window_missed(struct log *log,
                      const struct log_reader *reader,
                      const struct index_lost *lost,
                      struct log_missed *ret,
                      struct why *why)
{
    struct look look = {.after = reader->after};
    uint64_t places[LOOK_MAX];
    size_t count = index_on_disk(
        log->index, reader->channel, reader->from - 1, places, LOOK_MAX);
    struct vector at;
    int rc;

    while (count > 0 && places[count - 1] > lost->place) {
        count--;
    }
    *ret = (struct log_missed){.to = *reader->after};
    log_show_now(log, &look.shown);
    rc = log_read_places(log, places, count, count_covered, &look, why);
    if (rc != 0 || look.covered >= lost->count) {
        return rc;
    }
    rc = log_seek_vector_at(log, lost->place, &at, why);
    vector_limit(&at, &look.shown.vector);
    vector_merge(&ret->to, &at);
    ret->count = lost->count - look.covered;
    ret->exact = look.whole == count &&
                 (count == lost->count ||
                  log_seek_uncovered(log, reader->after) <= places[count - 1]);
    return rc;
}

struct aging {
    uint64_t before_ms;
    uint64_t place; /* the first that is not too old, as far as was read */
    uint64_t next_ms;
};

static bool pass_old(uint64_t place, const struct record *record, void *context)
{
    struct aging *a = context;
    uint64_t ms = event_sequence_ms(record->sequence);

    a->place = place;
    if (ms >= a->before_ms) {
        a->next_ms = ms;
        return false;
    }
    a->place = place + 1;
    return true;
}

/* Begin near the first that is not too old, and read on to it. */
static int expire(struct log *log,
                  struct log_age *age,
                  uint64_t before_ms,
                  struct why *why)
{
    struct aging a = {.before_ms = before_ms};
    uint64_t expired = index_expired_before(log->index, age->name_space);
    struct vector old;
    int rc;

    log_seek_vector(log, &old);
    vector_cap(&old, (before_ms << 16) - 1);
    a.place = log_seek(log, &old);
    a.place = a.place > expired ? a.place : expired;
    rc = log_read(log, a.place, LOG_PAGE_BYTES_MAX, pass_old, &a, why);
    if (rc == 0) {
        index_expire_before(log->index, age->name_space, a.place);
        age->next_ms = a.next_ms;
    }
    return rc;
}

int log_window_expire(struct log *log, uint64_t now_ms, struct why *why)
{
    int rc = 0;

    for (size_t n = 0; rc == 0 && n < log->age_count; n++) {
        struct log_age *age = &log->ages[n];

        if (now_ms > age->age_max_ms &&
            now_ms - age->age_max_ms > age->next_ms) {
            rc = expire(log, age, now_ms - age->age_max_ms, why);
        }
    }
    return rc;
}

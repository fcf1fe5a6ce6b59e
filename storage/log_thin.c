/* What left the middle of the log, of each namespace and origin: up to there
 * all of the namespace's events are gone, though others' are not. */
#include "storage/log_private.h"

#include "base/alloc.h"

#include <stdlib.h>

static struct log_thin *find(struct log *log,
                             struct bytes name_space,
                             uint64_t origin)
{
    for (size_t n = 0; n < log->thin_count; n++) {
        struct log_thin *t = &log->thin[n];

        if (t->origin == origin && bytes_equal(t->name_space, name_space)) {
            return t;
        }
    }
    return NULL;
}

static struct log_thin *add(struct log *log,
                            struct bytes name_space,
                            uint64_t origin)
{
    uint8_t *name = alloc_raw(name_space.len + 1);

    if (name_space.len > 0) {
        memcpy(name, name_space.data, name_space.len);
    }
    log->thin =
        alloc_resize(log->thin, (log->thin_count + 1) * sizeof(log->thin[0]));
    log->thin[log->thin_count] = (struct log_thin){
        .name_space = bytes_of(name, name_space.len), .origin = origin};
    return &log->thin[log->thin_count++];
}

static struct log_thin *raise(struct log *log,
                              struct bytes name_space,
                              uint64_t origin,
                              uint64_t sequence)
{
    struct log_thin *t = find(log, name_space, origin);

    if (t == NULL) {
        t = add(log, name_space, origin);
    }
    t->sequence = t->sequence > sequence ? t->sequence : sequence;
    return t;
}

/* Of any namespace: noted as one that has no name. */
void log_thin_note(struct log *log,
                   struct bytes gone,
                   uint64_t origin,
                   uint64_t sequence)
{
    struct bytes rest = bytes_from(gone, 1);
    struct bytes name_space = bytes_of(NULL, 0);

    pthread_mutex_lock(&log->known_lock);
    do {
        struct log_thin *t;

        (void)bytes_split(&rest, '/', &name_space);
        t = raise(log, name_space, origin, sequence);
        t->nameless = t->nameless > sequence ? t->nameless : sequence;
    } while (rest.len > 0);
    pthread_mutex_unlock(&log->known_lock);
}

void log_thin_evicted(struct log *log,
                      struct bytes name_space,
                      const struct vector *last)
{
    pthread_mutex_lock(&log->known_lock);
    for (size_t n = 0; n < last->count; n++) {
        (void)raise(log,
                    name_space,
                    last->entries[n].origin,
                    last->entries[n].sequence);
    }
    pthread_mutex_unlock(&log->known_lock);
}

struct log_thin log_thin_of(const struct log *log,
                            struct bytes channel,
                            uint64_t origin)
{
    struct log_thin ret = {.origin = origin};
    struct bytes rest;

    if (log->thin_count == 0 || channel.len == 0) {
        return ret;
    }
    rest = bytes_from(channel, 1);
    (void)bytes_split(&rest, '/', &ret.name_space);
    for (size_t n = 0; n < log->thin_count; n++) {
        const struct log_thin *t = &log->thin[n];

        if (t->origin != origin ||
            (t->name_space.len > 0 &&
             !bytes_equal(t->name_space, ret.name_space))) {
            continue;
        }
        ret.sequence = t->sequence > ret.sequence ? t->sequence : ret.sequence;
        ret.nameless = t->nameless > ret.nameless ? t->nameless : ret.nameless;
    }
    return ret;
}

void log_thin_done(struct log *log)
{
    for (size_t n = 0; n < log->thin_count; n++) {
        free((void *)(uintptr_t)log->thin[n].name_space.data);
    }
    free(log->thin);
}

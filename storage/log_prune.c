/* Forgetting origins: a cluster whose nodes are replaced now and then would
 * have more of them with each, in every vector and every cursor, for ever. */
#include "base/check.h"
#include "storage/log_private.h"

#include <stdlib.h>

struct pruning {
    struct log *log;
    const uint64_t *nodes;
    size_t node_count;
    uint64_t before;
    uint64_t first_place;
};

static bool is_counted_on(const struct pruning *p, uint64_t origin)
{
    uint64_t node = origin & ~EVENT_ORIGIN_QUORUM;

    for (size_t n = 0; n < p->node_count; n++) {
        if (p->nodes[n] == node) {
            return true;
        }
    }
    return node == (p->log->origin & ~EVENT_ORIGIN_QUORUM);
}

static bool may_go(const struct pruning *p, const struct log_origin *o)
{
    return o->last.place < p->first_place && o->sequence < p->before &&
           !is_counted_on(p, o->origin);
}

/* That had its last event before the others; NULL: all stay. */
static struct log_origin *find(const struct pruning *p)
{
    struct log_origin *oldest = NULL;

    for (size_t n = 0; n < p->log->origin_count; n++) {
        struct log_origin *o = &p->log->origins[n];

        if (may_go(p, o) &&
            (oldest == NULL || o->sequence < oldest->sequence)) {
            oldest = o;
        }
    }
    return oldest;
}

static void raise(uint64_t *value, uint64_t least)
{
    *value = *value > least ? *value : least;
}

static void forget_oldest(struct log_pruned *pruned)
{
    size_t oldest = 0;

    for (size_t n = 1; n < pruned->count; n++) {
        if (pruned->last[n].sequence < pruned->last[oldest].sequence) {
            oldest = n;
        }
    }
    raise(&pruned->unlisted, pruned->last[oldest].sequence);
    pruned->last[oldest] = pruned->last[--pruned->count];
}

void log_prune_note(struct log_pruned *pruned, struct vector_entry last)
{
    size_t at = 0;

    raise(&pruned->floor, last.sequence);
    if (last.origin == VECTOR_FLOOR) {
        raise(&pruned->unlisted, last.sequence);
        return;
    }
    while (at < pruned->count && pruned->last[at].origin != last.origin) {
        at++;
    }
    if (at == LOG_PRUNED_LISTED_MAX) {
        forget_oldest(pruned);
        at = pruned->count;
    }
    pruned->last[at] = last;
    pruned->count += at == pruned->count;
}

bool log_prune_knows(const struct log_pruned *pruned, uint64_t origin)
{
    bool known = origin == VECTOR_FLOOR;

    for (size_t n = 0; n < pruned->count; n++) {
        known |= pruned->last[n].origin == origin;
    }
    return known;
}

void log_prune_floor(const struct log_pruned *pruned, struct vector *ret)
{
    if (pruned->floor > 0) {
        (void)vector_set(ret, VECTOR_FLOOR, pruned->floor);
    }
}

bool log_prune_gone(const struct log_pruned *pruned, const struct vector *after)
{
    bool any = vector_get(after, VECTOR_FLOOR) < pruned->unlisted;

    for (size_t n = 0; n < pruned->count; n++) {
        const struct vector_entry *last = &pruned->last[n];

        any |= vector_get(after, last->origin) < last->sequence;
    }
    return any;
}

static void forget(struct log *log, struct log_origin *o)
{
    struct log_origin *end = log->origins + --log->origin_count;

    if (o->sequence > 0) {
        log_prune_note(&log->pruned,
                       (struct vector_entry){o->origin, o->sequence});
    }
    free(o->marks);
    memmove(o, o + 1, (size_t)(end - o) * sizeof(*o));
}

int log_prune(struct log *log,
              const uint64_t *nodes,
              size_t node_count,
              uint64_t before_ms,
              struct why *why)
{
    struct pruning p = {.log = log,
                        .nodes = nodes,
                        .node_count = node_count,
                        .before = before_ms << 16};
    struct log_origin *o;
    struct log_stat stat;
    int count = 0;
    int error;

    check(!log->read_only);
    if (log->failed) {
        return 0;
    }
    log_stat(log, &stat);
    p.first_place =
        stat.first_place == 0 ? stat.last_place + 1 : stat.first_place;
    pthread_mutex_lock(&log->known_lock);
    while (log->origin_count > LOG_ORIGINS_KEPT && (o = find(&p)) != NULL) {
        forget(log, o);
        count++;
    }
    pthread_mutex_unlock(&log->known_lock);
    if (count == 0) {
        return 0;
    }
    error = log_meta_commit(log, NULL);
    return error == 0 ? count : log_append_failed(log, error, 0, why);
}

/* The log behind the hub: what it reads for the peers, and what they sent. */
#include "src/io/cluster_state.h"
#include "src/io/logger.h"
#include "src/io/logger_flood.h"
#include "src/io/peer_batch.h"

static void store(void *context, const struct peer_events *events)
{
    struct cluster_loop *c = context;
    struct batch *batch;

    if (cluster_socket_full(c)) {
        return; /* they are asked for again */
    }
    batch = peer_batch_new(c->options.intake, c->options.shard_count, events);
    if (batch == NULL) {
        metrics_add(c->options.metrics, peer_events_refused, 1);
        logger_line(LOGGER_WARN,
                    "cluster.events",
                    "origin=%016llx reason=\"a record from a peer is not "
                    "whole\" action=\"it is asked for again\"",
                    (unsigned long long)events->origin);
        return;
    }
    metrics_add(c->options.metrics, peer_events, batch->event_count);
    log_thread_store(c->options.log_thread, batch);
}

static void skip(void *context, uint64_t origin, uint64_t from, uint64_t to)
{
    struct cluster_loop *c = context;

    logger_line(LOGGER_WARN,
                "cluster.gap",
                "origin=%016llx from=%016llx to=%016llx reason=\"no node in "
                "reach has these events any more\"",
                (unsigned long long)origin,
                (unsigned long long)from,
                (unsigned long long)to);
    log_thread_store(
        c->options.log_thread,
        batch_new_skip(
            c->options.intake, c->options.shard_count, origin, from, to));
}

static void forked(void *context, uint64_t origin, uint64_t from, uint64_t to)
{
    struct cluster_loop *c = context;
    struct vector low;

    log_seek_low_water(c->options.log, bytes_of(NULL, 0), &low);
    if (vector_get(&low, origin) >= to) {
        return; /* it is known */
    }
    logger_line(LOGGER_ERROR,
                "cluster.forked",
                "origin=%016llx from=%016llx to=%016llx reason=\"the node of "
                "this origin was set back to an older copy and took events "
                "before it met those that have what it lost\" action=\"these "
                "events are missing here, and subscribers are told so; to have "
                "them, end this node and start it with an empty directory\"",
                (unsigned long long)origin,
                (unsigned long long)from,
                (unsigned long long)to);
    metrics_add(c->options.metrics, cluster_forks, 1);
    log_seek_skip(c->options.log, origin, to);
    log_thread_store(
        c->options.log_thread,
        batch_new_fork(
            c->options.intake, c->options.shard_count, origin, from, to));
}

static void have(void *context, struct vector *ret)
{
    const struct cluster_loop *c = context;

    log_seek_vector(c->options.log, ret);
}

static void low_water(void *context, struct vector *ret)
{
    const struct cluster_loop *c = context;

    log_seek_low_water(c->options.log, bytes_of(NULL, 0), ret);
}

static uint64_t seek(void *context, const struct vector *after)
{
    const struct cluster_loop *c = context;

    return log_seek(c->options.log, after);
}

struct reading {
    bool (*visit)(void *visitor, const struct replication_record *r);
    void *visitor;
};

static bool give(uint64_t place, const struct record *record, void *context)
{
    const struct reading *r = context;
    const struct replication_record given = {.place = place,
                                             .origin = record->origin,
                                             .sequence = record->sequence,
                                             .predecessor = record->predecessor,
                                             .gone = record->gone,
                                             .bytes = record->whole};

    return r->visit(r->visitor, &given);
}

static int read_log(void *context,
                    uint64_t from,
                    size_t bytes_max,
                    bool (*visit)(void *visitor,
                                  const struct replication_record *r),
                    void *visitor)
{
    const struct cluster_loop *c = context;
    struct reading r = {.visit = visit, .visitor = visitor};
    struct why why;
    int rc = log_read(c->options.log,
                      from,
                      bytes_max < LOG_PAGE_BYTES_MAX ? bytes_max
                                                     : LOG_PAGE_BYTES_MAX,
                      give,
                      &r,
                      &why);

    if (rc != 0) {
        logger_flood(LOGGER_FLOOD_LOG_READ, 1, "reason=\"%s\"", why.text);
    }
    return rc;
}

struct replication_options cluster_log_functions(struct cluster_loop *c)
{
    return (struct replication_options){.context = c,
                                        .have = have,
                                        .low_water = low_water,
                                        .seek = seek,
                                        .read = read_log,
                                        .store = store,
                                        .skip = skip,
                                        .forked = forked,
                                        .holes = cluster_repair_holes,
                                        .repair = cluster_repair_fill};
}

/* What is damaged in the log, for the peers to make good. */
#include "src/io/clock.h"
#include "src/io/cluster_state.h"
#include "src/io/log_mend.h"
#include "src/io/logger.h"
#include "src/io/logger_flood.h"

/* How much of the log is looked over in one go. */
#define PAGES_MAX 16

/* After a walk that could change nothing. */
#define PAUSE_MS 10000

static void post(struct cluster_loop *c,
                 const struct log_hole *hole,
                 const struct peer_events *events)
{
    log_thread_mend(c->options.log_thread, log_mend_new(hole, events));
}

/* All that the walk found was filled or given up. */
static void end_walk(struct cluster_loop *c)
{
    uint64_t mended = log_thread_mended(c->options.log_thread);

    if (mended == c->mended_before) {
        c->repair_due_ms = clock_now().mono_ms + PAUSE_MS;
        metrics_set(c->options.metrics, repairs_wanted, c->holes_found);
        if (c->holes_found > 0 && c->holes_found != c->holes_told) {
            logger_line(LOGGER_WARN,
                        "log.unrepaired",
                        "holes=%zu reason=\"no node in reach has these events "
                        "whole\" action=\"they are asked for again\"",
                        c->holes_found);
        }
        c->holes_told = c->holes_found;
    }
    c->mended_before = mended;
    c->holes_found = 0;
    c->walk_ends = false;
}

/* Holes for the peers go to `ret`; what needs none of them is done. */
static size_t sort(struct cluster_loop *c,
                   const struct log_hole *holes,
                   size_t count,
                   struct replication_hole *ret)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        const struct log_hole *hole = &holes[i];

        if (hole->whole_place != 0) {
            post(c, hole, NULL);
            continue;
        }
        ret[kept++] =
            (struct replication_hole){.origin = hole->origin,
                                      .after = hole->after,
                                      .until = hole->until,
                                      .after_place = hole->after_place,
                                      .until_place = hole->until_place};
    }
    return kept;
}

size_t cluster_repair_holes(void *context,
                            struct replication_hole *ret,
                            size_t max)
{
    struct cluster_loop *c = context;
    struct log_hole holes[REPLICATION_HOLES_MAX];
    struct log *log = c->options.log;
    size_t found = 0;
    struct why why;
    int rc = 1;

    /* What is being put back must not be found missing. */
    if (log_thread_mending(c->options.log_thread)) {
        return 0;
    }
    if (c->walk_ends) {
        end_walk(c);
    }
    if (log_corrupt_next(log, 1, false) == UINT64_MAX) {
        metrics_set(c->options.metrics, repairs_wanted, 0);
        c->holes_told = 0;
        return 0;
    }
    if (clock_now().mono_ms < c->repair_due_ms) {
        return 0;
    }
    max = max < REPLICATION_HOLES_MAX ? max : REPLICATION_HOLES_MAX;
    for (size_t n = 0; n < PAGES_MAX && rc == 1 && found == 0; n++) {
        rc = log_hole_find(log, &c->walk, holes, max, &found, &why);
    }
    if (rc < 0) {
        logger_flood(LOGGER_FLOOD_LOG_READ, 1, "reason=\"%s\"", why.text);
        return 0;
    }
    found = sort(c, holes, found, ret);
    c->holes_found += found;
    c->walk_ends = rc == 0;
    return found;
}

void cluster_repair_fill(void *context,
                         const struct replication_hole *hole,
                         const struct peer_events *events)
{
    const struct log_hole there = {.origin = hole->origin,
                                   .after = hole->after,
                                   .until = hole->until,
                                   .after_place = hole->after_place,
                                   .until_place = hole->until_place};

    post(context, &there, events);
}

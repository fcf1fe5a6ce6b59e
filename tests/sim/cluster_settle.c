/* Whether all have come to rest, and have the same. */
#include "tests/sim/cluster_mend.h"
#include "tests/sim/cluster_view.h"

#include <inttypes.h>
#include <stdio.h>

/* The first origin of which one has more than the other; 0: none. */
static uint64_t differ(const struct vector *a, const struct vector *b)
{
    for (size_t i = 0; i < a->count; i++) {
        if (a->entries[i].sequence != vector_get(b, a->entries[i].origin)) {
            return a->entries[i].origin;
        }
    }
    for (size_t i = 0; i < b->count; i++) {
        if (b->entries[i].sequence != vector_get(a, b->entries[i].origin)) {
            return b->entries[i].origin;
        }
    }
    return 0;
}

#define UNSETTLED(...) (snprintf(ret, CHECK_TEXT_BYTES, __VA_ARGS__), false)

static bool members_agree(struct check *c, char ret[CHECK_TEXT_BYTES])
{
    struct world *w = c->world;
    uint64_t digest = hub_table_digest(w->nodes[0].hub);

    for (size_t i = 0; i < w->count; i++) {
        const struct membership *m = hub_membership(w->nodes[i].hub);

        if (membership_size(m) != w->count ||
            membership_reachable(m) != w->count) {
            return UNSETTLED("node %zu knows %zu members and reaches %zu",
                             i,
                             membership_size(m),
                             membership_reachable(m));
        }
        if (hub_table_digest(w->nodes[i].hub) != digest) {
            return UNSETTLED("the tables of node 0 and %zu differ", i);
        }
    }
    return true;
}

/* The first record of `a` that is not on `b` and has not left it; NULL. */
static const struct disk_record *missing(const struct disk *a,
                                         const struct disk *b)
{
    size_t k = 0;

    for (size_t i = 0; i < a->count; i++) {
        const struct disk_record *r = &a->records[i];
        size_t tried = 0;

        if (vector_get(&b->low, r->origin) >= r->sequence ||
            vector_get(&b->damaged, r->origin) >= r->sequence || r->damaged) {
            continue;
        }
        /* They are in nearly the same order. */
        while (tried < b->count && (b->records[k].origin != r->origin ||
                                    b->records[k].sequence != r->sequence)) {
            k = (k + 1) % b->count;
            tried++;
        }
        if (tried == b->count) {
            return r;
        }
    }
    return NULL;
}

/* Whether `from` has what a hole lacks. */
static bool can_fill(struct disk *d,
                     const struct replication_hole *hole,
                     const struct disk *from)
{
    for (size_t i = 0; i < from->count; i++) {
        if (mend_fits(d, hole, &from->records[i])) {
            return true;
        }
    }
    return false;
}

static bool all_mended(struct check *c, char ret[CHECK_TEXT_BYTES])
{
    struct world_node *nodes = c->world->nodes;
    struct replication_hole holes[REPLICATION_HOLES_MAX];

    for (size_t i = 0; i < c->world->count; i++) {
        size_t count = mend_holes(&nodes[i].disk, holes, REPLICATION_HOLES_MAX);

        for (size_t n = 0; n < count; n++) {
            for (size_t k = 0; k < c->world->count; k++) {
                if (can_fill(&nodes[i].disk, &holes[n], &nodes[k].disk)) {
                    return UNSETTLED("node %zu lacks what node %zu has of "
                                     "%" PRIx64 " up to %" PRIx64,
                                     i,
                                     k,
                                     holes[n].origin,
                                     holes[n].until);
                }
            }
        }
    }
    return true;
}

static bool logs_agree(struct check *c, char ret[CHECK_TEXT_BYTES])
{
    struct world_node *nodes = c->world->nodes;
    uint64_t origin;

    for (size_t i = 0; i < c->world->count; i++) {
        origin = differ(&nodes[i].disk.have, &nodes[0].disk.have);
        if (origin != 0) {
            return UNSETTLED("nodes 0 and %zu differ in %" PRIx64, i, origin);
        }
        origin = differ(&nodes[i].walked, &nodes[i].disk.have);
        if (origin != 0) {
            return UNSETTLED("node %zu has not shown all of %" PRIx64
                             ": %" PRIx64 " of %" PRIx64,
                             i,
                             origin,
                             vector_get(&nodes[i].walked, origin),
                             vector_get(&nodes[i].disk.have, origin));
        }
        if (!nodes[i].ready) {
            return UNSETTLED("node %zu is not ready", i);
        }
    }
    for (size_t i = 0; i < c->world->count; i++) {
        for (size_t k = 0; k < c->world->count; k++) {
            const struct disk_record *r =
                missing(&nodes[i].disk, &nodes[k].disk);

            if (r != NULL) {
                return UNSETTLED("node %zu has %" PRIx64 "/%" PRIx64
                                 " and node %zu has not",
                                 i,
                                 r->origin,
                                 r->sequence,
                                 k);
            }
        }
    }
    return true;
}

bool check_settled(struct check *c, char ret[CHECK_TEXT_BYTES])
{
    for (size_t i = 0; i < c->world->count; i++) {
        if (!world_runs(c->world, i)) {
            return UNSETTLED("node %zu does not run", i);
        }
    }
    if (!members_agree(c, ret) || !logs_agree(c, ret) || !all_mended(c, ret)) {
        return false;
    }
    for (uint64_t n = 1; n <= c->fact_count; n++) {
        if (c->facts[n].fate == CHECK_PENDING) {
            return UNSETTLED("event %" PRIu64 " is not answered", n);
        }
    }
    for (size_t i = 0; i < CHECK_VIEWS; i++) {
        const struct check_view *v = &c->views[i];
        uint64_t number = v->on ? view_lacks(v) : 0;

        if (!v->on || number > 0) {
            return UNSETTLED("subscriber %zu (%s) %s %" PRIu64,
                             i,
                             v->pattern,
                             v->on ? "lacks event" : "is away",
                             number);
        }
    }
    return true;
}

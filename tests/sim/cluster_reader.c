/* Subscribers, and whether all have come to rest. */
#include "tests/sim/cluster_reader.h"

#include "base/check.h"
#include "base/splitmix.h"

#include <inttypes.h>
#include <stdio.h>

#define READ_RECORDS_MAX 8 /* in one go */
#define READ_EVERY_MS 20
#define MOVE_ONE_IN 400 /* times that it could */

uint64_t check_number(struct bytes content)
{
    uint64_t number = 0;

    for (size_t i = 0; i < content.len && content.data[i] != '.'; i++) {
        number = number * 10 + (uint64_t)(content.data[i] - '0');
    }
    return number;
}

static size_t index_of(const struct check *c, const struct check_subscriber *s)
{
    return (size_t)(s - c->subscribers);
}

/* It is told that it cannot have what is up to `to`; that must not lie on the
 * node's disk. */
static void tell_gap(struct check *c,
                     struct check_subscriber *s,
                     uint64_t origin,
                     uint64_t to)
{
    const struct disk *d = &c->world->nodes[s->node].disk;
    uint64_t from = vector_get(&s->at, origin);

    check(s->gap_count < CHECK_GAPS_MAX);
    s->gaps[s->gap_count++] = (struct check_gap){origin, from, to};
    c->gaps++;
    (void)vector_raise(&s->at, origin, to);
    for (uint64_t n = 1; n <= c->fact_count; n++) {
        const struct check_fact *f = &c->facts[n];

        if (f->origin == origin && f->sequence > from && f->sequence <= to &&
            f->sequence > vector_get(&d->low, origin) &&
            disk_holds(d, origin, f->sequence)) {
            check_wrong(c,
                        "subscriber %zu is told that event %" PRIu64
                        " is gone, which node %zu has",
                        index_of(c, s),
                        n,
                        s->node);
        }
    }
}

static void see(struct check *c,
                struct check_subscriber *s,
                uint64_t number,
                uint64_t origin,
                uint64_t sequence)
{
    check(number > 0 && number <= c->fact_count);
    if (s->seen[number]) {
        check_wrong(c,
                    "subscriber %zu saw event %" PRIu64 " twice",
                    index_of(c, s),
                    number);
    }
    s->seen[number] = true;
    c->seen++;
    (void)vector_raise(&s->at, origin, sequence);
}

void check_read_batch(struct check *c,
                      struct check_subscriber *s,
                      const struct batch *batch)
{
    for (size_t i = 0; i < batch->event_count; i++) {
        const struct event *e = batch->events[i];
        uint64_t at = vector_get(&s->at, e->origin);

        if (e->sequence <= at) {
            continue; /* this node was behind the cursor */
        }
        if (e->predecessor > at) {
            check_wrong(c,
                        "subscriber %zu of node %zu: nothing between %" PRIx64
                        "/%" PRIx64 " and %" PRIx64,
                        index_of(c, s),
                        s->node,
                        e->origin,
                        at,
                        e->sequence);
        }
        see(c, s, check_number(e->content), e->origin, e->sequence);
    }
    if (batch->skip_to > vector_get(&s->at, batch->origin)) {
        tell_gap(c, s, batch->origin, batch->skip_to);
    }
}

struct reading {
    struct check *check;
    struct check_subscriber *subscriber;
    struct log_shown shown;
    size_t count;
};

static bool read_record(void *context, const struct replication_record *r)
{
    struct reading *reading = context;
    struct check_subscriber *s = reading->subscriber;
    struct record record;

    if (r->place > reading->shown.place) {
        return false;
    }
    s->from_place = r->place + 1;
    if (!log_show_covers(&reading->shown, r->place, r->origin, r->sequence) ||
        r->sequence <= vector_get(&s->at, r->origin)) {
        return true;
    }
    if (r->predecessor > vector_get(&s->at, r->origin)) {
        tell_gap(reading->check, s, r->origin, r->predecessor);
    }
    check(record_decode(r->bytes, &record) == 0);
    see(reading->check,
        s,
        check_number(record.content),
        r->origin,
        r->sequence);
    return ++reading->count < READ_RECORDS_MAX;
}

static void read_on(struct check *c, struct check_subscriber *s)
{
    struct world_node *n = &c->world->nodes[s->node];
    struct reading reading = {
        .check = c,
        .subscriber = s,
        .shown = {.place = n->walked_place, .vector = n->walked}};

    for (size_t i = 0; i < n->disk.low.count; i++) {
        const struct vector_entry *e = &n->disk.low.entries[i];

        if (e->sequence > vector_get(&s->at, e->origin)) {
            tell_gap(c, s, e->origin, e->sequence);
        }
    }
    disk_read(&n->disk, s->from_place, SIZE_MAX, read_record, &reading);
    s->live = reading.count < READ_RECORDS_MAX;
    /* What did not come is not there. */
    for (size_t i = 0; s->live && i < n->walked.count; i++) {
        const struct vector_entry *e = &n->walked.entries[i];

        if (e->sequence > vector_get(&s->at, e->origin)) {
            tell_gap(c, s, e->origin, e->sequence);
        }
    }
    s->next_ms = c->world->now_ms + READ_EVERY_MS;
}

static void attach(struct check *c, struct check_subscriber *s)
{
    size_t node = (size_t)splitmix_below(&c->random, c->world->count);
    struct world_node *n = &c->world->nodes[node];

    if (!world_runs(c->world, node) || !n->ready) {
        s->next_ms = c->world->now_ms + 1 + splitmix_below(&c->random, 500);
        return;
    }
    s->attached = true;
    s->node = node;
    if (s->start.count == 0) {
        s->start = n->walked;
        s->at = n->walked;
    }
    s->from_place = disk_seek(&n->disk, &s->at);
    s->live = false;
    read_on(c, s);
}

static void act(struct check *c, struct check_subscriber *s)
{
    struct world_node *n = &c->world->nodes[s->node];

    if (!s->attached) {
        attach(c, s);
    } else if (splitmix_below(&c->random, MOVE_ONE_IN) == 0) {
        s->attached = false;
        s->next_ms = c->world->now_ms + splitmix_below(&c->random, 2000);
    } else if (!s->live && n->paused_until_ms <= c->world->now_ms) {
        read_on(c, s);
    } else {
        s->next_ms = c->world->now_ms + READ_EVERY_MS;
    }
}

void check_subscribe(struct check *c)
{
    for (size_t i = 0; i < CHECK_SUBSCRIBERS; i++) {
        if (c->world->now_ms >= c->subscribers[i].next_ms) {
            act(c, &c->subscribers[i]);
        }
    }
}

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
    if (!members_agree(c, ret) || !logs_agree(c, ret)) {
        return false;
    }
    for (uint64_t n = 1; n <= c->fact_count; n++) {
        if (c->facts[n].fate == CHECK_PENDING) {
            return UNSETTLED("event %" PRIu64 " is not answered", n);
        }
    }
    for (size_t i = 0; i < CHECK_SUBSCRIBERS; i++) {
        const struct check_subscriber *s = &c->subscribers[i];

        const struct vector *have = &c->world->nodes[0].disk.have;

        /* It may have seen what was lost since, with its disk. */
        if (!s->attached || !s->live || !vector_covers(&s->at, have)) {
            return UNSETTLED("subscriber %zu is behind in %" PRIx64,
                             i,
                             differ(&s->at, have));
        }
    }
    return true;
}

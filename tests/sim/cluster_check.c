/* Publishers and disks. */
#include "tests/sim/cluster_check.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/splitmix.h"
#include "tests/sim/cluster_reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A page of records may go where there is room for one; it is wrapped into a
 * frame an origin. What peers sent is charged with its events, too. */
#define CHECK_INFLIGHT_BYTES_MAX (2 * WORLD_INFLIGHT_BYTES_MAX + 1024)
#define CHECK_INTAKE_BYTES_MAX \
    (WORLD_INTAKE_BYTES_MAX +  \
     4 * (WORLD_NODES_MAX - 1) * CHECK_INFLIGHT_BYTES_MAX)

#define CHECK_EVENT_BYTES_MAX 1300 /* and what it is charged with */

void check_wrong(struct check *c, const char *format, ...)
{
    va_list arguments;

    if (c->wrong[0] != '\0') {
        return;
    }
    va_start(arguments, format);
    vsnprintf(c->wrong, sizeof(c->wrong), format, arguments);
    va_end(arguments);
    c->world->watcher.told(c->world->watcher.context, 0, c->wrong);
}

void check_init(struct check *c, struct world *w, uint64_t fact_max)
{
    *c = (struct check){.world = w, .fact_max = fact_max};
    c->random = w->random ^ 1;
    c->facts = alloc_zero((fact_max + 1) * sizeof(c->facts[0]));
    c->names = alloc_zero(4 * fact_max * sizeof(c->names[0]));
    for (size_t i = 0; i < CHECK_SUBSCRIBERS; i++) {
        c->subscribers[i].seen = alloc_zero(fact_max + 1);
    }
}

void check_done(struct check *c)
{
    for (size_t i = 0; i < CHECK_SUBSCRIBERS; i++) {
        free(c->subscribers[i].seen);
    }
    free(c->facts);
    free(c->names);
}

uint64_t check_publish(struct check *c, size_t node, size_t count, bool quorum)
{
    uint64_t first = c->fact_count + 1;

    if (c->fact_count + count > c->fact_max) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        c->facts[++c->fact_count] =
            (struct check_fact){.quorum = quorum, .node = node};
    }
    return first;
}

/* Two events never have one name. */
static void claim_name(struct check *c, uint64_t number)
{
    const struct check_fact *fact = &c->facts[number];
    uint64_t state = fact->origin ^ (fact->sequence << 1);
    uint64_t slots = 4 * c->fact_max;
    uint64_t at = splitmix_next(&state) % slots;

    while (c->names[at] != 0) {
        const struct check_fact *other = &c->facts[c->names[at]];

        if (other->origin == fact->origin &&
            other->sequence == fact->sequence) {
            check_wrong(c,
                        "events %" PRIu64 " and %" PRIu64
                        " have one name, %" PRIx64 "/%" PRIx64,
                        c->names[at],
                        number,
                        fact->origin,
                        fact->sequence);
            return;
        }
        at = (at + 1) % slots;
    }
    c->names[at] = number;
}

/* An event was met: it has been published, and has one name. */
static void meet(struct check *c,
                 uint64_t number,
                 uint64_t origin,
                 uint64_t sequence,
                 uint64_t predecessor)
{
    struct check_fact *fact = &c->facts[number];

    if (number == 0 || number > c->fact_count) {
        check_wrong(c, "event %" PRIu64 " was never published", number);
        return;
    }
    if (fact->origin == 0) {
        fact->origin = origin;
        fact->sequence = sequence;
        fact->predecessor = predecessor;
        claim_name(c, number);
        return;
    }
    if (fact->origin != origin || fact->sequence != sequence ||
        fact->predecessor != predecessor) {
        check_wrong(c,
                    "event %" PRIu64 " is %" PRIx64 "/%" PRIx64 " and %" PRIx64
                    "/%" PRIx64,
                    number,
                    fact->origin,
                    fact->sequence,
                    origin,
                    sequence);
    }
    if (fact->fate == CHECK_REFUSED) {
        check_wrong(c, "event %" PRIu64 " was refused and is there", number);
    }
}

static bool meet_record(void *context, const struct replication_record *r)
{
    struct check *c = context;
    struct record record;

    check(record_decode(r->bytes, &record) == 0);
    meet(c,
         check_number(record.content),
         r->origin,
         r->sequence,
         r->predecessor);
    return true;
}

/* What is new on a disk. */
static void scan(struct check *c, size_t node)
{
    struct disk *d = &c->world->nodes[node].disk;

    disk_read(d, c->scanned_place[node] + 1, SIZE_MAX, meet_record, c);
    c->scanned_place[node] = d->last_place;
    vector_merge(&c->ever[node], &d->have);
}

void check_started(struct check *c, size_t node)
{
    c->safe[node] = (struct vector){0};
    c->alone[node] = false;
    c->scanned_place[node] = 0;
    scan(c, node);
}

void check_stopped(struct check *c, size_t node)
{
    for (uint64_t n = 1; n <= c->fact_count; n++) {
        if (c->facts[n].node == node && c->facts[n].fate == CHECK_PENDING) {
            c->facts[n].fate = CHECK_UNKNOWN;
        }
    }
    for (size_t i = 0; i < CHECK_SUBSCRIBERS; i++) {
        struct check_subscriber *s = &c->subscribers[i];

        if (s->attached && s->node == node) {
            s->attached = false;
            s->next_ms = c->world->now_ms + splitmix_below(&c->random, 3000);
        }
    }
    if (atomic_load(&c->world->nodes[node].intake.bytes) != 0) {
        check_wrong(c, "node %zu: the intake leaks", node);
    }
}

static bool counts(const struct gossip_member *m, uint64_t identity)
{
    return m->id == identity ||
           (m->state != GOSSIP_LEFT && m->state != GOSSIP_FORGOTTEN);
}

/* What a hub says to be safe is on the disks of a majority of the members that
 * it knows. */
static void check_safe(struct check *c,
                       size_t node,
                       const struct vector_entry *safe)
{
    const struct world *w = c->world;
    const struct membership *members = hub_membership(w->nodes[node].hub);
    const struct gossip_member *m;
    size_t size = 0;
    size_t having = 0;

    for (size_t i = 0; (m = membership_at(members, i)) != NULL; i++) {
        if (!counts(m, w->nodes[node].identity)) {
            continue;
        }
        size++;
        for (size_t k = 0; k < w->count; k++) {
            having += w->nodes[k].identity == m->id &&
                      vector_get(&c->ever[k], safe->origin) >= safe->sequence;
        }
    }
    if (having * 2 <= size) {
        check_wrong(c,
                    "node %zu holds %" PRIx64 "/%" PRIx64
                    " for safe, which is on %zu of %zu disks",
                    node,
                    safe->origin,
                    safe->sequence,
                    having,
                    size);
    }
}

void check_state(struct check *c, size_t node)
{
    const struct hub_state *state = &c->world->nodes[node].state;

    for (size_t i = 0; i < state->safe.count; i++) {
        if (state->safe.entries[i].sequence > 0) {
            check_safe(c, node, &state->safe.entries[i]);
        }
    }
}

/* What of `node` is on disk and not shown yet stays in memory as well. */
static size_t hidden_bytes(const struct check *c, const struct world_node *n)
{
    size_t bytes = 0;

    for (uint64_t i = 1; i <= c->fact_count; i++) {
        const struct check_fact *f = &c->facts[i];

        if (f->origin != 0 && f->sequence > vector_get(&n->walked, f->origin) &&
            f->sequence <= vector_get(&n->disk.have, f->origin)) {
            bytes += CHECK_EVENT_BYTES_MAX;
        }
    }
    return bytes;
}

/* What a node holds in memory for others is bounded: what is on its way to its
 * log, and what its peers have not acknowledged. */
static void check_bounds(struct check *c, size_t node)
{
    struct world_node *n = &c->world->nodes[node];
    size_t bytes = atomic_load(&n->intake.bytes);

    if (bytes > CHECK_INTAKE_BYTES_MAX &&
        bytes > CHECK_INTAKE_BYTES_MAX + hidden_bytes(c, n)) {
        check_wrong(c, "node %zu: %zu bytes are taken in", node, bytes);
    }
    for (size_t i = 0; i < c->world->count; i++) {
        struct hub_link_stat stat;

        hub_link_stat(n->hub, c->world->nodes[i].identity, &stat);
        if (stat.inflight_bytes > CHECK_INFLIGHT_BYTES_MAX) {
            check_wrong(c,
                        "node %zu: %zu bytes are on their way to %zu",
                        node,
                        stat.inflight_bytes,
                        i);
        }
    }
}

void check_stored(struct check *c, size_t node)
{
    const struct world_node *n = &c->world->nodes[node];

    scan(c, node);
    check_bounds(c, node);
    vector_merge(&c->safe[node], &n->state.safe);
    c->alone[node] = n->state.alone;
}

static void check_item(struct check *c,
                       uint64_t number,
                       enum problem problem,
                       const struct publish_item *item)
{
    struct check_fact *fact = &c->facts[number];
    uint64_t origin;
    uint64_t sequence;

    if (fact->fate != CHECK_PENDING) {
        check_wrong(c, "event %" PRIu64 " was answered twice", number);
    }
    if (problem == PROBLEM_QUORUM_TIMEOUT) {
        fact->fate = CHECK_UNKNOWN;
        return;
    }
    if (problem != PROBLEM_NONE) {
        fact->fate = CHECK_REFUSED;
        if (fact->origin != 0) {
            check_wrong(c, "event %" PRIu64 " is there and refused", number);
        }
        return;
    }
    fact->fate = CHECK_SAFE;
    c->acknowledged++;
    check(event_from_uuid(item->outcome.identifier, &origin, &sequence));
    if (fact->origin != origin || fact->sequence != sequence) {
        check_wrong(
            c, "event %" PRIu64 " was answered with another name", number);
    }
    for (size_t i = 0; i < c->world->count; i++) {
        const struct world_node *n = &c->world->nodes[i];

        if (n->has_disk && vector_get(&n->disk.have, origin) >= sequence) {
            fact->holders |= 1u << i;
        }
    }
}

static void check_answer(struct check *c, const struct publish *p)
{
    for (size_t i = 0; i < p->count; i++) {
        check_item(c, p->client_id + i, p->problem, &p->items[i]);
    }
}

/* Each origin's events come to the shards of a node in order, none missing, and
 * those that wait for a quorum not before they have it. */
static void check_event(struct check *c,
                        size_t node,
                        uint64_t before,
                        const struct event *event)
{
    if (event->sequence <= before || event->predecessor > before) {
        check_wrong(c,
                    "node %zu: %" PRIx64 "/%" PRIx64 " behind %" PRIx64
                    " is shown after %" PRIx64,
                    node,
                    event->origin,
                    event->sequence,
                    event->predecessor,
                    before);
    }
    if ((event->origin & EVENT_ORIGIN_QUORUM) != 0 && !c->alone[node] &&
        event->sequence > vector_get(&c->safe[node], event->origin)) {
        check_wrong(c,
                    "node %zu: %" PRIx64 "/%" PRIx64
                    " is shown before it is safe",
                    node,
                    event->origin,
                    event->sequence);
    }
}

void check_batch(struct check *c, size_t node, const struct batch *batch)
{
    uint64_t before = vector_get(&c->world->nodes[node].walked, batch->origin);

    for (size_t i = 0; i < batch->event_count; i++) {
        const struct event *event = batch->events[i];

        check_event(c, node, before, event);
        before = event->sequence;
    }
    for (size_t i = 0; i < CHECK_SUBSCRIBERS; i++) {
        struct check_subscriber *s = &c->subscribers[i];

        if (s->attached && s->live && s->node == node) {
            check_read_batch(c, s, batch);
        }
    }
    list_each(entry, &batch->answers[0])
    {
        check_answer(c, list_entry(entry, struct publish, node));
    }
}

void check_damaged(struct check *c, size_t node)
{
    const struct disk *d = &c->world->nodes[node].disk;

    for (uint64_t n = 1; n <= c->fact_count; n++) {
        struct check_fact *fact = &c->facts[n];

        if (fact->sequence > vector_get(&d->have, fact->origin) ||
            (fact->sequence > vector_get(&d->low, fact->origin) &&
             !disk_holds(d, fact->origin, fact->sequence))) {
            fact->holders &= ~(1u << node);
        }
    }
}

/* Whether `node` has the event, or must not be asked for it any more. */
static bool has(const struct check *c, size_t node, const struct check_fact *f)
{
    const struct disk *d = &c->world->nodes[node].disk;

    if (vector_get(&d->low, f->origin) >= f->sequence ||
        vector_get(&d->damaged, f->origin) >= f->sequence) {
        return true;
    }
    for (size_t i = 0; i < d->count; i++) {
        if (d->records[i].origin == f->origin &&
            d->records[i].sequence == f->sequence) {
            return true;
        }
    }
    return false;
}

static bool in_gap(const struct check_subscriber *s,
                   const struct check_fact *fact)
{
    for (size_t i = 0; i < s->gap_count; i++) {
        if (s->gaps[i].origin == fact->origin &&
            s->gaps[i].from < fact->sequence &&
            s->gaps[i].to >= fact->sequence) {
            return true;
        }
    }
    return false;
}

static void check_seen(struct check *c,
                       size_t index,
                       uint64_t number,
                       const struct check_fact *fact)
{
    const struct check_subscriber *s = &c->subscribers[index];

    if (s->start.count > 0 &&
        fact->sequence > vector_get(&s->start, fact->origin) &&
        !s->seen[number] && !in_gap(s, fact)) {
        check_wrong(c,
                    "subscriber %zu missed event %" PRIu64 ", %" PRIx64
                    "/%" PRIx64,
                    index,
                    number,
                    fact->origin,
                    fact->sequence);
    }
}

void check_nothing_lost(struct check *c)
{
    for (uint64_t n = 1; n <= c->fact_count; n++) {
        const struct check_fact *fact = &c->facts[n];

        if (fact->fate != CHECK_SAFE || fact->holders == 0) {
            continue;
        }
        for (size_t i = 0; i < c->world->count; i++) {
            if (world_runs(c->world, i) && !has(c, i, fact)) {
                check_wrong(c,
                            "node %zu has lost event %" PRIu64 ", %" PRIx64
                            "/%" PRIx64 ", which was safe",
                            i,
                            n,
                            fact->origin,
                            fact->sequence);
            }
        }
        for (size_t i = 0; i < CHECK_SUBSCRIBERS; i++) {
            check_seen(c, i, n, fact);
        }
    }
}

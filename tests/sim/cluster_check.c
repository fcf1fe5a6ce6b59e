/* Publishers and disks. */
#include "tests/sim/cluster_check.h"

#include "base/alloc.h"
#include "base/check.h"
#include "tests/sim/cluster_view.h"

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

void check_tell(struct check *c, size_t node, const char *format, ...)
{
    char text[CHECK_TEXT_BYTES];
    va_list arguments;

    if (c->trace) {
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        c->world->watcher.told(c->world->watcher.context, node, text);
    }
}

void check_init(struct check *c, struct world *w, uint64_t fact_max)
{
    *c = (struct check){.world = w, .fact_max = fact_max};
    c->event_max = 2 * fact_max;
    c->facts = alloc_zero((fact_max + 1) * sizeof(c->facts[0]));
    c->events = alloc_zero(c->event_max * sizeof(c->events[0]));
    c->views = alloc_zero(CHECK_VIEWS * sizeof(c->views[0]));
    for (size_t i = 0; i < CHECK_VIEWS; i++) {
        view_init(&c->views[i], c, i);
    }
}

void check_done(struct check *c)
{
    for (size_t i = 0; i < CHECK_VIEWS; i++) {
        view_done(&c->views[i]);
    }
    for (size_t i = 0; i < c->origin_count; i++) {
        free(c->origins[i].events);
    }
    free(c->views);
    free(c->facts);
    free(c->events);
}

uint64_t check_number(struct bytes content)
{
    uint64_t number = 0;

    for (size_t i = 0;
         i < content.len && content.data[i] >= '0' && content.data[i] <= '9';
         i++) {
        number = number * 10 + (uint64_t)(content.data[i] - '0');
    }
    return number;
}

uint64_t check_publish(struct check *c,
                       uint64_t connection,
                       size_t channel,
                       size_t count)
{
    uint64_t first = c->fact_count + 1;

    if (c->fact_count + count > c->fact_max) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        c->facts[++c->fact_count] = (struct check_fact){
            .channel = channel, .connection = connection, .attempts = 1};
    }
    return first;
}

void check_again(struct check *c, uint64_t number)
{
    c->facts[number].attempts++;
}

void check_doubt(struct check *c, uint64_t number)
{
    c->facts[number].doubts++;
}

void check_give_up(struct check *c, uint64_t number)
{
    c->facts[number].given_up = true;
    if (c->facts[number].fate == CHECK_PENDING) {
        c->facts[number].fate = CHECK_UNKNOWN;
    }
}

static struct check_origin *origin_of(struct check *c, uint64_t origin)
{
    for (size_t i = 0; i < c->origin_count; i++) {
        if (c->origins[i].origin == origin) {
            return &c->origins[i];
        }
    }
    check(c->origin_count < CHECK_ORIGINS_MAX);
    c->origins[c->origin_count] = (struct check_origin){.origin = origin};
    return &c->origins[c->origin_count++];
}

/* Where in its list events behind `sequence` begin. */
static size_t behind(const struct check *c,
                     const struct check_origin *o,
                     uint64_t sequence)
{
    size_t low = 0;
    size_t high = o->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (c->events[o->events[middle]].sequence <= sequence) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct check_origin *check_between(const struct check *c,
                                         uint64_t origin,
                                         uint64_t after,
                                         uint64_t until,
                                         size_t *ret_first,
                                         size_t *ret_end)
{
    *ret_first = 0;
    *ret_end = 0;
    for (size_t i = 0; i < c->origin_count; i++) {
        const struct check_origin *o = &c->origins[i];

        if (o->origin == origin && after < until) {
            *ret_first = behind(c, o, after);
            *ret_end = behind(c, o, until);
            return o;
        }
    }
    return NULL;
}

static struct check_event *find(struct check *c,
                                uint64_t origin,
                                uint64_t sequence)
{
    size_t first;
    size_t end;
    const struct check_origin *o =
        check_between(c, origin, sequence - 1, sequence, &first, &end);

    return first < end ? &c->events[o->events[first]] : NULL;
}

static struct check_event *add(struct check *c,
                               uint64_t number,
                               uint64_t origin,
                               uint64_t sequence)
{
    struct check_origin *o = origin_of(c, origin);
    struct check_fact *fact = &c->facts[number];
    size_t at = behind(c, o, sequence);
    struct check_event *e = &c->events[c->event_count];

    check(c->event_count < c->event_max);
    *e = (struct check_event){
        .number = number, .origin = origin, .sequence = sequence};
    if (o->count == o->capacity) {
        o->capacity = 2 * o->capacity + 64;
        o->events = alloc_resize(o->events, o->capacity * sizeof(o->events[0]));
    }
    memmove(o->events + at + 1,
            o->events + at,
            (o->count - at) * sizeof(o->events[0]));
    o->events[at] = (uint32_t)c->event_count;
    o->count++;
    if (fact->name_count == CHECK_NAMES_MAX ||
        fact->name_count >= fact->attempts) {
        check_wrong(c,
                    "event %" PRIu64 " was sent %u times and has %zu names",
                    number,
                    fact->attempts,
                    fact->name_count + 1);
    } else {
        fact->names[fact->name_count++] = (uint32_t)c->event_count;
    }
    c->doubled += fact->name_count > 1;
    c->event_count++;
    return e;
}

/* A name was met: it is that of one event only, which was published. */
static struct check_event *meet(struct check *c,
                                uint64_t number,
                                uint64_t origin,
                                uint64_t sequence)
{
    struct check_event *e = find(c, origin, sequence);

    if (number == 0 || number > c->fact_count) {
        check_wrong(c, "event %" PRIu64 " was never published", number);
        return NULL;
    }
    if (e == NULL) {
        e = add(c, number, origin, sequence);
    }
    if (e->number != number) {
        check_wrong(c,
                    "events %" PRIu64 " and %" PRIu64 " have one name, %" PRIx64
                    "/%" PRIx64,
                    e->number,
                    number,
                    origin,
                    sequence);
        return NULL;
    }
    if (c->facts[number].fate == CHECK_REFUSED) {
        check_wrong(c, "event %" PRIu64 " was refused and is there", number);
    }
    return e;
}

void check_stored_as(struct check *c,
                     uint64_t number,
                     uint64_t origin,
                     uint64_t sequence)
{
    struct check_fact *fact = &c->facts[number];
    struct check_event *e = meet(c, number, origin, sequence);

    if (fact->fate == CHECK_SAFE) {
        check_wrong(c, "event %" PRIu64 " was answered twice", number);
    }
    if (e != NULL && !e->safe) {
        check_wrong(
            c, "event %" PRIu64 " was answered, and not by its node", number);
    }
    fact->fate = CHECK_SAFE;
    c->acknowledged++;
    c->repeated += fact->attempts > 1 && fact->name_count == 1;
}

void check_refused(struct check *c, uint64_t number)
{
    struct check_fact *fact = &c->facts[number];

    if (fact->doubts > 0) {
        fact->fate = CHECK_UNKNOWN;
        return;
    }
    fact->fate = CHECK_REFUSED;
    if (fact->name_count > 0) {
        check_wrong(c, "event %" PRIu64 " is there and refused", number);
    }
}

struct scan {
    struct check *check;
    size_t node;
};

/* Whoever names an event does not have it already, when it has a key: what is
 * new on the disk may have come, or come back, with it. */
static void check_repeat(struct check *c,
                         size_t node,
                         const struct replication_record *r,
                         const struct check_event *e)
{
    const struct check_fact *fact = &c->facts[e->number];
    const struct disk *d = &c->world->nodes[node].disk;
    uint64_t before = c->scanned_place[node];

    if ((r->origin & ~EVENT_ORIGIN_QUORUM) != d->identity) {
        return;
    }
    for (size_t i = 0; i < fact->name_count; i++) {
        const struct check_event *other = &c->events[fact->names[i]];

        if (other != e && disk_holds(d, other->origin, other->sequence) &&
            disk_place(d, other->origin, other->sequence) <= before) {
            check_wrong(
                c, "node %zu stores event %" PRIu64 " twice", node, e->number);
        }
    }
}

static bool meet_record(void *context, const struct replication_record *r)
{
    const struct scan *scan = context;
    struct check *c = scan->check;
    struct record record;
    struct check_event *e;

    check(record_decode(r->bytes, &record) == 0);
    e = meet(c, check_number(record.content), r->origin, r->sequence);
    if (e == NULL) {
        return false;
    }
    if (!e->stored) {
        e->stored = true;
        e->predecessor = r->predecessor;
        check_repeat(c, scan->node, r, e);
    } else if (e->predecessor != r->predecessor) {
        check_wrong(c, "event %" PRIu64 " has two predecessors", e->number);
    }
    e->had |= 1u << scan->node;
    return true;
}

/* What is new on a disk. */
static void scan(struct check *c, size_t node)
{
    struct disk *d = &c->world->nodes[node].disk;
    struct scan scan = {.check = c, .node = node};

    disk_read(d, c->scanned_place[node] + 1, SIZE_MAX, meet_record, &scan);
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

    for (size_t i = 0; i < c->event_count; i++) {
        const struct check_event *f = &c->events[i];

        if (f->sequence > vector_get(&n->walked, f->origin) &&
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
    vector_merge(&c->safe[node], &n->told.safe);
    c->alone[node] = n->told.alone;
}

/* Whether the event is as safe as its namespace promises, there and now. */
static bool is_safe(const struct check *c,
                    size_t node,
                    const struct check_event *e)
{
    const struct disk *d = &c->world->nodes[node].disk;

    switch (world_rules_of(world_channels[c->facts[e->number].channel])
                ->durability) {
    case NAMESPACE_MEMORY:
        return true;
    case NAMESPACE_DISK:
        return e->stored && vector_get(&d->have, e->origin) >= e->sequence;
    case NAMESPACE_QUORUM:
        break;
    }
    return e->stored && (c->alone[node] ||
                         vector_get(&c->world->nodes[node].walked, e->origin) >=
                             e->sequence ||
                         vector_get(&c->safe[node], e->origin) >= e->sequence);
}

/* An event's answer leaves the committer. */
static void check_item(struct check *c,
                       size_t node,
                       uint64_t number,
                       const struct publish_item *item)
{
    struct check_event *e;
    uint64_t origin;
    uint64_t sequence;

    check(event_from_uuid(item->outcome.identifier, &origin, &sequence));
    e = meet(c, number, origin, sequence);
    if (e == NULL) {
        return;
    }
    if (!is_safe(c, node, e)) {
        check_wrong(c,
                    "node %zu answers event %" PRIu64 ", %" PRIx64 "/%" PRIx64
                    ", before it is safe",
                    node,
                    number,
                    origin,
                    sequence);
    }
    if (e->safe) {
        return;
    }
    e->safe = true;
    for (size_t i = 0; i < c->world->count; i++) {
        const struct world_node *n = &c->world->nodes[i];

        if (n->has_disk && vector_get(&n->disk.have, origin) >= sequence) {
            e->holders |= 1u << i;
        }
    }
}

static void check_answers(struct check *c, size_t node, struct list *answers)
{
    list_each(entry, answers)
    {
        const struct publish *p = list_entry(entry, struct publish, node);
        uint64_t first = check_number(bytes_from(publish_id(p), 1));

        for (size_t i = 0; p->problem == PROBLEM_NONE && i < p->count; i++) {
            check_item(c, node, first + i, &p->items[i]);
        }
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

void check_batch(struct check *c, size_t node, struct batch *batch)
{
    uint64_t before = vector_get(&c->world->nodes[node].walked, batch->origin);

    for (size_t i = 0; i < batch->event_count; i++) {
        const struct event *event = batch->events[i];

        check_event(c, node, before, event);
        before = event->sequence;
    }
    for (size_t i = 0; i < WORLD_SHARDS; i++) {
        check_answers(c, node, &batch->answers[i]);
    }
}

void check_damaged(struct check *c, size_t node)
{
    const struct world_node *n = &c->world->nodes[node];
    const struct disk *d = &n->disk;

    for (size_t i = 0; i < c->event_count; i++) {
        struct check_event *e = &c->events[i];
        bool back = e->sequence > vector_get(&d->have, e->origin);

        if (back || (e->sequence > vector_get(&d->low, e->origin) &&
                     !disk_holds(d, e->origin, e->sequence))) {
            e->holders &= ~(1u << node);
            e->broken |= (e->had >> node & 1) != 0;
            e->unshown |= e->sequence > vector_get(&n->walked, e->origin);
        }
        if (back) {
            e->had &= ~(1u << node);
        }
    }
}

/* Whether `node` has the event, or must not be asked for it any more. */
static bool has(const struct check *c, size_t node, const struct check_event *e)
{
    const struct disk *d = &c->world->nodes[node].disk;

    return vector_get(&d->low, e->origin) >= e->sequence ||
           vector_get(&d->damaged, e->origin) >= e->sequence ||
           disk_place(d, e->origin, e->sequence) != 0;
}

void check_nothing_lost(struct check *c)
{
    /* What was put back is what it was. */
    for (size_t i = 0; i < c->world->count; i++) {
        c->scanned_place[i] = 0;
        scan(c, i);
    }
    for (size_t n = 0; n < c->event_count; n++) {
        const struct check_event *e = &c->events[n];

        for (size_t i = 0; e->holders != 0 && i < c->world->count; i++) {
            if (world_runs(c->world, i) && !has(c, i, e)) {
                check_wrong(c,
                            "node %zu has lost event %" PRIu64 ", %" PRIx64
                            "/%" PRIx64 ", which was safe",
                            i,
                            e->number,
                            e->origin,
                            e->sequence);
            }
        }
    }
}

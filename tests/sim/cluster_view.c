/* From frames to what they mean for one subscriber. */
#include "tests/sim/cluster_view.h"

#include "base/alloc.h"
#include "base/check.h"
#include "proto/cursor.h"

#include <inttypes.h>
#include <stdlib.h>

/* Clocks that are further apart are not promised to work. */
#define CLOCKS_APART_MS_MAX (4 * 60 * 1000)

enum { UNSEEN, SEEN, TOLD };

void view_init(struct check_view *v, struct check *c, size_t index)
{
    v->check = c;
    v->index = index;
    v->seen = alloc_zero(c->event_max);
    v->last =
        alloc_zero(CHECK_CONNECTIONS_MAX * WORLD_CHANNELS * sizeof(v->last[0]));
}

void view_done(struct check_view *v)
{
    free(v->seen);
    free(v->last);
}

static void forget(struct check_view *v)
{
    memset(v->seen, UNSEEN, v->check->event_max);
    memset(v->last,
           0,
           CHECK_CONNECTIONS_MAX * WORLD_CHANNELS * sizeof(v->last[0]));
    v->begun = false;
    v->start = (struct vector){0};
    v->at = (struct vector){0};
}

void view_new(struct check_view *v, const char *pattern, enum view_begin begin)
{
    forget(v);
    v->pattern = pattern;
    v->begin = begin;
    v->on = false;
}

static bool matches(const struct check_view *v, size_t channel)
{
    size_t len = strlen(v->pattern);

    return v->pattern[len - 1] == '*'
               ? strncmp(world_channels[channel], v->pattern, len - 1) == 0
               : strcmp(world_channels[channel], v->pattern) == 0;
}

static const struct check_fact *fact_of(const struct check_view *v,
                                        const struct check_event *e)
{
    return &v->check->facts[e->number];
}

static bool holds(const struct check_view *v,
                  size_t node,
                  const struct check_event *e)
{
    return disk_holds(
        &v->check->world->nodes[node].disk, e->origin, e->sequence);
}

/* Who asked for what is kept, or the last of it, has no right to what had left
 * its window when it began, nor to what was damaged right before. */
static bool is_past(const struct check_view *v,
                    size_t index,
                    const struct check_event *e)
{
    const char *channel = world_channels[fact_of(v, e)->channel];

    return v->begin == VIEW_PAST && index < v->event_then &&
           (e->broken ||
            world_rules_of(channel)->window_max != INDEX_UNLIMITED);
}

/* Not told of, or not where it was, is what was damaged before it was shown, or
 * out of its window. */
static bool is_untold(const struct check_view *v, const struct check_event *e)
{
    const char *channel = world_channels[fact_of(v, e)->channel];

    return e->unshown || (e->broken && world_rules_of(channel)->window_max !=
                                           INDEX_UNLIMITED);
}

/* Whether it is for it, and it is to see it or be told of it. */
static bool is_wanted(const struct check_view *v, size_t index)
{
    const struct check_event *e = &v->check->events[index];

    return v->seen[index] == UNSEEN && e->stored &&
           matches(v, fact_of(v, e)->channel) && !is_past(v, index, e) &&
           !is_untold(v, e);
}

/* Whether it misses one that its node says is behind it. What a node lost with
 * its disk, and nobody else had, nobody can tell of. */
static bool misses(const struct check_view *v, size_t index)
{
    const struct check_event *e = &v->check->events[index];

    return is_wanted(v, index) && (!e->broken || (e->had >> v->node & 1) != 0);
}

/* Whether it is told to be where it was before: behind an event for it that its
 * node has. */
static bool goes_back(const struct check_view *v, const struct vector *to)
{
    for (size_t i = 0; i < v->at.count; i++) {
        const struct vector_entry *entry = &v->at.entries[i];
        size_t first;
        size_t end;
        const struct check_origin *o =
            check_between(v->check,
                          entry->origin,
                          vector_get(to, entry->origin),
                          entry->sequence,
                          &first,
                          &end);

        for (; first < end; first++) {
            const struct check_event *e = &v->check->events[o->events[first]];

            if (matches(v, fact_of(v, e)->channel) && holds(v, v->node, e)) {
                return true;
            }
        }
    }
    return false;
}

/* It is told to be at `to` now, `event` being what it is told of. */
static void advance(struct check_view *v,
                    const struct vector *to,
                    const struct check_event *event)
{
    for (size_t i = 0; i < to->count; i++) {
        const struct vector_entry *entry = &to->entries[i];
        size_t first;
        size_t end;
        const struct check_origin *o =
            check_between(v->check,
                          entry->origin,
                          vector_get(&v->at, entry->origin),
                          entry->sequence,
                          &first,
                          &end);

        for (; first < end; first++) {
            const struct check_event *e = &v->check->events[o->events[first]];

            if (e != event && misses(v, o->events[first])) {
                check_wrong(v->check,
                            "subscriber %zu (%s) at node %zu missed event "
                            "%" PRIu64 ", %" PRIx64 "/%" PRIx64,
                            v->index,
                            v->pattern,
                            v->node,
                            e->number,
                            e->origin,
                            e->sequence);
            }
        }
    }
    vector_merge(&v->at, to);
}

static bool parse(struct check_view *v, struct bytes text, struct vector *ret)
{
    if (cursor_parse(text, ret) == 0) {
        return true;
    }
    check_wrong(v->check, "subscriber %zu: not a cursor", v->index);
    return false;
}

void view_on(struct check_view *v, size_t node, struct bytes cursor)
{
    struct vector at = {0};

    check_tell(v->check,
               node,
               "subscriber %zu (%s) %s",
               v->index,
               v->pattern,
               v->begun ? "goes on" : "begins");
    v->node = node;
    v->on = true;
    if (v->begin == VIEW_PLAIN) {
        forget(v);
    } else if (!parse(v, cursor, &at)) {
        return;
    }
    if (v->begun && !vector_equal(&at, &v->at)) {
        check_wrong(
            v->check, "subscriber %zu does not go on where it was", v->index);
    }
    if (!v->begun) {
        v->begun = true;
        v->start = at;
        v->at = at;
        v->event_then = v->check->event_count;
        v->fact_then = v->check->fact_count;
    }
}

/* Those of one connection and channel are in order, unless sent again. */
static void check_order(struct check_view *v, uint64_t number)
{
    const struct check_fact *fact = &v->check->facts[number];
    uint32_t *last =
        &v->last[(fact->connection % CHECK_CONNECTIONS_MAX) * WORLD_CHANNELS +
                 fact->channel];

    if (fact->attempts > 1) {
        return;
    }
    if (number < *last) {
        check_wrong(v->check,
                    "subscriber %zu saw event %" PRIu64 " after %" PRIu32,
                    v->index,
                    number,
                    *last);
    }
    *last = (uint32_t)number;
}

static bool can_be(const struct check_view *v,
                   uint32_t index,
                   const struct vector *at)
{
    const struct check_event *e = &v->check->events[index];

    return v->seen[index] != SEEN && e->stored &&
           (v->begin == VIEW_PLAIN ||
            (vector_get(at, e->origin) == e->sequence &&
             vector_get(&v->at, e->origin) < e->sequence));
}

/* Which of the number's events it is, best one that its node has; UINT32_MAX:
 * none that it can be. */
static uint32_t which(const struct check_view *v,
                      uint64_t number,
                      const struct vector *at)
{
    const struct check_fact *fact = &v->check->facts[number];
    uint32_t any = UINT32_MAX;

    for (size_t i = 0; i < fact->name_count; i++) {
        uint32_t index = fact->names[i];

        if (can_be(v, index, at)) {
            if (holds(v, v->node, &v->check->events[index])) {
                return index;
            }
            any = index;
        }
    }
    return any;
}

void view_data(struct check_view *v,
               struct bytes content,
               struct bytes channel,
               struct bytes cursor)
{
    struct check *c = v->check;
    uint64_t number = check_number(content);
    struct vector at = {0};
    uint32_t index;

    if (number == 0 || number > c->fact_count ||
        !matches(v, c->facts[number].channel) ||
        (v->begin != VIEW_PLAIN &&
         !bytes_equal(channel,
                      bytes_text(world_channels[c->facts[number].channel])))) {
        check_wrong(c,
                    "subscriber %zu (%s) saw event %" PRIu64
                    ", which is not for it",
                    v->index,
                    v->pattern,
                    number);
        return;
    }
    if (v->begin != VIEW_PLAIN && !parse(v, cursor, &at)) {
        return;
    }
    index = which(v, number, &at);
    if (index == UINT32_MAX || (v->begin != VIEW_PLAIN && goes_back(v, &at))) {
        check_wrong(c,
                    "subscriber %zu (%s) at node %zu saw event %" PRIu64 " %s",
                    v->index,
                    v->pattern,
                    v->node,
                    number,
                    index == UINT32_MAX ? "twice" : "and goes back");
        return;
    }
    check_tell(c,
               v->node,
               "subscriber %zu sees event %" PRIu64 ", %" PRIx64 "/%" PRIx64,
               v->index,
               number,
               c->events[index].origin,
               c->events[index].sequence);
    check_order(v, number);
    advance(v, &at, &c->events[index]);
    v->seen[index] = SEEN;
    c->seen++;
}

/* What is told to be gone, and is not for reasons that are known, must not lie
 * whole on the node's disk. */
static bool is_there(const struct check_view *v, const struct check_event *e)
{
    const struct disk *d = &v->check->world->nodes[v->node].disk;
    const char *channel = world_channels[fact_of(v, e)->channel];

    return world_rules_of(channel)->window_max == INDEX_UNLIMITED &&
           !e->broken && e->sequence > vector_get(&d->low, e->origin) &&
           holds(v, v->node, e);
}

/* How many of its events a gap holds. */
struct told {
    uint64_t most;
    uint64_t past; /* of them, it may have no right to */
    bool broken;   /* some were damaged */
};

/* All between is told of. */
static void tell(struct check_view *v,
                 const struct vector_entry *to,
                 struct told *told)
{
    struct check *c = v->check;
    size_t first;
    size_t end;
    const struct check_origin *o = check_between(c,
                                                 to->origin,
                                                 vector_get(&v->at, to->origin),
                                                 to->sequence,
                                                 &first,
                                                 &end);

    for (; first < end; first++) {
        uint32_t index = o->events[first];
        const struct check_event *e = &c->events[index];

        if (v->seen[index] == SEEN || !matches(v, fact_of(v, e)->channel)) {
            continue;
        }
        if (is_there(v, e)) {
            check_wrong(c,
                        "subscriber %zu (%s) is told that event %" PRIu64
                        " is gone, which node %zu has",
                        v->index,
                        v->pattern,
                        e->number,
                        v->node);
        }
        if ((e->had >> v->node & 1) != 0) {
            told->most++;
            told->past += is_past(v, index, e) || v->seen[index] == TOLD;
        }
        check_tell(c,
                   v->node,
                   "subscriber %zu misses event %" PRIu64 ", %" PRIx64
                   "/%" PRIx64,
                   v->index,
                   e->number,
                   e->origin,
                   e->sequence);
        told->broken |= e->broken;
        v->seen[index] = TOLD;
    }
}

/* A damaged record says nothing of its origin, so the cursor that it is told
 * with may be short of it. */
static void tell_damaged(struct check_view *v)
{
    const struct check *c = v->check;

    for (size_t i = 0; i < c->event_count; i++) {
        const struct check_event *e = &c->events[i];

        if (e->broken && v->seen[i] == UNSEEN && (e->had >> v->node & 1) != 0 &&
            matches(v, fact_of(v, e)->channel) && !holds(v, v->node, e)) {
            v->seen[i] = TOLD;
        }
    }
}

void view_gap(struct check_view *v, const struct view_gap *gap)
{
    struct check *c = v->check;
    struct vector from;
    struct vector to;
    struct told told = {0};
    uint64_t missed = check_number(gap->missed);

    if (!parse(v, gap->from, &from) || !parse(v, gap->to, &to)) {
        return;
    }
    if (goes_back(v, &from) || !vector_covers(&to, &from)) {
        check_wrong(c, "subscriber %zu: a gap that goes back", v->index);
    }
    check_tell(c,
               v->node,
               "subscriber %zu is told of a gap: %.*s %.*s",
               v->index,
               (int)gap->reason.len,
               (const char *)gap->reason.data,
               (int)gap->missed.len,
               (const char *)gap->missed.data);
    advance(v, &from, NULL);
    for (size_t i = 0; i < to.count; i++) {
        tell(v, &to.entries[i], &told);
    }
    if (gap->missed.len > 0 && !told.broken &&
        (missed > told.most || missed + told.past < told.most)) {
        check_wrong(c,
                    "subscriber %zu (%s) at node %zu is told of %" PRIu64
                    " missed events, which are %" PRIu64,
                    v->index,
                    v->pattern,
                    v->node,
                    missed,
                    told.most);
    }
    if (bytes_equal(gap->reason, bytes_text("corrupt"))) {
        tell_damaged(v);
    }
    vector_merge(&v->at, &to);
    c->gaps++;
}

void view_off(struct check_view *v)
{
    if (v->on) {
        check_tell(
            v->check, v->node, "subscriber %zu is disconnected", v->index);
    }
    v->on = false;
}

bool view_knows(const struct check_view *v, size_t node)
{
    const struct disk *d = &v->check->world->nodes[node].disk;
    uint64_t wall_ms = world_moment(v->check->world, node).wall_ms;

    for (size_t i = 0; i < v->at.count; i++) {
        const struct vector_entry *e = &v->at.entries[i];

        if (!vector_knows(&d->have, e->origin) ||
            event_sequence_ms(e->sequence) > wall_ms + CLOCKS_APART_MS_MAX) {
            return false;
        }
    }
    return true;
}

static bool is_due(const struct check_view *v, const struct check_event *e)
{
    return e->number > v->fact_then ||
           (v->begin != VIEW_PLAIN &&
            e->sequence > vector_get(&v->start, e->origin));
}

uint64_t view_lacks(const struct check_view *v)
{
    for (size_t i = 0; i < v->check->event_count; i++) {
        const struct check_event *e = &v->check->events[i];

        if (is_wanted(v, i) && is_due(v, e) &&
            (holds(v, v->node, e) || (e->safe && !e->broken))) {
            return e->number;
        }
    }
    return 0;
}

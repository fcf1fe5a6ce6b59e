/* One queue in the order of places, and a second one of what it went past. */
#include "src/bridge/frontier.h"

#include "base/alloc.h"
#include "base/check.h"

static struct batch *batch_entry(struct list *node)
{
    return list_entry(node, struct batch, node);
}

static bool waits_for_quorum(uint64_t origin)
{
    return (origin & EVENT_ORIGIN_QUORUM) != 0;
}

static uint64_t last_sequence(const struct batch *b)
{
    return b->event_count > 0 ? b->events[b->event_count - 1]->sequence
                              : b->skip_to;
}

/* Whether it is more than answers: it has its turn among its origin's. */
static bool has_content(const struct batch *b)
{
    return b->event_count > 0 || b->skip_to > 0;
}

static uint64_t last_place(const struct batch *b)
{
    return b->event_count > 0 ? b->events[b->event_count - 1]->place : 0;
}

void frontier_init(struct frontier *f,
                   const struct vector *shown,
                   uint64_t shown_place,
                   uint64_t timeout_ms)
{
    *f = (struct frontier){.alone = true,
                           .shown = *shown,
                           .shown_place = shown_place,
                           .timeout_ms = timeout_ms};
    list_init(&f->waiting);
    list_init(&f->deferred);
    list_init(&f->ready);
}

void frontier_done(struct frontier *f)
{
    batch_unref_all(&f->waiting);
    batch_unref_all(&f->deferred);
    batch_unref_all(&f->ready);
}

/* What waits for a quorum is bounded here, at its origin, and not by the
 * intake: were that full of it, nobody would be listened to any more who could
 * say that it is safe. */
static void count(struct frontier *f, struct batch *b, bool more)
{
    if (!waits_for_quorum(b->origin)) {
        return;
    }
    if (more) {
        f->unsafe_events += b->event_count;
        f->unsafe_bytes += b->record_bytes;
        batch_discharge(b);
    } else {
        f->unsafe_events -= b->event_count;
        f->unsafe_bytes -= b->record_bytes;
        batch_charge(b);
    }
}

static bool is_deferred(const struct frontier *f, uint64_t origin)
{
    list_each(node, &f->deferred)
    {
        if (batch_entry(node)->origin == origin) {
            return true;
        }
    }
    return false;
}

/* The events stay for later; who published them is told now. */
static void fail_answers(struct frontier *f, struct batch *b)
{
    struct batch *answers = batch_new(b->intake, b->shard_count);

    batch_take_answers(answers, b);
    batch_fail(answers, PROBLEM_QUORUM_TIMEOUT);
    list_push_back(&f->ready, &answers->node);
}

void frontier_defer(struct frontier *f, struct batch *batch)
{
    count(f, batch, true);
    if (batch->event_count == 0 && !is_deferred(f, batch->origin)) {
        list_push_back(&f->waiting, &batch->node); /* nothing is before it */
    } else {
        list_push_back(&f->deferred, &batch->node);
    }
}

void frontier_prune(struct frontier *f, struct batch *prune)
{
    vector_prune(&f->shown, prune->have);
    vector_shed(&f->safe, prune->have);
    list_push_back(&f->ready, &prune->node);
}

uint64_t frontier_last(const struct frontier *f, uint64_t origin)
{
    uint64_t last = vector_get(&f->shown, origin);

    list_each(node, &f->deferred)
    {
        const struct batch *b = batch_entry(node);

        if (b->origin == origin && last_sequence(b) > last) {
            last = last_sequence(b);
        }
    }
    return last;
}

void frontier_add(struct frontier *f, struct batch *batch, struct moment now)
{
    if (has_content(batch) && is_deferred(f, batch->origin)) {
        fail_answers(f, batch);
        frontier_defer(f, batch);
        return;
    }
    count(f, batch, true);
    batch->added_ms = now.mono_ms;
    list_push_back(&f->waiting, &batch->node);
}

void frontier_safe(struct frontier *f, const struct vector *safe, bool alone)
{
    f->alone = alone;
    vector_merge(&f->safe, safe);
}

static bool is_safe(const struct frontier *f, const struct batch *b)
{
    return f->alone || !waits_for_quorum(b->origin) || b->event_count == 0 ||
           last_sequence(b) <= vector_get(&f->safe, b->origin);
}

/* Events before it left the log while they were hidden, or were damaged. */
static void show_hole(struct frontier *f, const struct batch *b)
{
    struct batch *hole = batch_new_skip(b->intake,
                                        b->shard_count,
                                        b->origin,
                                        vector_get(&f->shown, b->origin),
                                        b->events[0]->predecessor);

    list_push_back(&f->ready, &hole->node);
}

bool frontier_hides(const struct frontier *f,
                    uint64_t origin,
                    uint64_t sequence)
{
    return sequence > vector_get(&f->shown, origin);
}

/* Whether all that it was answered with, of this turn or found in the log, is
 * visible: what was found may have been deferred since. */
static bool is_shown(const struct frontier *f, const struct publish *p)
{
    for (size_t i = 0; i < p->count; i++) {
        uint64_t origin;
        uint64_t sequence;

        if (p->items[i].outcome.problem == PROBLEM_NONE &&
            event_from_uuid(
                p->items[i].outcome.identifier, &origin, &sequence) &&
            frontier_hides(f, origin, sequence)) {
            return false;
        }
    }
    return true;
}

static void check_repeats(const struct frontier *f, struct batch *b)
{
    for (uint32_t i = 0; b->repeated_count > 0 && i < b->shard_count; i++) {
        list_each(node, &b->answers[i])
        {
            struct publish *p = list_entry(node, struct publish, node);

            if (p->problem == PROBLEM_NONE && !is_shown(f, p)) {
                p->problem = PROBLEM_QUORUM_TIMEOUT;
            }
        }
    }
}

static void show(struct frontier *f, struct batch *b)
{
    if (b->event_count > 0 &&
        b->events[0]->predecessor > vector_get(&f->shown, b->origin)) {
        show_hole(f, b);
    }
    count(f, b, false);
    if (b->origin != 0) {
        (void)vector_raise(&f->shown, b->origin, last_sequence(b));
    }
    if (b->event_count > 0) {
        f->shown_place = last_place(b);
    }
    check_repeats(f, b);
    list_push_back(&f->ready, &b->node);
}

static void defer_origin(struct frontier *f, uint64_t origin)
{
    list_each_safe(node, &f->waiting)
    {
        struct batch *b = batch_entry(node);

        if (b->origin == origin && has_content(b)) {
            list_remove(node);
            fail_answers(f, b);
            list_push_back(&f->deferred, node);
        }
    }
}

void frontier_advance(struct frontier *f, struct moment now)
{
    while (!list_empty(&f->waiting)) {
        struct batch *b = batch_entry(f->waiting.next);

        if (is_safe(f, b)) {
            list_remove(&b->node);
            show(f, b);
        } else if (now.mono_ms - b->added_ms >= f->timeout_ms) {
            defer_origin(f, b->origin);
        } else {
            return;
        }
    }
}

size_t frontier_waiting(const struct frontier *f, uint64_t origin)
{
    size_t event_count = 0;

    list_each(node, &f->waiting)
    {
        const struct batch *b = batch_entry(node);

        event_count += b->origin == origin ? b->event_count : 0;
    }
    return event_count;
}

uint64_t frontier_deadline_ms(const struct frontier *f)
{
    return list_empty(&f->waiting)
               ? MOMENT_NEVER
               : batch_entry(f->waiting.next)->added_ms + f->timeout_ms;
}

/* The first origin of which something deferred is safe; 0: none. Each origin's
 * batches are in order, so its first decides. */
static uint64_t origin_to_move(const struct frontier *f)
{
    struct vector seen = {0};

    list_each(node, &f->deferred)
    {
        const struct batch *b = batch_entry(node);

        if (!vector_knows(&seen, b->origin) && is_safe(f, b)) {
            return b->origin;
        }
        (void)vector_raise(&seen, b->origin, 1);
    }
    return 0;
}

size_t frontier_to_move(const struct frontier *f, struct event ***ret_events)
{
    uint64_t origin = origin_to_move(f);
    struct event **events;
    size_t event_count = 0;

    if (origin == 0) {
        return 0;
    }
    events = alloc_raw((f->unsafe_events + 1) * sizeof(struct event *));
    list_each(node, &f->deferred)
    {
        const struct batch *b = batch_entry(node);

        for (size_t i = 0; b->origin == origin && i < b->event_count; i++) {
            check(event_count < f->unsafe_events);
            events[event_count++] = b->events[i];
        }
    }
    *ret_events = events;
    return event_count;
}

void frontier_moved(struct frontier *f, uint64_t origin, struct moment now)
{
    list_each_safe(node, &f->deferred)
    {
        struct batch *b = batch_entry(node);

        if (b->origin == origin) {
            list_remove(node);
            b->added_ms = now.mono_ms;
            list_push_back(&f->waiting, node);
        }
    }
}

struct batch *frontier_take(struct frontier *f)
{
    struct list *node = list_pop_front(&f->ready);

    return node == NULL ? NULL : batch_entry(node);
}

bool frontier_full(const struct frontier *f)
{
    return f->unsafe_events >= FRONTIER_EVENTS_MAX ||
           f->unsafe_bytes >= FRONTIER_BYTES_MAX;
}

/* Once its origin is deferred, a batch is as well, safe or not. */
bool frontier_has_room(const struct frontier *f, const struct batch *b)
{
    size_t bytes = 0;

    if (f->unsafe_bytes < FRONTIER_BYTES_MAX) {
        return true;
    }
    list_each(node, &f->deferred)
    {
        const struct batch *d = batch_entry(node);

        bytes += d->origin == b->origin ? d->record_bytes : 0;
    }
    list_each(node, &f->waiting)
    {
        const struct batch *w = batch_entry(node);

        bytes += w->origin == b->origin && !is_safe(f, w) ? w->record_bytes : 0;
    }
    return bytes < FRONTIER_BYTES_MAX;
}

/* Naming events: hybrid logical clock, identifier, predecessor; and finding
 * those that have a name already. */
#include "src/bridge/sequencer.h"

#include "base/check.h"
#include "base/rc.h"
#include "src/bridge/repeats.h"

void sequencer_init(struct sequencer *s,
                    uint64_t origin,
                    uint64_t last_sequence,
                    uint64_t reserved)
{
    check(origin > 0 && origin <= EVENT_ORIGIN_MAX);
    s->origin = origin;
    s->last_given = last_sequence > reserved ? last_sequence : reserved;
    s->last_stored = last_sequence;
}

static void drop(struct publish_item *item)
{
    event_unref(item->event);
    item->event = NULL;
}

/* The item is answered with the name of the event that it repeats. */
static void take_name(struct publish_item *item,
                      uint64_t origin,
                      uint64_t sequence,
                      struct batch *batch)
{
    event_uuid(origin, sequence, item->outcome.identifier);
    drop(item);
    batch->repeated_count++;
}

/* Whether all could be looked up. What cannot is neither stored, which might
 * be for the second time, nor said to be there. */
static bool find_stored(struct publish *publish,
                        const struct sequencer_known *known,
                        struct batch *batch)
{
    for (size_t i = 0; i < publish->count; i++) {
        struct publish_item *item = &publish->items[i];
        uint64_t origin;
        uint64_t sequence;
        int rc;

        if (item->event == NULL || item->event->key.len == 0) {
            continue;
        }
        rc = known->find(known->context,
                         item->event->channel,
                         item->event->key,
                         &origin,
                         &sequence);
        if (rc == 0) {
            take_name(item, origin, sequence, batch);
        } else if (rc != RC_NOT_FOUND) {
            return false;
        }
    }
    return true;
}

static void refuse(struct publish *publish)
{
    publish->problem = PROBLEM_STORAGE;
    for (size_t i = 0; i < publish->count; i++) {
        drop(&publish->items[i]);
    }
}

static void name_event(struct sequencer *s,
                       struct moment now,
                       struct publish_item *item,
                       uint64_t predecessor)
{
    s->last_given = event_sequence_next(s->last_given, now.wall_ms);
    item->event->origin = s->origin;
    item->event->sequence = s->last_given;
    item->event->predecessor = predecessor;
    event_uuid(s->origin, s->last_given, item->outcome.identifier);
}

/* Name what is to be stored; returns the predecessor of the next event. */
static uint64_t name_events(struct sequencer *s,
                            struct moment now,
                            struct publish *publish,
                            uint64_t predecessor,
                            struct repeats *repeats,
                            struct batch *batch)
{
    for (size_t i = 0; i < publish->count; i++) {
        struct publish_item *item = &publish->items[i];
        const struct event *first;

        if (item->event == NULL) {
            continue;
        }
        first = repeats_find(repeats, item->event);
        if (first != NULL) {
            take_name(item, first->origin, first->sequence, batch);
            continue;
        }
        name_event(s, now, item, predecessor);
        repeats_add(repeats, item->event);
        predecessor = s->last_given;
    }
    return predecessor;
}

void sequencer_fill(struct sequencer *s,
                    struct moment now,
                    struct list *publishes,
                    const struct sequencer_known *known,
                    struct batch *batch)
{
    uint64_t predecessor = s->last_stored;
    struct repeats repeats;

    check(batch->event_count == 0);
    repeats_init(&repeats, known->seed);
    while (!list_empty(publishes) && !batch_full(batch)) {
        struct publish *publish =
            list_entry(list_pop_front(publishes), struct publish, node);

        if (find_stored(publish, known, batch)) {
            predecessor =
                name_events(s, now, publish, predecessor, &repeats, batch);
        } else {
            refuse(publish);
        }
        batch_add(batch, publish);
    }
    repeats_done(&repeats);
}

void sequencer_restore(struct sequencer *s, uint64_t sequence)
{
    s->last_stored = sequence;
    if (s->last_given < sequence) {
        s->last_given = sequence;
    }
}

void sequencer_stored(struct sequencer *s, const struct batch *batch)
{
    if (batch->event_count > 0) {
        s->last_stored = batch->events[batch->event_count - 1]->sequence;
    }
}

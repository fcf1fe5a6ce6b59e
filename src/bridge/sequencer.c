/* Naming events: hybrid logical clock, identifier, predecessor. */
#include "src/bridge/sequencer.h"

#include "base/check.h"

void sequencer_init(struct sequencer *s,
                    uint64_t origin,
                    uint64_t last_sequence)
{
    check(origin > 0 && origin <= EVENT_ORIGIN_MAX);
    s->origin = origin;
    s->last_given = last_sequence;
    s->last_stored = last_sequence;
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

void sequencer_fill(struct sequencer *s,
                    struct moment now,
                    struct list *publishes,
                    struct batch *batch)
{
    uint64_t predecessor = s->last_stored;

    check(batch->event_count == 0);
    while (!list_empty(publishes) && !batch_full(batch)) {
        struct publish *publish =
            list_entry(list_pop_front(publishes), struct publish, node);

        for (size_t i = 0; i < publish->count; i++) {
            if (publish->items[i].event != NULL) {
                name_event(s, now, &publish->items[i], predecessor);
                predecessor = s->last_given;
            }
        }
        batch_add(batch, publish);
    }
}

void sequencer_stored(struct sequencer *s, const struct batch *batch)
{
    if (batch->event_count > 0) {
        s->last_stored = batch->events[batch->event_count - 1]->sequence;
    }
}

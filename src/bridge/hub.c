/* Naming and ordering events, and passing on what the log has made safe. */
#include "src/bridge/hub.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

struct hub {
    struct hub_options options;
    uint64_t last_sequence;
};

struct hub *hub_new(const struct hub_options *options)
{
    struct hub *hub = alloc_zero(sizeof(*hub));

    check(options->origin > 0 && options->origin <= EVENT_ORIGIN_MAX);
    check(options->shard_count > 0);
    hub->options = *options;
    hub->last_sequence = options->last_sequence;
    return hub;
}

void hub_free(struct hub *hub)
{
    free(hub);
}

static void effect(struct hub_effects *out,
                   enum hub_effect_kind kind,
                   struct batch *batch)
{
    check(out->count < HUB_EFFECTS_MAX);
    out->list[out->count++] = (struct hub_effect){.kind = kind, .batch = batch};
}

/* Sequences are given in the order in which the log will hold the events. */
static void name_events(struct hub *hub,
                        struct moment now,
                        struct publish *publish)
{
    for (size_t i = 0; i < publish->count; i++) {
        struct publish_item *item = &publish->items[i];

        if (item->event == NULL) {
            continue;
        }
        hub->last_sequence =
            event_sequence_next(hub->last_sequence, now.wall_ms);
        item->event->origin = hub->options.origin;
        item->event->sequence = hub->last_sequence;
        event_uuid(
            hub->options.origin, hub->last_sequence, item->outcome.identifier);
    }
}

static void take_publishes(struct hub *hub,
                           struct moment now,
                           struct list *publishes,
                           struct hub_effects *out)
{
    struct batch *batch = NULL;
    struct list *node;

    for (size_t n = 0; n < HUB_PUBLISHES_MAX; n++) {
        node = list_pop_front(publishes);
        if (node == NULL) {
            break;
        }
        if (batch == NULL) {
            batch = batch_new(hub->options.intake, hub->options.shard_count);
        }
        struct publish *publish = list_entry(node, struct publish, node);
        name_events(hub, now, publish);
        batch_add(batch, publish);
        if (batch->event_count > BATCH_EVENTS_MAX - CLIENT_MSG_EVENTS_MAX) {
            effect(out, HUB_EFFECT_APPEND, batch);
            batch = NULL;
        }
    }
    if (batch != NULL) {
        effect(out, HUB_EFFECT_APPEND, batch);
    }
}

void hub_step(struct hub *hub,
              struct moment now,
              const struct hub_input *in,
              struct hub_effects *out)
{
    out->count = 0;
    switch (in->kind) {
    case HUB_INPUT_PUBLISHES:
        take_publishes(hub, now, in->publishes, out);
        break;
    case HUB_INPUT_COMMITTED:
        if (in->committed.problem != PROBLEM_NONE) {
            batch_fail(in->committed.batch, in->committed.problem);
        }
        effect(out, HUB_EFFECT_DELIVER, in->committed.batch);
        break;
    }
}

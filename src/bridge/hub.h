/* The hub: gives every accepted event its name and its order, hands batches to
 * the log, and lets the shards have what the log has made safe. Nobody sees an
 * event, or an answer about it, before that.
 *
 * One door: hub_step(). Group commit needs no timer here: a turn's publishes
 * become one batch, and the log thread joins all the batches that wait for it
 * into one transaction. */
#ifndef BRIDGE_HUB_H
#define BRIDGE_HUB_H

#include "base/moment.h"
#include "src/bridge/batch.h"

struct hub;

struct hub_options {
    uint64_t origin;        /* this node's identity */
    uint64_t last_sequence; /* the highest it ever gave */
    uint32_t shard_count;
    struct intake *intake;
};

enum hub_input_kind {
    HUB_INPUT_PUBLISHES, /* a list of struct publish, taken over */
    HUB_INPUT_COMMITTED, /* the log has the batch on disk, or refused it */
};

struct hub_input {
    enum hub_input_kind kind;
    union {
        struct list *publishes;
        struct {
            struct batch *batch; /* the reference is taken over */
            enum problem problem;
        } committed;
    };
};

enum hub_effect_kind {
    HUB_EFFECT_APPEND,  /* hand the batch to the log thread */
    HUB_EFFECT_DELIVER, /* hand the batch to every shard */
};

struct hub_effect {
    enum hub_effect_kind kind;
    struct batch *batch; /* a reference that the receiver takes over */
};

/* What one step asks for; more than a turn can need is a bug. */
#define HUB_EFFECTS_MAX 64

struct hub_effects {
    size_t count;
    struct hub_effect list[HUB_EFFECTS_MAX];
};

struct hub *hub_new(const struct hub_options *options);
void hub_free(struct hub *hub);

void hub_step(struct hub *hub,
              struct moment now,
              const struct hub_input *in,
              struct hub_effects *out);

/* The most publishes that one step takes; the rest stays in its list, for the
 * next. */
#define HUB_PUBLISHES_MAX ((HUB_EFFECTS_MAX - 1) * (BATCH_EVENTS_MAX / 5))

#endif

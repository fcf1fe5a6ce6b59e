/* The sequencer: gives every event this node accepts its name and its order,
 * where the log thread is about to make them durable, so that there is one
 * order and no hand-over between giving it and keeping it. */
#ifndef BRIDGE_SEQUENCER_H
#define BRIDGE_SEQUENCER_H

#include "base/moment.h"
#include "src/bridge/batch.h"

struct sequencer {
    uint64_t origin;      /* this node's identity */
    uint64_t last_given;  /* never given again, even if the log refuses */
    uint64_t last_stored; /* the predecessor of the next */
};

/* `last_sequence`: the highest that is, or ever was, on disk. */
void sequencer_init(struct sequencer *s,
                    uint64_t origin,
                    uint64_t last_sequence);

/* Move publishes from the front of the list into the batch, naming their
 * events, until the list is empty or the batch full. */
void sequencer_fill(struct sequencer *s,
                    struct moment now,
                    struct list *publishes,
                    struct batch *batch);

/* The log has the batch. */
void sequencer_stored(struct sequencer *s, const struct batch *batch);

#endif

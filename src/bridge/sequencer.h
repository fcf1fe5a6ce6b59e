/* The sequencer: gives every event this node accepts its name and its order,
 * where the log thread is about to make them durable, so that there is one
 * order and no hand-over between giving it and keeping it. An event whose key
 * its channel has seen before is not given another name. */
#ifndef BRIDGE_SEQUENCER_H
#define BRIDGE_SEQUENCER_H

#include "base/moment.h"
#include "src/bridge/batch.h"

struct sequencer {
    uint64_t origin;      /* this node's identity */
    uint64_t last_given;  /* never given again, even if the log refuses */
    uint64_t last_stored; /* the predecessor of the next */
};

/* What is on disk, as the log knows it. */
struct sequencer_known {
    uint64_t seed; /* of a hash that clients must not foresee */
    /* Who has that key; RC_NOT_FOUND: nobody. Any other RC_: not known, and
     * the publish is refused with PROBLEM_STORAGE. */
    int (*find)(void *context,
                struct bytes channel,
                struct bytes key,
                uint64_t *ret_origin,
                uint64_t *ret_sequence);
    void *context;
};

/* `last_sequence`: the highest that is, or ever was, on disk; `reserved`: up to
 * there, names may have been given that never got there. */
void sequencer_init(struct sequencer *s,
                    uint64_t origin,
                    uint64_t last_sequence,
                    uint64_t reserved);

/* Move publishes from the front of the list into the batch, naming their
 * events, until the list is empty or the batch full. An event that is known, or
 * comes twice in the batch, is dropped and its item has the first one's
 * identifier: safe like that one, once the batch is. */
void sequencer_fill(struct sequencer *s,
                    struct moment now,
                    struct list *publishes,
                    const struct sequencer_known *known,
                    struct batch *batch);

/* The log has taken own events of an earlier life back, up to `sequence`. */
void sequencer_restore(struct sequencer *s, uint64_t sequence);

/* The log has the batch. */
void sequencer_stored(struct sequencer *s, const struct batch *batch);

#endif

/* The frontier: what is on disk becomes visible in the order of places, each
 * event once it is as safe as its namespace promises.
 *
 * An event that waits for a quorum (its origin is odd, see base/event.h) is
 * safe when a majority has it on disk, which the cluster says by a vector.
 * Events behind it wait with it, for a time: when the quorum does not come, the
 * origin is deferred. Its publishers, and those who published the same once
 * more meanwhile, are told that the outcome is unknown, the others go on, and
 * what was deferred takes new places at the end once it is safe after all, so
 * that whoever walks places meets every event, and each origin's in order.
 *
 * Pure: no clock, no disk. Belongs to the log thread. */
#ifndef BRIDGE_FRONTIER_H
#define BRIDGE_FRONTIER_H

#include "base/moment.h"
#include "base/vector.h"
#include "src/bridge/batch.h"

/* Events and bytes that may be deferred or wait for their quorum before own
 * publishes that would wait as well are held back: they can be moved in one
 * transaction. */
#define FRONTIER_EVENTS_MAX BATCH_EVENTS_MAX
#define FRONTIER_BYTES_MAX BATCH_BYTES_MAX

struct frontier {
    struct list waiting;  /* batches on disk, in the order of their places */
    struct list deferred; /* batches that were passed, each origin's in order */
    struct list ready;    /* to be delivered, in order */
    bool alone;           /* no quorum is larger than this node */
    struct vector safe;   /* of odd origins, up to where a majority has them */
    struct vector shown;  /* of each origin, up to where it is visible */
    uint64_t shown_place;
    uint64_t timeout_ms;  /* that a quorum may take */
    size_t unsafe_events; /* in `waiting` and `deferred`, of odd origins */
    size_t unsafe_bytes;
};

/* `shown`, `shown_place`: what was visible before the start. */
void frontier_init(struct frontier *f,
                   const struct vector *shown,
                   uint64_t shown_place,
                   uint64_t timeout_ms);
void frontier_done(struct frontier *f);

/* The log has pruned its origins, and has `have`: so does everyone. */
void frontier_prune(struct frontier *f, struct batch *prune);

/* Take over a batch that is on disk, behind those added before. */
void frontier_add(struct frontier *f, struct batch *batch, struct moment now);

/* Take over a batch that was on disk before the start, and not shown. */
void frontier_defer(struct frontier *f, struct batch *batch);

/* Of an origin, up to where it is shown or deferred. */
uint64_t frontier_last(const struct frontier *f, uint64_t origin);

/* What the cluster knows to be safe; `alone`: all is that is on disk. */
void frontier_safe(struct frontier *f, const struct vector *safe, bool alone);

/* How many events of `origin` wait, those deferred not counted. */
size_t frontier_waiting(const struct frontier *f, uint64_t origin);

/* Put what has become visible into `ready`, and answers to those who waited in
 * vain. Call it after each of the above and at the deadline. */
void frontier_advance(struct frontier *f, struct moment now);
uint64_t frontier_deadline_ms(const struct frontier *f); /* MOMENT_NEVER */

/* Of one origin all events that are deferred, when the first of them has become
 * safe: they are to be given new places, then frontier_moved() puts them in.
 * The array is the caller's to free, the events are borrowed. 0: nothing to
 * move. */
size_t frontier_to_move(const struct frontier *f, struct event ***ret_events);
void frontier_moved(struct frontier *f, uint64_t origin, struct moment now);

/* The next to deliver, whose reference is the caller's; NULL. */
struct batch *frontier_take(struct frontier *f);

/* Whether an event of this name is on disk and not visible. */
bool frontier_hides(const struct frontier *f,
                    uint64_t origin,
                    uint64_t sequence);

/* Whether what waits already is all that may. */
bool frontier_full(const struct frontier *f);

/* Whether a peer's batch may be taken: of its origin there would not be more
 * deferred than can be moved in one transaction. */
bool frontier_has_room(const struct frontier *f, const struct batch *b);

#endif

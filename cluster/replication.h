/* Who has what, and what goes to whom. Each node asks for what it lacks: of a
 * node whose link is open, its own events; of a node that cannot be reached,
 * the events of it that another has. Who is asked streams them from its log in
 * the order of its places, and goes on as more come, as far ahead of the
 * other's disk as the link allows.
 *
 * An origin's events come in order only, so a version vector says all that a
 * node has; what it has on disk it tells everyone (HAVE), and from that follows
 * what a majority has.
 *
 * Pure: the log, the links and what is received stand behind functions. */
#ifndef CLUSTER_REPLICATION_H
#define CLUSTER_REPLICATION_H

#include "base/vector.h"
#include "cluster/link.h"

/* An origin whose events do not come although the peer has them is asked for
 * again, of another if there is one. */
#define REPLICATION_RETRY_MS 2000

/* How long nothing is given up because a member has no link. */
#define REPLICATION_PATIENCE_MS 5000

/* Events of origins beyond so many are not asked for, until the log has pruned
 * others: our own always have room. */
#define REPLICATION_ORIGINS_MAX (VECTOR_ORIGINS_MAX - 4)

/* How much of the log is read in one go. */
#define REPLICATION_PAGE_BYTES (128 * 1024)

/* One record of the log: `bytes` is all of it, as storage/record has it. */
struct replication_record {
    uint64_t place;
    uint64_t origin;
    uint64_t sequence;
    uint64_t predecessor;
    bool gone; /* it stands for what left the log (base/event.h) */
    struct bytes bytes;
};

/* Damaged records between two places, which may be events of `origin` after
 * `after`, up to `until`. */
struct replication_hole {
    uint64_t origin;
    uint64_t after;
    uint64_t until;
    uint64_t after_place;
    uint64_t until_place;
};

/* That are asked for at once. */
#define REPLICATION_HOLES_MAX 64

struct replication_options {
    uint64_t identity; /* this node's: its even origin */
    void *context;     /* of the functions */

    /* The log: what is on disk, shown or not, and what has left it. */
    void (*have)(void *context, struct vector *ret);
    void (*low_water)(void *context, struct vector *ret);
    uint64_t (*seek)(void *context, const struct vector *after);
    /* Visit records from place `from` on until `visit` returns false, about
     * `bytes_max` of them. RC_IO. */
    int (*read)(void *context,
                uint64_t from,
                size_t bytes_max,
                bool (*visit)(void *visitor,
                              const struct replication_record *r),
                void *visitor);

    /* Events that came, to be appended; replication_committed() follows. */
    void (*store)(void *context, const struct peer_events *events);
    /* Events of `origin` after `from`, up to `to`, are not to be had of
     * anybody in reach. To be taken when all up to `from` is there. */
    void (*skip)(void *context, uint64_t origin, uint64_t from, uint64_t to);

    /* A peer has events of `origin` after `from`, up to `to`, which are not
     * here and never will be: the origin's node was set back to an older copy
     * of its log, and went on before anybody told it of them. */
    void (*forked)(void *context, uint64_t origin, uint64_t from, uint64_t to);

    /* The holes that are known now and should be filled, up to `max`; asked
     * about twice a second, when those named before are filled or given up.
     * NULL: damage stays. */
    size_t (*holes)(void *context, struct replication_hole *ret, size_t max);
    /* What a peer has of a hole, unchecked. */
    void (*repair)(void *context,
                   const struct replication_hole *hole,
                   const struct peer_events *events);
};

struct replication;
struct replication_peer;

struct replication *replication_new(const struct replication_options *options);
void replication_free(struct replication *r); /* accepts NULL */

/* The link to `hello->node` is open; the peer was told `told` of us. It stays
 * the caller's, and open until replication_close(), which frees the peer. */
struct replication_peer *replication_open(struct replication *r,
                                          uint64_t now_ms,
                                          struct link *link,
                                          const struct peer_hello *hello,
                                          const struct vector *told);
void replication_close(struct replication *r,
                       uint64_t now_ms,
                       struct replication_peer *peer);

/* Whether somebody who lives has no link yet, and may have what all others
 * lack.
 */
void replication_await(struct replication *r, bool somebody);

/* HAVE, WANT, STOP, EVENTS, GAP, FETCH or FETCHED of a peer. */
void replication_frame(struct replication *r,
                       uint64_t now_ms,
                       struct replication_peer *peer,
                       const struct peer_frame *frame);

/* Our log has grown: tell the others, and stream on. */
void replication_committed(struct replication *r, uint64_t now_ms);

/* The link has room again. */
void replication_pump(struct replication *r, struct replication_peer *peer);

/* Ask again for what does not come; call it about once a second. */
void replication_tick(struct replication *r, uint64_t now_ms);

/* Of each odd origin, up to where more than half of `members` have it on disk.
 * `members`: their identities, we included. */
void replication_safe(const struct replication *r,
                      const uint64_t *members,
                      size_t member_count,
                      struct vector *ret);

/* What a node was last known to have; false: it never said. */
bool replication_known(const struct replication *r,
                       uint64_t node,
                       struct vector *ret);

/* Whether we have all that the peers had when their links opened. */
bool replication_caught_up(const struct replication *r);

/* Whether a link to the node is open, and it has no event of ours that we lack.
 */
bool replication_has_ours(const struct replication *r, uint64_t node);

/* A member is not to be counted on any more. */
void replication_forget(struct replication *r, uint64_t node);

#endif

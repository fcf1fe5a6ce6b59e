/* The members that a node knows: in order of their ids to find them, and in an
 * order of chance to probe them. */
#ifndef CLUSTER_MEMBER_LIST_H
#define CLUSTER_MEMBER_LIST_H

#include "base/list.h"
#include "proto/gossip.h"

struct member {
    struct gossip_member record;
    uint64_t since_ms;    /* when it came to its state */
    uint64_t digest;      /* its part of membership_digest() */
    struct list suspects; /* in the list of those to be buried */
    struct list news;     /* in the dissemination */
    unsigned times_told;  /* by the dissemination */
    struct list changes;  /* in the list of what the node is not told yet */
    enum gossip_state noticed; /* what it was told last; 0: nothing */
    bool moved;                /* address, URLs or run are others since then */
};

struct member_list {
    size_t max;
    size_t count;
    struct member **by_id;
    struct member **round; /* the same, in the order of the probes */
    size_t round_next;
};

void member_list_init(struct member_list *list, size_t max);
void member_list_done(struct member_list *list); /* frees the members */

/* NULL: not known. */
struct member *member_list_find(const struct member_list *list, uint64_t id);

/* The first whose id is above `id`, or NULL. */
struct member *member_list_after(const struct member_list *list, uint64_t id);

/* A new member, all but its id zeroed, at a place of chance in the round (SWIM,
 * 4.3); NULL when the list is full. The id must not be known. */
struct member *member_list_add(struct member_list *list,
                               uint64_t id,
                               uint64_t *random);
void member_list_remove(struct member_list *list, struct member *member);

/* The next of the round that `accept` takes, or NULL. Each is met once before
 * any is met again, then the round is shuffled (SWIM, 4.3). */
struct member *member_list_next(struct member_list *list,
                                uint64_t *random,
                                bool (*accept)(const void *context,
                                               const struct member *member),
                                const void *context);

/* Up to `count` different members that `accept` takes, by chance. */
size_t member_list_pick(const struct member_list *list,
                        uint64_t *random,
                        bool (*accept)(const void *context,
                                       const struct member *member),
                        const void *context,
                        struct member **ret,
                        size_t count);

#endif

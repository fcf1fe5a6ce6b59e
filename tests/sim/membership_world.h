/* A network of memberships in simulated time: datagrams that are lost, late,
 * doubled and overtaken, links that are cut one way or both, processes that
 * crash, stop for a while, and come back at other addresses. All of it follows
 * from one seed. */
#ifndef TESTS_SIM_MEMBERSHIP_WORLD_H
#define TESTS_SIM_MEMBERSHIP_WORLD_H

#include "cluster/membership.h"

#define WORLD_NODES_MAX 1024
#define WORLD_SEED_NODES 3 /* the first nodes' names are everybody's seeds */
#define WORLD_WALL_MS UINT64_C(1700000000000) /* at the beginning */

struct world_faults {
    unsigned loss_permille;
    unsigned double_permille;
    uint64_t delay_min_ms;
    uint64_t delay_max_ms; /* datagrams overtake each other within this */
};

struct world_node {
    uint64_t id;
    uint64_t run;
    struct gossip_address address;
    struct membership *membership; /* NULL: does not run */
    uint64_t paused_until_ms;      /* stopped: neither steps nor receives */
    uint64_t timer_ms;             /* of its next tick */
    bool left;                     /* said goodbye before it ended */
    bool stood_down;               /* it was told of an elder rival */
    struct buffer saved;           /* its table, as it last was */
    uint64_t datagrams;            /* sent */
    uint64_t bytes;                /* as sealed */
};

struct world_packet;

struct world {
    uint64_t now_ms;
    uint64_t random;
    uint64_t trace; /* a hash of all that was delivered, in order */
    struct membership_settings settings;
    struct world_faults faults;
    size_t count;
    struct world_node *nodes;
    uint8_t *cut; /* count x count: from, to */
    size_t address_count;
    uint16_t *address_owner; /* node + 1, by the number of the address */
    struct world_packet *heap;
    size_t heap_count;
    size_t heap_capacity;
    uint64_t serial;
    struct buffer scratch;
    /* Called for each event of a node. */
    void (*notice)(void *context,
                   size_t node,
                   const struct membership_event *event);
    void *context;
};

void world_init(struct world *w,
                uint64_t seed,
                size_t count,
                const struct membership_settings *settings);
void world_done(struct world *w);

/* Start a node; `keep`: with the table that it had. `move`: at an address where
 * nobody was before. */
void world_start(struct world *w, size_t node, bool keep, bool move);
void world_crash(struct world *w, size_t node);
void world_leave(struct world *w, size_t node); /* it ends when it is gone */
void world_pause(struct world *w, size_t node, uint64_t ms);

/* Give the table of `from` to `to`, so that a large cluster starts as one. */
void world_introduce(struct world *w, size_t from, size_t to);

void world_cut(struct world *w, size_t from, size_t to, bool is_cut);
void world_heal(struct world *w); /* no cut, no loss, nobody stopped */

uint64_t world_below(struct world *w, uint64_t bound);

void world_run(struct world *w, uint64_t until_ms);

bool world_runs(const struct world *w, size_t node);

/* What `observer` believes of `node`; 0: it does not know it. */
enum gossip_state world_belief(const struct world *w,
                               size_t observer,
                               size_t node);

#endif

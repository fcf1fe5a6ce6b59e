/* A whole cluster in one process and in simulated time: real hubs and
 * committers on disks of cluster_disk, over a network of cluster_net. All of it
 * follows from one seed.
 *
 * The world does what is asked of it and tells a watcher what came out; what is
 * right about that, others judge (cluster_check). */
#ifndef TESTS_SIM_CLUSTER_WORLD_H
#define TESTS_SIM_CLUSTER_WORLD_H

#include "tests/sim/cluster_disk.h"
#include "tests/sim/cluster_net.h"

#define WORLD_NODES_MAX 5
#define WORLD_WALL_MS UINT64_C(1700000000000) /* at the beginning */
#define WORLD_ADDRESSES_MAX 4096
#define WORLD_INTAKE_BYTES_MAX (64 * 1024)
#define WORLD_INFLIGHT_BYTES_MAX (4 * 1024)
#define WORLD_QUORUM_TIMEOUT_MS 1000

struct world_faults {
    unsigned loss_permille; /* of datagrams */
    unsigned double_permille;
    uint64_t delay_max_ms;
    uint64_t sync_max_ms; /* how long a disk takes */
    size_t socket_bytes_max;
};

struct world;

struct world_node {
    struct world *world;
    size_t index;
    uint64_t identity;
    struct gossip_address address;
    bool has_disk; /* it has run before */
    bool left;
    struct disk disk;
    struct buffer table; /* of members, as it is saved */
    uint64_t table_digest;
    int64_t wall_offset_ms;
    int64_t drift_permille; /* of its monotonic clock */

    /* Of a process. */
    uint64_t run; /* 0: does not run */
    uint64_t started_ms;
    uint64_t paused_until_ms;
    struct hub *hub;
    struct commit *commit;
    struct intake intake;
    struct metrics metrics;
    uint64_t tick_ms; /* that is planned */
    uint64_t turn_ms;
    bool storing;          /* a turn's outcome is not told yet */
    struct list publishes; /* for the log thread */
    struct list batches;
    bool state_changed;
    struct hub_state state;
    struct list visible;  /* batches to be told */
    struct vector walked; /* what the shards have been given */
    uint64_t walked_place;
    bool ready;
    bool gone; /* it has said goodbye */
};

/* Who watches; none may be NULL. */
struct world_watcher {
    void *context;
    void (*started)(void *context, size_t node);
    void (*stopped)(void *context, size_t node);
    void (*state)(void *context, size_t node);
    void (*stored)(void *context, size_t node, int rc);
    void (*batch)(void *context, size_t node, struct batch *batch);
    void (*told)(void *context, size_t node, const char *text);
    void (*wrong)(void *context, size_t node, const char *text);
};

struct world {
    uint64_t now_ms;
    uint64_t random;
    uint64_t trace; /* a hash of all that happened */
    size_t count;
    struct world_node nodes[WORLD_NODES_MAX];
    struct world_faults faults;
    bool cut[WORLD_NODES_MAX][WORLD_NODES_MAX]; /* from, to */
    size_t address_count;
    uint8_t address_owner[WORLD_ADDRESSES_MAX]; /* node + 1 */
    struct net_queue queue;
    struct list sockets;
    struct world_watcher watcher;
    uint8_t secret[CLUSTER_SECRET_BYTES];
    struct hub_settings settings;
    size_t connections;
    size_t blocked; /* times that a socket had no room */
};

void world_init(struct world *w,
                uint64_t seed,
                size_t count,
                const struct world_watcher *watcher);
void world_done(struct world *w);

uint64_t world_below(struct world *w, uint64_t bound);
bool world_runs(const struct world *w, size_t node);

/* `joins`: it is given the others as seeds. `move`: at another address. */
void world_start(struct world *w, size_t node, bool joins, bool move);
void world_crash(struct world *w, size_t node, bool power);
void world_leave(struct world *w, size_t node);
void world_pause(struct world *w, size_t node, uint64_t ms);
void world_reset_sockets(struct world *w, size_t node);
void world_heal(struct world *w);

/* Publish `count` events, whose contents begin with `number` and those after
 * it. False: the intake is full. */
bool world_publish(
    struct world *w, size_t node, uint64_t number, size_t count, bool quorum);

void world_run(struct world *w, uint64_t until_ms);

struct moment world_moment(const struct world *w, size_t node);

/* cluster_node.c: one node's hub and log thread. `in` is stepped, and all that
 * the hub then wants is done. */
void world_node_step(struct world *w, size_t node, struct hub_input *in);
void world_node_settle(struct world *w, size_t node);
void world_node_begin(struct world *w, size_t node, bool joins);
void world_node_end(struct world *w, size_t node);
void world_node_turn(struct world *w, size_t node);
void world_node_stored(struct world *w, size_t node);
void world_node_plan_turn(struct world *w, size_t node, uint64_t at_ms);

/* cluster_world.c */
void world_post(struct world *w,
                size_t node,
                const struct gossip_address *to,
                struct bytes bytes);
void world_write(struct world *w, struct net_socket *s, struct bytes bytes);
uint64_t world_due(const struct world *w, size_t node, uint64_t mono_ms);

#endif

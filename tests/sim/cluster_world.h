/* A whole cluster in one process and in simulated time: real hubs, committers
 * and shards on disks of cluster_disk, over a network of cluster_net. All of it
 * follows from one seed.
 *
 * Clients are somebody else's (cluster_client): the world gives them
 * connections with shards, and tells them what comes.
 *
 * The world does what is asked of it and tells a watcher what came out; what is
 * right about that, others judge (cluster_check). */
#ifndef TESTS_SIM_CLUSTER_WORLD_H
#define TESTS_SIM_CLUSTER_WORLD_H

#include "src/bridge/shard.h"
#include "tests/sim/cluster_disk.h"
#include "tests/sim/cluster_net.h"

#define WORLD_NODES_MAX 5
#define WORLD_WALL_MS UINT64_C(1700000000000) /* at the beginning */
#define WORLD_ADDRESSES_MAX 4096
#define WORLD_INTAKE_BYTES_MAX (64 * 1024)
#define WORLD_INFLIGHT_BYTES_MAX (4 * 1024)
#define WORLD_QUORUM_TIMEOUT_MS 1000
#define WORLD_SHARDS 2
#define WORLD_KEEPALIVE_MS 2000
#define WORLD_DRAIN_MS 2000

/* What exists, and what it promises. */
struct world_namespace {
    const char *name;
    enum namespace_durability durability;
    uint64_t window_max; /* events a channel; 0: no history */
};

#define WORLD_NAMESPACES 5
extern const struct world_namespace world_namespaces[WORLD_NAMESPACES];

#define WORLD_CHANNELS 7
extern const char *const world_channels[WORLD_CHANNELS];
const struct world_namespace *world_rules_of(const char *channel);

struct world_faults {
    unsigned loss_permille; /* of datagrams */
    unsigned double_permille;
    uint64_t delay_max_ms;
    uint64_t sync_max_ms; /* how long a disk takes */
    size_t socket_bytes_max;
};

struct world;

/* A shard of a process, and its mail. */
struct world_shard {
    struct shard *shard;
    struct metrics metrics;
    struct batch **mail;
    size_t mail_count;
    size_t mail_capacity;
    uint64_t turn_ms; /* that is planned */
    uint64_t tick_ms;
};

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
    struct intake unfinished;
    struct metrics metrics;
    struct world_shard shards[WORLD_SHARDS];
    bool drains;
    uint64_t tick_ms; /* that is planned */
    uint64_t turn_ms;
    bool storing;          /* a turn is not on the disk yet */
    struct list publishes; /* for the log thread */
    struct list batches;
    struct list mends;  /* of struct log_mend */
    uint64_t repair_ms; /* when holes are looked for again */
    bool state_changed;
    struct hub_state state;
    struct hub_state told; /* to the committer */
    struct vector walked;  /* what the shards have been given */
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

/* What happens to a client's end of its connection. */
struct world_clients {
    bool (*reads)(void *owner);
    void (*received)(void *owner, struct bytes bytes);
    void (*closed)(void *owner);
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
    struct world_clients clients;
    struct namespace_table namespaces;
    struct log_window windows[WORLD_NAMESPACES];
    struct shard_limits limits; /* of shards */
    struct authority *authority;
    char key[API_KEY_TEXT_BYTES_MAX + 1]; /* that may do everything */
    uint8_t secret[CLUSTER_SECRET_BYTES];
    struct hub_settings settings;
    size_t connections;
    size_t blocked; /* times that a socket had no room */
    size_t mended;  /* records */
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
bool world_forget(struct world *w, size_t node, uint64_t member);
void world_pause(struct world *w, size_t node, uint64_t ms);
void world_reset_sockets(struct world *w, size_t node);
void world_heal(struct world *w);

/* A new connection with a shard; NULL: it is refused. */
struct net_socket *world_connect(struct world *w,
                                 size_t node,
                                 size_t shard,
                                 void *owner);

/* It is no longer the client's. In silence, the shard learns of it when it
 * writes. */
void world_disconnect(struct world *w, struct net_socket *s, bool silent);

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
void world_node_interrupt(struct world *w, size_t node);
void world_node_plan_turn(struct world *w, size_t node, uint64_t at_ms);

/* cluster_shard.c */
void world_shards_begin(struct world *w, struct world_node *n);
void world_shards_end(struct world_node *n);
void world_shards_drain(struct world *w, struct world_node *n);
void world_shard_mail(struct world *w,
                      struct world_node *n,
                      size_t shard,
                      struct batch *batch);
void world_shard_step(struct world *w,
                      struct world_node *n,
                      size_t shard,
                      struct shard_input *in);
void world_shard_turn(struct world *w, struct world_node *n, size_t shard);
void world_shard_tick(struct world *w, struct world_node *n, size_t shard);
void world_accept(struct world *w, struct world_node *n, struct net_socket *s);

/* cluster_rules.c: whom all nodes believe, and what they have. */
void world_rules_init(struct world *w);
void world_rules_done(struct world *w);

/* cluster_world.c */
void world_post(struct world *w,
                size_t node,
                const struct gossip_address *to,
                struct bytes bytes);
void world_write(struct world *w, struct net_socket *s, struct bytes bytes);
uint64_t world_due(const struct world *w, size_t node, uint64_t mono_ms);

#endif

/* Clients of a simulated cluster: each is one WebSocket at a time, with any
 * node's shard, by which it publishes and subscribes. They are slow at times,
 * lose their connections, and go on at another node with the cursors that they
 * have; what they published and got no answer for, they publish again there if
 * it has a key.
 *
 * What they see they tell the checkers: cluster_check of what became of their
 * events, cluster_view of what their subscriptions are given. */
#ifndef TESTS_SIM_CLUSTER_CLIENT_H
#define TESTS_SIM_CLUSTER_CLIENT_H

#include "proto/cursor.h"
#include "tests/sim/cluster_view.h"

#define CLIENT_COUNT 6
#define CLIENT_SUBSCRIPTIONS 3
#define CLIENT_SENT_MAX 6 /* publishes without an answer */

/* What it has sent and has no answer for. */
struct sim_sent {
    uint64_t number; /* of its first event; 0: none */
    size_t count;
    size_t channel;
    bool keyed;
    bool asked; /* by this connection */
};

struct sim_subscription {
    struct check_view *view;
    char begin[64]; /* how it asks for its first events; empty: plainly */
    unsigned name;  /* its id, new each time */
    bool asked;
    bool known;        /* then, by its node */
    size_t cursor_len; /* 0: it has none yet */
    char cursor[CURSOR_TEXT_MAX];
};

enum sim_client_state {
    SIM_CLIENT_AWAY,
    SIM_CLIENT_UPGRADES,
    SIM_CLIENT_GREETS,
    SIM_CLIENT_OPEN,
};

struct sim_client {
    struct sim_clients *all;
    size_t index;
    enum sim_client_state state;
    struct net_socket *socket;
    size_t node;
    uint64_t connection;
    uint64_t refused; /* last, of those that it no longer wants */
    uint64_t next_ms; /* when it connects */
    uint64_t heard_ms;
    uint64_t slow_until_ms;
    unsigned names;
    uint64_t mask;
    struct buffer in;
    struct sim_sent sent[CLIENT_SENT_MAX];
    struct sim_subscription subscriptions[CLIENT_SUBSCRIPTIONS];
};

struct sim_clients {
    struct world *world;
    struct check *check;
    uint64_t random;
    uint64_t connections;
    bool calm;     /* no more trouble of their own making */
    size_t moved;  /* times that a cursor went to another node */
    size_t behind; /* and that node was behind it */
    struct sim_client clients[CLIENT_COUNT];
};

void clients_init(struct sim_clients *all, struct world *w, struct check *c);
void clients_done(struct sim_clients *all);

/* Let them come and go. */
void clients_step(struct sim_clients *all);

/* Have one that is connected, if possible with that node, publish something. */
void clients_publish(struct sim_clients *all, size_t node);

/* Whether one waits for an answer. */
bool clients_wait(const struct sim_clients *all);

#endif

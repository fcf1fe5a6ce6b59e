/* What happens in simulated time, in order, and the connections between nodes,
 * and of clients with them: bytes that arrive in order, late, in other pieces,
 * or not at all, through socket buffers that are small. */
#ifndef TESTS_SIM_CLUSTER_NET_H
#define TESTS_SIM_CLUSTER_NET_H

#include "base/list.h"
#include "cluster/hub.h"

enum net_kind {
    NET_TICK,     /* a node's deadline */
    NET_DATAGRAM, /* at `address` */
    NET_CONNECT,  /* of `node` to `address`, where `peer` is expected */
    NET_PUMP,     /* the first piece of a connection's direction */
    NET_LOG,      /* a turn of a node's log thread */
    NET_STORED,   /* that is on the disk, and told */
    NET_SHARD,    /* a turn of a node's shard, whose index is `len` */
    NET_SHARD_TICK,
    NET_LEAVE, /* its clients have been sent away */
};

struct net_event {
    uint64_t at_ms;
    uint64_t serial;
    enum net_kind kind;
    size_t node;
    uint64_t run; /* of the node, which may be another by then */
    uint64_t peer;
    struct gossip_address address;
    struct gossip_address source;
    uint8_t *data; /* DATAGRAM */
    size_t len;
    struct net_socket *socket; /* PUMP: whose bytes */
};

struct net_queue {
    struct net_event *heap;
    size_t count;
    size_t capacity;
    uint64_t serial;
};

void net_push(struct net_queue *q, struct net_event event);
bool net_pop(struct net_queue *q, uint64_t until_ms, struct net_event *ret);
void net_done(struct net_queue *q);

/* A piece of what was written; len 0: the end. */
struct net_piece {
    struct list entry;
    uint64_t at_ms;
    size_t len;
    uint8_t data[];
};

/* Whose end of a connection it is. */
enum net_role {
    NET_HUB,
    NET_SERVER, /* a shard's */
    NET_CLIENT, /* of no node */
};

/* One end of a connection, and what it has written. */
struct net_socket {
    struct list entry; /* of the world's */
    struct net_socket *other;
    enum net_role role;
    size_t node;
    uint64_t run;
    struct hub_link *link; /* HUB */
    size_t shard;          /* SERVER */
    struct client *client; /* SERVER */
    void *owner;           /* CLIENT */
    bool ended;            /* SERVER: has written its end */
    bool heard;            /* SERVER: has been told of the client's */
    bool orderly;          /* CLIENT: has said that it goes */
    bool open;
    bool wants_room;
    struct list pieces;
    size_t bytes; /* in `pieces` */
    size_t bytes_max;
    uint64_t last_at_ms;
    uint64_t stalled_ms; /* since when a cut holds the first; 0: it does not */
};

/* Both ends, linked. */
struct net_socket *net_socket_pair(struct list *sockets);
void net_socket_write(struct net_socket *s, uint64_t at_ms, struct bytes bytes);
struct net_piece *net_socket_first(struct net_socket *s); /* or NULL */
void net_socket_drop_first(struct net_socket *s);
void net_sockets_free(struct list *sockets);

#endif

/* The listening sockets of a node, one a shard and port. */
#ifndef IO_SERVER_PORTS_H
#define IO_SERVER_PORTS_H

#include "src/io/listener.h"
#include "src/io/mailbox.h"

#include <stdbool.h>

#define SERVER_SHARDS_MAX 256

struct server_ports {
    struct listener_address listen; /* with the port that was found */
    struct listener_address tls_listen;
    bool tls;
    unsigned count;             /* of shards */
    int fds[SERVER_SHARDS_MAX]; /* -1: not open, or the shard's */
    int tls_fds[SERVER_SHARDS_MAX];
};

/* Nothing is open; `tls_listen` may be NULL. */
void server_ports_init(struct server_ports *p,
                       const struct listener_address *listen,
                       const struct listener_address *tls_listen,
                       unsigned count);

/* Open what is not open; on failure, listener_open()'s, close all. */
int server_ports_open(struct server_ports *p, struct why *why);
void server_ports_close(struct server_ports *p);

/* Give each shard its sockets. */
void server_ports_hand_over(struct server_ports *p,
                            struct mailbox *const *shards);

#endif

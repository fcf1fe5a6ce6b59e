/* The server's dealings with its cluster's thread. */
#ifndef IO_SERVER_CLUSTER_H
#define IO_SERVER_CLUSTER_H

#include "src/bridge/authority.h"
#include "src/io/cluster_loop.h"
#include "src/io/server.h"

struct server_cluster_parts {
    const struct server_options *options;
    struct log *log;
    struct log_thread *log_thread;
    struct intake *intake;
    struct metrics *metrics; /* the thread's own */
    struct mailbox *server;
    struct mailbox *const *shards;
    uint32_t shard_count;
    struct cluster_status *status;
    struct cluster_loop *cluster; /* NULL: a node on its own */
};

/* Open the port and make everything ready to start; what `parts` refers to
 * outlives it. `listen`, `tls_listen` (may be NULL): where clients reach us. */
int server_cluster_open(const struct server_cluster_parts *parts,
                        const struct listener_address *listen,
                        const struct listener_address *tls_listen,
                        struct cluster_loop **ret,
                        struct why *why);

/* The functions that shards ask; `parts` outlives them. */
struct shard_cluster server_cluster_view(struct server_cluster_parts *parts);

/* A node on its own: what there is to say of it. */
void server_cluster_alone(const struct server_cluster_parts *parts,
                          const struct listener_address *listen,
                          const struct listener_address *tls_listen);

/* Tell the others whose API keys we believe. */
void server_cluster_issuers(struct cluster_loop *c,
                            const struct authority *authority);

#endif

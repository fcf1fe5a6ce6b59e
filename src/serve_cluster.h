/* The settings of a node's cluster, as the server wants them. */
#ifndef SRC_SERVE_CLUSTER_H
#define SRC_SERVE_CLUSTER_H

#include "proto/cluster_secret.h"
#include "src/io/cluster_loop.h"
#include "src/io/file.h"
#include "src/io/server.h"
#include "src/settings.h"

struct serve_cluster {
    struct server_cluster server;
    struct listener_address seeds[CLUSTER_SEEDS_MAX];
    uint8_t secret[CLUSTER_SECRET_BYTES];
    char urls[GOSSIP_URLS_BYTES_MAX + 1];
    char table_file[FILE_PATH_BYTES_MAX];
};

/* Whether the node is to be in a cluster. */
bool serve_cluster_wanted(const struct settings *s);

/* Read the secret's file and what the settings say. Any error, with a
 * sentence. serve_cluster_done() wipes the secret. */
int serve_cluster_read(const struct settings *s,
                       struct serve_cluster *ret,
                       struct why *why);
void serve_cluster_done(struct serve_cluster *c);

#endif

/* A whole node: the log and its thread, the shards and theirs; the caller's
 * thread waits for signals. */
#ifndef IO_SERVER_H
#define IO_SERVER_H

#include "base/why.h"
#include "src/bridge/shard.h"
#include "src/io/listener.h"
#include "src/io/socket.h"
#include "storage/log.h"

struct server_tls {
    struct listener_address listen;
    const char *certificate_file;
    const char *key_file;
};

/* The node's part in a cluster. */
struct server_cluster {
    struct listener_address listen;
    struct listener_address advertise; /* host "": as `listen` */
    const struct listener_address *seeds;
    size_t seed_count;
    const uint8_t *secret;  /* CLUSTER_SECRET_BYTES; wiped by server_run() */
    const char *urls;       /* for clients, by spaces; NULL: where we listen */
    const char *table_file; /* what is known of the members */
};

struct server_namespace {
    struct namespace_rules rules;
    struct log_window window; /* its name, too */
};

struct server_options {
    const char *data_dir;
    uint64_t log_bytes_max;
    uint64_t log_index_bytes_max;
    uint64_t log_age_max_ms; /* 0: no limit */
    struct listener_address listen;
    const struct server_tls *tls; /* NULL: none */
    unsigned shards;              /* 0: one a core */
    size_t connections_max;
    struct socket_limits socket_limits;
    size_t queue_bytes_max;
    size_t unfinished_bytes_max;
    uint64_t drain_ms; /* over which clients are sent away at the end */
    struct shard_limits limits;
    bool compression;
    const struct bytes *allowed_origins;
    size_t allowed_origins_count;
    bool console;
    const struct server_cluster *cluster; /* NULL: a node on its own */
    uint64_t quorum_timeout_ms;
    const struct server_namespace *namespaces;
    size_t namespace_count;

    /* Called once for each shard's authority: tell it whom to believe. */
    int (*trust)(struct authority *authority, void *context, struct why *why);

    /* Called once connections are accepted, with the ports that were found
     * where 0 was asked for; tls is NULL when there is none. */
    void (*on_ready)(const struct listener_address *listen,
                     const struct listener_address *tls_listen,
                     void *context);
    void *context;
};

/* Serve until SIGTERM or SIGINT, or until another node turns out to have our
 * identity (RC_EXISTS); then let everybody go, all at once with a
 * second one, and return 0. SIGHUP reads the certificate again. */
int server_run(const struct server_options *options, struct why *why);

#endif

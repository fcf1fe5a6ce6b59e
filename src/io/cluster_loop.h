/* The thread of the hub: gossip over UDP, links over TCP, on one port of one
 * address, with the log and its thread behind it. */
#ifndef IO_CLUSTER_LOOP_H
#define IO_CLUSTER_LOOP_H

#include "cluster/hub.h"
#include "src/bridge/intake.h"
#include "src/bridge/metrics.h"
#include "src/io/cluster_status.h"
#include "src/io/listener.h"
#include "src/io/log_thread.h"
#include "src/io/mailbox.h"

#define CLUSTER_SEEDS_MAX 64

struct cluster_options {
    struct listener_address listen;    /* port 0: any */
    struct listener_address advertise; /* host "": as `listen` */
    const struct listener_address *seeds;
    size_t seed_count;
    const uint8_t *secret;  /* CLUSTER_SECRET_BYTES */
    const char *urls;       /* of this node for clients, by spaces */
    const char *table_file; /* what is known of the members */
    struct hub_settings settings;

    struct log *log;
    struct log_thread *log_thread;
    struct intake *intake;
    uint32_t shard_count;
    struct metrics *metrics;
    struct cluster_status *status; /* written anew now and then */
    struct mailbox *server; /* MAIL_READY, MAIL_DUPLICATE, MAIL_STOPPED */

    /* Public keys of issuers that another node believes, from the thread. */
    void (*on_issuers)(void *context, const struct peer_issuers *issuers);
    void *context;
};

struct cluster_loop;

/* Bind the port and look at everything; nothing runs yet. A sentence. */
int cluster_loop_open(const struct cluster_options *options,
                      struct cluster_loop **ret,
                      struct why *why);

/* Start the thread. */
void cluster_loop_start(struct cluster_loop *c);

/* From any thread: the log has grown (log_thread_on_append()). */
void cluster_loop_committed(void *cluster_loop);

/* Before the start: tell the others of these issuers; copied. */
void cluster_loop_issuers(struct cluster_loop *c,
                          const struct peer_issuers *issuers);

/* From any thread: hand on what we have and say goodbye, within a time, then
 * end; MAIL_STOPPED follows. */
void cluster_loop_leave(struct cluster_loop *c, uint64_t timeout_ms);

/* From any thread: a member will not come back. False: none that is dead or has
 * left has this identity, as far as is known. */
bool cluster_loop_forget(struct cluster_loop *c, uint64_t node);

/* Wait for the thread, which has ended or was never started, and free.
 * Accepts NULL. */
void cluster_loop_free(struct cluster_loop *c);

#endif

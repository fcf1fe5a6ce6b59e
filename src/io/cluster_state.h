/* What the cluster's thread holds, for its files. */
#ifndef IO_CLUSTER_STATE_H
#define IO_CLUSTER_STATE_H

#include "src/io/acceptor.h"
#include "src/io/cluster_loop.h"
#include "storage/log_repair.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#define CLUSTER_TABLE_BYTES_MAX ((size_t)1 << 20)
#define CLUSTER_READ_BYTES (256 * 1024)

struct cluster_socket;

struct cluster_seed {
    struct listener_address at;
    bool unknown; /* its name was, the last time, and that was told */
};

struct cluster_loop {
    struct cluster_options options;
    struct cluster_seed *seeds; /* a copy */
    char *urls;
    char *table_file;
    struct hub *hub;
    uv_loop_t uv;
    uv_udp_t udp;
    uv_timer_t timer;
    uv_timer_t look_timer;
    struct acceptor acceptor;
    struct mailbox mailbox;
    int listen_fd;
    struct gossip_address address;
    struct list sockets;
    uint64_t held_since_ms; /* nothing is read from them; 0: it is */
    uint8_t input[CLUSTER_READ_BYTES];
    struct buffer datagram;

    /* Names of seeds that are being looked up, and what was found. */
    size_t lookups;
    struct gossip_address found[MEMBERSHIP_SEEDS_MAX];
    size_t found_count;

    uint64_t table_digest;   /* of what is in the file */
    uint64_t save_due_ms;    /* not before */
    atomic_bool committed;   /* said so already, and not taken yet */
    uint64_t strangers_told; /* so many refusals were passed on */
    bool ready_told;
    bool hasty; /* something is waited for that tells nobody */
    bool leaving;
    bool said_goodbye;
    uint64_t leave_by_ms;
    bool ended;

    /* Where the log is looked over for damage. */
    struct log_hole_walk walk;
    bool walk_ends;         /* with the holes that were found last */
    size_t holes_found;     /* in this walk */
    size_t holes_told;      /* that nobody could fill, of the one before */
    uint64_t mended_before; /* it */
    uint64_t repair_due_ms; /* the next walk */

    pthread_t thread;
    bool started;
    uint64_t status_ms;        /* when it was written */
    pthread_mutex_t gone_lock; /* over what cluster_loop_forget() looks at */
    uint64_t gone[MEMBERSHIP_MEMBERS_MAX]; /* that are dead or have left */
    size_t gone_count;
    uint64_t prune_due_ms;
};

/* cluster_loop.c: one thing has happened; do what follows from it. */
void cluster_loop_step(struct cluster_loop *c, struct hub_input *in);

/* Look soon after what is looked at now and then. */
void cluster_loop_haste(struct cluster_loop *c);

/* cluster_events.c: what the hub says; the table of members, when it is another
 * than the file's; mail for the server. */
void cluster_events_take(struct cluster_loop *c, const struct hub_event *event);
void cluster_events_save(struct cluster_loop *c);
void cluster_events_post(struct cluster_loop *c, enum mail_kind kind);

/* cluster_members.c: now and then; whether a member is dead or has left, from
 * any thread; one is not to come back (takes over `node`). */
void cluster_members_look(struct cluster_loop *c);
bool cluster_members_gone(struct cluster_loop *c, uint64_t node);
void cluster_members_forget(struct cluster_loop *c, uint64_t *node);

/* cluster_socket.c */
void cluster_socket_accepted(void *context, struct acceptor *a, int fd);
void cluster_socket_connect(struct cluster_loop *c,
                            uint64_t node,
                            const struct gossip_address *address);
/* How many bytes were taken. */
size_t cluster_socket_send(struct cluster_socket *s, struct bytes bytes);
void cluster_socket_close(struct cluster_socket *s);
void cluster_socket_close_all(struct cluster_loop *c);

/* Whether there is no room for events. */
bool cluster_socket_full(const struct cluster_loop *c);

/* Call it now and then: read from all again, or from none while the node has
 * enough to do; give up on connecting. True: it is to be called soon again, as
 * nothing tells when there is less to do. */
bool cluster_socket_tick_all(struct cluster_loop *c);

/* cluster_seeds.c */
void cluster_seeds_look_up(struct cluster_loop *c);
void cluster_seeds_ready(const struct cluster_loop *c); /* tells when alone */

/* cluster_strangers.c */
void cluster_strangers_count(struct cluster_loop *c);

/* cluster_repair.c: as replication wants them. */
size_t cluster_repair_holes(void *context,
                            struct replication_hole *ret,
                            size_t max);
void cluster_repair_fill(void *context,
                         const struct replication_hole *hole,
                         const struct peer_events *events);

/* cluster_log.c */
struct replication_options cluster_log_functions(struct cluster_loop *c);

#endif

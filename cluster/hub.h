/* The hub: a node's part in its cluster, without the world. It keeps
 * membership, a link to every member that lives, and replication over those
 * links.
 *
 * One door, as a shard has: hub_step() takes one thing that happened; then what
 * is to be done about it is pulled, until there is no more:
 *     hub_next_datagram()  a sealed datagram to send
 *     hub_connect_next()   a member to connect to
 *     hub_link_next_output()    bytes for a connection
 *     hub_link_next_close()     a connection to close
 *     hub_next_event()     something that the node should know
 *     hub_state()          what the committer should know
 * Then call with TICK at hub_deadline_ms(), if not earlier.
 *
 * Of two members the one with the lower identity connects. */
#ifndef CLUSTER_HUB_H
#define CLUSTER_HUB_H

#include "cluster/membership.h"
#include "cluster/replication.h"
#include "proto/cluster_secret.h"

/* Connections, those of strangers included: when there are as many, the oldest
 * of them that came to us and has not shown that it has the secret is closed.
 */
#define HUB_LINKS_MAX 256

struct hub_settings {
    struct membership_settings membership;
    struct link_settings link;
    uint64_t connect_min_ms;  /* between tries: from this, doubling, */
    uint64_t connect_max_ms;  /* to this, less up to a half by chance */
    uint64_t join_timeout_ms; /* that a start waits for the others */
};

struct hub_settings hub_settings_default(void);

struct hub_options {
    uint64_t identity;             /* of the node: its even origin */
    uint64_t run;                  /* random, new at each start */
    struct gossip_address address; /* where the others reach us */
    const char *urls;              /* for clients, by spaces */
    const uint8_t *secret;         /* CLUSTER_SECRET_BYTES; copied */
    struct bytes table; /* what hub_table() gave before; len 0: none */
    bool joins;         /* there will be seeds */
    uint64_t random_seed;
    struct hub_settings settings;
    struct replication_options replication; /* identity is filled in */

    /* Of `replication.context`: */
    void (*entropy)(void *context, void *ret, size_t len);
    void (*issuers)(void *context, const struct peer_issuers *issuers);
};

struct hub;
struct hub_link;

struct hub *hub_new(const struct hub_options *options, struct moment now);
void hub_free(struct hub *h); /* closes nothing; accepts NULL */

enum hub_input_kind {
    HUB_INPUT_TICK,
    HUB_INPUT_DATAGRAM,
    HUB_INPUT_SEEDS,
    HUB_INPUT_CONNECTED, /* what hub_connect_next() wanted; `link` is set */
    HUB_INPUT_REFUSED,   /* it could not be done */
    HUB_INPUT_ACCEPTED,  /* somebody connected; `link` is set, or NULL: close */
    HUB_INPUT_BYTES,
    HUB_INPUT_CLOSED,    /* by the peer or the system; the link is gone */
    HUB_INPUT_COMMITTED, /* the log has grown */
    HUB_INPUT_ISSUERS,   /* ours, for the others; in place of those before */
    HUB_INPUT_LEAVE,     /* say goodbye; HUB_GONE follows */
};

struct hub_input {
    enum hub_input_kind kind;
    struct hub_link *link; /* BYTES, CLOSED; CONNECTED and ACCEPTED set it */
    void *socket;          /* CONNECTED, ACCEPTED: given back by the pulls */
    uint64_t node;         /* CONNECTED, REFUSED */
    struct bytes bytes;    /* DATAGRAM, BYTES: borrowed */
    struct gossip_address source;           /* DATAGRAM */
    const struct gossip_address *addresses; /* SEEDS: borrowed */
    size_t address_count;
    const struct peer_issuers *issuers; /* ISSUERS: copied */
};

void hub_step(struct hub *h, struct moment now, struct hub_input *in);
uint64_t hub_deadline_ms(const struct hub *h);

/* Put a sealed datagram into `out`, which is given empty. */
bool hub_next_datagram(struct hub *h,
                       struct gossip_address *ret_to,
                       struct buffer *out);

/* One of CONNECTED and REFUSED must follow. */
bool hub_connect_next(struct hub *h,
                      uint64_t *ret_node,
                      struct gossip_address *ret_address);

/* Bytes for a connection, valid until hub_link_sent(), which must follow and
 * says how many it took; with fewer than all, the link is passed over until
 * hub_link_writable(). */
bool hub_link_next_output(struct hub *h,
                          struct hub_link **ret_link,
                          void **ret_socket,
                          struct bytes *ret);
void hub_link_sent(struct hub *h, struct hub_link *link, size_t taken);
void hub_link_writable(struct hub *h, struct hub_link *link);

/* A connection to close; its link is freed by the call. */
bool hub_link_next_close(struct hub *h, void **ret_socket);

enum hub_event_kind {
    HUB_MEMBER,    /* what `member` says has happened */
    HUB_LINKED,    /* a link is open */
    HUB_UNLINKED,  /* it has ended */
    HUB_STRANGER,  /* a connection ended before it was one */
    HUB_DUPLICATE, /* another node has our identity and is older: stop */
    HUB_GONE,      /* our goodbye is told */
    HUB_SEEDS_WANTED,
};

struct hub_event {
    enum hub_event_kind kind;
    uint64_t node;
    enum membership_event_kind member; /* MEMBER */
    enum link_end end;                 /* UNLINKED, STRANGER */
};

bool hub_next_event(struct hub *h, struct hub_event *ret);

/* What the committer needs to know (commit_cluster()). True when it differs
 * from what was asked before. */
struct hub_state {
    struct vector safe;
    bool alone;
    bool majority;
};
bool hub_next_state(struct hub *h, struct hub_state *ret);

/* Whether clients may be served: we have what the others had, or nobody was in
 * reach for join_timeout_ms. Once true, it stays. */
bool hub_ready(struct hub *h, struct moment now);

/* Whether every member in reach has all that we have. */
bool hub_handed_on(const struct hub *h);

/* What is known of the members, to be saved when its digest has changed. */
void hub_table(const struct hub *h, struct buffer *out);
uint64_t hub_table_digest(const struct hub *h);

uint64_t hub_identity(const struct hub *h);
void hub_have(const struct hub *h, struct vector *ret); /* on our disk */

/* For `weir status`: the members, and what each link is at. */
const struct membership *hub_membership(const struct hub *h);
struct membership *hub_membership_mutable(struct hub *h);
const struct seal_counters *hub_seal_counters(const struct hub *h);

struct hub_link_stat {
    bool open;
    bool known; /* what it has; by this link or one before */
    uint64_t lag_ms;
    size_t inflight_bytes;
    struct vector have; /* of the member, as far as it is known */
};
void hub_link_stat(const struct hub *h,
                   uint64_t node,
                   struct hub_link_stat *ret);

/* How many connections ended how, by enum link_end, and how many are open. */
uint64_t hub_link_ends(const struct hub *h, enum link_end end);
size_t hub_link_open_count(const struct hub *h);

#endif

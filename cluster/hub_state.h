/* What a hub holds, for its files. */
#ifndef CLUSTER_HUB_STATE_H
#define CLUSTER_HUB_STATE_H

#include "base/list.h"
#include "cluster/hub.h"

#define HUB_EVENTS_MAX 4096
#define HUB_REPLICATION_TICK_MS 500
#define HUB_LINK_ENDS_MAX 16

struct hub_link {
    struct list node; /* in `links`, or in `closing` */
    void *socket;
    struct link *link;
    struct replication_peer *peer; /* NULL before its HELLO */
    uint64_t member;               /* 0 before that, unless we connected */
    uint64_t run;
    uint64_t opened_ms; /* its HELLO came */
    struct vector told; /* our vector, as our HELLO has it */
    bool told_members;  /* has said whom it knows */
    bool blocked;       /* until hub_link_writable() */
    bool drained; /* output has left since replication was asked for more */
};

/* A member that is to be connected to. */
struct hub_connect {
    uint64_t node;
    uint64_t due_ms;
    uint64_t wait_ms; /* before the try after */
    bool trying;      /* or linked */
};

struct hub_note {
    struct list node;
    struct hub_event event;
};

struct hub {
    struct hub_options options;
    char *urls;
    uint8_t gossip_key[SEAL_KEY_BYTES];
    uint8_t link_key[HANDSHAKE_PSK_BYTES];
    struct membership *membership;
    struct replication *replication;
    struct list links;
    size_t link_count;
    struct list closing;
    struct hub_connect connects[MEMBERSHIP_MEMBERS_MAX];
    size_t connect_count;
    uint64_t connect_due_ms;
    uint64_t replication_due_ms;
    struct list events;
    size_t event_count;
    struct buffer plain;   /* a datagram that is not sealed */
    struct buffer issuers; /* our ISSUERS, a whole frame; empty: none */
    struct seal_counters seal;
    uint64_t ends[HUB_LINK_ENDS_MAX];
    uint64_t random;
    uint64_t started_ms;
    uint64_t now_ms;        /* of the last step */
    struct hub_state state; /* that was told last */
    bool state_told;
    bool dirty; /* it may have changed */
    bool ready;
};

/* hub.c */
void hub_note(struct hub *h, const struct hub_event *event);

/* hub_link.c: `node` is whom we connected to, 0: somebody connected to us. */
struct hub_link *hub_link_begin(struct hub *h,
                                struct moment now,
                                void *socket,
                                uint64_t node);
void hub_link_bytes(struct hub *h,
                    struct moment now,
                    struct hub_link *l,
                    struct bytes bytes);
void hub_link_gone(struct hub *h, struct moment now, struct hub_link *l);
void hub_link_tick_all(struct hub *h, struct moment now);
void hub_link_issuers(struct hub *h, const struct peer_issuers *issuers);
void hub_link_goodbye(struct hub *h); /* to all: we leave */
void hub_link_free(struct hub_link *l);

/* Whether every member that lives is linked, and has said whom it knows. */
bool hub_link_with_all(const struct hub *h);

/* The member's link, open or not yet; NULL. */
struct hub_link *hub_link_find(const struct hub *h, uint64_t node);

/* hub_connect.c: who is to be connected to, and when. */
void hub_connect_plan(struct hub *h, struct moment now);
void hub_connect_failed(struct hub *h, struct moment now, uint64_t node);

/* A link of ours has ended; one that did not live for long, such as when two
 * processes with one identity take it from each other, was a failed try. */
void hub_connect_ended(struct hub *h,
                       struct moment now,
                       uint64_t node,
                       uint64_t lived_ms);

#endif

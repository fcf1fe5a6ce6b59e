/* What a membership holds; private to the files that make it up: membership
 * (the door), belief (what is believed of whom), probe (who answers), reach
 * (who is not a neighbour yet, or no longer) and outbox (datagrams). */
#ifndef CLUSTER_MEMBERSHIP_STATE_H
#define CLUSTER_MEMBERSHIP_STATE_H

#include "base/moment.h"
#include "cluster/dissemination.h"
#include "cluster/membership.h"

/* Probes made for others at one time. */
#define MEMBERSHIP_RELAYS_MAX 32

/* Datagrams that wait for membership_next_send(); one step makes at most one
 * for each seed and a few. */
#define MEMBERSHIP_OUTBOX_MAX 128

/* Tables on their way at one time; whoever asks meanwhile asks again. */
#define MEMBERSHIP_TABLES_MAX 4

/* How often it is looked whom to forget. */
#define MEMBERSHIP_FORGET_CHECK_MS 1000

/* A datagram to be: its members are chosen when it is sent. */
struct membership_outgoing {
    enum gossip_kind kind;
    uint32_t sequence;
    uint64_t target;
    struct gossip_address target_address;
    struct gossip_address to;
    uint64_t about[2]; /* whose records go first, as far as they are known */
};

enum membership_phase {
    MEMBERSHIP_PHASE_IDLE, /* answered, or nobody to probe */
    MEMBERSHIP_PHASE_DIRECT,
    MEMBERSHIP_PHASE_INDIRECT,
};

struct membership_probe {
    enum membership_phase phase;
    uint64_t target;
    uint64_t incarnation; /* of the target, when it was chosen */
    uint32_t sequence;
    uint64_t indirect_ms; /* when others are asked */
    uint64_t end_ms;      /* of the period */
    unsigned nacks_wanted;
};

/* A probe for somebody else. */
struct membership_relay {
    bool active;
    bool nacked;
    struct gossip_address asker;
    uint32_t asker_sequence;
    uint64_t target;
    uint32_t sequence; /* of our own ping */
    uint64_t nack_ms;
    uint64_t end_ms;
};

struct membership_table {
    bool active;
    bool wanted; /* we want the other's in return */
    struct gossip_address to;
    uint64_t after; /* the id of the last record sent */
};

struct membership {
    struct membership_options options;
    uint64_t now_ms; /* of this step, less late_ms */
    uint64_t deadline_ms;
    uint64_t random;

    struct member_list members;
    struct member *self;
    size_t live_count; /* others that are alive or suspected */
    uint64_t digest;
    struct list suspects;
    struct list changes;
    struct dissemination news;
    uint64_t news_next_ms;
    uint64_t forget_next_ms;

    unsigned health;
    uint32_t sequence;
    struct membership_probe probe;
    struct membership_relay relays[MEMBERSHIP_RELAYS_MAX];

    struct gossip_address seeds[MEMBERSHIP_SEEDS_MAX];
    size_t seed_count;
    uint64_t reach_next_ms;
    uint64_t reach_wait_ms; /* the last, while nobody is in reach */
    uint64_t sync_next_ms;

    struct membership_outgoing outbox[MEMBERSHIP_OUTBOX_MAX]; /* a ring */
    size_t outbox_first;
    size_t outbox_count;
    struct membership_table tables[MEMBERSHIP_TABLES_MAX];

    bool seeds_wanted;
    bool full;
    bool full_told;
    bool merging; /* a table that others have too: not to be told again */
    bool leaving;
    bool gone;
    uint64_t leave_end_ms;
    bool silent; /* an elder process has our id: it speaks, not we */
    bool rival_news;
    struct gossip_member rival; /* another process with our id, that lives */

    struct membership_counters counters;
    struct gossip incoming;
    struct gossip outgoing;
};

static inline uint64_t membership_earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Whether it is to be probed and told: alive or only suspected, and not we. */
static inline bool membership_is_live(const struct membership *m,
                                      const struct member *member)
{
    return member != m->self && (member->record.state == GOSSIP_ALIVE ||
                                 member->record.state == GOSSIP_SUSPECT);
}

#endif

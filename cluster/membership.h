/* Who is in the cluster, and who of them lives: SWIM (Das, Gupta, Motivala
 * 2002) with the refinements of Lifeguard (Dadgar, Phillips, Currey 2017),
 * without the network.
 *
 * Each member probes one other in each period, itself and then through others,
 * and suspects who does not answer; who is suspected long enough is dead, for
 * everybody. All that is learnt rides on the datagrams of the probes and on a
 * few of their own. Tables are compared now and then, so that what all those
 * missed is made up for; and the dead and the seeds are tried now and then, so
 * that healed partitions, and clusters that were started apart, find together.
 *
 * One door: membership_step() takes one thing that happened. What is to be done
 * about it is pulled afterwards, until there is no more:
 *     membership_next_send()   a datagram, to be sealed and sent
 *     membership_next_event()  something that the node should know
 * Then call with TICK at membership_deadline_ms(), if not earlier.
 *
 * Time is the monotonic clock's. When a step comes late by more than
 * MEMBERSHIP_LATE_MS, the process had stopped or starved: that time is not
 * counted against anybody. */
#ifndef CLUSTER_MEMBERSHIP_H
#define CLUSTER_MEMBERSHIP_H

#include "proto/gossip.h"

#define MEMBERSHIP_LATE_MS 500
#define MEMBERSHIP_MEMBERS_MAX 1024 /* the most that members_max may be */
#define MEMBERSHIP_SEEDS_MAX 32     /* addresses, of all seeds together */

struct membership;

/* In the order of Lifeguard's and SWIM's names: periods, then factors. Those of
 * membership_settings_default are Lifeguard's, for a LAN. */
struct membership_settings {
    size_t members_max;         /* we included, and those that are forgotten */
    uint64_t probe_interval_ms; /* SWIM's protocol period */
    uint64_t probe_timeout_ms;  /* then others are asked to probe */
    unsigned indirect_probes;   /* SWIM's k */
    unsigned suspicion_factor;  /* Lifeguard's alpha: periods for log10 n */
    unsigned suspicion_max_factor; /* Lifeguard's beta: with no other accuser */
    unsigned confirmations;        /* Lifeguard's K: accusers for the least */
    unsigned health_max;           /* Lifeguard's S */
    unsigned retransmit_factor;    /* SWIM's lambda: times log10 n */
    uint64_t news_interval_ms;     /* between datagrams that carry only news */
    unsigned news_fanout;          /* how many get one */
    uint64_t sync_interval_ms;     /* between comparisons of tables */
    uint64_t reach_interval_ms;    /* between tries at seeds and the dead */
    uint64_t join_retry_min_ms;    /* while nobody is in reach: from this, */
    uint64_t join_retry_max_ms;    /* doubling, to this */
    uint64_t leave_timeout_ms;     /* for the goodbye to be told */
    uint64_t forget_after_ms; /* the dead and those that left; MOMENT_NEVER */
    uint64_t remember_forgotten_ms; /* so that no old table brings them back */
};

extern const struct membership_settings membership_settings_default;

struct membership_options {
    uint64_t id;         /* the node's origin; not 0 */
    uint64_t run;        /* random, made when the process started; not 0 */
    uint64_t started_ms; /* Unix time */
    struct gossip_address address; /* where the others reach us */
    const char *urls; /* up to GOSSIP_URLS_BYTES_MAX; borrowed by new() */
    uint64_t random_seed;
    struct membership_settings settings;
};

struct membership *membership_new(const struct membership_options *options,
                                  uint64_t now_ms);
void membership_free(struct membership *m);

enum membership_input_kind {
    MEMBERSHIP_INPUT_TICK,
    MEMBERSHIP_INPUT_DATAGRAM, /* one that has been opened */
    MEMBERSHIP_INPUT_SEEDS,    /* in place of those before */
    MEMBERSHIP_INPUT_ANNOUNCE, /* we have another address or other URLs */
    MEMBERSHIP_INPUT_LEAVE,    /* say goodbye; GONE follows */
};

struct membership_input {
    enum membership_input_kind kind;
    union {
        struct {
            struct bytes bytes;
            struct gossip_address source;
        } datagram;
        struct {
            const struct gossip_address *addresses; /* borrowed */
            size_t count; /* those over MEMBERSHIP_SEEDS_MAX are not tried */
        } seeds;
        struct {
            struct gossip_address address;
            const char *urls;
        } announce;
    };
};

void membership_step(struct membership *m,
                     uint64_t now_ms,
                     const struct membership_input *in);

/* When to call with TICK next. */
uint64_t membership_deadline_ms(const struct membership *m);

/* Append the next datagram, at most GOSSIP_BYTES_MAX, to `out`, which is given
 * empty; false when there is none. */
bool membership_next_send(struct membership *m,
                          struct gossip_address *ret_to,
                          struct buffer *out);

enum membership_event_kind {
    /* About a member, other than we: what it is now. Of changes that follow
     * each other between two pulls, only the last is told. */
    MEMBERSHIP_JOINED,    /* alive, and was not known, or had been forgotten */
    MEMBERSHIP_RETURNED,  /* alive, and had been dead or had left */
    MEMBERSHIP_SUSPECTED, /* it does not answer; still to be counted on */
    MEMBERSHIP_CLEARED,   /* alive, and was only suspected */
    MEMBERSHIP_MOVED,     /* alive, with another address, URLs or run */
    MEMBERSHIP_DIED,
    MEMBERSHIP_LEFT,
    MEMBERSHIP_FORGOTTEN, /* its data need not be waited for any more */
    /* About us. */
    MEMBERSHIP_SEEDS_WANTED, /* look the seeds' names up again */
    MEMBERSHIP_GONE,         /* our goodbye is told, or the time for it is up */
    MEMBERSHIP_FULL,         /* a member was not taken: members_max; once */
    /* Another process lives with our id: `member` is its record. The younger
     * of the two must stop serving: `we_are_younger` says whether that is us.
     * Told once for each other process. */
    MEMBERSHIP_RIVAL,
};

struct membership_event {
    enum membership_event_kind kind;
    const struct gossip_member *member; /* until the next step; or NULL */
    bool we_are_younger;
};

bool membership_next_event(struct membership *m, struct membership_event *ret);

/* "joined" */
const char *membership_event_name(enum membership_event_kind kind);

/* The operator says that a member will not come back. Everybody is told. Should
 * it come back after all, it is a member again. RC_NOT_FOUND; RC_BUSY: it is
 * alive, or we are it. */
int membership_forget(struct membership *m, uint64_t now_ms, uint64_t id);

/* All that are known, we included, in the order of their ids; NULL past the
 * end. Valid until the next step. */
const struct gossip_member *membership_at(const struct membership *m,
                                          size_t index);
const struct gossip_member *membership_find(const struct membership *m,
                                            uint64_t id);

/* Since when, on the clock of the steps, a member has its state; `index` as
 * above. */
uint64_t membership_since_ms(const struct membership *m, size_t index);

/* The members that have not left and are not forgotten, we included: what a
 * majority is counted of. And those of them that are alive or only suspected.
 */
size_t membership_size(const struct membership *m);
size_t membership_reachable(const struct membership *m);

/* How well we keep up ourselves: 0, well, to health_max. */
unsigned membership_health(const struct membership *m);

/* All that is known, to be saved so that a restarted node knows that it has
 * peers, or to be sent over a link; and back. A table of the same cluster is
 * merged in any order, any number of times; what it says is not told to others
 * as news, they are taken to have it. RC_MALFORMED, RC_TOO_LARGE: nothing was
 * merged. membership_digest() changes when the table does, but for
 * suspicions: save it when the digest is another. */
void membership_table_write(const struct membership *m, struct buffer *out);
int membership_table_merge(struct membership *m,
                           uint64_t now_ms,
                           struct bytes table);
uint64_t membership_digest(const struct membership *m);

struct membership_counters {
    uint64_t datagrams_received;
    uint64_t datagrams_malformed;
    uint64_t datagrams_sent;
    uint64_t datagrams_dropped; /* too many waited to be sent */
    uint64_t bytes_sent;        /* before they are sealed */
    uint64_t probes;
    uint64_t probes_indirect; /* those that went on through others */
    uint64_t probes_failed;
    uint64_t suspicions;      /* raised or believed */
    uint64_t refutations;     /* of what was said about us */
    uint64_t deaths;          /* declared here: the suspicion ran out */
    uint64_t syncs;           /* tables sent */
    uint64_t members_refused; /* members_max */
    uint64_t late_ms;         /* not counted: see above */
};

const struct membership_counters *membership_counters(
    const struct membership *m);

#endif

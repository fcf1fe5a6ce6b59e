/* What the files of replication share. */
#ifndef CLUSTER_REPLICATION_PRIVATE_H
#define CLUSTER_REPLICATION_PRIVATE_H

#include "base/event.h"
#include "base/list.h"
#include "cluster/replication.h"

#define REPLICATION_KNOWN_MAX 64

/* Of a peer, of all origins. One too many is heard of again when the peer is
 * asked again. */
#define REPLICATION_GAPS_MAX 128

/* Of an origin: whom we asked, when, and what we had then. When events came and
 * were not taken, the peer is told to stop for a while: it would send them
 * again and again, and nothing else. */
struct replication_want {
    uint64_t origin;
    struct replication_peer *peer;
    uint64_t since_ms;
    uint64_t have;
    bool came;
    bool rests;
};

/* What a node was last known to have on disk, its link open or not. */
struct replication_known {
    uint64_t node;
    struct vector have;
};

/* What a peer has said that it does not have, although it has what follows. */
struct replication_gap {
    uint64_t origin;
    uint64_t from;
    uint64_t to;
    uint64_t since_ms; /* that it said so first */
};

/* A hole, and whom we asked for what is missing there. */
struct replication_fetch {
    struct replication_hole hole;
    struct replication_peer *peer; /* NULL: the next is to be asked */
    uint64_t asked;                /* all up to this identity were */
    uint64_t since_ms;
};

struct replication_peer {
    struct list entry;
    struct link *link;
    uint64_t node;
    struct vector have; /* on its disk */
    struct vector had;  /* when its link opened */
    struct vector told; /* of ours */
    struct replication_gap gaps[REPLICATION_GAPS_MAX]; /* not behind us */
    size_t gap_count;

    /* What it wants of us: of each origin, up to where it was sent. */
    struct vector sent;
    uint64_t next_place; /* of our log, to be looked at for it */
};

struct replication {
    struct replication_options options;
    struct vector have; /* on our disk */
    struct list peers;
    struct replication_want wants[VECTOR_ORIGINS_MAX];
    size_t want_count;
    struct replication_known known[REPLICATION_KNOWN_MAX];
    size_t known_count;
    struct replication_fetch fetches[REPLICATION_HOLES_MAX];
    size_t fetch_count;
    bool awaits;           /* see replication_await() */
    struct buffer scratch; /* one EVENTS frame */
};

static inline struct replication_peer *replication_peer_of(struct list *entry)
{
    return list_entry(entry, struct replication_peer, entry);
}

/* The node whose origin it is. */
static inline uint64_t replication_node_of(uint64_t origin)
{
    return origin & ~EVENT_ORIGIN_QUORUM;
}

/* replication.c: the peer need not send that origin any more. */
void replication_send_stop(struct replication_peer *peer, uint64_t origin);

/* replication_prune.c: list no origin that the log has pruned. */
void replication_prune(struct replication *r);

/* replication_source.c: the gap that the peer has behind `sequence`; NULL: it
 * has what follows. */
const struct replication_gap *replication_source_gap(
    const struct replication_peer *peer, uint64_t origin, uint64_t sequence);
void replication_source_note(const struct replication *r,
                             uint64_t now_ms,
                             struct replication_peer *peer,
                             const struct peer_gap *told);

/* Who should stream to us what follows `sequence` of an origin: its own node,
 * unless it was set back; else who has most of it; NULL: nobody. */
struct replication_peer *replication_source_whole(
    const struct replication *r,
    uint64_t origin,
    uint64_t sequence,
    const struct replication_peer *not_this);

/* The same for what follows what we have; if nobody has it whole, one that will
 * say so again. */
struct replication_peer *replication_source_best(
    const struct replication *r,
    uint64_t origin,
    struct replication_peer *not_this);

/* replication_stream.c: the peer has so much, from wherever; begin with what
 * the peer has just asked for; send what the link has room for. */
void replication_stream_had(struct replication_peer *peer,
                            const struct vector *have);
void replication_stream_begin(struct replication *r,
                              struct replication_peer *peer,
                              const struct vector *want);
void replication_stream(struct replication *r, struct replication_peer *peer);

/* replication_repair.c: ask for what is damaged, if that is due; FETCHED and
 * FETCH of a peer; a peer has gone. */
void replication_repair(struct replication *r, uint64_t now_ms);
void replication_repair_fetched(struct replication *r,
                                uint64_t now_ms,
                                struct replication_peer *peer,
                                const struct peer_events *events);
void replication_repair_fetch(struct replication *r,
                              struct replication_peer *peer,
                              const struct peer_fetch *fetch);
void replication_repair_close(struct replication *r,
                              const struct replication_peer *peer);

#endif

/* Who has what we lack. */
#include "cluster/replication_private.h"

const struct replication_gap *replication_source_gap(
    const struct replication_peer *peer, uint64_t origin, uint64_t sequence)
{
    for (size_t i = 0; i < peer->gap_count; i++) {
        const struct replication_gap *gap = &peer->gaps[i];

        if (gap->origin == origin && gap->from <= sequence &&
            sequence < gap->to) {
            return gap;
        }
    }
    return NULL;
}

static bool lacks(const struct replication_peer *peer,
                  uint64_t origin,
                  uint64_t sequence)
{
    return replication_source_gap(peer, origin, sequence) != NULL;
}

void replication_source_note(const struct replication *r,
                             uint64_t now_ms,
                             struct replication_peer *peer,
                             const struct peer_gap *told)
{
    struct replication_gap new = {told->origin, told->from, told->to, now_ms};
    size_t kept = 0;

    for (size_t i = 0; i < peer->gap_count; i++) {
        const struct replication_gap gap = peer->gaps[i];

        if (gap.origin == told->origin && gap.from == told->from) {
            new.since_ms = gap.since_ms;
        } else if (gap.to > vector_get(&r->have, gap.origin)) {
            peer->gaps[kept++] = gap;
        }
    }
    peer->gap_count = kept;
    if (peer->gap_count < REPLICATION_GAPS_MAX) {
        peer->gaps[peer->gap_count++] = new;
    }
}

struct replication_peer *replication_source_whole(
    const struct replication *r,
    uint64_t origin,
    uint64_t sequence,
    const struct replication_peer *not_this)
{
    uint64_t most = sequence;
    struct replication_peer *own = NULL;
    struct replication_peer *best = NULL;

    list_each(node, &r->peers)
    {
        struct replication_peer *peer = replication_peer_of(node);
        uint64_t has = vector_get(&peer->have, origin);

        if (peer == not_this || lacks(peer, origin, sequence)) {
            continue;
        }
        if (peer->node == replication_node_of(origin)) {
            own = peer;
        }
        if (has > most) {
            most = has;
            best = peer;
        }
    }
    return own != NULL &&
                   (best == NULL || vector_get(&own->have, origin) > sequence)
               ? own
               : best;
}

struct replication_peer *replication_source_best(
    const struct replication *r,
    uint64_t origin,
    struct replication_peer *not_this)
{
    uint64_t have = vector_get(&r->have, origin);
    struct replication_peer *best =
        replication_source_whole(r, origin, have, not_this);

    list_each(node, &r->peers)
    {
        struct replication_peer *peer = replication_peer_of(node);

        if (best == NULL && peer != not_this && lacks(peer, origin, have)) {
            best = peer;
        }
    }
    return best;
}

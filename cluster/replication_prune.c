/* What the log has forgotten is forgotten here: else vectors would fill with
 * the origins that others have not forgotten yet. */
#include "cluster/replication_private.h"

static bool is_linked(const struct replication *r, uint64_t node)
{
    list_each(entry, &r->peers)
    {
        if (replication_peer_of(entry)->node == node) {
            return true;
        }
    }
    return false;
}

/* Of an origin that is not listed, nothing may have come yet. */
static bool is_pruned(const struct replication *r,
                      const struct replication_want *want)
{
    return !vector_knows(&r->have, want->origin) &&
           !is_linked(r, replication_node_of(want->origin)) &&
           (want->peer == NULL ||
            !vector_knows(&want->peer->have, want->origin));
}

void replication_prune(struct replication *r)
{
    size_t kept = 0;

    list_each(entry, &r->peers)
    {
        vector_shed(&replication_peer_of(entry)->have, &r->have);
        vector_shed(&replication_peer_of(entry)->told, &r->have);
    }
    for (size_t i = 0; i < r->known_count; i++) {
        vector_shed(&r->known[i].have, &r->have);
    }
    for (size_t i = 0; i < r->want_count; i++) {
        const struct replication_want *want = &r->wants[i];

        if (!is_pruned(r, want)) {
            r->wants[kept++] = *want;
        } else if (want->peer != NULL) {
            replication_send_stop(want->peer, want->origin);
        }
    }
    r->want_count = kept;
}

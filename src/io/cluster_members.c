/* The members, for those who are not of the cluster's thread: who may be
 * forgotten, and whose events may yet come. */
#include "base/alloc.h"
#include "src/io/clock.h"
#include "src/io/cluster_state.h"
#include "src/io/log_thread.h"
#include "src/io/logger.h"

#include <stdlib.h>

#define PRUNE_INTERVAL_MS 60000

/* Who has left has handed all on. */
static void prune(struct cluster_loop *c)
{
    const struct membership *members = hub_membership(c->hub);
    const struct gossip_member *m;
    uint64_t *nodes = alloc_raw(MEMBERSHIP_MEMBERS_MAX * sizeof(nodes[0]));
    size_t count = 0;

    for (size_t i = 0; (m = membership_at(members, i)) != NULL; i++) {
        if (m->state != GOSSIP_LEFT && m->state != GOSSIP_FORGOTTEN) {
            nodes[count++] = m->id;
        }
    }
    log_thread_prune(c->options.log_thread, nodes, count);
}

static void tell_origins(const struct cluster_loop *c)
{
    struct vector have;

    log_seek_vector(c->options.log, &have);
    metrics_set(c->options.metrics, cluster_origins, have.count);
    if (have.count > REPLICATION_ORIGINS_MAX) {
        logger_line(
            LOGGER_WARN,
            "cluster.origins",
            "count=%zu reason=\"so many nodes have come and gone within "
            "a day that events of further ones are not taken\"",
            have.count);
    }
}

void cluster_members_look(struct cluster_loop *c)
{
    const struct membership *members = hub_membership(c->hub);
    uint64_t now_ms = clock_now().mono_ms;
    const struct gossip_member *m;

    pthread_mutex_lock(&c->gone_lock);
    c->gone_count = 0;
    for (size_t i = 0; (m = membership_at(members, i)) != NULL; i++) {
        if (m->state == GOSSIP_DEAD || m->state == GOSSIP_LEFT) {
            c->gone[c->gone_count++] = m->id;
        }
    }
    pthread_mutex_unlock(&c->gone_lock);
    if (now_ms >= c->prune_due_ms) {
        c->prune_due_ms = now_ms + PRUNE_INTERVAL_MS;
        prune(c);
        tell_origins(c);
    }
}

bool cluster_members_gone(struct cluster_loop *c, uint64_t node)
{
    bool gone = false;

    pthread_mutex_lock(&c->gone_lock);
    for (size_t i = 0; i < c->gone_count; i++) {
        gone |= c->gone[i] == node;
    }
    pthread_mutex_unlock(&c->gone_lock);
    return gone;
}

void cluster_members_forget(struct cluster_loop *c, uint64_t *node)
{
    struct hub_input in = {.kind = HUB_INPUT_TICK};

    (void)membership_forget(
        hub_membership_mutable(c->hub), clock_now().mono_ms, *node);
    free(node);
    cluster_loop_step(c, &in);
}

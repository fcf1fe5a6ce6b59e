/* Those who knock and are not let in: counted, and told of now and then. */
#include "src/io/cluster_state.h"
#include "src/io/logger_flood.h"

static uint64_t ends(const struct cluster_loop *c, enum link_end end)
{
    return hub_link_ends(c->hub, end);
}

static void count(const struct cluster_loop *c)
{
    struct metrics *m = c->options.metrics;
    const struct seal_counters *seal = hub_seal_counters(c->hub);

    metrics_set(m, cluster_datagrams, seal->opened);
    metrics_set(m,
                cluster_datagrams_foreign,
                seal->too_short + seal->other_version + seal->too_large);
    metrics_set(m, cluster_datagrams_secret, seal->not_authentic);
    metrics_set(m, cluster_links_open, hub_link_open_count(c->hub));
    metrics_set(m, cluster_links_foreign, ends(c, LINK_END_FOREIGN));
    metrics_set(m, cluster_links_secret, ends(c, LINK_END_SECRET));
    metrics_set(m,
                cluster_links_broken,
                ends(c, LINK_END_TAMPERED) + ends(c, LINK_END_MALFORMED));
    metrics_set(m,
                cluster_links_silent,
                ends(c, LINK_END_HANDSHAKE) + ends(c, LINK_END_SILENT));
    metrics_set(m, cluster_links_crowded, ends(c, LINK_END_CROWDED));
    metrics_set(m,
                cluster_links_refused,
                ends(c, LINK_END_REFUSED) + ends(c, LINK_END_VERSION));
}

static uint64_t refused_datagrams(const struct cluster_loop *c)
{
    const struct seal_counters *seal = hub_seal_counters(c->hub);

    return seal->too_short + seal->other_version + seal->too_large +
           seal->not_authentic;
}

static uint64_t refused_links(const struct cluster_loop *c)
{
    return ends(c, LINK_END_FOREIGN) + ends(c, LINK_END_SECRET) +
           ends(c, LINK_END_HANDSHAKE) + ends(c, LINK_END_CROWDED);
}

void cluster_strangers_count(struct cluster_loop *c)
{
    uint64_t datagrams = refused_datagrams(c);
    uint64_t links = refused_links(c);
    uint64_t more = datagrams + links - c->strangers_told;

    count(c);
    if (more == 0) {
        (void)logger_flood_goes_on(LOGGER_FLOOD_STRANGERS);
        return;
    }
    c->strangers_told = datagrams + links;
    logger_flood(LOGGER_FLOOD_STRANGERS,
                 more,
                 "datagrams=%llu connections=%llu since=start reason=\"they "
                 "have another cluster secret, or are no nodes\"",
                 (unsigned long long)datagrams,
                 (unsigned long long)links);
}

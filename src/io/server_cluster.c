/* The same issuers everywhere; where clients reach us, for the others to tell.
 */
#include "src/io/server_cluster.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

/* From the cluster's thread: every shard gets a copy. */
static void on_issuers(void *context, const struct peer_issuers *issuers)
{
    const struct server_cluster_parts *parts = context;

    for (uint32_t i = 0; i < parts->shard_count; i++) {
        struct buffer *keys = alloc_zero(sizeof(*keys));
        const struct mail mail = {.kind = MAIL_ISSUERS, .content = keys};

        buffer_init(keys, PEER_ISSUERS_MAX * API_KEY_ISSUER_BYTES);
        for (size_t n = 0; n < issuers->count; n++) {
            if (issuers->records[n].len == API_KEY_ISSUER_BYTES) {
                buffer_append(keys, issuers->records[n]);
            }
        }
        mailbox_post(parts->shards[i], &mail, 1);
    }
}

void server_cluster_issuers(struct cluster_loop *c,
                            const struct authority *authority)
{
    struct peer_issuers issuers = {.count = 0};
    const uint8_t *key;

    while (issuers.count < PEER_ISSUERS_MAX &&
           (key = authority_issuer(authority, issuers.count)) != NULL) {
        issuers.records[issuers.count++] = bytes_of(key, API_KEY_ISSUER_BYTES);
    }
    cluster_loop_issuers(c, &issuers);
}

static void add_url(const char *scheme,
                    const struct listener_address *at,
                    char *urls)
{
    char url[LISTENER_URL_BYTES_MAX];
    size_t len = strlen(urls);

    listener_url(at, scheme, url);
    (void)snprintf(urls + len,
                   GOSSIP_URLS_BYTES_MAX + 1 - len,
                   "%s%s",
                   len > 0 ? " " : "",
                   url);
}

static void make_urls(const struct listener_address *listen,
                      const struct listener_address *tls_listen,
                      char *urls)
{
    add_url("http", listen, urls);
    if (tls_listen != NULL) {
        add_url("https", tls_listen, urls);
    }
}

/* Who listens everywhere is reached by clients where its peers reach it. */
static struct listener_address reached(const struct listener_address *listen,
                                       const struct server_cluster *cluster)
{
    struct listener_address ret = *listen;

    if (strcmp(ret.host, "0.0.0.0") == 0 || strcmp(ret.host, "::") == 0) {
        ret = cluster->advertise.host[0] != '\0' ? cluster->advertise
                                                 : cluster->listen;
        ret.port = listen->port;
    }
    return ret;
}

void server_cluster_alone(const struct server_cluster_parts *parts,
                          const struct listener_address *listen,
                          const struct listener_address *tls_listen)
{
    char urls[GOSSIP_URLS_BYTES_MAX + 1] = "";
    struct log_stat stat;

    log_stat(parts->log, &stat);
    make_urls(listen, tls_listen, urls);
    cluster_status_write_alone(
        parts->status, stat.origin & ~EVENT_ORIGIN_QUORUM, urls);
}

static void show(void *context,
                 enum shard_cluster_form form,
                 struct buffer *out)
{
    static const enum cluster_status_form forms[] = {
        [SHARD_CLUSTER_JSON] = CLUSTER_STATUS_JSON,
        [SHARD_CLUSTER_TEXT] = CLUSTER_STATUS_TEXT,
        [SHARD_CLUSTER_URLS] = CLUSTER_STATUS_URLS,
    };
    const struct server_cluster_parts *parts = context;

    cluster_status_copy(parts->status, forms[form], out);
}

static bool forget(void *context, uint64_t node)
{
    const struct server_cluster_parts *parts = context;

    return parts->cluster != NULL && cluster_loop_forget(parts->cluster, node);
}

struct shard_cluster server_cluster_view(struct server_cluster_parts *parts)
{
    return (struct shard_cluster){
        .context = parts, .show = show, .forget = forget};
}

int server_cluster_open(const struct server_cluster_parts *parts,
                        const struct listener_address *listen,
                        const struct listener_address *tls_listen,
                        struct cluster_loop **ret,
                        struct why *why)
{
    const struct server_cluster *cluster = parts->options->cluster;
    char urls[GOSSIP_URLS_BYTES_MAX + 1] = "";
    struct cluster_options options = {
        .listen = cluster->listen,
        .advertise = cluster->advertise,
        .seeds = cluster->seeds,
        .seed_count = cluster->seed_count,
        .secret = cluster->secret,
        .urls = cluster->urls,
        .table_file = cluster->table_file,
        .settings = hub_settings_default(),
        .log = parts->log,
        .log_thread = parts->log_thread,
        .intake = parts->intake,
        .shard_count = parts->shard_count,
        .metrics = parts->metrics,
        .status = parts->status,
        .server = parts->server,
        .on_issuers = on_issuers,
        .context = (void *)(uintptr_t)parts,
    };

    if (options.urls == NULL) {
        struct listener_address plain = reached(listen, cluster);
        struct listener_address tls = {.port = 0};

        if (tls_listen != NULL) {
            tls = reached(tls_listen, cluster);
        }
        make_urls(&plain, tls_listen != NULL ? &tls : NULL, urls);
        options.urls = urls;
    }
    return cluster_loop_open(&options, ret, why);
}

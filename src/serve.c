/* `weir serve`: the settings of a node handed to it, and its ready line. */
#include "src/commands.h"

#include "base/alloc.h"
#include "src/io/logger.h"
#include "src/io/machine.h"
#include "src/io/server.h"
#include "src/say.h"
#include "src/serve_cluster.h"
#include "src/serve_options.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* How long a peer may take to answer our close. */
#define CLOSE_TIMEOUT_MS 5000

static struct shard_limits limits(const struct settings *s)
{
    return (struct shard_limits){
        .head_bytes_max = s->limits_head_bytes_max,
        .body_bytes_max = s->limits_body_bytes_max,
        .message_bytes_max = s->limits_message_bytes_max,
        .send_buffer_max = s->limits_send_buffer_bytes_max,
        .subscriptions_max = (uint16_t)s->limits_subscriptions_max,
        .publishes_in_flight_max = (uint16_t)s->limits_publishes_in_flight_max,
        .request_timeout_ms = s->limits_request_timeout_ms,
        .idle_timeout_ms = s->limits_idle_timeout_ms,
        .write_timeout_ms = s->limits_write_timeout_ms,
        .close_timeout_ms = CLOSE_TIMEOUT_MS,
        .keepalive_ms = s->websocket_keepalive_ms,
        .connection_timeout_ms = s->websocket_timeout_ms,
    };
}

static int trust(struct authority *authority, void *context, struct why *why)
{
    const struct serve_options *o = context;

    return serve_options_trust(&o->settings, authority, why);
}

static void print_url(const char *scheme, const struct listener_address *at)
{
    char url[LISTENER_URL_BYTES_MAX];

    listener_url(at, scheme, url);
    printf(" %s", url);
}

/* The one line on standard output, for people and for scripts that wait. */
static void ready(const struct listener_address *listen,
                  const struct listener_address *tls_listen,
                  void *context)
{
    (void)context;
    printf("weir ready");
    print_url("http", listen);
    if (tls_listen != NULL) {
        print_url("https", tls_listen);
    }
    printf("\n");
    (void)fflush(stdout);
}

static struct bytes *views(char *const *items, size_t count)
{
    struct bytes *ret = alloc_zero((count + 1) * sizeof(*ret));

    for (size_t i = 0; i < count; i++) {
        ret[i] = bytes_text(items[i]);
    }
    return ret;
}

static const enum namespace_durability durabilities[] = {
    [SETTINGS_DURABILITY_QUORUM] = NAMESPACE_QUORUM,
    [SETTINGS_DURABILITY_DISK] = NAMESPACE_DISK,
    [SETTINGS_DURABILITY_MEMORY] = NAMESPACE_MEMORY,
};

/* What keeps none has no history; and a bound that the log's own is within is
 * none. */
static struct server_namespace server_namespace(
    const struct settings *s, const struct settings_namespace *n)
{
    bool history = n->history && n->age_max_ms > 0 && n->events_max > 0 &&
                   n->bytes_max > 0;

    return (struct server_namespace){
        .rules = {.durability = durabilities[n->durability],
                  .history = history,
                  .replay_s = n->replay_ms / 1000},
        .window = {.name_space = bytes_text(n->name),
                   .channel = {.events_max = history ? n->events_max : 0,
                               .bytes_max = n->bytes_max < s->log_bytes_max
                                                ? n->bytes_max
                                                : INDEX_UNLIMITED,
                               .share = (uint32_t)n->log_share},
                   .age_max_ms = history && n->age_max_ms < s->log_age_max_ms
                                     ? n->age_max_ms
                                     : INDEX_UNLIMITED}};
}

static struct server_namespace *namespaces(const struct settings *s)
{
    struct server_namespace *ret =
        alloc_zero((s->namespace_count + 1) * sizeof(*ret));

    for (size_t i = 0; i < s->namespace_count; i++) {
        ret[i] = server_namespace(s, &s->namespaces[i]);
    }
    return ret;
}

/* As many as are wanted, and as the system has descriptors for. */
static size_t connections_max(const struct settings *s)
{
    size_t descriptors;
    size_t most = machine_connections_max(s->shards > 0 ? (unsigned)s->shards
                                                        : machine_core_count(),
                                          &descriptors);

    if (s->limits_connections_max <= most) {
        return s->limits_connections_max;
    }
    logger_line(LOGGER_WARN,
                "limits.connections",
                "connections_max=%zu wanted=%llu reason=\"the process may have "
                "%zu descriptors\"",
                most,
                (unsigned long long)s->limits_connections_max,
                descriptors);
    return most;
}

static int run(struct serve_options *o,
               const struct server_cluster *cluster,
               struct why *why)
{
    const struct settings *s = &o->settings;
    const struct server_tls tls = {
        .listen = address_listener(&s->tls_listen),
        .certificate_file = s->tls_certificate,
        .key_file = s->tls_key,
    };
    struct bytes *origins =
        views(s->cors_allowed_origins.items, s->cors_allowed_origins.count);
    struct server_namespace *names = namespaces(s);
    const struct server_options options = {
        .data_dir = s->data_dir,
        .log_bytes_max = s->log_bytes_max,
        .log_index_bytes_max = s->log_index_bytes_max,
        .log_age_max_ms = s->log_age_max_ms,
        .listen = address_listener(&s->listen),
        .tls = s->tls_listen.host[0] != '\0' ? &tls : NULL,
        .shards = (unsigned)s->shards,
        .connections_max = connections_max(s),
        .socket_limits = {.unsent_bytes_max = s->limits_send_buffer_bytes_max,
                          .receive_bytes_max =
                              s->limits_receive_buffer_bytes_max,
                          .silence_ms = s->limits_silence_timeout_ms},
        .queue_bytes_max = s->limits_queue_bytes_max,
        .unfinished_bytes_max = s->limits_unfinished_bytes_max,
        .drain_ms = s->drain_timeout_ms,
        .limits = limits(s),
        .compression = s->websocket_compression,
        .allowed_origins = origins,
        .allowed_origins_count = s->cors_allowed_origins.count,
        .console = o->is_dev,
        .cluster = cluster,
        .quorum_timeout_ms = s->cluster_quorum_timeout_ms,
        .namespaces = names,
        .namespace_count = s->namespace_count,
        .trust = trust,
        .on_ready = ready,
        .context = o,
    };
    int rc = server_run(&options, why);

    free(origins);
    free(names);
    return rc;
}

static int run_clustered(struct serve_options *o, struct why *why)
{
    struct serve_cluster cluster;
    int rc;

    if (!serve_cluster_wanted(&o->settings)) {
        return run(o, NULL, why);
    }
    rc = serve_cluster_read(&o->settings, &cluster, why);
    if (rc == 0) {
        rc = run(o, &cluster.server, why);
    }
    serve_cluster_done(&cluster);
    return rc;
}

int serve_main(int argc, char **argv)
{
    struct serve_options o;
    struct why why;
    int status;
    int rc;

    if (sodium_init() < 0) {
        fprintf(stderr, "weir serve: the system gives no random numbers\n");
        return 1;
    }
    if (!serve_options_read(argc, argv, &o, &status)) {
        return status;
    }
    logger_init(STDERR_FILENO, (enum logger_level)o.settings.log_level);
    rc = run_clustered(&o, &why);
    if (rc != 0) {
        say_line("weir serve", "%s", why.text);
    }
    serve_options_done(&o);
    return rc == 0 ? 0 : 1;
}

/* Putting a node together, waiting for signals, and taking it apart. */
#include "src/io/server.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/io/clock.h"
#include "src/io/log_thread.h"
#include "src/io/log_view.h"
#include "src/io/logger.h"
#include "src/io/machine.h"
#include "src/io/mailbox.h"
#include "src/io/memory.h"
#include "src/io/server_cluster.h"
#include "src/io/server_ports.h"
#include "src/io/server_tls.h"
#include "src/io/shard_loop.h"
#include "src/io/signals.h"
#include "src/io/token_secret.h"

#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

struct server {
    const struct server_options *options;
    unsigned shard_count;
    unsigned shards_running;
    struct log *log;
    struct log_thread *log_thread;
    struct intake intake;
    struct intake unfinished;  /* of what has not wholly come */
    struct intake peer_intake; /* of what the cluster's other nodes send */
    struct namespace_table namespaces;
    atomic_size_t connections;
    struct metrics **metrics; /* one a shard, the log's, the cluster's */
    struct authority **authorities;
    struct shard_loop **shards;
    struct mailbox **shard_mailboxes;
    uv_loop_t uv;
    struct mailbox mailbox;
    struct signals signals;
    struct memory memory;
    uint8_t token_secret[TOKEN_SECRET_BYTES];
    struct cluster_loop *cluster; /* NULL: a node on its own */
    struct server_cluster_parts cluster_parts;
    struct cluster_status status;
    struct server_ports ports;
    struct tls_context *tls_context; /* of the start; NULL: none */
    bool stopping;
    bool looping; /* the loop and its handles are there */
    int rc;       /* why it stops by itself */
    struct why *why;
};

/* How long the others may take to get our last events. */
#define LEAVE_TIMEOUT_MS 5000

static uint64_t random_u64(void)
{
    return (uint64_t)randombytes_random() << 32 | randombytes_random();
}

static void close_handles(struct server *server)
{
    signals_close(&server->signals);
    mailbox_close(&server->mailbox);
    memory_close(&server->memory);
}

/* The second time, clients are not waited for. */
static void begin_stop(struct server *server)
{
    const struct mail drain = {.kind = MAIL_DRAIN};

    logger_line(LOGGER_INFO,
                "node.stopping",
                "shards=%u wait=%s",
                server->shard_count,
                server->stopping ? "no" : "yes");
    server->stopping = true;
    for (unsigned i = 0; i < server->shard_count; i++) {
        mailbox_post(shard_loop_mailbox(server->shards[i]), &drain, 1);
    }
}

/* Let clients in. */
static void serve_clients(struct server *server)
{
    struct server_ports *ports = &server->ports;

    server->rc = server_ports_open(ports, server->why);
    if (server->rc != 0) {
        begin_stop(server);
        return;
    }
    server_ports_hand_over(ports, server->shard_mailboxes);
    server->options->on_ready(&ports->listen,
                              ports->tls ? &ports->tls_listen : NULL,
                              server->options->context);
}

static void stop_duplicate(struct server *server)
{
    server->rc = why_set(server->why,
                         RC_EXISTS,
                         "another node of the cluster has been up for longer "
                         "with this node's identity: a directory was copied; "
                         "give this node one of its own");
    begin_stop(server);
    begin_stop(server);
}

/* The last to end is the cluster's thread: it hands on what the shards' clients
 * published. Once nothing is left that runs, nothing keeps the loop. */
static void take_stopped(struct server *server, const void *who)
{
    if (who == server->cluster) {
        close_handles(server);
        return;
    }
    if (--server->shards_running > 0) {
        return;
    }
    if (server->cluster != NULL) {
        cluster_loop_leave(server->cluster,
                           server->rc == 0 ? LEAVE_TIMEOUT_MS : 0);
    } else {
        close_handles(server);
    }
}

static void on_mail(void *context)
{
    struct server *server = context;
    const struct mail *mail;
    size_t count = mailbox_take(&server->mailbox, &mail);

    for (size_t i = 0; i < count; i++) {
        if (mail[i].kind == MAIL_READY) {
            if (!server->stopping) {
                serve_clients(server);
            }
        } else if (mail[i].kind == MAIL_DUPLICATE) {
            stop_duplicate(server);
        } else {
            check(mail[i].kind == MAIL_STOPPED);
            take_stopped(server, mail[i].content);
        }
    }
}

static void on_signal(void *context, int number)
{
    struct server *server = context;

    if (number == SIGHUP) {
        server_tls_reload(
            server->options->tls, server->shard_mailboxes, server->shard_count);
    } else {
        begin_stop(server);
    }
}

static void on_progress(uint64_t done, uint64_t all, void *context)
{
    (void)context;
    logger_line(LOGGER_INFO,
                "log.scanning",
                "events=%llu of=%llu",
                (unsigned long long)done,
                (unsigned long long)all);
}

static struct log_window *windows(const struct server_options *options)
{
    struct log_window *ret =
        alloc_zero((options->namespace_count + 1) * sizeof(*ret));

    for (size_t i = 0; i < options->namespace_count; i++) {
        ret[i] = options->namespaces[i].window;
    }
    return ret;
}

static int open_log(struct server *server, struct why *why)
{
    struct log_window *bounds = windows(server->options);
    const struct log_options options = {
        .dir = server->options->data_dir,
        .bytes_max = server->options->log_bytes_max,
        .index_bytes_max = server->options->log_index_bytes_max,
        .index_seed = random_u64(),
        .new_origin = (random_u64() % (EVENT_ORIGIN_MAX / 2) + 1) * 2,
        .windows = bounds,
        .window_count = server->options->namespace_count,
        .on_progress = on_progress,
    };
    struct log_stat stat;
    int rc = log_open(&server->log, &options, why);

    free(bounds);
    if (rc == 0) {
        rc = log_window_expire(server->log, clock_now().wall_ms, why);
    }
    if (rc != 0) {
        return rc;
    }
    log_stat(server->log, &stat);
    logger_line(LOGGER_INFO,
                "log.opened",
                "origin=%016llx events=%llu bytes=%llu corrupt=%llu",
                (unsigned long long)stat.origin,
                (unsigned long long)stat.event_count,
                (unsigned long long)stat.record_bytes,
                (unsigned long long)stat.corrupt_count);
    if (stat.corrupt_count > 0) {
        logger_line(LOGGER_WARN,
                    "log.corrupt",
                    "records=%llu action=\"they are kept and skipped; see "
                    "weir log --check\"",
                    (unsigned long long)stat.corrupt_count);
    }
    return 0;
}

static void make_log_thread(struct server *server)
{
    const struct log_thread_options options = {
        .log = server->log,
        .intake = &server->intake,
        .shard_count = server->shard_count,
        .metrics = server->metrics[server->shard_count],
        .seed = random_u64(),
        .age_max_ms = server->options->log_age_max_ms,
        .quorum_timeout_ms = server->options->quorum_timeout_ms,
        .clustered = server->options->cluster != NULL,
    };

    server->log_thread = log_thread_new(&options);
}

static int make_authorities(struct server *server, struct why *why)
{
    const struct server_options *options = server->options;
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < server->shard_count; i++) {
        server->authorities[i] = authority_new(random_u64());
        rc = options->trust(server->authorities[i], options->context, why);
    }
    return rc;
}

static void start_shard(struct server *server, unsigned index)
{
    const struct server_options *options = server->options;
    struct log_shown shown;

    log_show_now(server->log, &shown);
    struct shard_loop_options loop_options = {
        .shard = {.index = index,
                  .seed = random_u64(),
                  .random_seed = random_u64(),
                  .last_place = shown.place,
                  .lookup = log_view_lookup(server->log),
                  .cluster = server_cluster_view(&server->cluster_parts),
                  .limits = &options->limits,
                  .namespaces = &server->namespaces,
                  .authority = server->authorities[index],
                  .intake = &server->intake,
                  .unfinished = &server->unfinished,
                  .metrics = server->metrics[index],
                  .all_metrics = server->metrics,
                  .all_metrics_count = server->shard_count + 2,
                  .clustered = options->cluster != NULL,
                  .compression = options->compression,
                  .allowed_origins = options->allowed_origins,
                  .allowed_origins_count = options->allowed_origins_count,
                  .console = options->console},
        .log = server->log,
        .log_thread = server->log_thread,
        .server = &server->mailbox,
        .tls_context = server->tls_context == NULL
                           ? NULL
                           : tls_context_ref(server->tls_context),
        .connections = &server->connections,
        .connections_max = options->connections_max,
        .socket_limits = options->socket_limits,
        .drain_ms = options->drain_ms,
    };
    memcpy(loop_options.shard.token_secret,
           server->token_secret,
           sizeof(server->token_secret));

    server->shards[index] = shard_loop_start(&loop_options);
    server->shard_mailboxes[index] = shard_loop_mailbox(server->shards[index]);
    server->shards_running++;
}

static int open_cluster(struct server *server)
{
    server->cluster_parts = (struct server_cluster_parts){
        .options = server->options,
        .log = server->log,
        .log_thread = server->log_thread,
        .intake = &server->peer_intake,
        .metrics = server->metrics[server->shard_count + 1],
        .server = &server->mailbox,
        .shards = server->shard_mailboxes,
        .shard_count = server->shard_count,
        .status = &server->status,
    };
    if (server->options->cluster == NULL) {
        server_cluster_alone(&server->cluster_parts,
                             &server->ports.listen,
                             server->ports.tls ? &server->ports.tls_listen
                                               : NULL);
        return 0;
    }
    server_ports_close(&server->ports); /* until we have what others have */
    return server_cluster_open(&server->cluster_parts,
                               &server->ports.listen,
                               server->ports.tls ? &server->ports.tls_listen
                                                 : NULL,
                               &server->cluster,
                               server->why);
}

/* What can fail comes first, so that a failure leaves nothing that runs. */
static int prepare_start(struct server *server)
{
    const struct server_tls *tls = server->options->tls;
    int rc;

    server_ports_init(&server->ports,
                      &server->options->listen,
                      tls != NULL ? &tls->listen : NULL,
                      server->shard_count);
    rc = server_ports_open(&server->ports, server->why);
    if (rc == 0 && tls != NULL) {
        rc = tls_context_new_server(tls->certificate_file,
                                    tls->key_file,
                                    &server->tls_context,
                                    server->why);
    }
    if (rc == 0) {
        make_log_thread(server);
        rc = open_cluster(server);
    }
    return rc;
}

static void start(struct server *server)
{
    server->cluster_parts.cluster = server->cluster;
    for (unsigned i = 0; i < server->shard_count; i++) {
        start_shard(server, i);
    }
    if (server->cluster == NULL) {
        log_thread_start(server->log_thread, server->shard_mailboxes);
        serve_clients(server);
        return;
    }
    log_thread_on_append(
        server->log_thread, cluster_loop_committed, server->cluster);
    log_thread_start(server->log_thread, server->shard_mailboxes);
    server_cluster_issuers(server->cluster, server->authorities[0]);
    cluster_loop_start(server->cluster);
}

static void prepare(struct server *server)
{
    const struct server_options *options = server->options;

    server->shard_count =
        options->shards > 0 ? options->shards : machine_core_count();
    if (server->shard_count > SERVER_SHARDS_MAX) {
        server->shard_count = SERVER_SHARDS_MAX;
    }
    server->intake.bytes_max = options->queue_bytes_max;
    server->unfinished.bytes_max = options->unfinished_bytes_max;
    server->peer_intake.bytes_max = options->queue_bytes_max;
    cluster_status_init(&server->status);
    namespace_table_init(&server->namespaces, random_u64());
    for (size_t i = 0; i < options->namespace_count; i++) {
        namespace_table_add(&server->namespaces,
                            options->namespaces[i].window.name_space,
                            &options->namespaces[i].rules);
    }
    server->metrics =
        alloc_zero((server->shard_count + 2) * sizeof(*server->metrics));
    server->authorities =
        alloc_zero(server->shard_count * sizeof(*server->authorities));
    server->shards = alloc_zero(server->shard_count * sizeof(*server->shards));
    server->shard_mailboxes =
        alloc_zero(server->shard_count * sizeof(*server->shard_mailboxes));
    for (unsigned i = 0; i < server->shard_count + 2; i++) {
        server->metrics[i] = alloc_zero(sizeof(struct metrics));
    }
}

/* The shards stopped taking publishes before the log thread stops, and their
 * mailboxes stay until it has: its last batches have somewhere to go. */
static void take_apart(struct server *server)
{
    for (unsigned i = 0; i < server->shard_count; i++) {
        if (server->shards[i] != NULL) {
            shard_loop_join(server->shards[i]);
        }
    }
    log_thread_stop(server->log_thread);
    cluster_loop_free(server->cluster);
    cluster_status_done(&server->status);
    server_ports_close(&server->ports);
    tls_context_unref(server->tls_context);
    for (unsigned i = 0; i < server->shard_count; i++) {
        shard_loop_free(server->shards[i]);
        authority_free(server->authorities[i]);
    }
    if (server->looping) {
        uv_run(&server->uv, UV_RUN_DEFAULT);
        mailbox_done(&server->mailbox);
        check(uv_loop_close(&server->uv) == 0);
    }
    log_close(server->log);
    for (unsigned i = 0; i < server->shard_count + 2; i++) {
        free(server->metrics[i]);
    }
    namespace_table_done(&server->namespaces);
    free(server->metrics);
    free(server->authorities);
    free(server->shards);
    free(server->shard_mailboxes);
}

int server_run(const struct server_options *options, struct why *why)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct server server = {.options = options, .why = why};
    int rc;

    check(sodium_init() >= 0);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* write() fails, as on a full disk */
    machine_raise_descriptors();
    memory_prepare();
    prepare(&server);
    rc = make_authorities(&server, why);
    if (rc == 0) {
        rc = open_log(&server, why);
    }
    if (rc == 0) {
        token_secret_find(options->cluster != NULL ? options->cluster->secret
                                                   : NULL,
                          options->data_dir,
                          server.token_secret);
        check(uv_loop_init(&server.uv) == 0);
        check(mailbox_init(&server.mailbox, &server.uv, on_mail, &server) == 0);
        signals_watch(
            &server.signals, &server.uv, numbers, 3, on_signal, &server);
        memory_watch(&server.memory,
                     &server.uv,
                     &server.connections,
                     &server.intake,
                     &server.unfinished);
        server.looping = true;
        rc = prepare_start(&server);
        if (rc != 0) {
            close_handles(&server);
        }
    }
    if (rc == 0) {
        start(&server);
        uv_run(&server.uv, UV_RUN_DEFAULT);
        rc = server.rc;
        logger_line(LOGGER_INFO, "node.stopped", "clean=yes");
    }
    take_apart(&server);
    return rc;
}

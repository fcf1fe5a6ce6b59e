/* Putting a node together, waiting for signals, and taking it apart. */
#include "src/io/server.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/io/log_thread.h"
#include "src/io/log_view.h"
#include "src/io/logger.h"
#include "src/io/mailbox.h"
#include "src/io/shard_loop.h"

#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define SHARDS_MAX 256

struct server {
    const struct server_options *options;
    unsigned shard_count;
    unsigned shards_running;
    struct log *log;
    struct log_thread *log_thread;
    struct intake intake;
    struct namespace_table namespaces;
    atomic_size_t connections;
    struct metrics **metrics; /* one a shard, and the log's */
    struct authority **authorities;
    struct shard_loop **shards;
    struct mailbox **shard_mailboxes;
    uv_loop_t uv;
    struct mailbox mailbox;
    uv_signal_t signals[3];
    uint8_t token_secret[TOKEN_SECRET_BYTES]; /* until the node ends */
    bool stopping;
    bool looping; /* the loop and its handles are there */
};

static uint64_t random_u64(void)
{
    uint64_t value;

    randombytes_buf(&value, sizeof(value));
    return value;
}

static void close_handles(struct server *server)
{
    for (size_t i = 0; i < 3; i++) {
        uv_close((uv_handle_t *)&server->signals[i], NULL);
    }
    mailbox_close(&server->mailbox);
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

/* Once the last shard has ended, nothing keeps the loop. */
static void on_mail(void *context)
{
    struct server *server = context;
    const struct mail *mail;
    size_t count = mailbox_take(&server->mailbox, &mail);

    for (size_t i = 0; i < count; i++) {
        check(mail[i].kind == MAIL_STOPPED);
        server->shards_running--;
    }
    if (server->shards_running == 0) {
        close_handles(server);
    }
}

static void reload_certificate(struct server *server)
{
    const struct server_tls *tls = server->options->tls;
    struct tls_context *context;
    struct why why;

    if (tls == NULL) {
        return;
    }
    if (tls_context_new_server(
            tls->certificate_file, tls->key_file, &context, &why) != 0) {
        logger_line(LOGGER_ERROR,
                    "tls.reload",
                    "reason=\"%s\" action=\"the old certificate stays\"",
                    why.text);
        return;
    }
    for (unsigned i = 0; i < server->shard_count; i++) {
        const struct mail mail = {.kind = MAIL_TLS,
                                  .content = tls_context_ref(context)};

        mailbox_post(shard_loop_mailbox(server->shards[i]), &mail, 1);
    }
    tls_context_unref(context);
    logger_line(
        LOGGER_INFO, "tls.reloaded", "file=\"%s\"", tls->certificate_file);
}

static void on_signal(uv_signal_t *handle, int signal)
{
    struct server *server = handle->data;

    if (signal == SIGHUP) {
        reload_certificate(server);
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

static int open_log(struct server *server, struct why *why)
{
    const struct log_options options = {
        .dir = server->options->data_dir,
        .bytes_max = server->options->log_bytes_max,
        .index_seed = random_u64(),
        .new_origin = (random_u64() % (EVENT_ORIGIN_MAX / 2) + 1) * 2,
        .on_progress = on_progress,
    };
    struct log_stat stat;
    int rc = log_open(&server->log, &options, why);

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

static void start_shard(struct server *server,
                        unsigned index,
                        int listen_fd,
                        int tls_listen_fd,
                        struct tls_context *tls_context)
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
                  .limits = &options->limits,
                  .namespaces = &server->namespaces,
                  .authority = server->authorities[index],
                  .intake = &server->intake,
                  .metrics = server->metrics[index],
                  .all_metrics = server->metrics,
                  .all_metrics_count = server->shard_count + 1,
                  .compression = options->compression,
                  .allowed_origins = options->allowed_origins,
                  .allowed_origins_count = options->allowed_origins_count,
                  .console = options->console},
        .log = server->log,
        .log_thread = server->log_thread,
        .server = &server->mailbox,
        .listen_fd = listen_fd,
        .tls_listen_fd = tls_listen_fd,
        .tls_context =
            tls_context == NULL ? NULL : tls_context_ref(tls_context),
        .connections = &server->connections,
        .connections_max = options->connections_max,
        .drain_ms = options->drain_ms,
    };
    memcpy(loop_options.shard.token_secret,
           server->token_secret,
           sizeof(server->token_secret));

    server->shards[index] = shard_loop_start(&loop_options);
    server->shard_mailboxes[index] = shard_loop_mailbox(server->shards[index]);
    server->shards_running++;
}

/* The ports are opened before any shard runs, so that a failure leaves nothing
 * to undo but descriptors, and the process ends with it anyway. */
static int start_shards(struct server *server, struct why *why)
{
    const struct server_options *options = server->options;
    struct listener_address listen = options->listen;
    struct listener_address tls_listen = {{0}, 0};
    struct tls_context *tls_context = NULL;
    int fds[SHARDS_MAX];
    int tls_fds[SHARDS_MAX];
    int rc = listener_open(&listen, fds, server->shard_count, why);

    if (rc == 0 && options->tls != NULL) {
        tls_listen = options->tls->listen;
        rc = tls_context_new_server(options->tls->certificate_file,
                                    options->tls->key_file,
                                    &tls_context,
                                    why);
        if (rc == 0) {
            rc = listener_open(&tls_listen, tls_fds, server->shard_count, why);
        }
    }
    if (rc != 0) {
        tls_context_unref(tls_context);
        return rc;
    }
    make_log_thread(server);
    for (unsigned i = 0; i < server->shard_count; i++) {
        start_shard(server,
                    i,
                    fds[i],
                    options->tls != NULL ? tls_fds[i] : -1,
                    tls_context);
    }
    log_thread_start(server->log_thread, server->shard_mailboxes);
    tls_context_unref(tls_context);
    options->on_ready(
        &listen, options->tls != NULL ? &tls_listen : NULL, options->context);
    return 0;
}

/* As many descriptors as the system lets us have: connections need them. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Cores that this process may run on, which taskset or a container may have
 * made fewer than the machine's. */
static unsigned core_count(void)
{
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof(cores), &cores) != 0) {
        return 1;
    }
    return (unsigned)CPU_COUNT(&cores);
}

static void prepare(struct server *server)
{
    const struct server_options *options = server->options;

    server->shard_count = options->shards > 0 ? options->shards : core_count();
    if (server->shard_count > SHARDS_MAX) {
        server->shard_count = SHARDS_MAX;
    }
    server->intake.bytes_max = options->queue_bytes_max;
    randombytes_buf(server->token_secret, sizeof(server->token_secret));
    namespace_table_init(&server->namespaces, random_u64());
    for (size_t i = 0; i < options->namespace_count; i++) {
        namespace_table_add(&server->namespaces, options->namespaces[i]);
    }
    server->metrics =
        alloc_zero((server->shard_count + 1) * sizeof(*server->metrics));
    server->authorities =
        alloc_zero(server->shard_count * sizeof(*server->authorities));
    server->shards = alloc_zero(server->shard_count * sizeof(*server->shards));
    server->shard_mailboxes =
        alloc_zero(server->shard_count * sizeof(*server->shard_mailboxes));
    for (unsigned i = 0; i <= server->shard_count; i++) {
        server->metrics[i] = alloc_zero(sizeof(struct metrics));
    }
}

static void watch_signals(struct server *server)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

    for (size_t i = 0; i < 3; i++) {
        check(uv_signal_init(&server->uv, &server->signals[i]) == 0);
        server->signals[i].data = server;
        check(uv_signal_start(&server->signals[i], on_signal, numbers[i]) == 0);
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
    for (unsigned i = 0; i < server->shard_count; i++) {
        shard_loop_free(server->shards[i]);
    }
    if (server->looping) {
        uv_run(&server->uv, UV_RUN_DEFAULT);
        mailbox_done(&server->mailbox);
        check(uv_loop_close(&server->uv) == 0);
    }
    log_close(server->log);
    for (unsigned i = 0; i < server->shard_count; i++) {
        authority_free(server->authorities[i]);
    }
    for (unsigned i = 0; i <= server->shard_count; i++) {
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
    struct server server = {.options = options};
    int rc;

    check(sodium_init() >= 0);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* write() fails, as on a full disk */
    raise_descriptor_limit();
    prepare(&server);
    rc = make_authorities(&server, why);
    if (rc == 0) {
        rc = open_log(&server, why);
    }
    if (rc == 0) {
        check(uv_loop_init(&server.uv) == 0);
        check(mailbox_init(&server.mailbox, &server.uv, on_mail, &server) == 0);
        watch_signals(&server);
        server.looping = true;
        rc = start_shards(&server, why);
        if (rc != 0) {
            close_handles(&server);
        }
    }
    if (rc == 0) {
        uv_run(&server.uv, UV_RUN_DEFAULT);
        logger_line(LOGGER_INFO, "node.stopped", "clean=yes");
    }
    take_apart(&server);
    return rc;
}

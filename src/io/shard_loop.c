/* The thread of a shard. */
#include "src/io/shard_loop.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/io/acceptor.h"
#include "src/io/clock.h"
#include "src/io/log_view.h"
#include "src/io/logger.h"
#include "src/io/socket_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_BYTES (64 * 1024)
#define PLAIN_BYTES (64 * 1024)

/* How long clients may take to leave once the last was sent away. */
#define LEAVE_TIMEOUT_MS 5000

/* What pages of the log may lead to in one turn, reading included. */
#define PAGES_BYTES_PER_TURN (16 * (size_t)LOG_PAGE_BYTES_MAX)

struct shard_loop {
    struct shard_loop_options options;
    pthread_t thread;
    uv_loop_t uv;
    uv_check_t turn_end;
    uv_idle_t again; /* runs while clients wait for pages of the log */
    uv_timer_t timer;
    uint64_t timer_at_ms; /* what the timer is set to; MOMENT_NEVER: off */
    uint64_t drain_until_ms;
    struct mailbox mailbox;
    struct acceptor acceptor;
    struct acceptor tls_acceptor;
    struct socket_watch watch;
    struct shard *shard;
    struct moment now;
    uint64_t wall_offset_ms;
    struct buffer input;
    struct buffer plain;
    bool draining;
    bool ended;
};

uv_loop_t *shard_loop_uv(struct shard_loop *loop)
{
    return &loop->uv;
}

struct mailbox *shard_loop_mailbox(struct shard_loop *loop)
{
    return &loop->mailbox;
}

struct buffer *shard_loop_input(struct shard_loop *loop)
{
    return &loop->input;
}

struct buffer *shard_loop_plain(struct shard_loop *loop)
{
    return &loop->plain;
}

bool shard_loop_wants_read(const struct socket *s)
{
    return shard_wants_read(s->client);
}

/* The loop's own clock is read once a turn, right after it slept. */
static void step(struct shard_loop *loop, struct shard_input *in)
{
    loop->now.mono_ms = uv_now(&loop->uv);
    loop->now.wall_ms = loop->now.mono_ms + loop->wall_offset_ms;
    shard_step(loop->shard, loop->now, in);
}

void shard_loop_received(struct shard_loop *loop,
                         struct socket *s,
                         struct bytes bytes)
{
    struct shard_input in = {
        .kind = SHARD_INPUT_BYTES, .client = s->client, .bytes = bytes};

    step(loop, &in);
}

void shard_loop_ended(struct shard_loop *loop, struct socket *s, bool reset)
{
    struct shard_input in = {
        .kind = SHARD_INPUT_EOF, .client = s->client, .reset = reset};

    step(loop, &in);
    /* An end is read once; polling on would tell it for ever. */
    socket_poll(s, false);
}

void shard_loop_writable(struct shard_loop *loop, struct socket *s)
{
    struct shard_input in = {.kind = SHARD_INPUT_WRITABLE, .client = s->client};

    if (s->blocked) {
        s->blocked = false;
        step(loop, &in);
    }
}

static void send_all(struct shard_loop *loop)
{
    struct client *client;
    struct bytes bytes;
    void *opaque;

    while (shard_next_send(loop->shard, loop->now, &client, &opaque, &bytes)) {
        struct socket *s = opaque;
        bool failed;
        size_t taken = socket_send(s, bytes, &failed);

        shard_sent(loop->shard, loop->now, client, failed ? bytes.len : taken);
        if (failed) {
            s->blocked = false;
            shard_loop_ended(loop, s, true);
        }
        socket_poll(s, shard_wants_read(client));
    }
}

static void step_page(void *context, struct shard_input *in)
{
    step(context, in);
}

/* A few pages, so that live traffic is not kept waiting; true when there were
 * any to read. */
static bool read_pages(struct shard_loop *loop)
{
    struct shard_page page;
    size_t bytes = 0;

    while (bytes < PAGES_BYTES_PER_TURN &&
           shard_next_page(loop->shard, &page)) {
        bytes += LOG_PAGE_BYTES_MAX +
                 log_view_read(loop->options.log, &page, step_page, loop);
    }
    return bytes > 0;
}

static void close_all(struct shard_loop *loop)
{
    void *opaque;
    bool half;

    while (shard_next_close(loop->shard, &opaque, &half)) {
        struct socket *s = opaque;

        if (half) {
            socket_shut(s);
        } else {
            socket_close(s);
            atomic_fetch_sub(loop->options.connections, 1);
        }
    }
}

static void hand_over_publishes(struct shard_loop *loop)
{
    struct list publishes;

    list_init(&publishes);
    shard_take_publishes(loop->shard, &publishes);
    log_thread_publish(loop->options.log_thread, &publishes);
}

static void on_idle(uv_idle_t *handle)
{
    (void)handle; /* its being active is what keeps the loop from sleeping */
}

static void on_timer(uv_timer_t *timer);

static void set_timer(struct shard_loop *loop)
{
    uint64_t at_ms = shard_deadline_ms(loop->shard);

    if (loop->draining && loop->drain_until_ms < at_ms) {
        at_ms = loop->drain_until_ms;
    }
    if (at_ms == loop->timer_at_ms) {
        return;
    }
    loop->timer_at_ms = at_ms;
    if (at_ms == MOMENT_NEVER) {
        uv_timer_stop(&loop->timer);
    } else {
        uv_timer_start(&loop->timer,
                       on_timer,
                       at_ms > loop->now.mono_ms ? at_ms - loop->now.mono_ms
                                                 : 0,
                       0);
    }
}

static void close_rest(uv_handle_t *handle, void *context)
{
    (void)context;
    /* Sockets of clients that did not leave in time. */
    if (!uv_is_closing(handle)) {
        check(handle->type == UV_POLL);
        socket_close(handle->data);
    }
}

/* Close what is left and let the loop run out. */
static void finish(struct shard_loop *loop)
{
    loop->ended = true;
    uv_close((uv_handle_t *)&loop->turn_end, NULL);
    uv_close((uv_handle_t *)&loop->again, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    socket_watch_stop(&loop->watch);
    mailbox_close(&loop->mailbox);
    uv_walk(&loop->uv, close_rest, NULL);
}

/* Everything that this turn's inputs led to. */
void shard_loop_end_turn(struct shard_loop *loop)
{
    bool pages;

    if (loop->ended) {
        return;
    }
    send_all(loop);
    pages = read_pages(loop);
    if (pages) {
        send_all(loop);
        uv_idle_start(&loop->again, on_idle);
    } else {
        uv_idle_stop(&loop->again);
    }
    close_all(loop);
    hand_over_publishes(loop);
    set_timer(loop);
    if (loop->draining && (shard_client_count(loop->shard) == 0 ||
                           loop->now.mono_ms >= loop->drain_until_ms)) {
        finish(loop);
    }
}

/* Wall time is the loop's time and this, which moves when the clock is set. */
static void set_clock(struct shard_loop *loop)
{
    struct moment now = clock_now();

    loop->wall_offset_ms = now.wall_ms - now.mono_ms;
}

static void on_turn_end(uv_check_t *handle)
{
    struct shard_loop *loop = handle->data;

    shard_loop_end_turn(loop);
    set_clock(loop);
}

static void on_timer(uv_timer_t *timer)
{
    struct shard_loop *loop = timer->data;
    struct shard_input in = {.kind = SHARD_INPUT_TICK};

    loop->timer_at_ms = MOMENT_NEVER;
    step(loop, &in);
    shard_loop_end_turn(loop);
}

static void take_batches(struct shard_loop *loop, struct batch *batch)
{
    struct shard_input in = {.kind = SHARD_INPUT_BATCHES,
                             .batches = {.list = &batch, .count = 1}};

    step(loop, &in);
    batch_unref(batch);
}

static void begin_drain(struct shard_loop *loop)
{
    struct shard_input in = {.kind = SHARD_INPUT_DRAIN,
                             .drain_ms = loop->options.drain_ms};

    if (loop->draining) {
        loop->drain_until_ms = 0;
        return;
    }
    loop->draining = true;
    loop->drain_until_ms =
        uv_now(&loop->uv) + loop->options.drain_ms + LEAVE_TIMEOUT_MS;
    acceptor_stop(&loop->acceptor);
    acceptor_stop(&loop->tls_acceptor);
    step(loop, &in);
}

static void on_accepted(void *context, struct acceptor *acceptor, int fd)
{
    struct shard_loop *loop = context;
    struct shard_input in = {.kind = SHARD_INPUT_OPENED};
    bool tls = acceptor == &loop->tls_acceptor;
    struct socket *s;

    if (atomic_fetch_add(loop->options.connections, 1) >=
        loop->options.connections_max) {
        atomic_fetch_sub(loop->options.connections, 1);
        acceptor_refuse(acceptor, fd);
        return;
    }
    s = socket_new(loop,
                   fd,
                   &loop->options.socket_limits,
                   tls ? loop->options.tls_context : NULL);
    if (s == NULL) {
        atomic_fetch_sub(loop->options.connections, 1);
        return;
    }
    in.socket = s;
    in.address = socket_address(s);
    step(loop, &in);
    s->client = in.client;
    socket_poll(s, true);
    socket_watch_add(&loop->watch, s);
}

static void on_refused(void *context)
{
    struct shard_loop *loop = context;

    metrics_add(loop->options.shard.metrics, connections_refused, 1);
}

static void close_ports(struct shard_loop_ports *ports)
{
    close(ports->fd);
    if (ports->tls_fd >= 0) {
        close(ports->tls_fd);
    }
    free(ports);
}

static void begin_listening(struct shard_loop *loop,
                            struct shard_loop_ports *ports)
{
    if (loop->draining) {
        close_ports(ports);
        return;
    }
    acceptor_start(&loop->acceptor, &loop->uv, ports->fd, on_accepted, loop);
    acceptor_start(
        &loop->tls_acceptor, &loop->uv, ports->tls_fd, on_accepted, loop);
    loop->acceptor.on_refused = loop->tls_acceptor.on_refused = on_refused;
    free(ports);
}

/* Issuers that another node believes are believed here. */
static void trust(struct shard_loop *loop, struct buffer *keys)
{
    for (size_t at = 0; at + API_KEY_ISSUER_BYTES <= keys->len;
         at += API_KEY_ISSUER_BYTES) {
        if (authority_trust(loop->options.shard.authority, keys->data + at) !=
            0) {
            logger_line(LOGGER_WARN,
                        "keys.issuers",
                        "reason=\"too many issuers\" action=\"those of other "
                        "nodes are not believed\"");
            break;
        }
    }
    buffer_done(keys);
    free(keys);
}

static void on_mail(void *context)
{
    struct shard_loop *loop = context;
    const struct mail *mail;
    size_t count = mailbox_take(&loop->mailbox, &mail);

    for (size_t i = 0; i < count; i++) {
        switch (mail[i].kind) {
        case MAIL_BATCH:
            take_batches(loop, mail[i].content);
            break;
        case MAIL_TLS:
            tls_context_unref(loop->options.tls_context);
            loop->options.tls_context = mail[i].content;
            break;
        case MAIL_DRAIN:
            begin_drain(loop);
            break;
        case MAIL_LISTEN:
            begin_listening(loop, mail[i].content);
            break;
        case MAIL_ISSUERS:
            trust(loop, mail[i].content);
            break;
        case MAIL_STOPPED:
        case MAIL_READY:
        case MAIL_DUPLICATE:
        case MAIL_COMMITTED:
        case MAIL_FORGET:
        case MAIL_LEAVE:
            check_unreachable();
        }
    }
}

static void *run(void *argument)
{
    struct shard_loop *loop = argument;
    const struct mail stopped = {.kind = MAIL_STOPPED, .content = loop};

    set_clock(loop);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    mailbox_post(loop->options.server, &stopped, 1);
    return NULL;
}

struct shard_loop *shard_loop_start(const struct shard_loop_options *options)
{
    struct shard_loop *loop = alloc_zero(sizeof(*loop));

    loop->options = *options;
    loop->timer_at_ms = MOMENT_NEVER;
    buffer_init(&loop->input, INPUT_BYTES);
    check(buffer_reserve(&loop->input, INPUT_BYTES) != NULL);
    buffer_init(&loop->plain, PLAIN_BYTES);
    check(uv_loop_init(&loop->uv) == 0);
    check(uv_check_init(&loop->uv, &loop->turn_end) == 0);
    check(uv_idle_init(&loop->uv, &loop->again) == 0);
    check(uv_timer_init(&loop->uv, &loop->timer) == 0);
    check(mailbox_init(&loop->mailbox, &loop->uv, on_mail, loop) == 0);
    socket_watch_start(&loop->watch,
                       loop,
                       options->shard.metrics,
                       options->socket_limits.silence_ms);
    loop->turn_end.data = loop;
    loop->timer.data = loop;
    check(uv_check_start(&loop->turn_end, on_turn_end) == 0);
    loop->shard = shard_new(&options->shard);
    loop->acceptor.fd = -1;
    loop->tls_acceptor.fd = -1;
    check(pthread_create(&loop->thread, NULL, run, loop) == 0);
    (void)pthread_setname_np(loop->thread, "weir shard");
    return loop;
}

static void drop_mail(struct shard_loop *loop)
{
    const struct mail *mail;
    size_t count = mailbox_take(&loop->mailbox, &mail);

    for (size_t i = 0; i < count; i++) {
        if (mail[i].kind == MAIL_BATCH) {
            batch_unref(mail[i].content);
        } else if (mail[i].kind == MAIL_TLS) {
            tls_context_unref(mail[i].content);
        } else if (mail[i].kind == MAIL_LISTEN) {
            close_ports(mail[i].content);
        } else if (mail[i].kind == MAIL_ISSUERS) {
            buffer_done(mail[i].content);
            free(mail[i].content);
        }
    }
}

void shard_loop_join(struct shard_loop *loop)
{
    pthread_join(loop->thread, NULL);
}

void shard_loop_free(struct shard_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    drop_mail(loop);
    shard_free(loop->shard);
    check(uv_loop_close(&loop->uv) == 0);
    mailbox_done(&loop->mailbox);
    tls_context_unref(loop->options.tls_context);
    buffer_done(&loop->input);
    buffer_done(&loop->plain);
    free(loop);
}

/* The hub's world. */
#include "base/alloc.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "src/io/clock.h"
#include "src/io/cluster_address.h"
#include "src/io/cluster_state.h"
#include "src/io/file.h"
#include "src/io/logger.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#define HASTE_MS 20
#define LEAVE_CHECK_MS 10
#define STATUS_MS 250

static void end(struct cluster_loop *c)
{
    c->ended = true;
    cluster_socket_close_all(c);
    acceptor_stop(&c->acceptor);
    uv_close((uv_handle_t *)&c->udp, NULL);
    uv_close((uv_handle_t *)&c->timer, NULL);
    uv_close((uv_handle_t *)&c->look_timer, NULL);
    mailbox_close(&c->mailbox);
}

static void send_datagrams(struct cluster_loop *c)
{
    struct gossip_address to;

    for (;;) {
        struct sockaddr_storage address;
        uv_buf_t piece;

        buffer_clear(&c->datagram);
        if (!hub_next_datagram(c->hub, &to, &c->datagram)) {
            return;
        }
        (void)cluster_address_to(&to, &address);
        piece =
            uv_buf_init((char *)c->datagram.data, (unsigned)c->datagram.len);
        /* What the system does not take now is lost, as datagrams are. */
        (void)uv_udp_try_send(
            &c->udp, &piece, 1, (const struct sockaddr *)&address);
    }
}

static void send_output(struct cluster_loop *c)
{
    struct hub_link *link;
    struct bytes bytes;
    void *opaque;

    while (hub_link_next_output(c->hub, &link, &opaque, &bytes)) {
        hub_link_sent(c->hub, link, cluster_socket_send(opaque, bytes));
    }
    while (hub_link_next_close(c->hub, &opaque)) {
        cluster_socket_close(opaque);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct hub_input in = {.kind = HUB_INPUT_TICK};

    cluster_loop_step(timer->data, &in);
}

static void set_timer(struct cluster_loop *c)
{
    uint64_t now_ms = clock_now().mono_ms;
    uint64_t due_ms = hub_deadline_ms(c->hub);

    (void)uv_timer_start(
        &c->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void tell_state(struct cluster_loop *c)
{
    struct hub_state state;

    if (hub_next_state(c->hub, &state)) {
        log_thread_cluster(
            c->options.log_thread, &state.safe, state.alone, state.majority);
    }
}

void cluster_loop_step(struct cluster_loop *c, struct hub_input *in)
{
    struct hub_event event;
    struct gossip_address address;
    uint64_t node;

    if (c->ended) {
        return;
    }
    hub_step(c->hub, clock_now(), in);
    while (hub_next_event(c->hub, &event)) {
        cluster_events_take(c, &event);
        c->status_ms = 0; /* it is another now */
        cluster_loop_haste(c);
    }
    send_datagrams(c);
    send_output(c);
    tell_state(c);
    while (hub_connect_next(c->hub, &node, &address)) {
        cluster_socket_connect(c, node, &address);
    }
    cluster_events_save(c);
    set_timer(c);
}

static void on_allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
    struct cluster_loop *c = handle->data;

    (void)wanted;
    *ret = uv_buf_init((char *)c->input, sizeof(c->input));
}

static void on_datagram(uv_udp_t *udp,
                        ssize_t count,
                        const uv_buf_t *data,
                        const struct sockaddr *from,
                        unsigned flags)
{
    struct hub_input in = {.kind = HUB_INPUT_DATAGRAM};

    (void)flags;
    if (count <= 0 || from == NULL) {
        return;
    }
    in.bytes = bytes_of((const uint8_t *)data->base, (size_t)count);
    in.source = cluster_address_of(from);
    cluster_loop_step(udp->data, &in);
}

/* Whether there is nothing left to wait for. */
static void leave_on(struct cluster_loop *c)
{
    struct moment now = clock_now();
    struct hub_input in = {.kind = HUB_INPUT_LEAVE};

    if (!c->leaving) {
        if (hub_handed_on(c->hub) || now.mono_ms >= c->leave_by_ms) {
            c->leaving = true;
            c->leave_by_ms = now.mono_ms + LEAVE_CHECK_MS * 200;
            cluster_loop_step(c, &in);
        }
    } else if (c->said_goodbye || now.mono_ms >= c->leave_by_ms) {
        end(c);
    }
}

/* Now and then, what others may ask. */
static void write_status(struct cluster_loop *c)
{
    uint64_t now_ms = clock_now().mono_ms;

    if (c->status_ms != 0 && now_ms < c->status_ms + STATUS_MS) {
        return;
    }
    c->status_ms = now_ms;
    cluster_status_write(c->options.status, c->hub, now_ms);
    cluster_members_look(c);
}

static void on_look(uv_timer_t *timer)
{
    struct cluster_loop *c = timer->data;
    bool waits = cluster_socket_tick_all(c);

    write_status(c);
    cluster_strangers_count(c);
    if (!c->ready_told && hub_ready(c->hub, clock_now())) {
        c->ready_told = true;
        cluster_seeds_ready(c);
        cluster_events_post(c, MAIL_READY);
    }
    if (c->leave_by_ms != 0) {
        leave_on(c);
    }
    c->hasty = waits || !c->ready_told || c->leave_by_ms != 0;
    if (!c->ended) {
        (void)uv_timer_start(
            &c->look_timer, on_look, c->hasty ? HASTE_MS : STATUS_MS, 0);
    }
}

void cluster_loop_haste(struct cluster_loop *c)
{
    if (!c->hasty && !c->ended) {
        c->hasty = true;
        (void)uv_timer_start(&c->look_timer, on_look, HASTE_MS, 0);
    }
}

static void on_mail(void *context)
{
    struct cluster_loop *c = context;
    struct hub_input in = {.kind = HUB_INPUT_COMMITTED};
    const struct mail *mail;
    size_t count = mailbox_take(&c->mailbox, &mail);

    for (size_t i = 0; i < count; i++) {
        if (mail[i].kind == MAIL_COMMITTED) {
            atomic_store(&c->committed, false);
            cluster_loop_step(c, &in);
        } else if (mail[i].kind == MAIL_FORGET) {
            cluster_members_forget(c, mail[i].content);
        } else {
            check(mail[i].kind == MAIL_LEAVE);
            c->leave_by_ms =
                clock_now().mono_ms + (uint64_t)(uintptr_t)mail[i].content + 1;
            cluster_loop_haste(c);
        }
    }
}

void cluster_loop_committed(void *cluster_loop)
{
    struct cluster_loop *c = cluster_loop;
    const struct mail mail = {.kind = MAIL_COMMITTED};

    if (!atomic_exchange(&c->committed, true)) {
        mailbox_post(&c->mailbox, &mail, 1);
    }
}

void cluster_loop_issuers(struct cluster_loop *c,
                          const struct peer_issuers *issuers)
{
    struct hub_input in = {.kind = HUB_INPUT_ISSUERS, .issuers = issuers};

    check(!c->started);
    hub_step(c->hub, clock_now(), &in);
}

bool cluster_loop_forget(struct cluster_loop *c, uint64_t node)
{
    struct mail mail = {.kind = MAIL_FORGET};
    uint64_t *content;

    if (!cluster_members_gone(c, node)) {
        return false;
    }
    content = alloc_raw(sizeof(*content));
    *content = node;
    mail.content = content;
    mailbox_post(&c->mailbox, &mail, 1);
    return true;
}

void cluster_loop_leave(struct cluster_loop *c, uint64_t timeout_ms)
{
    const struct mail mail = {.kind = MAIL_LEAVE,
                              .content = (void *)(uintptr_t)timeout_ms};

    mailbox_post(&c->mailbox, &mail, 1);
}

static void entropy(void *context, void *ret, size_t len)
{
    (void)context;
    randombytes_buf(ret, len);
}

static void issuers(void *context, const struct peer_issuers *found)
{
    const struct cluster_loop *c = context;

    c->options.on_issuers(c->options.context, found);
}

static int open_udp(struct cluster_loop *c, struct why *why)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    int error = 0;

    if (getsockname(c->listen_fd, (struct sockaddr *)&at, &len) != 0) {
        return why_set(why, RC_IO, "cannot read the cluster's address");
    }
    error = uv_udp_bind(&c->udp, (const struct sockaddr *)&at, 0);
    if (error == 0) {
        error = uv_udp_recv_start(&c->udp, on_allocate, on_datagram);
    }
    if (error != 0) {
        return why_set(why,
                       error == UV_EADDRINUSE ? RC_BUSY : RC_IO,
                       "cannot listen for the cluster's datagrams on %s port "
                       "%u: %s",
                       c->options.listen.host,
                       c->options.listen.port,
                       uv_strerror(error));
    }
    return 0;
}

static void make_hub(struct cluster_loop *c, struct bytes table)
{
    struct log_stat stat;
    struct hub_options options = {
        .address = c->address,
        .urls = c->urls,
        .secret = c->options.secret,
        .table = table,
        .joins = c->options.seed_count > 0,
        .settings = c->options.settings,
        .replication = cluster_log_functions(c),
        .entropy = entropy,
        .issuers = issuers,
    };

    log_stat(c->options.log, &stat);
    options.identity = stat.origin & ~EVENT_ORIGIN_QUORUM;
    randombytes_buf(&options.run, sizeof(options.run));
    options.run |= 1;
    randombytes_buf(&options.random_seed, sizeof(options.random_seed));
    c->hub = hub_new(&options, clock_now());
    c->table_digest = table.len > 0 ? hub_table_digest(c->hub) : 0;
}

static void pass(void *context, const struct gossip_member *member)
{
    (void)context;
    (void)member;
}

/* Without it a node would take itself for all there is, and for a majority. */
static int read_table(const struct cluster_loop *c,
                      struct buffer *ret,
                      struct why *why)
{
    int rc;

    if (!file_exists(c->table_file)) {
        return 0;
    }
    rc = file_read(c->table_file, ret, why);
    if (rc != 0) {
        return rc;
    }
    if (ret->len == 0 ||
        gossip_table_read(buffer_view(ret), pass, NULL) != RC_OK) {
        return why_set(why,
                       RC_CORRUPT,
                       "the list of the cluster's members '%s' is damaged: "
                       "remove it, and name another node with --join",
                       c->table_file);
    }
    return 0;
}

int cluster_loop_open(const struct cluster_options *options,
                      struct cluster_loop **ret,
                      struct why *why)
{
    CLEANUP(buffer_done) struct buffer table;
    struct cluster_loop *c = alloc_zero(sizeof(*c));
    int rc;

    buffer_init(&table, CLUSTER_TABLE_BYTES_MAX);
    c->options = *options;
    c->listen_fd = -1;
    c->acceptor.fd = -1;
    list_init(&c->sockets);
    buffer_init(&c->datagram, GOSSIP_DATAGRAM_BYTES_MAX);
    c->urls = alloc_text(options->urls);
    c->table_file = alloc_text(options->table_file);
    c->seeds = alloc_zero((options->seed_count + 1) * sizeof(*c->seeds));
    for (size_t i = 0; i < options->seed_count; i++) {
        c->seeds[i].at = options->seeds[i];
    }
    check(pthread_mutex_init(&c->gone_lock, NULL) == 0);
    check(uv_loop_init(&c->uv) == 0);
    check(uv_udp_init(&c->uv, &c->udp) == 0);
    check(uv_timer_init(&c->uv, &c->timer) == 0);
    check(uv_timer_init(&c->uv, &c->look_timer) == 0);
    c->udp.data = c;
    c->timer.data = c;
    c->look_timer.data = c;
    check(mailbox_init(&c->mailbox, &c->uv, on_mail, c) == 0);
    *ret = c;
    rc = listener_open(&c->options.listen, &c->listen_fd, 1, why);
    if (rc == 0) {
        rc = open_udp(c, why);
    }
    if (rc == 0) {
        rc = cluster_address_find(
            &c->options.listen, &c->options.advertise, &c->address, why);
    }
    if (rc == 0) {
        rc = read_table(c, &table, why);
    }
    if (rc == 0) {
        make_hub(c, buffer_view(&table));
    }
    return rc;
}

static void *run(void *argument)
{
    struct cluster_loop *c = argument;
    struct hub_input in = {.kind = HUB_INPUT_TICK};

    acceptor_start(
        &c->acceptor, &c->uv, c->listen_fd, cluster_socket_accepted, c);
    check(uv_timer_start(&c->look_timer, on_look, 0, 0) == 0);
    if (c->options.seed_count > 0) {
        cluster_seeds_look_up(c);
    }
    cluster_loop_step(c, &in);
    uv_run(&c->uv, UV_RUN_DEFAULT);
    cluster_events_post(c, MAIL_STOPPED);
    return NULL;
}

void cluster_loop_start(struct cluster_loop *c)
{
    c->started = true;
    check(pthread_create(&c->thread, NULL, run, c) == 0);
    (void)pthread_setname_np(c->thread, "weir cluster");
}

/* What came after the loop had ended. */
static void drop_mail(struct cluster_loop *c)
{
    const struct mail *mail;
    size_t count = mailbox_take(&c->mailbox, &mail);

    for (size_t i = 0; i < count; i++) {
        if (mail[i].kind == MAIL_FORGET) {
            free(mail[i].content);
        }
    }
}

void cluster_loop_free(struct cluster_loop *c)
{
    if (c == NULL) {
        return;
    }
    if (c->started) {
        check(pthread_join(c->thread, NULL) == 0);
    } else {
        end(c);
        uv_run(&c->uv, UV_RUN_DEFAULT);
    }
    drop_mail(c);
    mailbox_done(&c->mailbox);
    check(uv_loop_close(&c->uv) == 0);
    hub_free(c->hub);
    pthread_mutex_destroy(&c->gone_lock);
    buffer_done(&c->datagram);
    free(c->seeds);
    free(c->urls);
    free(c->table_file);
    free(c);
}

/* The TCP connections of the hub's links. */
#include "base/alloc.h"
#include "base/check.h"
#include "src/io/clock.h"
#include "src/io/cluster_address.h"
#include "src/io/cluster_state.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

struct cluster_socket {
    struct list node;
    struct cluster_loop *loop;
    uv_poll_t poll;
    int fd;
    uint64_t member;       /* whom we connect to; 0: it came to us */
    struct hub_link *link; /* NULL while it connects */
    uint64_t connect_by_ms;
    bool blocked;
    bool closed;
    int polled; /* events that are asked for */
};

static void on_event(uv_poll_t *poll, int status, int events);

static void on_closed(uv_handle_t *handle)
{
    struct cluster_socket *s = handle->data;

    close(s->fd);
    free(s);
}

void cluster_socket_close(struct cluster_socket *s)
{
    if (!s->closed) {
        s->closed = true;
        list_remove(&s->node);
        uv_close((uv_handle_t *)&s->poll, on_closed);
    }
}

void cluster_socket_close_all(struct cluster_loop *c)
{
    list_each_safe(node, &c->sockets)
    {
        cluster_socket_close(list_entry(node, struct cluster_socket, node));
    }
}

/* How long nothing is read. What fills the node may stand behind events that
 * wait for a majority to have them, and that it has them must be read: from
 * then on as much again is taken, and further events are dropped. */
#define HELD_MAX_MS 500

static bool is_below(const struct cluster_loop *c, size_t factor)
{
    const struct intake *intake = c->options.intake;

    return atomic_load_explicit(&intake->bytes, memory_order_relaxed) <
           factor * intake->bytes_max;
}

/* What peers sent and the shards have not walked is bounded by not reading more
 * of it. */
static bool wants_read(struct cluster_loop *c)
{
    uint64_t now_ms;

    if (is_below(c, 1)) {
        c->held_since_ms = 0;
        return true;
    }
    now_ms = clock_now().mono_ms;
    c->held_since_ms = c->held_since_ms == 0 ? now_ms : c->held_since_ms;
    return now_ms - c->held_since_ms >= HELD_MAX_MS;
}

bool cluster_socket_full(const struct cluster_loop *c)
{
    return !is_below(c, 2);
}

static bool is_held(const struct cluster_socket *s)
{
    return s->link != NULL && !s->closed && !wants_read(s->loop);
}

static void set_poll(struct cluster_socket *s)
{
    int events = 0;

    if (s->closed) {
        return;
    }
    if (s->link == NULL || s->blocked) {
        events |= UV_WRITABLE;
    }
    if (s->link != NULL && wants_read(s->loop)) {
        events |= UV_READABLE;
    }
    if (is_held(s)) {
        cluster_loop_haste(s->loop);
    }
    /* Asking for the same anew would cost two system calls. */
    if (events == s->polled) {
        return;
    }
    s->polled = events;
    if (events == 0) {
        (void)uv_poll_stop(&s->poll);
    } else {
        (void)uv_poll_start(&s->poll, events, on_event);
    }
}

static struct cluster_socket *new_socket(struct cluster_loop *c, int fd)
{
    struct cluster_socket *s = alloc_zero(sizeof(*s));
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    s->loop = c;
    s->fd = fd;
    s->poll.data = s;
    if (uv_poll_init(&c->uv, &s->poll, fd) != 0) {
        close(fd);
        free(s);
        return NULL;
    }
    list_push_back(&c->sockets, &s->node);
    return s;
}

void cluster_socket_accepted(void *context, struct acceptor *a, int fd)
{
    struct cluster_loop *c = context;
    struct cluster_socket *s = new_socket(c, fd);
    struct hub_input in = {.kind = HUB_INPUT_ACCEPTED, .socket = s};

    (void)a;
    if (s == NULL) {
        return;
    }
    cluster_loop_step(c, &in);
    s->link = in.link;
    if (s->link == NULL) {
        cluster_socket_close(s);
    } else {
        set_poll(s);
    }
}

static void refused(struct cluster_loop *c, uint64_t node)
{
    struct hub_input in = {.kind = HUB_INPUT_REFUSED, .node = node};

    cluster_loop_step(c, &in);
}

void cluster_socket_connect(struct cluster_loop *c,
                            uint64_t node,
                            const struct gossip_address *address)
{
    struct sockaddr_storage to;
    socklen_t to_len = cluster_address_to(address, &to);
    struct cluster_socket *s;
    int fd =
        socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        refused(c, node);
        return;
    }
    if (connect(fd, (const struct sockaddr *)&to, to_len) != 0 &&
        errno != EINPROGRESS) {
        close(fd);
        refused(c, node);
        return;
    }
    s = new_socket(c, fd);
    if (s == NULL) {
        refused(c, node);
        return;
    }
    s->member = node;
    s->connect_by_ms =
        clock_now().mono_ms + c->options.settings.link.handshake_timeout_ms;
    set_poll(s);
}

static void give_up(struct cluster_socket *s)
{
    struct cluster_loop *c = s->loop;
    uint64_t node = s->member;

    cluster_socket_close(s);
    refused(c, node);
}

static struct cluster_socket *find_late(struct cluster_loop *c)
{
    uint64_t now_ms = clock_now().mono_ms;

    list_each(node, &c->sockets)
    {
        struct cluster_socket *s =
            list_entry(node, struct cluster_socket, node);

        if (s->link == NULL && now_ms >= s->connect_by_ms) {
            return s;
        }
    }
    return NULL;
}

/* The system tries for minutes, less and less often: an address that was cut
 * off is found sooner by another try. */
bool cluster_socket_tick_all(struct cluster_loop *c)
{
    struct cluster_socket *late;
    bool held = false;

    while ((late = find_late(c)) != NULL) {
        give_up(late);
    }
    list_each(node, &c->sockets)
    {
        struct cluster_socket *s =
            list_entry(node, struct cluster_socket, node);

        set_poll(s);
        held |= is_held(s);
    }
    return held;
}

static void finish_connect(struct cluster_socket *s)
{
    struct hub_input in = {
        .kind = HUB_INPUT_CONNECTED, .socket = s, .node = s->member};
    socklen_t len = sizeof(int);
    int error = 0;

    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 ||
        error != 0) {
        give_up(s);
        return;
    }
    cluster_loop_step(s->loop, &in);
    s->link = in.link;
    if (s->link == NULL) {
        cluster_socket_close(s);
    }
}

static void end(struct cluster_socket *s)
{
    struct hub_input in = {.kind = HUB_INPUT_CLOSED, .link = s->link};
    struct cluster_loop *c = s->loop;

    cluster_socket_close(s);
    cluster_loop_step(c, &in);
}

static void receive(struct cluster_socket *s)
{
    struct cluster_loop *c = s->loop;
    struct hub_input in = {.kind = HUB_INPUT_BYTES, .link = s->link};
    ssize_t count = recv(s->fd, c->input, sizeof(c->input), 0);

    if (count > 0) {
        in.bytes = bytes_of(c->input, (size_t)count);
        cluster_loop_step(c, &in);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        end(s);
    }
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct cluster_socket *s = poll->data;

    if (s->link == NULL) {
        finish_connect(s);
        set_poll(s);
        return;
    }
    if (status != 0) {
        end(s);
        return;
    }
    if ((events & UV_WRITABLE) != 0 && s->blocked) {
        struct hub_input in = {.kind = HUB_INPUT_TICK};

        s->blocked = false;
        hub_link_writable(s->loop->hub, s->link);
        cluster_loop_step(s->loop, &in);
    }
    if (!s->closed && (events & UV_READABLE) != 0) {
        receive(s);
    }
    set_poll(s);
}

size_t cluster_socket_send(struct cluster_socket *s, struct bytes bytes)
{
    ssize_t count = send(s->fd, bytes.data, bytes.len, MSG_NOSIGNAL);

    if (count < 0) {
        count = 0;
    }
    /* A broken connection is also readable, and ends there. */
    s->blocked = (size_t)count < bytes.len;
    if (s->blocked) {
        set_poll(s);
    }
    return (size_t)count;
}

/* Moving bytes between a descriptor and a shard. */
#include "src/io/socket.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/io/shard_loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* An idle peer that vanished is noticed by the kernel after two minutes at
 * most, any other by its liveness. */
#define KEEPALIVE_IDLE_S 60
#define KEEPALIVE_INTERVAL_S 15
#define KEEPALIVE_COUNT 4

/* The kernel's buffers grow with the speed of a peer, to megabytes. What has
 * been sent and not acknowledged is left to it, or a fast peer far away would
 * be slow, and has an end: a peer who acknowledges nothing is given up. What
 * waits to be sent is all that one who stopped reading leaves there, and is as
 * bounded as what we keep ourselves. */
static void bound_buffers(int fd, const struct socket_limits *limits)
{
    int unsent = (int)limits->unsent_bytes_max;
    int receive = (int)limits->receive_bytes_max;

    (void)setsockopt(
        fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive));
}

static void set_options(int fd)
{
    int on = 1;
    int idle = KEEPALIVE_IDLE_S;
    int interval = KEEPALIVE_INTERVAL_S;
    int count = KEEPALIVE_COUNT;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(
        fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

struct socket *socket_new(struct shard_loop *loop,
                          int fd,
                          const struct socket_limits *limits,
                          struct tls_context *tls_context)
{
    struct socket *s = alloc_zero(sizeof(*s));

    if (uv_poll_init(shard_loop_uv(loop), &s->poll, fd) != 0) {
        close(fd);
        free(s);
        return NULL;
    }
    set_options(fd);
    bound_buffers(fd, limits);
    liveness_init(&s->liveness, uv_now(s->poll.loop), limits->silence_ms);
    liveness_tell(fd, s->liveness.timeout_ms);
    list_init(&s->watch_node);
    s->loop = loop;
    s->fd = fd;
    buffer_init(&s->cipher, SOCKET_CIPHER_BYTES_MAX);
    if (tls_context != NULL) {
        s->tls = tls_new(tls_context, NULL);
    }
    return s;
}

struct refusals_address socket_address(const struct socket *s)
{
    struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(at);
    struct bytes ip = bytes_of(NULL, 0);

    (void)getpeername(s->fd, (struct sockaddr *)&at, &len);
    if (at.ss_family == AF_INET) {
        ip = bytes_of(&((struct sockaddr_in *)&at)->sin_addr, 4);
    } else if (at.ss_family == AF_INET6) {
        ip = bytes_of(&((struct sockaddr_in6 *)&at)->sin6_addr, 16);
    }
    return refusals_address_of(ip);
}

static size_t send_some(struct socket *s, struct bytes bytes, bool *ret_failed)
{
    ssize_t n = send(s->fd, bytes.data, bytes.len, MSG_NOSIGNAL);

    if (n >= 0) {
        return (size_t)n;
    }
    if (errno != EAGAIN && errno != EINTR) {
        *ret_failed = true;
    }
    return 0;
}

/* What was encrypted goes out first; true when all of it has. */
static bool flush_cipher(struct socket *s, bool *ret_failed)
{
    tls_pull(s->tls, &s->cipher);
    while (s->cipher.len > 0) {
        size_t sent = send_some(s, buffer_view(&s->cipher), ret_failed);

        if (sent == 0) {
            return false;
        }
        buffer_consume(&s->cipher, sent);
        tls_pull(s->tls, &s->cipher);
    }
    buffer_done(&s->cipher);
    buffer_init(&s->cipher, SOCKET_CIPHER_BYTES_MAX);
    return true;
}

static size_t send_tls(struct socket *s, struct bytes bytes, bool *ret_failed)
{
    size_t total = 0;
    size_t taken;

    while (total < bytes.len && !*ret_failed) {
        int rc = tls_send(s->tls, bytes_from(bytes, total), &s->cipher, &taken);

        if (rc != 0) {
            *ret_failed = true;
            break;
        }
        total += taken;
        if (!flush_cipher(s, ret_failed)) {
            break;
        }
    }
    return total;
}

size_t socket_send(struct socket *s, struct bytes bytes, bool *ret_failed)
{
    size_t taken = 0;

    *ret_failed = false;
    if (bytes.len > 0) {
        taken = s->tls != NULL ? send_tls(s, bytes, ret_failed)
                               : send_some(s, bytes, ret_failed);
    }
    s->blocked = taken < bytes.len;
    return taken;
}

/* Decrypt and pass on, a buffer at a time. False when the shard is not to be
 * given more. */
static void receive_tls(struct socket *s, struct bytes cipher)
{
    struct buffer *plain = shard_loop_plain(s->loop);
    bool failed = false;
    size_t used;
    int rc;

    do {
        buffer_clear(plain);
        rc = tls_receive(s->tls, cipher, plain, &used);
        cipher = bytes_from(cipher, used);
        if (plain->len > 0) {
            shard_loop_received(s->loop, s, buffer_view(plain));
        }
    } while (rc == 0 && cipher.len > 0 && (used > 0 || plain->len > 0));
    (void)flush_cipher(s, &failed);
    if (rc != 0 || failed) {
        shard_loop_ended(s->loop, s, rc == RC_MALFORMED || failed);
    }
}

static void readable(struct socket *s)
{
    struct buffer *in = shard_loop_input(s->loop);
    ssize_t n = recv(s->fd, in->data, in->capacity, 0);

    if (n > 0 && s->tls != NULL) {
        receive_tls(s, bytes_of(in->data, (size_t)n));
    } else if (n > 0) {
        shard_loop_received(s->loop, s, bytes_of(in->data, (size_t)n));
    } else if (n == 0) {
        shard_loop_ended(s->loop, s, false);
    } else if (errno != EAGAIN && errno != EINTR) {
        shard_loop_ended(s->loop, s, true);
    }
}

static void shut(struct socket *s)
{
    s->shutting = false;
    (void)shutdown(s->fd, SHUT_WR);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct socket *s = poll->data;
    bool failed = false;

    if (status < 0) {
        shard_loop_ended(s->loop, s, true);
        socket_poll(s, false);
        return;
    }
    if ((events & UV_WRITABLE) != 0) {
        if (s->tls == NULL || flush_cipher(s, &failed)) {
            if (s->shutting) {
                shut(s);
            }
            shard_loop_writable(s->loop, s);
        } else if (failed) {
            shard_loop_ended(s->loop, s, true);
        }
    }
    if ((events & (UV_READABLE | UV_DISCONNECT)) != 0) {
        if (!shard_loop_wants_read(s)) {
            socket_poll(s, false);
            return;
        }
        readable(s);
    }
    socket_poll(s, (s->events & UV_READABLE) != 0);
}

void socket_poll(struct socket *s, bool read)
{
    int events = (read ? UV_READABLE : 0) |
                 (s->blocked || s->cipher.len > 0 ? UV_WRITABLE : 0);

    if (s->closed || events == s->events) {
        return;
    }
    s->events = events;
    s->poll.data = s;
    if (events == 0) {
        uv_poll_stop(&s->poll);
    } else {
        uv_poll_start(&s->poll, events, on_poll);
    }
}

void socket_shut(struct socket *s)
{
    bool failed = false;

    if (s->tls != NULL) {
        tls_close(s->tls);
        if (!flush_cipher(s, &failed) && !failed) {
            s->shutting = true;
            socket_poll(s, true);
            return;
        }
    }
    shut(s);
}

static void on_closed(uv_handle_t *handle)
{
    struct socket *s = handle->data;

    tls_free(s->tls);
    buffer_done(&s->cipher);
    free(s);
}

void socket_close(struct socket *s)
{
    check(!s->closed);
    s->closed = true;
    list_remove(&s->watch_node);
    s->poll.data = s;
    uv_close((uv_handle_t *)&s->poll, on_closed);
    close(s->fd);
}

/* The structure is freed when its handles are closed and its name look-up is
 * over; `holds` counts those. */
#include "src/io/outbound.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/io/liveness.h"

#include <stdio.h>
#include <stdlib.h>

#define READ_BYTES_MAX 65536

#define KEEPALIVE_IDLE_S 60

struct outbound {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    uv_write_t write;
    struct outbound_target target;
    const struct outbound_events *events;
    void *context;
    struct addrinfo *addresses; /* the answer for the name, ours to free */
    struct addrinfo *address;   /* the next one to try */
    struct tls *tls;
    struct buffer queue;  /* to be written */
    struct buffer flying; /* what libuv is writing now */
    struct why why;       /* of the attempt that failed last */
    int rc;               /* likewise */
    unsigned holds;
    bool opened;
    bool ending; /* no events any more */
};

static _Thread_local char read_room[READ_BYTES_MAX];

static void release(struct outbound *o)
{
    check(o->holds > 0);
    if (--o->holds > 0) {
        return;
    }
    check(o->ending);
    if (o->addresses != NULL) {
        uv_freeaddrinfo(o->addresses);
    }
    tls_free(o->tls);
    buffer_done(&o->queue);
    buffer_done(&o->flying);
    free(o);
}

static void handle_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void outbound_close(struct outbound *o)
{
    check(!o->ending);
    if (o->tls != NULL && o->opened && o->flying.len == 0) {
        tls_close(o->tls);
        tls_pull(o->tls, &o->queue);
        if (o->queue.len > 0) {
            uv_buf_t buf =
                uv_buf_init((char *)o->queue.data, (unsigned)o->queue.len);

            (void)uv_try_write((uv_stream_t *)&o->tcp, &buf, 1);
        }
    }
    o->ending = true;
    (void)uv_cancel((uv_req_t *)&o->resolve);
    uv_close((uv_handle_t *)&o->timer, handle_closed);
    if (!uv_is_closing((uv_handle_t *)&o->tcp)) {
        uv_close((uv_handle_t *)&o->tcp, handle_closed);
    }
}

/* End it, with the sentence for whoever opened it. */
static void fail(struct outbound *o)
{
    const struct outbound_events *events = o->events;
    struct why why = o->why;
    void *context = o->context;
    int rc = o->rc;

    check(rc != 0);
    outbound_close(o);
    events->closed(context, rc, &why);
}

static void fail_io(struct outbound *o, const char *what, int uv_rc)
{
    o->rc = why_set(&o->why,
                    RC_IO,
                    "%s %s:%u: %s",
                    what,
                    o->target.host,
                    (unsigned)o->target.port,
                    uv_strerror(uv_rc));
    fail(o);
}

static void on_written(uv_write_t *request, int status);

/* Write what is queued, unless a write is under way. */
static void flush(struct outbound *o)
{
    uv_buf_t buf;
    int n;

    if (o->flying.len > 0 || o->queue.len == 0 || o->ending) {
        return;
    }
    buf = uv_buf_init((char *)o->queue.data, (unsigned)o->queue.len);
    n = uv_try_write((uv_stream_t *)&o->tcp, &buf, 1);
    if (n > 0) {
        buffer_consume(&o->queue, (size_t)n);
    }
    if (o->queue.len > 0) {
        struct buffer spare = o->flying;

        /* A socket that is broken says so through the callback. */
        o->flying = o->queue;
        o->queue = spare;
        buf = uv_buf_init((char *)o->flying.data, (unsigned)o->flying.len);
        n = uv_write(&o->write, (uv_stream_t *)&o->tcp, &buf, 1, on_written);
        check(n == 0);
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct outbound *o = request->data;

    buffer_clear(&o->flying);
    if (o->ending) {
        return;
    }
    if (status < 0) {
        fail_io(o, "cannot send to", status);
        return;
    }
    flush(o);
}

static size_t queued(const struct outbound *o)
{
    return o->queue.len + o->flying.len;
}

static int send_tls(struct outbound *o, struct bytes bytes)
{
    while (bytes.len > 0) {
        size_t taken = 0;
        int rc = tls_send(o->tls, bytes, &o->queue, &taken);

        if (rc != 0) {
            return rc;
        }
        check(taken > 0);
        bytes = bytes_from(bytes, taken);
    }
    flush(o);
    return 0;
}

int outbound_send(struct outbound *o, struct bytes bytes)
{
    check(o->opened && !o->ending);
    /* Encryption adds to each record; twice the room covers it amply. */
    if (bytes.len > OUTBOUND_QUEUE_BYTES_MAX / 2 ||
        queued(o) > OUTBOUND_QUEUE_BYTES_MAX / 2 - bytes.len) {
        return RC_BUSY;
    }
    if (o->tls != NULL) {
        return send_tls(o, bytes);
    }
    if (queued(o) == 0) {
        uv_buf_t buf =
            uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.len);
        int n = uv_try_write((uv_stream_t *)&o->tcp, &buf, 1);

        if (n > 0) {
            bytes = bytes_from(bytes, (size_t)n);
        }
    }
    buffer_append(&o->queue, bytes);
    flush(o);
    return 0;
}

static void open_done(struct outbound *o)
{
    o->opened = true;
    (void)uv_timer_stop(&o->timer);
    o->events->opened(o->context);
}

static void fail_tls(struct outbound *o, int rc)
{
    if (rc == RC_CLOSED) {
        o->rc = why_set(&o->why, RC_CLOSED, "the server closed the connection");
    } else {
        o->rc = why_set(&o->why,
                        RC_IO,
                        "TLS with %s:%u failed: %s",
                        o->target.host,
                        (unsigned)o->target.port,
                        tls_reason(o->tls));
    }
    fail(o);
}

static void receive_tls(struct outbound *o, struct bytes cipher)
{
    struct buffer plain;

    buffer_init(&plain, READ_BYTES_MAX + TLS_RECORD_BYTES_MAX);
    while (cipher.len > 0 && !o->ending) {
        size_t consumed = 0;
        int rc = tls_receive(o->tls, cipher, &plain, &consumed);

        cipher = bytes_from(cipher, consumed);
        tls_pull(o->tls, &o->queue);
        flush(o);
        if (!o->opened && tls_handshake_done(o->tls)) {
            open_done(o);
        }
        if (plain.len > 0 && !o->ending) {
            o->events->received(o->context, buffer_view(&plain));
        }
        buffer_clear(&plain);
        if (rc != 0 && !o->ending) {
            fail_tls(o, rc);
        }
    }
    buffer_done(&plain);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    (void)handle;
    (void)suggested;
    *ret = uv_buf_init(read_room, sizeof(read_room));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct outbound *o = stream->data;

    if (o->ending || n == 0) {
        return;
    }
    if (n == UV_EOF) {
        o->rc = why_set(&o->why, RC_CLOSED, "the server closed the connection");
        fail(o);
    } else if (n < 0) {
        fail_io(o, "lost the connection to", (int)n);
    } else if (o->tls != NULL) {
        receive_tls(o, bytes_of(buf->base, (size_t)n));
    } else {
        o->events->received(o->context, bytes_of(buf->base, (size_t)n));
    }
}

static void try_next(struct outbound *o);

static void attempt_closed(uv_handle_t *handle)
{
    struct outbound *o = handle->data;

    if (o->ending) {
        release(o);
        return;
    }
    check(uv_tcp_init(o->timer.loop, &o->tcp) == 0);
    o->tcp.data = o;
    try_next(o);
}

static void attempt_failed(struct outbound *o, int uv_rc)
{
    o->rc = why_set(&o->why,
                    RC_IO,
                    "cannot connect to %s:%u: %s",
                    o->target.host,
                    (unsigned)o->target.port,
                    uv_strerror(uv_rc));
    /* A socket that failed to connect cannot be used for another address. */
    uv_close((uv_handle_t *)&o->tcp, attempt_closed);
}

/* A server that vanishes is noticed also when nothing is sent to it. */
static void watch_peer(struct outbound *o)
{
    uv_os_fd_t fd;

    (void)uv_tcp_keepalive(&o->tcp, 1, KEEPALIVE_IDLE_S);
    if (uv_fileno((uv_handle_t *)&o->tcp, &fd) == 0) {
        liveness_tell(fd, OUTBOUND_SILENCE_MS_MAX);
    }
}

static void on_connected(uv_connect_t *request, int status)
{
    struct outbound *o = request->data;

    if (o->ending || status == UV_ECANCELED) {
        return;
    }
    if (status < 0) {
        attempt_failed(o, status);
        return;
    }
    (void)uv_tcp_nodelay(&o->tcp, 1);
    watch_peer(o);
    status = uv_read_start((uv_stream_t *)&o->tcp, on_alloc, on_read);
    check(status == 0);
    if (o->target.tls == NULL) {
        open_done(o);
        return;
    }
    o->tls = tls_new(o->target.tls, o->target.host);
    tls_pull(o->tls, &o->queue);
    flush(o);
}

static void connect_to(struct outbound *o, const struct sockaddr *address)
{
    int rc = uv_tcp_connect(&o->connect, &o->tcp, address, on_connected);

    if (rc != 0) {
        attempt_failed(o, rc);
    }
}

static void try_next(struct outbound *o)
{
    struct addrinfo *address = o->address;

    if (address == NULL) {
        fail(o);
        return;
    }
    o->address = address->ai_next;
    connect_to(o, address->ai_addr);
}

static void on_resolved(uv_getaddrinfo_t *request,
                        int status,
                        struct addrinfo *addresses)
{
    struct outbound *o = request->data;

    o->addresses = addresses;
    if (!o->ending && status < 0) {
        o->rc = why_set(&o->why,
                        RC_NOT_FOUND,
                        "cannot find the host '%s': %s",
                        o->target.host,
                        uv_strerror(status));
        fail(o);
    } else if (!o->ending) {
        o->address = addresses;
        try_next(o);
    }
    release(o);
}

static void resolve(struct outbound *o)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char port[8];
    int rc;

    (void)snprintf(port, sizeof(port), "%u", (unsigned)o->target.port);
    rc = uv_getaddrinfo(
        o->timer.loop, &o->resolve, on_resolved, o->target.host, port, &hints);
    /* What it refuses at once is a name that is too long, and no such name
     * passes the parser of addresses. */
    check(rc == 0);
    o->holds++;
}

static void on_timer(uv_timer_t *timer)
{
    struct outbound *o = timer->data;

    o->rc = why_set(&o->why,
                    RC_EXPIRED,
                    "cannot connect to %s:%u: no answer within %d s",
                    o->target.host,
                    (unsigned)o->target.port,
                    OUTBOUND_CONNECT_MS_MAX / 1000);
    fail(o);
}

struct outbound *outbound_open(uv_loop_t *loop,
                               const struct outbound_target *target,
                               const struct outbound_events *events,
                               void *context)
{
    struct outbound *o = alloc_zero(sizeof(*o));
    struct sockaddr_in6 ipv6;
    struct sockaddr_in ipv4;

    o->target = *target;
    o->events = events;
    o->context = context;
    o->holds = 2; /* the two handles */
    buffer_init(&o->queue, OUTBOUND_QUEUE_BYTES_MAX);
    buffer_init(&o->flying, OUTBOUND_QUEUE_BYTES_MAX);
    check(uv_tcp_init(loop, &o->tcp) == 0);
    check(uv_timer_init(loop, &o->timer) == 0);
    o->tcp.data = o;
    o->timer.data = o;
    o->resolve.data = o;
    o->connect.data = o;
    o->write.data = o;
    (void)uv_timer_start(&o->timer, on_timer, OUTBOUND_CONNECT_MS_MAX, 0);
    if (uv_ip4_addr(target->host, target->port, &ipv4) == 0) {
        connect_to(o, (const struct sockaddr *)&ipv4);
    } else if (uv_ip6_addr(target->host, target->port, &ipv6) == 0) {
        connect_to(o, (const struct sockaddr *)&ipv6);
    } else {
        resolve(o);
    }
    return o;
}

/* Everything that cannot fail on a loopback is checked and not handled. */
#include "tests/lib/peer.h"

#include "base/check.h"

#define AWAIT_MS_MAX 10000
#define TICK_MS 10

static uint8_t room[65536];

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    (void)handle;
    (void)suggested;
    *ret = uv_buf_init((char *)room, sizeof(room));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct peer *peer = stream->data;

    if (n < 0) {
        peer->ended = true;
        peer_hang_up(peer);
        return;
    }
    buffer_append(&peer->received, bytes_of(buf->base, (size_t)n));
    check(!peer->received.overflowed);
    if (n > 0 && peer->on_data != NULL) {
        peer->on_data(peer);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct peer *peer = listener->data;

    check(status == 0);
    check(!peer->connected);
    check(uv_tcp_init(listener->loop, &peer->connection) == 0);
    peer->connection.data = peer;
    check(uv_accept(listener, (uv_stream_t *)&peer->connection) == 0);
    peer->connected = true;
    peer->accepted++;
    check(uv_read_start((uv_stream_t *)&peer->connection, on_alloc, on_read) ==
          0);
}

void peer_listen(struct peer *peer, uv_loop_t *loop)
{
    struct sockaddr_in address;
    int len = sizeof(address);

    *peer = (struct peer){.connected = false};
    buffer_init(&peer->received, PEER_BYTES_MAX);
    check(uv_tcp_init(loop, &peer->listener) == 0);
    peer->listener.data = peer;
    check(uv_ip4_addr("127.0.0.1", 0, &address) == 0);
    check(uv_tcp_bind(&peer->listener, (const struct sockaddr *)&address, 0) ==
          0);
    check(uv_listen((uv_stream_t *)&peer->listener, 16, on_connection) == 0);
    check(uv_tcp_getsockname(
              &peer->listener, (struct sockaddr *)&address, &len) == 0);
    peer->port = ntohs(address.sin_port);
}

void peer_say_bytes(struct peer *peer, struct bytes bytes)
{
    while (bytes.len > 0) {
        uv_buf_t buf =
            uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.len);
        int n = uv_try_write((uv_stream_t *)&peer->connection, &buf, 1);

        check(n > 0 || n == UV_EAGAIN);
        bytes = bytes_from(bytes, n > 0 ? (size_t)n : 0);
    }
}

void peer_say(struct peer *peer, const char *text)
{
    peer_say_bytes(peer, bytes_text(text));
}

void peer_hang_up(struct peer *peer)
{
    if (peer->connected) {
        peer->connected = false;
        uv_close((uv_handle_t *)&peer->connection, NULL);
    }
}

void peer_done(struct peer *peer)
{
    peer_hang_up(peer);
    uv_close((uv_handle_t *)&peer->listener, NULL);
    buffer_done(&peer->received);
}

static void on_tick(uv_timer_t *timer)
{
    unsigned *ticks = timer->data;

    (*ticks)++;
}

bool peer_await(uv_loop_t *loop, const bool *flag)
{
    unsigned ticks = 0;
    uv_timer_t timer;

    check(uv_timer_init(loop, &timer) == 0);
    timer.data = &ticks;
    check(uv_timer_start(&timer, on_tick, TICK_MS, TICK_MS) == 0);
    while (!*flag && ticks < AWAIT_MS_MAX / TICK_MS) {
        (void)uv_run(loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(loop, UV_RUN_NOWAIT);
    return *flag;
}

void peer_end_loop(uv_loop_t *loop)
{
    (void)uv_run(loop, UV_RUN_DEFAULT);
    check(uv_loop_close(loop) == 0);
}

/* A WebSocket stream on a bench: frames made by hand go in, whole or byte by
 * byte, and a transcript holds what came out: each message as "kind:text;". */
#ifndef TESTS_LIB_WS_BENCH_H
#define TESTS_LIB_WS_BENCH_H

#include "proto/ws_stream.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

#define MESSAGE_MAX 1000
#define MASK "\x11\x22\x33\x44"

struct world {
    struct ws_stream_pool *pool;
    struct ws_stream stream;
    struct buffer in;
    struct buffer out;
    struct buffer messages;
    int stop_after; /* messages; -1: never */
    bool close_on_message;
};

static inline void world_init(struct world *w,
                              enum ws_stream_role role,
                              bool deflate)
{
    *w = (struct world){.stop_after = -1};
    w->pool = ws_stream_pool_new(role, MESSAGE_MAX, 7);
    ws_stream_init(&w->stream, deflate);
    buffer_init(&w->in, 1 << 20);
    buffer_init(&w->out, 1 << 20);
    buffer_init(&w->messages, 1 << 20);
}

static inline void world_done(struct world *w)
{
    ws_stream_done(&w->stream, w->pool);
    ws_stream_pool_free(w->pool);
    buffer_done(&w->in);
    buffer_done(&w->out);
    buffer_done(&w->messages);
}

static inline bool on_message(void *context,
                              enum ws_stream_kind kind,
                              struct bytes message)
{
    struct world *w = context;
    static const char names[] = {'t', 'b', 'p'};

    buffer_u8(&w->messages, (uint8_t)names[kind]);
    buffer_u8(&w->messages, ':');
    buffer_append(&w->messages, message);
    buffer_u8(&w->messages, ';');
    if (w->close_on_message) {
        ws_stream_close(&w->stream, w->pool, 1000, bytes_text("bye"), &w->out);
    }
    if (w->stop_after > 0) {
        w->stop_after--;
    }
    return w->stop_after != 0;
}

static inline size_t receive(struct world *w, struct bytes in)
{
    return ws_stream_receive(&w->stream, w->pool, in, &w->out, on_message, w);
}

/* Append a masked frame whose first byte is `first`. */
static inline void put(struct world *w, uint8_t first, struct bytes payload)
{
    buffer_u8(&w->in, first);
    if (payload.len < 126) {
        buffer_u8(&w->in, (uint8_t)(0x80 | payload.len));
    } else {
        buffer_u8(&w->in, 0x80 | 126);
        buffer_u8(&w->in, (uint8_t)(payload.len >> 8));
        buffer_u8(&w->in, (uint8_t)payload.len);
    }
    buffer_text(&w->in, MASK);
    for (size_t i = 0; i < payload.len; i++) {
        buffer_u8(&w->in, payload.data[i] ^ (uint8_t)MASK[i % 4]);
    }
}

static inline void put_text(struct world *w, uint8_t first, const char *payload)
{
    put(w, first, bytes_text(payload));
}

static inline void put_raw(struct world *w, const void *data, size_t len)
{
    buffer_append(&w->in, bytes_of(data, len));
}

static inline void feed_bytewise(struct world *w)
{
    for (size_t i = 0; i < w->in.len; i++) {
        size_t n = receive(w, bytes_of(w->in.data + i, 1));

        tap_equal(n, 1);
    }
}

/* Feed all that was put, whole (to a new stream) and byte by byte; both give
 * the same messages and the same end. Leaves the second outcome. */
static inline void feed_both_ways(struct world *w)
{
    struct buffer first;
    struct ws_stream end;

    buffer_clear(&w->messages);
    buffer_clear(&w->out);
    (void)receive(w, buffer_view(&w->in));
    first = w->messages;
    end = w->stream;
    tap_check(end.busy == NULL || !end.closed);
    ws_stream_done(&w->stream, w->pool);
    buffer_init(&w->messages, 1 << 20);
    buffer_clear(&w->out);
    ws_stream_init(&w->stream, end.deflate);
    feed_bytewise(w);
    tap_check(bytes_equal(buffer_view(&first), buffer_view(&w->messages)));
    tap_equal(w->stream.closed, end.closed);
    tap_equal(w->stream.close_sent, end.close_sent);
    tap_equal(w->stream.close_code, end.close_code);
    tap_equal(w->stream.busy == NULL, end.busy == NULL);
    buffer_done(&first);
    buffer_clear(&w->in);
}

#define messages_are(w, expected) \
    tap_equal_text(buffer_view(&(w)->messages), (expected))

#define out_is(w, expected)                       \
    tap_check(bytes_equal(buffer_view(&(w)->out), \
                          bytes_of((expected), sizeof(expected) - 1)))

static inline void put_len(struct world *w, uint8_t first, size_t len)
{
    uint8_t *payload = malloc(len);

    memset(payload, 'x', len);
    put(w, first, bytes_of(payload, len));
    free(payload);
}

/* The code that raw bytes end a stream with; 0: they do not. */
static inline int code_of(enum ws_stream_role role,
                          bool deflate,
                          const void *data,
                          size_t len)
{
    struct world w;
    int code = 0;

    world_init(&w, role, deflate);
    put_raw(&w, data, len);
    feed_both_ways(&w);
    if (w.stream.closed) {
        size_t header = role == WS_STREAM_CLIENT ? 6 : 2;

        /* The answer closes with the same code. */
        code = w.stream.close_code;
        tap_check(w.stream.close_sent);
        tap_check(w.stream.busy == NULL);
        tap_equal(w.out.data[0], 0x88);
        tap_equal(w.out.len, code == 1005 ? header : header + 2);
    } else {
        tap_equal(w.out.len, 0);
    }
    world_done(&w);
    return code;
}

#define server_code(raw) \
    code_of(WS_STREAM_SERVER, false, (raw), sizeof(raw) - 1)
#define deflate_code(raw) \
    code_of(WS_STREAM_SERVER, true, (raw), sizeof(raw) - 1)
#define client_code(raw) \
    code_of(WS_STREAM_CLIENT, false, (raw), sizeof(raw) - 1)

/* A mask of zeros leaves the payload readable here. */
#define ZERO "\0\0\0\0"

#endif

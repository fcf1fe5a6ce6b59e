/* One WebSocket's incoming half: bytes in, whole messages out, and the answers
 * that the protocol itself asks for (pong, close). wslay does the framing; this
 * is the only file that sees it.
 *
 * wslay's context holds 9 KB, so a stream has one only while a frame or message
 * is incomplete: between messages a stream is this struct alone. Contexts and
 * the deflate state come from `ws_stream_pool`, one a shard. Outgoing data
 * frames do not pass through here: see ws_frame. */
#ifndef PROTO_WS_STREAM_H
#define PROTO_WS_STREAM_H

#include "base/buffer.h"
#include "base/bytes.h"

struct ws_stream_pool; /* spare contexts, inflate state, limits */

enum ws_stream_role {
    WS_STREAM_SERVER, /* frames that arrive must be masked */
    WS_STREAM_CLIENT, /* frames that arrive must not be; ours are */
};

struct ws_stream {
    struct ws_stream_busy *busy; /* NULL while idle: see above */
    bool deflate;    /* permessage-deflate was agreed on (ws_deflate.h) */
    bool closed;     /* a close frame came, or a fault was answered by one */
    bool close_sent; /* nothing may be sent any more */
    bool dropped;    /* no message is kept or told any more */
    bool renewed;    /* what is unfinished began within the last receive */
    uint16_t
        close_code; /* of the peer's close or our fault; 1005: none given */
};

enum ws_stream_kind {
    WS_STREAM_TEXT,
    WS_STREAM_BINARY,
    WS_STREAM_PONG, /* for a client that measures; a server may ignore it */
};

/* Messages over `message_bytes_max` (after inflating) end the stream with
 * 1009. `mask_seed` feeds the masks of a client's frames. */
struct ws_stream_pool *ws_stream_pool_new(enum ws_stream_role role,
                                          size_t message_bytes_max,
                                          uint64_t mask_seed);
void ws_stream_pool_free(struct ws_stream_pool *pool);

void ws_stream_init(struct ws_stream *s, bool deflate);
void ws_stream_done(struct ws_stream *s, struct ws_stream_pool *pool);

/* Called for each whole message; `message` is borrowed until it returns. Return
 * false to leave the rest of the bytes for later (backpressure). */
typedef bool ws_stream_on_message(void *context,
                                  enum ws_stream_kind kind,
                                  struct bytes message);

/* Take bytes from the peer. Pongs and the answering close frame are appended to
 * `out`. Returns how many bytes were consumed: fewer than given only when
 * `on_message` asked to stop or the stream closed. Protocol faults close the
 * stream by RFC 6455, 7.4.1: 1002 for framing, 1007 for text that is not UTF-8,
 * 1009 for size. After `closed`, further bytes are ignored. */
size_t ws_stream_receive(struct ws_stream *s,
                         struct ws_stream_pool *pool,
                         struct bytes in,
                         struct buffer *out,
                         ws_stream_on_message *on_message,
                         void *context);

/* Whether a frame or a message has begun and not ended, and how much memory it
 * holds, about. */
bool ws_stream_unfinished(const struct ws_stream *s);
size_t ws_stream_held(const struct ws_stream *s);

/* Let go of a message that has begun, and tell of none any more: only control
 * frames matter from here on. Not from within `on_message`. */
void ws_stream_drop(struct ws_stream *s);

/* Append a close frame, once; `reason` is at most 123 bytes. */
void ws_stream_close(struct ws_stream *s,
                     struct ws_stream_pool *pool,
                     uint16_t code,
                     struct bytes reason,
                     struct buffer *out);

/* Append one whole text message, masked when the pool's role is client. */
void ws_stream_send_text(struct ws_stream *s,
                         struct ws_stream_pool *pool,
                         struct bytes text,
                         struct buffer *out);

#endif

/* ws_feed gives wslay exactly one frame at a time, so a stop between two
 * messages loses nothing, and a context that stands between messages is as good
 * as new for another stream. */
#include "proto/ws_stream.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/rc.h"
#include "base/text.h"
#include "proto/ws_deflate.h"
#include "proto/ws_feed.h"
#include "proto/ws_frame.h"

#include <stdlib.h>
#include <wslay/wslay.h>

#define SPARES_MAX 4
#define KEPT_BYTES_MAX 16384 /* of a buffer nobody uses at the moment */
#define CONTEXT_BYTES 9216   /* of wslay's, about */

enum {
    CODE_PROTOCOL = WSLAY_CODE_PROTOCOL_ERROR,
    CODE_PAYLOAD = WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA,
    CODE_TOO_BIG = WSLAY_CODE_MESSAGE_TOO_BIG,
    CODE_NONE = WSLAY_CODE_NO_STATUS_RCVD,
};

/* What a stream needs while a frame or a message is incomplete. */
struct ws_stream_busy {
    struct ws_stream_busy *next; /* among the spares */
    wslay_event_context_ptr wslay;
    struct ws_feed feed; /* the frame that is arriving */

    /* The message that is arriving. */
    struct buffer message;
    struct bytes whole; /* or all of it, in wslay's buffer */
    size_t message_max;
    bool in_message;
    bool final; /* its last frame is the current one */

    /* The call that is running. */
    struct ws_stream *stream;
    struct ws_stream_pool *pool;
    struct buffer *out; /* NULL: nothing may be sent */
    ws_stream_on_message *on_message;
    void *context;
    bool stopped;
    uint16_t fault; /* found here rather than by wslay; 0: none */
};

struct ws_stream_pool {
    enum ws_stream_role role;
    size_t message_bytes_max;
    uint64_t mask_state;
    struct ws_deflate *deflate; /* made when first needed */
    struct buffer inflated;
    struct ws_stream_busy *spares;
    size_t spare_count;
};

static void frame_append(struct ws_stream_pool *pool,
                         enum ws_frame_opcode opcode,
                         struct bytes payload,
                         struct buffer *out)
{
    bool client = pool->role == WS_STREAM_CLIENT;

    ws_frame_append(out, opcode, payload, client ? &pool->mask_state : NULL);
}

static ssize_t on_recv(wslay_event_context_ptr wslay,
                       uint8_t *to,
                       size_t room,
                       int flags,
                       void *user_data)
{
    struct ws_stream_busy *b = user_data;
    struct bytes taken = {NULL, 0};
    bool between = ws_feed_at_start(&b->feed);

    (void)flags;
    b->stream->renewed |= between && !b->in_message;
    if (!between || !b->stopped) {
        taken = ws_feed_take(&b->feed, room);
    }
    if (taken.len == 0) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(to, taken.data, taken.len);
    return (ssize_t)taken.len;
}

static ssize_t on_send(wslay_event_context_ptr wslay,
                       const uint8_t *data,
                       size_t len,
                       int flags,
                       void *user_data)
{
    struct ws_stream_busy *b = user_data;

    (void)wslay;
    (void)flags;
    if (b->out != NULL) {
        buffer_append(b->out, bytes_of(data, len));
    }
    return (ssize_t)len;
}

static int on_genmask(wslay_event_context_ptr wslay,
                      uint8_t *to,
                      size_t len,
                      void *user_data)
{
    struct ws_stream_busy *b = user_data;

    (void)wslay;
    for (size_t i = 0; i < len; i++) {
        to[i] = (uint8_t)ws_frame_mask(&b->pool->mask_state);
    }
    return 0;
}

static void fault(struct ws_stream_busy *b, uint16_t code)
{
    if (b->fault == 0) {
        b->fault = code;
        wslay_event_shutdown_read(b->wslay);
    }
}

/* Deflate can make a message a little longer. */
static size_t deflated_max(size_t message_bytes_max)
{
    return message_bytes_max + message_bytes_max / 1024 + 64;
}

/* wslay counts only what it buffers itself, so the size of a message in
 * several frames is checked here, by what the headers announce. */
static void on_frame_start(wslay_event_context_ptr wslay,
                           const struct wslay_event_on_frame_recv_start_arg *f,
                           void *user_data)
{
    struct ws_stream_busy *b = user_data;

    (void)wslay;
    if (wslay_is_ctrl_frame(f->opcode)) {
        return;
    }
    if (f->opcode != WSLAY_CONTINUATION_FRAME) {
        size_t max = b->pool->message_bytes_max;

        b->message_max = f->rsv == 0 ? max : deflated_max(max);
        b->in_message = true;
    }
    b->final = f->fin != 0;
    if (f->payload_length > b->message_max - b->message.len) {
        fault(b, CODE_TOO_BIG);
    }
}

static void on_chunk(wslay_event_context_ptr wslay,
                     const struct wslay_event_on_frame_recv_chunk_arg *chunk,
                     void *user_data)
{
    struct ws_stream_busy *b = user_data;
    struct bytes data = bytes_of(chunk->data, chunk->data_length);

    (void)wslay;
    if (ws_feed_control(&b->feed) || b->fault != 0 || b->stream->dropped) {
        return;
    }
    /* All of the message in one piece is read where it lies. */
    if (b->final && b->message.len == 0 && ws_feed_at_start(&b->feed)) {
        b->whole = data;
        return;
    }
    buffer_append(&b->message, data);
    check(!b->message.overflowed);
}

static void deliver(struct ws_stream_busy *b,
                    enum ws_stream_kind kind,
                    struct bytes message)
{
    if (!b->on_message(b->context, kind, message)) {
        b->stopped = true;
    }
}

static void deliver_deflated(struct ws_stream_busy *b,
                             enum ws_stream_kind kind,
                             struct bytes message)
{
    struct ws_stream_pool *pool = b->pool;
    struct buffer *inflated = &pool->inflated;
    int rc = RC_OK;

    check(b->stream->deflate);
    if (pool->deflate == NULL) {
        pool->deflate = ws_deflate_new();
    }
    rc = ws_deflate_inflate(
        pool->deflate, message, pool->message_bytes_max, inflated);
    if (rc == RC_TOO_LARGE) {
        fault(b, CODE_TOO_BIG);
    } else if (rc != RC_OK || (kind == WS_STREAM_TEXT &&
                               !text_utf8_valid(buffer_view(inflated)))) {
        fault(b, CODE_PAYLOAD);
    } else {
        deliver(b, kind, buffer_view(inflated));
    }
    buffer_trim(inflated, KEPT_BYTES_MAX);
}

static void on_message_end(struct ws_stream_busy *b,
                           enum ws_stream_kind kind,
                           bool deflated)
{
    struct bytes message =
        b->whole.len > 0 ? b->whole : buffer_view(&b->message);

    if (deflated && !b->stream->dropped) {
        deliver_deflated(b, kind, message);
    } else if (!b->stream->dropped) {
        deliver(b, kind, message);
    }
    b->whole = bytes_of(NULL, 0);
    buffer_clear(&b->message);
    b->in_message = false;
}

static void on_msg(wslay_event_context_ptr wslay,
                   const struct wslay_event_on_msg_recv_arg *arg,
                   void *user_data)
{
    struct ws_stream_busy *b = user_data;

    (void)wslay;
    if (b->fault != 0) {
        return;
    }
    switch (arg->opcode) {
    case WSLAY_TEXT_FRAME:
        on_message_end(b, WS_STREAM_TEXT, arg->rsv != 0);
        break;
    case WSLAY_BINARY_FRAME:
        on_message_end(b, WS_STREAM_BINARY, arg->rsv != 0);
        break;
    case WSLAY_PONG:
        deliver(b, WS_STREAM_PONG, bytes_of(arg->msg, arg->msg_length));
        break;
    case WSLAY_CONNECTION_CLOSE:
        /* wslay takes half a code for none. */
        if (arg->msg_length == 1) {
            fault(b, CODE_PROTOCOL);
        }
        break;
    default:
        check(arg->opcode == WSLAY_PING); /* which wslay answers */
    }
}

static const struct wslay_event_callbacks stream_callbacks = {
    .recv_callback = on_recv,
    .send_callback = on_send,
    .genmask_callback = on_genmask,
    .on_frame_recv_start_callback = on_frame_start,
    .on_frame_recv_chunk_callback = on_chunk,
    .on_msg_recv_callback = on_msg,
};

static struct ws_stream_busy *busy_new(struct ws_stream_pool *pool)
{
    struct ws_stream_busy *b = alloc_zero(sizeof(*b));
    int rc =
        pool->role == WS_STREAM_SERVER
            ? wslay_event_context_server_init(&b->wslay, &stream_callbacks, b)
            : wslay_event_context_client_init(&b->wslay, &stream_callbacks, b);

    check(rc == 0);
    /* wslay would set aside what a header claims; here memory follows what
     * has arrived. */
    wslay_event_config_set_no_buffering(b->wslay, 1);
    buffer_init(&b->message, deflated_max(pool->message_bytes_max));
    b->pool = pool;
    return b;
}

static void busy_free(struct ws_stream_busy *b)
{
    if (b != NULL) {
        wslay_event_context_free(b->wslay);
        buffer_done(&b->message);
        free(b);
    }
}

static struct ws_stream_busy *busy_take(struct ws_stream_pool *pool,
                                        const struct ws_stream *s)
{
    struct ws_stream_busy *b = pool->spares;

    if (b == NULL) {
        b = busy_new(pool);
    } else {
        pool->spares = b->next;
        pool->spare_count--;
    }
    wslay_event_config_set_allowed_rsv_bits(
        b->wslay, s->deflate ? WSLAY_RSV1_BIT : WSLAY_RSV_NONE);
    return b;
}

static void busy_give(struct ws_stream_pool *pool, struct ws_stream_busy *b)
{
    check(ws_feed_at_start(&b->feed));
    check(!b->in_message);
    check(wslay_event_get_queued_msg_count(b->wslay) == 0);
    if (pool->spare_count == SPARES_MAX) {
        busy_free(b);
        return;
    }
    buffer_trim(&b->message, KEPT_BYTES_MAX);
    b->next = pool->spares;
    pool->spares = b;
    pool->spare_count++;
}

struct ws_stream_pool *ws_stream_pool_new(enum ws_stream_role role,
                                          size_t message_bytes_max,
                                          uint64_t mask_seed)
{
    struct ws_stream_pool *pool = alloc_zero(sizeof(*pool));

    pool->role = role;
    pool->message_bytes_max = message_bytes_max;
    pool->mask_state = mask_seed != 0 ? mask_seed : 1;
    buffer_init(&pool->inflated, message_bytes_max);
    return pool;
}

void ws_stream_pool_free(struct ws_stream_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    while (pool->spares != NULL) {
        struct ws_stream_busy *b = pool->spares;

        pool->spares = b->next;
        busy_free(b);
    }
    ws_deflate_free(pool->deflate);
    buffer_done(&pool->inflated);
    free(pool);
}

void ws_stream_init(struct ws_stream *s, bool deflate)
{
    *s = (struct ws_stream){.deflate = deflate};
}

void ws_stream_done(struct ws_stream *s, struct ws_stream_pool *pool)
{
    (void)pool; /* what stands within a message is no use to another */
    busy_free(s->busy);
    s->busy = NULL;
}

static void stream_fault(struct ws_stream_busy *b, struct buffer *out)
{
    struct ws_stream *s = b->stream;

    s->closed = true;
    s->close_code = b->fault;
    ws_stream_close(s, b->pool, b->fault, bytes_of(NULL, 0), out);
}

/* Send what wslay has to say, and learn whether it ended the stream. */
static void stream_settle(struct ws_stream_busy *b, struct buffer *out)
{
    struct ws_stream *s = b->stream;
    wslay_event_context_ptr wslay = b->wslay;

    b->out = s->close_sent ? NULL : out;
    check(wslay_event_send(wslay) == 0);
    b->out = NULL;
    if (wslay_event_get_close_received(wslay)) {
        s->close_code = wslay_event_get_status_code_received(wslay);
    } else if (!wslay_event_get_read_enabled(wslay)) {
        s->close_code = wslay_event_get_status_code_sent(wslay);
    } else {
        return;
    }
    s->closed = true;
    s->close_sent = true;
}

size_t ws_stream_receive(struct ws_stream *s,
                         struct ws_stream_pool *pool,
                         struct bytes in,
                         struct buffer *out,
                         ws_stream_on_message *on_message,
                         void *context)
{
    struct ws_stream_busy *b = s->busy;
    int rc = 0;

    if (s->closed || in.len == 0) {
        return in.len;
    }
    if (b == NULL) {
        b = busy_take(pool, s);
    }
    b->stream = s;
    b->feed.in = in;
    b->on_message = on_message;
    b->context = context;
    b->stopped = false;
    s->renewed = s->busy == NULL;
    rc = wslay_event_recv(b->wslay);
    check(rc != WSLAY_ERR_NOMEM);
    if (rc != 0 && b->fault == 0) {
        b->fault = CODE_PROTOCOL; /* a malformed header */
    }
    if (b->fault != 0) {
        stream_fault(b, out);
    } else {
        stream_settle(b, out);
    }
    size_t left = b->feed.in.len;

    s->busy = NULL;
    if (s->closed) {
        busy_free(b);
    } else if (ws_feed_at_start(&b->feed) && !b->in_message) {
        busy_give(pool, b);
    } else {
        s->busy = b;
    }
    return in.len - left;
}

bool ws_stream_unfinished(const struct ws_stream *s)
{
    return s->busy != NULL;
}

size_t ws_stream_held(const struct ws_stream *s)
{
    return s->busy == NULL
               ? 0
               : sizeof(*s->busy) + CONTEXT_BYTES + s->busy->message.capacity;
}

void ws_stream_drop(struct ws_stream *s)
{
    s->dropped = true;
    if (s->busy != NULL) {
        buffer_done(&s->busy->message);
    }
}

void ws_stream_close(struct ws_stream *s,
                     struct ws_stream_pool *pool,
                     uint16_t code,
                     struct bytes reason,
                     struct buffer *out)
{
    uint8_t payload[WS_FEED_CONTROL_MAX];
    size_t len = 0;

    check(reason.len <= WS_FEED_CONTROL_MAX - 2);
    if (s->close_sent) {
        return;
    }
    if (code != CODE_NONE) {
        payload[0] = (uint8_t)(code >> 8);
        payload[1] = (uint8_t)code;
        len = 2;
        if (reason.len > 0) {
            memcpy(payload + len, reason.data, reason.len);
            len += reason.len;
        }
    }
    frame_append(pool, WS_FRAME_CLOSE, bytes_of(payload, len), out);
    s->close_sent = true;
}

void ws_stream_send_text(struct ws_stream *s,
                         struct ws_stream_pool *pool,
                         struct bytes text,
                         struct buffer *out)
{
    if (!s->close_sent) {
        frame_append(pool, WS_FRAME_TEXT, text, out);
    }
}

/* Goes through handshake, connection_init and connection_ack by itself; errors
 * on the way become the sentence of `closed`. */
#include "src/io/ws_client.h"

#include "base/alloc.h"
#include "base/check.h"
#include "proto/http_response.h"
#include "proto/ws_accept.h"

#include <sodium.h>
#include <stdlib.h>

#define WS_PATH "/event/realtime"
#define HANDSHAKE_BYTES_MAX 65536
#define REFUSAL_BYTES_MAX 65536 /* of a body that comes in place of 101 */
#define SILENCE_TICKS 4         /* the promise is checked in so many steps */
#define CLOSE_NORMAL 1000

enum phase { PHASE_HANDSHAKE, PHASE_ACK, PHASE_OPEN };

struct ws_client {
    struct outbound *outbound;      /* NULL once it closed */
    struct http_response *response; /* during the handshake */
    struct ws_stream stream;
    struct ws_client_options options;
    const struct ws_client_events *events;
    void *context;
    uv_timer_t timer;
    uint64_t silence_ms;
    unsigned silent_ticks;
    enum phase phase;
    bool ended;
    char accept[WS_ACCEPT_LEN]; /* what the server must answer */
};

static void timer_closed(uv_handle_t *handle)
{
    struct ws_client *c = handle->data;

    http_response_free(c->response);
    ws_stream_done(&c->stream, c->options.pool);
    free(c);
}

static void end(struct ws_client *c)
{
    check(!c->ended);
    c->ended = true;
    if (c->outbound != NULL) {
        outbound_close(c->outbound);
    }
    uv_close((uv_handle_t *)&c->timer, timer_closed);
}

static void fail(struct ws_client *c, int rc, const struct why *why)
{
    const struct ws_client_events *events = c->events;
    void *context = c->context;

    end(c);
    events->closed(context, rc, why);
}

static void fail_text(struct ws_client *c, const char *sentence)
{
    struct why why;

    fail(c, why_set(&why, RC_MALFORMED, "%s", sentence), &why);
}

/* Send what a callback of the stream, or one of ours, put into `out`. */
static int send_out(struct ws_client *c, struct buffer *out)
{
    int rc = RC_BUSY;

    if (!out->overflowed) {
        rc = outbound_send(c->outbound, buffer_view(out));
    }
    buffer_done(out);
    return rc;
}

int ws_client_send(struct ws_client *c, struct bytes text)
{
    struct buffer out;

    check(!c->ended && c->phase != PHASE_HANDSHAKE);
    buffer_init(&out, OUTBOUND_QUEUE_BYTES_MAX);
    ws_stream_send_text(&c->stream, c->options.pool, text, &out);
    return send_out(c, &out);
}

int ws_client_send_frames(struct ws_client *c, struct bytes frames)
{
    check(!c->ended && c->phase == PHASE_OPEN);
    return outbound_send(c->outbound, frames);
}

void ws_client_close(struct ws_client *c)
{
    struct buffer out;

    check(!c->ended);
    if (c->phase != PHASE_HANDSHAKE) {
        buffer_init(&out, OUTBOUND_QUEUE_BYTES_MAX);
        ws_stream_close(
            &c->stream, c->options.pool, CLOSE_NORMAL, bytes_of(NULL, 0), &out);
        (void)send_out(c, &out);
    }
    end(c);
}

static void on_timer(uv_timer_t *timer);

static void on_opened(void *context)
{
    struct ws_client *c = context;
    uint8_t nonce[16];
    char key[32];
    struct buffer out;

    randombytes_buf(nonce, sizeof(nonce));
    (void)sodium_bin2base64(
        key, sizeof(key), nonce, sizeof(nonce), sodium_base64_VARIANT_ORIGINAL);
    ws_accept_reply(bytes_text(key), c->accept);
    buffer_init(&out, HANDSHAKE_BYTES_MAX);
    buffer_text(&out, "GET " WS_PATH " HTTP/1.1\r\nhost: ");
    buffer_append(&out, c->options.who.host);
    buffer_printf(&out,
                  "\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
                  "sec-websocket-version: 13\r\nsec-websocket-key: %s\r\n"
                  "sec-websocket-protocol: ",
                  key);
    client_request_subprotocols(&c->options.who, &out);
    buffer_text(&out, "\r\n\r\n");
    if (send_out(c, &out) != 0) {
        fail_text(c, "the API key is too long to be sent");
    }
}

/* What the messages of the server do while the connection opens. */
static void opening_message(struct ws_client *c, const struct server_msg *msg)
{
    struct why why;
    int rc;

    if (msg->type == SERVER_MSG_CONNECTION_ACK) {
        c->phase = PHASE_OPEN;
        if (msg->timeout_ms > 0) {
            c->silence_ms = msg->timeout_ms;
        }
        (void)uv_timer_stop(&c->timer);
        if (c->events->received == NULL) {
            uint64_t tick_ms = c->silence_ms / SILENCE_TICKS + 1;

            (void)uv_timer_start(&c->timer, on_timer, tick_ms, tick_ms);
        }
        c->events->opened(c->context);
    } else if (msg->type == SERVER_MSG_CONNECTION_ERROR ||
               msg->type == SERVER_MSG_ERROR) {
        rc = why_set(&why,
                     RC_DENIED,
                     "%.*s: %.*s",
                     (int)msg->error_type.len,
                     (const char *)msg->error_type.data,
                     (int)msg->error_message.len,
                     (const char *)msg->error_message.data);
        fail(c, rc, &why);
    }
}

static bool on_message(void *context,
                       enum ws_stream_kind kind,
                       struct bytes message)
{
    struct ws_client *c = context;
    struct server_msg msg;
    struct buffer scratch;

    if (kind == WS_STREAM_PONG) {
        return true;
    }
    buffer_init(&scratch, WS_CLIENT_MESSAGE_BYTES_MAX);
    if (kind == WS_STREAM_BINARY ||
        server_msg_parse(message, &scratch, &msg) != 0) {
        fail_text(c, "the server sent what is no AppSync Events message");
    } else if (c->phase == PHASE_OPEN) {
        c->events->message(c->context, &msg);
    } else {
        opening_message(c, &msg);
    }
    buffer_done(&scratch);
    /* Who reads frames itself gets all that follows connection_ack. */
    return !c->ended &&
           !(c->phase == PHASE_OPEN && c->events->received != NULL);
}

static void stream_closed(struct ws_client *c)
{
    struct why why;
    int rc;

    if (c->stream.close_code == 1005) {
        rc = why_set(&why, RC_CLOSED, "the server closed the WebSocket");
    } else {
        rc = why_set(&why,
                     RC_CLOSED,
                     "the WebSocket was closed with code %u",
                     (unsigned)c->stream.close_code);
    }
    fail(c, rc, &why);
}

/* Pass bytes through the WebSocket's stream; returns what it left. */
static struct bytes receive_frames(struct ws_client *c, struct bytes bytes)
{
    struct buffer out;
    size_t consumed;

    buffer_init(&out, OUTBOUND_QUEUE_BYTES_MAX);
    consumed = ws_stream_receive(
        &c->stream, c->options.pool, bytes, &out, on_message, c);
    if (!c->ended && out.len > 0) {
        (void)send_out(c, &out);
    } else {
        buffer_done(&out);
    }
    if (!c->ended && c->stream.closed) {
        stream_closed(c);
    }
    return bytes_from(bytes, consumed);
}

/* Check the server's half of the handshake; false when it did not agree. */
static bool handshake_agreed(struct ws_client *c)
{
    struct http_response *r = c->response;
    struct bytes accept = http_response_field(r, "sec-websocket-accept");
    struct bytes protocol = http_response_field(r, "sec-websocket-protocol");
    int status = http_response_status(r);
    struct why why;
    int rc;

    if (status != 101) {
        /* A proxy in front of a server that is away, too, says 5xx. */
        rc = why_set(&why,
                     status == 429 || status >= 500 ? RC_BUSY : RC_DENIED,
                     "the server refused the WebSocket with HTTP status %d",
                     status);
        fail(c, rc, &why);
        return false;
    }
    if (!bytes_equal(accept, bytes_of(c->accept, WS_ACCEPT_LEN)) ||
        !bytes_equal_text(protocol, "aws-appsync-event-ws")) {
        fail_text(c, "the server's answer is no AppSync Events handshake");
        return false;
    }
    return true;
}

static struct bytes receive_handshake(struct ws_client *c, struct bytes bytes)
{
    size_t consumed = 0;
    int rc = http_response_receive(c->response, bytes, &consumed);
    struct buffer init;

    if (rc == RC_AGAIN) {
        return bytes_of(NULL, 0);
    }
    if (rc != 0) {
        fail_text(c, "the server's answer is not HTTP");
        return bytes_of(NULL, 0);
    }
    if (!handshake_agreed(c)) {
        return bytes_of(NULL, 0);
    }
    c->phase = PHASE_ACK;
    http_response_free(c->response);
    c->response = NULL;
    buffer_init(&init, HANDSHAKE_BYTES_MAX);
    client_request_connection_init(&init);
    (void)ws_client_send(c, buffer_view(&init));
    buffer_done(&init);
    return bytes_from(bytes, consumed);
}

static void on_received(void *context, struct bytes bytes)
{
    struct ws_client *c = context;

    c->silent_ticks = 0;
    if (c->phase == PHASE_HANDSHAKE) {
        bytes = receive_handshake(c, bytes);
    }
    if (!c->ended && bytes.len > 0 &&
        !(c->phase == PHASE_OPEN && c->events->received != NULL)) {
        bytes = receive_frames(c, bytes);
    }
    if (!c->ended && bytes.len > 0) {
        check(c->phase == PHASE_OPEN && c->events->received != NULL);
        c->events->received(c->context, bytes);
    }
}

static void on_closed(void *context, int rc, const struct why *why)
{
    struct ws_client *c = context;

    c->outbound = NULL;
    fail(c, rc, why);
}

/* Before connection_ack this is its deadline. After it, silence is counted in
 * ticks and not read off a clock, so that a process that stood still for long
 * first reads what came meanwhile. */
static void on_timer(uv_timer_t *timer)
{
    struct ws_client *c = timer->data;
    struct why why;
    int rc;

    if (c->phase != PHASE_OPEN) {
        rc = why_set(&why,
                     RC_EXPIRED,
                     "the server did not answer within %d s",
                     WS_CLIENT_ACK_MS_MAX / 1000);
        fail(c, rc, &why);
    } else if (++c->silent_ticks > SILENCE_TICKS) {
        rc = why_set(&why,
                     RC_EXPIRED,
                     "nothing came from the server for %llu s",
                     (unsigned long long)c->silence_ms / 1000);
        fail(c, rc, &why);
    }
}

static const struct outbound_events outbound_events = {
    .opened = on_opened,
    .received = on_received,
    .closed = on_closed,
};

struct ws_client *ws_client_open(uv_loop_t *loop,
                                 const struct ws_client_options *options,
                                 const struct ws_client_events *events,
                                 void *context)
{
    struct ws_client *c = alloc_zero(sizeof(*c));

    c->options = *options;
    c->events = events;
    c->context = context;
    c->silence_ms = WS_CLIENT_SILENCE_MS;
    c->response = http_response_new(REFUSAL_BYTES_MAX);
    ws_stream_init(&c->stream, /* deflate= */ false);
    check(uv_timer_init(loop, &c->timer) == 0);
    c->timer.data = c;
    (void)uv_timer_start(&c->timer, on_timer, WS_CLIENT_ACK_MS_MAX, 0);
    c->outbound = outbound_open(loop, &options->target, &outbound_events, c);
    return c;
}

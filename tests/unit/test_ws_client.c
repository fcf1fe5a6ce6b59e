/* src/io/ws_client: from the handshake to the end, against a server that says
 * what each case wants. */
#include "src/io/ws_client.h"

#include "proto/credentials.h"
#include "proto/ws_accept.h"
#include "proto/ws_frame.h"
#include "tests/lib/peer.h"
#include "tests/lib/tap.h"

#include <sodium.h>
#include <stdio.h>

static uv_loop_t loop;
static struct peer peer;
static struct ws_client *client;
static struct ws_stream_pool *pool;
static struct ws_stream server;
static struct ws_stream_pool *server_pool;
static struct buffer asked; /* messages of the client, a '|' behind each */
static struct buffer got;   /* events that the client was given, likewise */
static struct buffer raw;   /* bytes that it was given */
static struct why reason;
static int closed_rc;
static bool opened;
static bool closed;
static bool heard; /* the server got a message */
static bool told;  /* the client got a message, or bytes */
static bool goodbye;
static const char *after_ack; /* said in the same write */

/* What the server does: these are the ways it can go wrong. */
static const char *status_line;
static const char *protocol;
static const char *first_message;
static bool wrong_accept;

static void say_text(const char *text)
{
    uint8_t header[WS_FRAME_HEADER_MAX];
    struct buffer out;

    buffer_init(&out, 65536);
    buffer_append(
        &out,
        bytes_of(header,
                 ws_frame_header(header, WS_FRAME_TEXT, false, strlen(text))));
    buffer_text(&out, text);
    peer_say_bytes(&peer, buffer_view(&out));
    buffer_done(&out);
}

static bool server_message(void *context,
                           enum ws_stream_kind kind,
                           struct bytes message)
{
    (void)context;
    (void)kind;
    buffer_append(&asked, message);
    buffer_u8(&asked, '|');
    heard = true;
    if (first_message != NULL) {
        say_text(first_message);
        first_message = NULL;
        if (after_ack != NULL) {
            say_text(after_ack);
        }
    }
    return true;
}

static void answer_handshake(struct bytes request)
{
    static const char name[] = "sec-websocket-key: ";
    const uint8_t *key =
        memmem(request.data, request.len, name, sizeof(name) - 1);
    char accept[WS_ACCEPT_LEN];
    char text[400];

    tap_check(key != NULL);
    ws_accept_reply(bytes_of(key + sizeof(name) - 1, WS_ACCEPT_KEY_LEN),
                    accept);
    accept[0] ^= wrong_accept ? 1 : 0;
    snprintf(text,
             sizeof(text),
             "%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Protocol: %s\r\nSec-WebSocket-Accept: %.*s\r\n"
             "Content-Length: 0\r\n\r\n",
             status_line,
             protocol,
             WS_ACCEPT_LEN,
             accept);
    peer_say(&peer, text);
}

static void on_data(struct peer *p)
{
    struct bytes in = buffer_view(&p->received);
    const uint8_t *end = memmem(in.data, in.len, "\r\n\r\n", 4);
    struct buffer out;

    if (p->context == NULL) {
        if (end == NULL) {
            return;
        }
        answer_handshake(in);
        p->context = &server;
        buffer_clear(&p->received);
        return;
    }
    buffer_init(&out, 65536);
    (void)ws_stream_receive(
        &server, server_pool, in, &out, server_message, NULL);
    goodbye = server.closed;
    buffer_done(&out);
    buffer_clear(&p->received);
}

static void on_opened(void *context)
{
    tap_check(context == &loop);
    opened = true;
}

static void on_message(void *context, const struct server_msg *msg)
{
    tap_check(context == &loop);
    buffer_append(&got, msg->event);
    buffer_u8(&got, '|');
    told = true;
}

static void on_received(void *context, struct bytes bytes)
{
    tap_check(context == &loop);
    tap_check(opened);
    buffer_append(&raw, bytes);
    told = true;
}

static void on_closed(void *context, int rc, const struct why *why)
{
    tap_check(context == &loop);
    tap_check(!closed);
    closed_rc = rc;
    reason = *why;
    closed = true;
}

static const struct ws_client_events events = {
    .opened = on_opened,
    .message = on_message,
    .closed = on_closed,
};

static const struct ws_client_events raw_events = {
    .opened = on_opened,
    .received = on_received,
    .closed = on_closed,
};

static void prepare(void)
{
    tap_check(sodium_init() >= 0);
    tap_equal(uv_loop_init(&loop), 0);
    peer_listen(&peer, &loop);
    peer.on_data = on_data;
    buffer_done(&asked);
    buffer_done(&got);
    buffer_done(&raw);
    buffer_init(&asked, 65536);
    buffer_init(&got, 65536);
    buffer_init(&raw, 65536);
    pool = ws_stream_pool_new(WS_STREAM_CLIENT, WS_CLIENT_MESSAGE_BYTES_MAX, 5);
    server_pool = ws_stream_pool_new(WS_STREAM_SERVER, 65536, 6);
    ws_stream_init(&server, false);
    opened = closed = heard = told = goodbye = wrong_accept = false;
    status_line = "HTTP/1.1 101 Switching Protocols";
    protocol = "aws-appsync-event-ws";
    first_message =
        "{\"type\":\"connection_ack\",\"connectionTimeoutMs\":9000}";
    after_ack = NULL;
}

static void connect_with(const struct ws_client_events *with)
{
    const struct ws_client_options options = {
        .target = {.host = "127.0.0.1", .port = peer.port},
        .who = {.api_key = BYTES_LITERAL("da2-key"),
                .host = BYTES_LITERAL("example.org")},
        .pool = pool,
    };

    client = ws_client_open(&loop, &options, with, &loop);
}

static void end(void)
{
    peer_done(&peer);
    peer_end_loop(&loop);
    ws_stream_done(&server, server_pool);
    ws_stream_pool_free(server_pool);
    ws_stream_pool_free(pool);
}

static void fails(int rc, const char *sentence)
{
    connect_with(&events);
    tap_check(peer_await(&loop, &closed));
    tap_check(!opened);
    tap_equal(closed_rc, rc);
    tap_check(strstr(reason.text, sentence) != NULL);
    end();
}

TAP_CASE(ws_client_opens_with_connection_init)
{
    prepare();
    connect_with(&events);

    tap_check(peer_await(&loop, &opened));
    tap_equal_text(buffer_view(&asked), "{\"type\":\"connection_init\"}|");
    ws_client_close(client);
    end();
}

TAP_CASE(ws_client_shows_its_key_in_the_subprotocol)
{
    static const char name[] = "sec-websocket-protocol: ";
    struct credentials credentials = {.api_key = {NULL, 0}};
    struct buffer scratch;
    struct bytes head, rest, list;
    const uint8_t *at;
    bool offered = false;

    prepare();
    peer.on_data = NULL;
    connect_with(&events);
    while (peer.received.len == 0) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    head = buffer_view(&peer.received);
    at = memmem(head.data, head.len, name, sizeof(name) - 1);
    tap_check(at != NULL);
    rest = bytes_from(head, (size_t)(at - head.data) + sizeof(name) - 1);
    tap_check(bytes_split(&rest, '\r', &list));
    buffer_init(&scratch, 4096);

    tap_equal(
        credentials_from_subprotocols(list, &scratch, &offered, &credentials),
        RC_OK);
    tap_check(offered);
    tap_equal_text(credentials.api_key, "da2-key");
    buffer_done(&scratch);
    ws_client_close(client);
    end();
}

TAP_CASE(ws_client_sends_and_receives_messages)
{
    prepare();
    connect_with(&events);
    tap_check(peer_await(&loop, &opened));
    heard = false;

    tap_equal(ws_client_send(client, bytes_text("{\"type\":\"x\"}")), RC_OK);
    tap_check(peer_await(&loop, &heard));
    tap_equal_text(buffer_view(&asked),
                   "{\"type\":\"connection_init\"}|{\"type\":\"x\"}|");
    say_text("{\"type\":\"data\",\"id\":\"s\",\"event\":\"[1]\"}");
    tap_check(peer_await(&loop, &told));
    tap_equal_text(buffer_view(&got), "[1]|");
    ws_client_close(client);
    end();
}

TAP_CASE(ws_client_gets_what_came_together_with_the_ack)
{
    prepare();
    after_ack = "{\"type\":\"data\",\"id\":\"s\",\"event\":\"2\"}";
    connect_with(&events);

    tap_check(peer_await(&loop, &told));
    tap_equal_text(buffer_view(&got), "2|");
    ws_client_close(client);
    end();
}

TAP_CASE(ws_client_hands_on_bytes_to_who_wants_them)
{
    prepare();
    after_ack = "{\"type\":\"ka\"}";
    connect_with(&raw_events);

    tap_check(peer_await(&loop, &told));
    tap_equal(raw.len, 2 + 13);
    tap_equal(raw.data[0], 0x81);
    tap_equal(got.len, 0);
    ws_client_close(client);
    end();
}

TAP_CASE(ws_client_says_goodbye)
{
    prepare();
    connect_with(&events);
    tap_check(peer_await(&loop, &opened));

    ws_client_close(client);
    tap_check(peer_await(&loop, &peer.ended));
    tap_check(goodbye);
    tap_equal(server.close_code, 1000);
    tap_check(!closed);
    end();
}

TAP_CASE(ws_client_may_be_closed_at_once)
{
    prepare();
    connect_with(&events);
    ws_client_close(client);

    end();
    tap_check(!opened);
    tap_check(!closed);
}

TAP_CASE(ws_client_tells_the_code_that_the_server_closes_with)
{
    static const uint8_t going_away[] = {0x88, 2, 0x03, 0xe9};

    prepare();
    connect_with(&events);
    tap_check(peer_await(&loop, &opened));
    peer_say_bytes(&peer, bytes_of(going_away, sizeof(going_away)));

    tap_check(peer_await(&loop, &closed));
    tap_equal(closed_rc, RC_CLOSED);
    tap_check(strstr(reason.text, "1001") != NULL);
    end();
}

TAP_CASE(ws_client_tells_that_the_connection_dropped)
{
    prepare();
    connect_with(&events);
    tap_check(peer_await(&loop, &opened));
    peer_hang_up(&peer);

    tap_check(peer_await(&loop, &closed));
    tap_equal(closed_rc, RC_CLOSED);
    end();
}

TAP_CASE(ws_client_is_told_that_its_key_is_wrong)
{
    prepare();
    first_message = "{\"type\":\"connection_error\",\"errors\":[{\"errorType\":"
                    "\"UnauthorizedException\",\"message\":\"No.\","
                    "\"errorCode\":401}]}";
    fails(RC_DENIED, "UnauthorizedException: No.");
}

TAP_CASE(ws_client_does_not_take_another_status)
{
    prepare();
    status_line = "HTTP/1.1 404 Not Found";
    fails(RC_DENIED, "status 404");
}

TAP_CASE(ws_client_tells_a_server_that_may_be_asked_again)
{
    prepare();
    status_line = "HTTP/1.1 503 Service Unavailable";
    fails(RC_BUSY, "status 503");
}

TAP_CASE(ws_client_tells_a_server_that_is_asked_too_often)
{
    prepare();
    status_line = "HTTP/1.1 429 Too Many Requests";
    fails(RC_BUSY, "status 429");
}

TAP_CASE(ws_client_does_not_take_a_wrong_accept)
{
    prepare();
    wrong_accept = true;
    fails(RC_MALFORMED, "handshake");
}

TAP_CASE(ws_client_does_not_take_another_protocol)
{
    prepare();
    protocol = "graphql-ws";
    fails(RC_MALFORMED, "handshake");
}

TAP_CASE(ws_client_does_not_take_what_is_not_http)
{
    prepare();
    status_line = "SMTP";
    fails(RC_MALFORMED, "not HTTP");
}

TAP_CASE(ws_client_does_not_take_a_message_that_is_not_json)
{
    prepare();
    first_message = "hello";
    fails(RC_MALFORMED, "no AppSync Events message");
}

TAP_CASE(ws_client_gives_up_a_server_that_falls_silent)
{
    prepare();
    first_message = "{\"type\":\"connection_ack\",\"connectionTimeoutMs\":100}";
    connect_with(&events);

    tap_check(peer_await(&loop, &closed));
    tap_check(opened);
    tap_equal(closed_rc, RC_EXPIRED);
    end();
}

TAP_MAIN()

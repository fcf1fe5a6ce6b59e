/* The peer's half: writing requests and messages, reading what came. */
#include "tests/lib/shard_peer.h"

#include "proto/client_request.h"
#include "proto/ws_deflate.h"
#include "proto/ws_frame.h"
#include "tests/lib/shard_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void shard_peer_send_bytes(struct shard_peer *p, struct bytes bytes)
{
    buffer_append(&p->sent, bytes);
    tap_check(!p->sent.overflowed);
}

void shard_peer_send(struct shard_peer *p, const char *text)
{
    shard_peer_send_bytes(p, bytes_text(text));
}

void shard_peer_end(struct shard_peer *p, bool reset)
{
    struct shard_input in = {
        .kind = SHARD_INPUT_EOF, .client = p->client, .reset = reset};

    p->ended = true;
    shard_world_step(p->world, &in);
}

void shard_peer_allow(struct shard_peer *p, size_t bytes)
{
    p->room = bytes > SIZE_MAX - p->room ? SIZE_MAX : p->room + bytes;
}

void shard_peer_block(struct shard_peer *p)
{
    p->room = 0;
}

struct bytes shard_peer_take(struct shard_peer *p)
{
    struct buffer got = p->got;

    p->got = p->taken;
    p->taken = got;
    buffer_clear(&p->got);
    return buffer_view(&p->taken);
}

/* The length of the head with its empty line, or 0. */
static size_t head_len(struct bytes all)
{
    for (size_t i = 4; i <= all.len; i++) {
        if (memcmp(all.data + i - 4, "\r\n\r\n", 4) == 0) {
            return i;
        }
    }
    return 0;
}

int shard_peer_answer(struct shard_peer *p, char ret_head[1024])
{
    struct bytes all = buffer_view(&p->got);
    size_t len = head_len(all);
    char head[1024] = {0};
    const char *length;
    size_t body_len = 0;
    int status;

    if (len == 0) {
        return 0;
    }
    tap_check(len < sizeof(head));
    memcpy(head, all.data, len);
    length = strstr(head, "\r\ncontent-length: ");
    if (length == NULL) {
        length = strstr(head, "\r\nContent-Length: ");
    }
    body_len = length == NULL ? 0 : strtoul(length + 18, NULL, 10);
    if (all.len < len + body_len) {
        return 0;
    }
    tap_check(sscanf(head, "HTTP/1.1 %d ", &status) == 1);
    buffer_clear(&p->taken);
    buffer_append(&p->taken, bytes_of(all.data + len, body_len));
    buffer_consume(&p->got, len + body_len);
    if (ret_head != NULL) {
        memcpy(ret_head, head, sizeof(head));
    }
    return status;
}

void shard_peer_upgrade(struct shard_peer *p,
                        const char *subprotocols,
                        const char *more_fields)
{
    const struct client_request_identity who = {
        .api_key = bytes_text(p->world->key), .host = bytes_text("h")};

    shard_peer_send(p,
                    "GET /event/realtime HTTP/1.1\r\n"
                    "Host: h\r\n"
                    "Connection: Upgrade\r\n"
                    "Upgrade: websocket\r\n"
                    "Sec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    if (subprotocols == NULL) {
        shard_peer_send(p, "Sec-WebSocket-Protocol: ");
        client_request_subprotocols(&who, &p->sent);
    } else {
        shard_peer_send(p, subprotocols);
    }
    shard_peer_send(p, "\r\n");
    shard_peer_send(p, more_fields);
    shard_peer_send(p, "\r\n");
}

void shard_peer_frame(struct shard_peer *p, int opcode, struct bytes payload)
{
    uint64_t mask = 0x9e3779b97f4a7c15;

    ws_frame_append(&p->sent, (enum ws_frame_opcode)opcode, payload, &mask);
    tap_check(!p->sent.overflowed);
}

void shard_peer_say(struct shard_peer *p, const char *format, ...)
{
    va_list arguments;
    char *text;
    int len;

    va_start(arguments, format);
    len = vasprintf(&text, format, arguments);
    va_end(arguments);
    tap_check(len >= 0);
    shard_peer_frame(p, WS_FRAME_TEXT, bytes_of(text, (size_t)len));
    free(text);
}

void shard_peer_subscribe(struct shard_peer *p,
                          const char *id,
                          const char *channel)
{
    shard_peer_say(p,
                   "{\"type\":\"subscribe\",\"id\":\"%s\",\"channel\":\"%s\","
                   "\"authorization\":{\"x-api-key\":\"%s\"}}",
                   id,
                   channel,
                   p->world->key);
}

void shard_peer_unsubscribe(struct shard_peer *p, const char *id)
{
    shard_peer_say(p, "{\"type\":\"unsubscribe\",\"id\":\"%s\"}", id);
}

void shard_peer_publish(struct shard_peer *p,
                        const char *id,
                        const char *channel,
                        const char *event)
{
    const struct client_request_identity who = {
        .api_key = bytes_text(p->world->key), .host = bytes_text("h")};
    const struct bytes content = bytes_text(event);
    const struct client_request_events events = {.texts = &content, .count = 1};
    struct buffer text;

    buffer_init(&text, SHARD_PEER_BYTES_MAX);
    client_request_publish(
        &who, bytes_text(id), bytes_text(channel), &events, &text);
    shard_peer_frame(p, WS_FRAME_TEXT, buffer_view(&text));
    buffer_done(&text);
}

/* Take one whole frame off the front. */
static bool take_frame(struct bytes *rest,
                       uint8_t *ret_first,
                       struct bytes *ret_payload)
{
    const uint8_t *at = rest->data;
    size_t header = 2;
    uint64_t len;

    if (rest->len < 2) {
        return false;
    }
    tap_check((at[0] & 0x80) != 0 && (at[1] & 0x80) == 0);
    len = at[1];
    if (len >= 126) {
        size_t bytes = len == 126 ? 2 : 8;

        header += bytes;
        if (rest->len < header) {
            return false;
        }
        len = 0;
        for (size_t i = 0; i < bytes; i++) {
            len = len << 8 | at[2 + i];
        }
    }
    if (rest->len - header < len) {
        return false;
    }
    *ret_first = at[0];
    *ret_payload = bytes_of(at + header, len);
    *rest = bytes_from(*rest, header + len);
    return true;
}

static void inflate_into(struct shard_peer *p, struct bytes payload)
{
    struct buffer text;

    buffer_init(&text, SHARD_PEER_BYTES_MAX);
    tap_equal(ws_deflate_inflate(p->world->inflate, payload, 16 << 20, &text),
              0);
    buffer_append(&p->taken, buffer_view(&text));
    buffer_done(&text);
}

static void print_frame(struct shard_peer *p,
                        uint8_t first,
                        struct bytes payload)
{
    struct buffer *out = &p->taken;
    bool compressed = (first & 0x40) != 0;

    tap_check(!compressed || p->deflate);
    switch (first & 0x0f) {
    case WS_FRAME_TEXT:
        if (compressed) {
            inflate_into(p, payload);
        } else {
            buffer_append(out, payload);
        }
        break;
    case WS_FRAME_CLOSE:
        buffer_text(out, "close");
        if (payload.len >= 2) {
            buffer_printf(out, " %d ", payload.data[0] << 8 | payload.data[1]);
            buffer_append(out, bytes_from(payload, 2));
        }
        break;
    case WS_FRAME_PONG:
        buffer_text(out, "pong ");
        buffer_append(out, payload);
        break;
    default:
        tap_fail(__FILE__, __LINE__, "a frame that a server sends");
    }
    buffer_text(out, "\n");
}

const char *shard_peer_lines(struct shard_peer *p)
{
    struct bytes rest = buffer_view(&p->got);
    struct bytes payload;
    uint8_t first;

    buffer_clear(&p->taken);
    while (take_frame(&rest, &first, &payload)) {
        print_frame(p, first, payload);
    }
    buffer_consume(&p->got, p->got.len - rest.len);
    buffer_u8(&p->taken, 0);
    return (const char *)p->taken.data;
}

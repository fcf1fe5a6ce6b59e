/* Members are written in the order of AWS's documentation. */
#include "proto/client_request.h"

#include "base/check.h"
#include "base/text.h"
#include "proto/credentials.h"
#include "proto/json.h"

static void string_write(struct bytes text, struct buffer *out)
{
    buffer_u8(out, '"');
    json_escape(text, out);
    buffer_u8(out, '"');
}

static void member_write(const char *name,
                         struct bytes text,
                         struct buffer *out)
{
    buffer_printf(out, ",\"%s\":", name);
    string_write(text, out);
}

static void identity_write(const struct client_request_identity *who,
                           struct buffer *out)
{
    buffer_text(out, "{\"host\":");
    string_write(who->host, out);
    if (who->api_key.len > 0) {
        member_write("x-api-key", who->api_key, out);
    }
    buffer_u8(out, '}');
}

static void strings_write(const char *name,
                          const struct bytes *strings,
                          size_t count,
                          struct buffer *out)
{
    buffer_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buffer_u8(out, ',');
        }
        string_write(strings[i], out);
    }
    buffer_u8(out, ']');
}

static void publish_members(struct bytes channel,
                            const struct client_request_events *events,
                            struct buffer *out)
{
    buffer_text(out, "\"channel\":");
    string_write(channel, out);
    strings_write("events", events->texts, events->count, out);
    if (events->keys != NULL) {
        strings_write("idempotencyKeys", events->keys, events->count, out);
    }
}

void client_request_subprotocols(const struct client_request_identity *who,
                                 struct buffer *out)
{
    struct buffer json;
    uint8_t *room;
    size_t len;

    buffer_init(&json, CREDENTIALS_BYTES_MAX);
    identity_write(who, &json);
    check(!json.overflowed);
    buffer_text(out, "aws-appsync-event-ws, header-");
    len = text_base64url_len(json.len);
    room = buffer_reserve(out, len);
    if (room != NULL) {
        text_base64url_encode(buffer_view(&json), (char *)room);
        buffer_advance(out, len);
    }
    buffer_done(&json);
}

void client_request_connection_init(struct buffer *out)
{
    buffer_text(out, "{\"type\":\"connection_init\"}");
}

void client_request_subscribe(const struct client_request_identity *who,
                              struct bytes id,
                              struct bytes channel,
                              struct bytes begin,
                              struct buffer *out)
{
    buffer_text(out, "{\"type\":\"subscribe\"");
    member_write("id", id, out);
    member_write("channel", channel, out);
    if (begin.len > 0) {
        buffer_u8(out, ',');
        buffer_append(out, begin);
    }
    buffer_text(out, ",\"authorization\":");
    identity_write(who, out);
    buffer_u8(out, '}');
}

void client_request_publish(const struct client_request_identity *who,
                            struct bytes id,
                            struct bytes channel,
                            const struct client_request_events *events,
                            struct buffer *out)
{
    buffer_text(out, "{\"type\":\"publish\"");
    member_write("id", id, out);
    buffer_u8(out, ',');
    publish_members(channel, events, out);
    buffer_text(out, ",\"authorization\":");
    identity_write(who, out);
    buffer_u8(out, '}');
}

void client_request_publish_body(struct bytes channel,
                                 const struct client_request_events *events,
                                 struct buffer *out)
{
    buffer_u8(out, '{');
    publish_members(channel, events, out);
    buffer_u8(out, '}');
}

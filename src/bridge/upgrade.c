/* From HTTP to WebSocket: the handshake and its credentials. */
#include "src/bridge/upgrade.h"

#include "base/check.h"
#include "proto/http_reply.h"
#include "proto/ws_accept.h"
#include "proto/ws_deflate.h"
#include "src/bridge/admission.h"
#include "src/bridge/ws_session.h"

/* Our answer to an offer to compress. */
#define EXTENSION_BYTES_MAX 256

/* A list may stand in several fields of one name (RFC 9110, 5.3): all of it,
 * in the shard's text. */
static struct bytes field_list(struct client *c, const char *name)
{
    struct buffer *text = &c->shard->text;
    size_t count = http_request_field_count(c->request);

    buffer_clear(text);
    for (size_t i = 0; i < count; i++) {
        struct bytes field;
        struct bytes value = http_request_field_at(c->request, i, &field);

        if (bytes_equal_nocase(field, name)) {
            buffer_append(text, value);
            buffer_text(text, ",");
        }
    }
    return text->overflowed ? bytes_of(NULL, 0) : buffer_view(text);
}

/* What the credentials of an upgrade are worth. */
static enum problem admit(struct client *c,
                          struct moment now,
                          bool *ret_offered)
{
    struct bytes offers = field_list(c, "sec-websocket-protocol");
    struct bytes key = http_request_field(c->request, "x-api-key");
    struct credentials given = {0};

    buffer_clear(&c->shard->scratch);
    if (credentials_from_subprotocols(
            offers, &c->shard->scratch, ret_offered, &given) != 0) {
        return PROBLEM_UNAUTHORIZED;
    }
    if (!*ret_offered) {
        return PROBLEM_SUBPROTOCOL;
    }
    return admission_authorize(c->shard,
                               now,
                               given.api_key.len > 0 ? given.api_key : key,
                               AUTHORITY_SUBSCRIBE,
                               NULL);
}

/* Whether to compress; the answer to the offer is in the shard's text. */
static bool choose_deflate(struct client *c)
{
    struct buffer answer;
    bool chosen;

    if (!c->shard->options.compression) {
        return false;
    }
    buffer_init(&answer, EXTENSION_BYTES_MAX);
    chosen = ws_deflate_negotiate(field_list(c, "sec-websocket-extensions"),
                                  &answer);
    buffer_clear(&c->shard->text);
    buffer_append(&c->shard->text, buffer_view(&answer));
    chosen = chosen && !answer.overflowed;
    buffer_done(&answer);
    return chosen;
}

/* GET /event/realtime: RFC 6455, 4.2, and the credentials, whose fault is told
 * on the WebSocket. */
void upgrade_accept(struct client *c, struct moment now)
{
    struct shard *shard = c->shard;
    struct bytes key = http_request_field(c->request, "sec-websocket-key");
    char accept[WS_ACCEPT_LEN];
    bool offered = false;
    enum problem problem = admit(c, now, &offered);
    bool deflate = choose_deflate(c);
    struct buffer *out;

    ws_accept_reply(key, accept);
    out = client_output(c);
    http_reply_begin(out, 101);
    http_reply_field(out, "upgrade", bytes_text("websocket"));
    http_reply_field(out, "connection", bytes_text("Upgrade"));
    http_reply_field(
        out, "sec-websocket-accept", bytes_of(accept, sizeof(accept)));
    if (offered) {
        http_reply_field(
            out, "sec-websocket-protocol", bytes_text("aws-appsync-event-ws"));
    }
    if (deflate) {
        http_reply_field(
            out, "sec-websocket-extensions", buffer_view(&shard->text));
    }
    http_reply_end(out);
    shard_count(shard, http_requests, 1);
    http_request_free(c->request);
    c->request = NULL;
    ws_stream_init(&c->ws, deflate);
    ws_session_begin(c, now, problem);
}

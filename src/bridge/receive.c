/* A connection's bytes, to whoever reads what it speaks. */
#include "src/bridge/receive.h"

#include "base/check.h"
#include "src/bridge/http_api.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/unfinished.h"
#include "src/bridge/ws_session.h"

/* Use as many of the bytes as can be used now; returns how many. */
static size_t use_bytes(struct client *c, struct moment now, struct bytes in)
{
    size_t used = 0;

    c->shard->speaking = c;
    if (c->state == CLIENT_HTTP_IDLE || c->state == CLIENT_HTTP_READING) {
        used = http_api_receive(c, now, in);
    }
    if (c->state == CLIENT_WS_OPEN && used < in.len && !c->held) {
        used += ws_session_receive(c, now, bytes_from(in, used));
    }
    c->shard->speaking = NULL;
    return c->state == CLIENT_CLOSING || c->state == CLIENT_STREAM ? in.len
                                                                   : used;
}

static bool drop_message(void *context,
                         enum ws_stream_kind kind,
                         struct bytes message)
{
    (void)context;
    (void)kind;
    (void)message;
    return true;
}

/* After our goodbye, only the peer's matters; a message is not gathered. */
static void end_goodbye(struct client *c, struct bytes in)
{
    struct shard *shard = c->shard;
    struct buffer answer;

    ws_stream_drop(&c->ws);
    if (!c->websocket || c->ws.closed) {
        return;
    }
    buffer_init(&answer, 1024);
    (void)ws_stream_receive(
        &c->ws, shard->ws_pool, in, &answer, drop_message, NULL);
    buffer_done(&answer);
    if (c->ws.closed && c->out.len == 0) {
        list_remove(&c->close_node);
        list_push_back(&shard->closing, &c->close_node);
    }
}

void receive_let_go(struct client *client)
{
    struct buffer in = client->in;

    http_request_free(client->request);
    client->request = NULL;
    buffer_init(&client->in, in.cap);
    end_goodbye(client, buffer_view(&in));
    buffer_done(&in);
}

void receive_bytes(struct client *client, struct moment now, struct bytes in)
{
    size_t used;

    if (client->state == CLIENT_CLOSING) {
        end_goodbye(client, in);
        return;
    }
    /* Notes made for it earlier in the turn refer to its subscriptions. */
    delivery_render(client->shard, client);
    used = client->in.len > 0 ? 0 : use_bytes(client, now, in);
    buffer_append(&client->in, bytes_from(in, used));
    if (client->in.overflowed) {
        client_abort(client);
    }
    unfinished_settle(client, now);
}

void receive_later(struct client *client)
{
    if ((client->in.len > 0 || client->unfinished_bytes > 0) &&
        list_empty(&client->resume_node)) {
        list_push_back(&client->shard->resumes, &client->resume_node);
    }
}

/* Use what waited, as far as it can be used now. */
static void resume(struct client *c, struct moment now)
{
    struct buffer in = c->in;
    size_t used;

    if (in.len == 0 || c->state == CLIENT_CLOSING) {
        return;
    }
    buffer_init(&c->in, in.cap);
    used = client_wants_read(c) ? use_bytes(c, now, buffer_view(&in)) : 0;
    check(c->in.len == 0);
    if (used == in.len) {
        buffer_done(&in);
    } else {
        buffer_consume(&in, used);
        c->in = in;
    }
}

void receive_waiting(struct shard *shard, struct moment now)
{
    struct list *node;

    while ((node = list_pop_front(&shard->resumes)) != NULL) {
        struct client *c = list_entry(node, struct client, resume_node);

        delivery_render(shard, c);
        resume(c, now);
        unfinished_settle(c, now);
    }
}

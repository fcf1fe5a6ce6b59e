/* The messages of a WebSocket client, one at a time and in their order. */
#include "src/bridge/ws_session.h"

#include "base/check.h"
#include "src/bridge/admission.h"
#include "src/bridge/replay.h"

#include <stdio.h>

/* More than a pong and a close, with their headers. */
#define CONTROL_BYTES_MAX 512

/* What a message needs while it is handled. */
struct turn {
    struct client *client;
    struct moment now;
};

static struct buffer *text_begin(struct client *c)
{
    buffer_clear(&c->shard->text);
    return &c->shard->text;
}

static void text_send(struct client *c)
{
    check(!c->shard->text.overflowed);
    client_send_text(c, buffer_view(&c->shard->text));
}

static void send_error(struct client *c,
                       const char *type,
                       struct bytes id,
                       enum problem problem,
                       const char *detail)
{
    answer_error(text_begin(c), type, id, problem, detail);
    text_send(c);
}

static void send_keepalive(struct client *c, struct moment now)
{
    answer_ka(text_begin(c));
    text_send(c);
    list_remove(&c->keepalive_node);
    c->keepalive_deadline_ms =
        now.mono_ms + c->shard->options.limits->keepalive_ms;
    list_push_back(&c->shard->keepalives, &c->keepalive_node);
}

void ws_session_begin(struct client *client,
                      struct moment now,
                      enum problem problem)
{
    client->state = CLIENT_WS_OPEN;
    client->websocket = true;
    client_wait_stop(client);
    shard_count(client->shard, websockets_open, 1);
    client->refusal = problem;
    if (problem != PROBLEM_NONE) {
        if (!client->held) {
            client_wait_start(client, CLIENT_WAIT_REFUSED, now);
        }
        return;
    }
    client->keepalive_deadline_ms =
        now.mono_ms + client->shard->options.limits->keepalive_ms;
    list_push_back(&client->shard->keepalives, &client->keepalive_node);
    lease_hold(&client->shard->leases,
               &client->lease,
               LEASE_CLIENT,
               client->shard->admitted);
    client->publisher =
        admission_publishes(client->shard, client->shard->admitted);
}

void ws_session_keepalive(struct client *client, struct moment now)
{
    if (client->out.len == 0) {
        send_keepalive(client, now);
        return;
    }
    list_remove(&client->keepalive_node);
    client->keepalive_deadline_ms =
        now.mono_ms + client->shard->options.limits->keepalive_ms;
    list_push_back(&client->shard->keepalives, &client->keepalive_node);
}

/* No message is looked at any more; the stream still answers a close. */
static void leave(struct client *c, struct moment now)
{
    client_finish(c);
    client_wait_start(c, CLIENT_WAIT_CLOSE, now);
}

void ws_session_close(struct client *client,
                      struct moment now,
                      uint16_t code,
                      const char *reason)
{
    if (client->state == CLIENT_STREAM) {
        leave(client, now); /* it has no words for why */
        return;
    }
    if (client->state != CLIENT_WS_OPEN) {
        return;
    }
    ws_stream_close(&client->ws,
                    client->shard->ws_pool,
                    code,
                    bytes_text(reason),
                    client_output(client));
    leave(client, now);
}

void ws_session_refuse(struct client *client, struct moment now)
{
    check(client->refusal != PROBLEM_NONE);
    send_error(
        client, "connection_error", bytes_of(NULL, 0), client->refusal, NULL);
    ws_session_close(client, now, 1000, "");
}

void ws_session_expire(struct client *client, struct moment now)
{
    if (client->state == CLIENT_WS_OPEN) {
        client->refusal = PROBLEM_KEY_ENDED;
        ws_session_refuse(client, now);
    }
}

static struct subscription *find_subscription(const struct client *c,
                                              struct bytes id)
{
    list_each(node, &c->subscriptions)
    {
        struct subscription *s =
            list_entry(node, struct subscription, client_node);

        if (bytes_equal(subscription_id(s), id)) {
            return s;
        }
    }
    return NULL;
}

/* What a subscription begins with: who knows no cursors is given what the
 * namespace's rules say. */
static struct replay_request first_events(const struct shard *shard,
                                          const struct client_msg *msg,
                                          const struct channel_name *pattern)
{
    const struct namespace_rules *rules = namespace_table_find(
        shard->options.namespaces, channel_name_namespace(pattern));

    if (!msg->cursors && msg->replay.kind == REPLAY_NONE && rules->history &&
        rules->replay_s > 0) {
        return (struct replay_request){.kind = REPLAY_SECONDS,
                                       .count = rules->replay_s};
    }
    return msg->replay;
}

/* Say that it is there, and give it its first events. */
static void begin_subscription(struct client *c,
                               struct subscription *s,
                               const struct client_msg *msg,
                               const struct replay_request *request,
                               const struct replay_start *start)
{
    if (!msg->cursors && msg->replay.kind == REPLAY_NONE) {
        answer_success(text_begin(c), "subscribe_success", msg->id);
        text_send(c);
    } else {
        s->format = SUBSCRIPTION_CURSORS;
        if (start->last == 0) {
            delivery_begun(c->shard, s, &start->at);
        }
    }
    if (request->kind != REPLAY_NONE) {
        replay_begin(c->shard, s, start);
    }
}

static enum problem subscribe(const struct turn *t,
                              const struct client_msg *msg)
{
    struct client *c = t->client;
    struct shard *shard = c->shard;
    struct channel_name pattern;
    struct subscription *s;
    struct replay_request request;
    struct replay_start start;
    enum problem problem;

    if (find_subscription(c, msg->id) != NULL) {
        return PROBLEM_SUBSCRIPTION_EXISTS;
    }
    if (channel_name_parse_pattern(msg->channel, &pattern) != 0) {
        return PROBLEM_CHANNEL_MALFORMED;
    }
    problem = admission_authorize(shard,
                                  t->now,
                                  msg->authorization.api_key,
                                  AUTHORITY_SUBSCRIBE,
                                  &pattern);
    if (problem != PROBLEM_NONE) {
        return problem;
    }
    if (c->subscription_count >= shard->options.limits->subscriptions_max) {
        return PROBLEM_SUBSCRIPTIONS_TOO_MANY;
    }
    /* What was noted for this client is older than the subscription. */
    delivery_render(shard, c);
    request = first_events(shard, msg, &pattern);
    problem = replay_find(shard, t->now, &pattern, 1, &request, &start);
    if (problem != PROBLEM_NONE) {
        return problem;
    }
    s = client_subscription_add(c, msg->id, &pattern, 1, start.place - 1);
    begin_subscription(c, s, msg, &request, &start);
    return PROBLEM_NONE;
}

void ws_session_expire_subscription(struct subscription *s)
{
    struct client *c = s->client;

    delivery_render(c->shard, c);
    send_error(
        c, "subscribe_error", subscription_id(s), PROBLEM_KEY_ENDED, NULL);
    client_subscription_drop(c, s);
}

static void unsubscribe(const struct turn *t, const struct client_msg *msg)
{
    struct client *c = t->client;
    struct subscription *s = find_subscription(c, msg->id);
    char detail[32 + CLIENT_MSG_ID_BYTES_MAX];

    if (s == NULL) {
        (void)snprintf(detail,
                       sizeof(detail),
                       "Unknown operation id %.*s",
                       (int)msg->id.len,
                       (const char *)msg->id.data);
        send_error(c,
                   "unsubscribe_error",
                   msg->id,
                   PROBLEM_SUBSCRIPTION_UNKNOWN,
                   detail);
        return;
    }
    delivery_render(c->shard, c);
    if (s->replay != NULL && s->replay->last > 0) {
        /* Its beginning is still looked for: it is here, with no event. */
        delivery_begun(c->shard, s, &c->shard->vector);
    }
    client_subscription_drop(c, s);
    answer_success(text_begin(c), "unsubscribe_success", msg->id);
    text_send(c);
}

static enum problem publish(const struct turn *t, const struct client_msg *msg)
{
    struct client *c = t->client;
    struct channel_name name;
    enum problem problem;

    if (channel_name_parse(msg->channel, &name) != 0) {
        return PROBLEM_CHANNEL_MALFORMED;
    }
    problem = admission_authorize(
        c->shard, t->now, msg->authorization.api_key, AUTHORITY_PUBLISH, &name);
    if (problem == PROBLEM_NONE) {
        problem = admission_publish(c->shard, c, &name, msg);
    }
    if (problem == PROBLEM_NONE) {
        c->publishes_in_flight++;
    }
    return problem;
}

/* A key that is renewed in time takes the place of the one that opened the
 * connection, and of those of the subscriptions that it allows as well, unless
 * they last longer. */
static void renew(struct client *c, const struct api_key *key)
{
    struct lease_table *leases = &c->shard->leases;

    lease_hold(leases, &c->lease, LEASE_CLIENT, key);
    c->publisher = admission_publishes(c->shard, key);
    list_each(node, &c->subscriptions)
    {
        struct subscription *s =
            list_entry(node, struct subscription, client_node);
        struct channel_name pattern;

        subscription_pattern(s, &pattern);
        if (authority_covers(key, AUTHORITY_SUBSCRIBE, &pattern) &&
            lease_end_s(&s->lease) < lease_end_s(&c->lease)) {
            lease_hold(leases, &s->lease, LEASE_SUBSCRIPTION, key);
        }
    }
}

static enum problem connection_init(const struct turn *t,
                                    const struct client_msg *msg)
{
    struct client *c = t->client;
    struct shard *shard = c->shard;

    if (msg->authorization.api_key.len > 0) {
        enum problem problem = admission_authorize(shard,
                                                   t->now,
                                                   msg->authorization.api_key,
                                                   AUTHORITY_SUBSCRIBE,
                                                   NULL);

        if (problem != PROBLEM_NONE) {
            return problem;
        }
        renew(c, shard->admitted);
    }
    answer_connection_ack(text_begin(c),
                          shard->options.limits->connection_timeout_ms);
    text_send(c);
    /* Some clients wait for a first sign of life right after this. */
    send_keepalive(c, t->now);
    return PROBLEM_NONE;
}

static const char *error_type(enum client_msg_type type)
{
    switch (type) {
    case CLIENT_MSG_SUBSCRIBE:
        return "subscribe_error";
    case CLIENT_MSG_UNSUBSCRIBE:
        return "unsubscribe_error";
    case CLIENT_MSG_PUBLISH:
        return "publish_error";
    case CLIENT_MSG_CONNECTION_INIT:
        return "connection_error";
    case CLIENT_MSG_KA:
    case CLIENT_MSG_UNKNOWN:
        return "error";
    }
    check_unreachable();
}

static enum problem act(const struct turn *t, const struct client_msg *msg)
{
    struct client *c = t->client;

    switch (msg->type) {
    case CLIENT_MSG_CONNECTION_INIT:
        return connection_init(t, msg);
    case CLIENT_MSG_SUBSCRIBE:
        if (c->shard->draining) {
            drain_client(c, t->now);
            return PROBLEM_NONE;
        }
        return subscribe(t, msg);
    case CLIENT_MSG_UNSUBSCRIBE:
        unsubscribe(t, msg);
        return PROBLEM_NONE;
    case CLIENT_MSG_PUBLISH:
        return publish(t, msg);
    case CLIENT_MSG_KA:
        return PROBLEM_NONE;
    case CLIENT_MSG_UNKNOWN:
        return PROBLEM_TYPE_UNKNOWN;
    }
    check_unreachable();
}

static bool on_message(void *context,
                       enum ws_stream_kind kind,
                       struct bytes message)
{
    const struct turn *t = context;
    struct client *c = t->client;
    struct client_msg msg = {.type = CLIENT_MSG_UNKNOWN};
    enum problem problem;

    if (kind == WS_STREAM_PONG || c->state == CLIENT_CLOSING) {
        return true; /* after our goodbye, only the peer's matters */
    }
    shard_count(c->shard, messages_in, 1);
    if (c->refusal != PROBLEM_NONE) {
        ws_session_refuse(c, t->now);
        return false;
    }
    if (kind == WS_STREAM_BINARY) {
        problem = PROBLEM_BINARY;
    } else {
        problem = client_msg_parse(message, &c->shard->scratch, &msg);
        if (problem == PROBLEM_NONE) {
            problem = act(t, &msg);
        }
    }
    if (problem != PROBLEM_NONE) {
        if (msg.type == CLIENT_MSG_PUBLISH) {
            shard_count(c->shard, publishes_refused, 1);
        }
        send_error(c, error_type(msg.type), msg.id, problem, NULL);
    }
    return client_wants_read(c);
}

/* A message is bounded as a whole, as a request is: neither its bytes nor the
 * control frames between its parts give it more time. Of one who may not be
 * here, none is waited for. */
static void wait_for_rest(struct client *c, struct moment now)
{
    if (!ws_stream_unfinished(&c->ws)) {
        if (c->wait == CLIENT_WAIT_MESSAGE) {
            client_wait_stop(c);
        }
        return;
    }
    if (c->refusal != PROBLEM_NONE) {
        ws_session_refuse(c, now);
        return;
    }
    if (c->ws.renewed) {
        client_wait_stop(c);
    }
    client_wait_start(c, CLIENT_WAIT_MESSAGE, now);
}

void ws_session_timeout(struct client *client, struct moment now)
{
    shard_count(client->shard, timeouts, 1);
    ws_session_close(client, now, 1008, "a message took too long to arrive");
}

size_t ws_session_receive(struct client *client,
                          struct moment now,
                          struct bytes in)
{
    struct turn turn = {.client = client, .now = now};
    struct buffer control;
    size_t used;

    /* Pongs and closes go behind what the messages before them caused. A pong
     * is no longer than its ping, whose first bytes may have come before. */
    buffer_init(&control, in.len + CONTROL_BYTES_MAX);
    used = ws_stream_receive(
        &client->ws, client->shard->ws_pool, in, &control, on_message, &turn);
    if (control.len > 0 && !control.overflowed) {
        buffer_append(client_output(client), buffer_view(&control));
    }
    if (control.overflowed) {
        client_abort(client);
    } else if (client->ws.closed && client->state == CLIENT_WS_OPEN) {
        leave(client, now);
    }
    if (client->state == CLIENT_WS_OPEN) {
        wait_for_rest(client, now);
    }
    buffer_done(&control);
    return used;
}

void ws_session_answer(struct client *client, const struct publish *publish)
{
    struct answer_outcome outcomes[CLIENT_MSG_EVENTS_MAX];

    check(client->publishes_in_flight > 0);
    client->publishes_in_flight--;
    if (client->state != CLIENT_WS_OPEN) {
        return;
    }
    if (publish->problem != PROBLEM_NONE) {
        send_error(client,
                   "publish_error",
                   publish_id(publish),
                   publish->problem,
                   NULL);
        return;
    }
    for (size_t i = 0; i < publish->count; i++) {
        outcomes[i] = publish->items[i].outcome;
    }
    answer_publish_result(
        text_begin(client), publish_id(publish), outcomes, publish->count);
    text_send(client);
}

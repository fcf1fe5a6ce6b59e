/* A client connection: its life, its output and its waits. */
#include "src/bridge/client.h"

#include "base/alloc.h"
#include "base/check.h"
#include "proto/ws_frame.h"
#include "src/bridge/receive.h"
#include "src/bridge/replay.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/unfinished.h"

#include <stdlib.h>

/* Output is bounded by the send buffer's setting and what one read, or one
 * event, can still add to it; this is more than those can be. */
#define OUTPUT_BYTES_BEYOND_MAX ((size_t)64 << 20)

/* A read that came while the client could not use it, twice over. */
#define INPUT_BYTES_MAX ((size_t)16 << 20)

struct client *client_new(struct shard *shard, uint64_t id, void *socket)
{
    struct client *c = alloc_zero(sizeof(*c));

    c->id = id;
    c->socket = socket;
    c->shard = shard;
    c->state = CLIENT_HTTP_IDLE;
    buffer_init(&c->in, INPUT_BYTES_MAX);
    buffer_init(&c->out,
                shard->options.limits->send_buffer_max +
                    OUTPUT_BYTES_BEYOND_MAX);
    list_init(&c->wait_node);
    list_init(&c->keepalive_node);
    list_init(&c->write_node);
    list_init(&c->hold_node);
    list_init(&c->subscriptions);
    list_init(&c->replays);
    list_init(&c->send_node);
    list_init(&c->close_node);
    list_init(&c->resume_node);
    list_init(&c->unfinished_node);
    lease_holder_init(&c->lease);
    ws_stream_init(&c->ws, false);
    return c;
}

static void unhold(struct client *c)
{
    if (c->held) {
        c->held = false;
        c->shard->held_count--;
        list_remove(&c->hold_node);
    }
}

void client_hold(struct client *c, struct moment now)
{
    struct shard *shard = c->shard;

    if (c->held || shard->held_count == CLIENT_HELD_MAX) {
        return;
    }
    c->held = true;
    c->hold_deadline_ms = now.mono_ms + CLIENT_HOLD_MS;
    list_push_back(&shard->held, &c->hold_node);
    shard->held_count++;
    shard_count(shard, answers_held, 1);
}

void client_release(struct client *c, struct moment now)
{
    unhold(c);
    (void)client_output(c);
    if (c->state == CLIENT_WS_OPEN && c->refusal != PROBLEM_NONE) {
        client_wait_start(c, CLIENT_WAIT_REFUSED, now);
    }
}

void client_free(struct client *c)
{
    struct shard *shard = c->shard;

    while (!list_empty(&c->subscriptions)) {
        client_subscription_drop(c,
                                 list_entry(c->subscriptions.next,
                                            struct subscription,
                                            client_node));
    }
    if (c->websocket) {
        shard_count(shard, websockets_open, -1);
    }
    list_remove(&c->wait_node);
    list_remove(&c->keepalive_node);
    list_remove(&c->write_node);
    unhold(c);
    list_remove(&c->send_node);
    list_remove(&c->close_node);
    list_remove(&c->resume_node);
    lease_release(&shard->leases, &c->lease);
    if (c->history != NULL) {
        history_drop(c);
    }
    http_request_free(c->request);
    ws_stream_done(&c->ws, shard->ws_pool);
    buffer_done(&c->in);
    buffer_done(&c->out);
    unfinished_release(c);
    free(c);
}

static void move_to(struct list *list, struct list *node)
{
    list_remove(node);
    list_push_back(list, node);
}

struct subscription *client_subscription_add(
    struct client *c,
    struct bytes id,
    const struct channel_name *patterns,
    size_t pattern_count,
    uint64_t after_place)
{
    struct subscription *s = subscription_new(
        &c->shard->subscriptions, c, id, patterns, pattern_count, after_place);

    lease_hold(
        &c->shard->leases, &s->lease, LEASE_SUBSCRIPTION, c->shard->admitted);
    list_push_back(&c->subscriptions, &s->client_node);
    c->subscription_count++;
    shard_count(c->shard, subscriptions_open, 1);
    return s;
}

void client_subscription_drop(struct client *c, struct subscription *s)
{
    struct shard *shard = c->shard;

    if (s->replay != NULL) {
        replay_end(s->replay);
    }
    lease_release(&shard->leases, &s->lease);
    subscription_end(&shard->subscriptions, s);
    list_push_back(&shard->ended_subscriptions, &s->client_node);
    c->subscription_count--;
    shard_count(shard, subscriptions_open, -1);
}

bool client_subscribes(const struct client *c)
{
    return c->state == CLIENT_WS_OPEN || c->state == CLIENT_STREAM ||
           c->state == CLIENT_HISTORY;
}

bool client_takes_page(const struct client *c)
{
    return client_subscribes(c) && c->out.len == 0 && c->first_delivery == 0;
}

struct buffer *client_output(struct client *c)
{
    /* What was to be delivered before this answer goes out before it. */
    delivery_render(c->shard, c);
    if (list_empty(&c->send_node)) {
        list_push_back(&c->shard->sending, &c->send_node);
    }
    return &c->out;
}

void client_send_text(struct client *c, struct bytes text)
{
    struct buffer *out = client_output(c);
    uint8_t header[WS_FRAME_HEADER_MAX];
    size_t len = ws_frame_header(header, WS_FRAME_TEXT, false, text.len);

    buffer_append(out, bytes_of(header, len));
    buffer_append(out, text);
    check(!out->overflowed);
}

void client_finish(struct client *c)
{
    if (c->state == CLIENT_CLOSING) {
        return;
    }
    c->state = CLIENT_CLOSING;
    client_wait_stop(c);
    list_remove(&c->keepalive_node);
    receive_later(c);
    (void)client_output(c);
}

void client_abort(struct client *c)
{
    c->state = CLIENT_CLOSING;
    c->aborted = true;
    client_wait_stop(c);
    unhold(c);
    list_remove(&c->keepalive_node);
    list_remove(&c->send_node);
    if (c->history != NULL) {
        list_remove(&c->history->node); /* there is nobody to answer */
    }
    receive_later(c);
    move_to(&c->shard->closing, &c->close_node);
}

void client_wait_start(struct client *c,
                       enum client_wait wait,
                       struct moment now)
{
    const struct shard_limits *limits = c->shard->options.limits;
    uint64_t wait_ms[CLIENT_WAIT_COUNT] = {
        [CLIENT_WAIT_REQUEST] = limits->request_timeout_ms,
        [CLIENT_WAIT_IDLE] = limits->idle_timeout_ms,
        [CLIENT_WAIT_CLOSE] = limits->close_timeout_ms,
        [CLIENT_WAIT_REFUSED] = CLIENT_REFUSED_TIMEOUT_MS,
        [CLIENT_WAIT_MESSAGE] = limits->request_timeout_ms,
    };

    check(wait != CLIENT_WAIT_NONE);
    if (c->wait == wait) {
        return;
    }
    c->wait = wait;
    c->wait_deadline_ms = now.mono_ms + wait_ms[wait];
    move_to(&c->shard->waits[wait], &c->wait_node);
}

void client_wait_stop(struct client *c)
{
    c->wait = CLIENT_WAIT_NONE;
    list_remove(&c->wait_node);
}

bool client_wants_read(const struct client *c)
{
    const struct shard_limits *limits = c->shard->options.limits;

    if (c->peer_done) {
        return false;
    }
    switch (c->state) {
    case CLIENT_HTTP_IDLE:
    case CLIENT_HTTP_READING:
        return !c->held && c->in.len == 0 &&
               c->out.len <= limits->send_buffer_max;
    case CLIENT_HTTP_WAITING:
    case CLIENT_HISTORY:
        return false;
    case CLIENT_STREAM:
        return true; /* to notice the peer's end; the bytes are dropped */
    case CLIENT_WS_OPEN:
        return !c->held && c->in.len == 0 &&
               c->out.len <= limits->send_buffer_max &&
               c->publishes_in_flight < limits->publishes_in_flight_max;
    case CLIENT_CLOSING:
        return true; /* to notice the peer's end; the bytes are dropped */
    }
    check_unreachable();
}

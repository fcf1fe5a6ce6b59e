/* Small amounts are only summed for the metrics. Larger ones are charged to the
 * node in granules, so that threads meet here only when a buffer grows. */
#include "src/bridge/unfinished.h"

#include "base/check.h"
#include "src/bridge/http_api.h"
#include "src/bridge/receive.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/ws_session.h"

#define GRANULE_BYTES ((size_t)16 * 1024)

static size_t held_by(const struct client *c)
{
    size_t request = c->request == NULL ? 0 : http_request_held(c->request);

    return request + ws_stream_held(&c->ws) + c->in.capacity;
}

static bool publishes(const struct client *c)
{
    return !c->websocket || c->publisher;
}

/* What is charged for so many bytes. */
static size_t price(size_t bytes)
{
    return bytes <= UNFINISHED_SMALL_BYTES
               ? 0
               : (bytes + GRANULE_BYTES - 1) / GRANULE_BYTES * GRANULE_BYTES;
}

/* Have it charged what it holds; false, changing nothing, when there is no
 * room. */
static bool charge(struct client *c)
{
    struct shard *shard = c->shard;
    struct intake *budget = shard->options.unfinished;
    size_t max = publishes(c) ? budget->bytes_max : budget->bytes_max / 4;
    size_t wanted = price(c->unfinished_bytes);

    if (wanted > c->charged &&
        !intake_charge_within(budget, wanted - c->charged, max)) {
        return false;
    }
    if (wanted < c->charged) {
        intake_release(budget, c->charged - wanted);
    }
    if (wanted == 0) {
        list_remove(&c->unfinished_node);
    } else if (c->charged == 0) {
        list_push_back(&shard->unfinished, &c->unfinished_node);
    }
    c->charged = wanted;
    return true;
}

static void count(struct client *c, size_t held)
{
    shard_count(c->shard, unfinished_bytes, held - c->unfinished_bytes);
    c->unfinished_bytes = held;
}

/* What has come is said no to; of what waits behind an answer nothing was
 * looked at, and only the answer goes out. */
static void refuse_request(struct client *c, struct moment now)
{
    c->keep_alive = false;
    c->head_only = false;
    if (c->request == NULL) {
        client_finish(c);
        client_wait_start(c, CLIENT_WAIT_CLOSE, now);
        return;
    }
    http_api_finish(c, now, PROBLEM_BUSY, bytes_of(NULL, 0));
}

/* An answer to a publish is still given, but to nothing that came after; what
 * is left of that is charged whether there is room or not. */
static void refuse(struct client *c, struct moment now)
{
    shard_count(c->shard, unfinished_refused, 1);
    list_remove(&c->unfinished_node);
    switch (c->state) {
    case CLIENT_HTTP_IDLE:
    case CLIENT_HTTP_READING:
        refuse_request(c, now);
        break;
    case CLIENT_WS_OPEN:
        ws_session_close(c, now, 1013, "too much at once: try again later");
        break;
    case CLIENT_HTTP_WAITING:
    case CLIENT_HISTORY:
        c->keep_alive = false;
        buffer_done(&c->in);
        if (c->state == CLIENT_HISTORY && price(held_by(c)) > 0) {
            history_fail(c, now, PROBLEM_BUSY);
        }
        break;
    case CLIENT_STREAM:
    case CLIENT_CLOSING:
        break;
    }
    if (c->state == CLIENT_CLOSING) {
        receive_let_go(c);
    }
    count(c, held_by(c));
    if (price(c->unfinished_bytes) > c->charged) {
        intake_add(c->shard->options.unfinished,
                   price(c->unfinished_bytes) - c->charged);
        c->charged = price(c->unfinished_bytes);
    }
    check(charge(c));
}

void unfinished_settle(struct client *client, struct moment now)
{
    struct list *charged = &client->shard->unfinished;
    size_t held = 0;

    if (client->state == CLIENT_CLOSING) {
        receive_let_go(client);
    }
    held = held_by(client);
    if (held != client->unfinished_bytes) {
        count(client, held);
    }
    while (!charge(client)) {
        bool newest =
            client->charged == 0 || !publishes(client) || list_empty(charged);

        refuse(newest
                   ? client
                   : list_entry(charged->prev, struct client, unfinished_node),
               now);
    }
}

void unfinished_release(struct client *client)
{
    count(client, 0);
    check(charge(client));
}

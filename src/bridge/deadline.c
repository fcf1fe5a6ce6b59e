/* Lists in the order of their deadlines, each looked at from its front. */
#include "src/bridge/deadline.h"

#include "base/check.h"
#include "src/bridge/event_stream.h"
#include "src/bridge/http_api.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/ws_session.h"

static void expire_waits(struct shard *shard,
                         struct moment now,
                         enum client_wait wait)
{
    struct list *list = &shard->waits[wait];

    while (!list_empty(list)) {
        struct client *c = list_entry(list->next, struct client, wait_node);

        if (c->wait_deadline_ms > now.mono_ms) {
            return;
        }
        client_wait_stop(c);
        if (wait == CLIENT_WAIT_REQUEST) {
            http_api_timeout(c, now);
        } else if (wait == CLIENT_WAIT_REFUSED) {
            ws_session_refuse(c, now);
        } else if (wait == CLIENT_WAIT_MESSAGE) {
            ws_session_timeout(c, now);
        } else {
            client_abort(c);
        }
    }
}

/* What an ended key allowed ends, each with its own error. */
static void expire_leases(struct shard *shard, struct moment now)
{
    struct lease_holder *h;
    enum lease_kind kind;

    while ((h = lease_take_ended(&shard->leases, now, &kind)) != NULL) {
        struct subscription *s;

        if (kind == LEASE_CLIENT) {
            ws_session_expire(list_entry(h, struct client, lease), now);
            continue;
        }
        s = list_entry(h, struct subscription, lease);
        switch (s->client->state) {
        case CLIENT_WS_OPEN:
            ws_session_expire_subscription(s);
            break;
        case CLIENT_STREAM:
            event_stream_expire(s->client, now);
            break;
        case CLIENT_HISTORY:
            history_fail(s->client, now, PROBLEM_KEY_ENDED);
            break;
        case CLIENT_HTTP_IDLE:
        case CLIENT_HTTP_READING:
        case CLIENT_HTTP_WAITING:
            check_unreachable();
        case CLIENT_CLOSING:
            break; /* it leaves with its client */
        }
    }
}

/* A slow subscriber costs nothing and is waited for, unless what it sent waits
 * as well, at the cost of others (unfinished.h); it may come to that later. */
static void expire_write(struct client *c, struct moment now)
{
    struct shard *shard = c->shard;

    list_remove(&c->write_node);
    if (client_subscribes(c) && c->state != CLIENT_HISTORY && c->charged == 0) {
        c->write_deadline_ms =
            now.mono_ms + shard->options.limits->write_timeout_ms;
        list_push_back(&shard->blocked, &c->write_node);
        return;
    }
    shard_count(shard, timeouts, 1);
    client_abort(c);
}

void deadline_expire(struct shard *shard, struct moment now)
{
    struct list *list = &shard->keepalives;

    expire_leases(shard, now);
    for (int wait = CLIENT_WAIT_NONE + 1; wait < CLIENT_WAIT_COUNT; wait++) {
        expire_waits(shard, now, (enum client_wait)wait);
    }
    while (!list_empty(list)) {
        struct client *c =
            list_entry(list->next, struct client, keepalive_node);

        if (c->keepalive_deadline_ms > now.mono_ms) {
            break;
        }
        ws_session_keepalive(c, now);
    }
    list = &shard->stream_keepalives;
    while (!list_empty(list)) {
        struct client *c =
            list_entry(list->next, struct client, keepalive_node);

        if (c->keepalive_deadline_ms > now.mono_ms) {
            break;
        }
        event_stream_keepalive(c, now);
    }
    list = &shard->histories;
    while (!list_empty(list)) {
        struct history *h = list_entry(list->next, struct history, node);

        if (h->deadline_ms > now.mono_ms) {
            break;
        }
        history_timeout(h->subscription->client, now);
    }
    list = &shard->held;
    while (!list_empty(list)) {
        struct client *c = list_entry(list->next, struct client, hold_node);

        if (c->hold_deadline_ms > now.mono_ms) {
            break;
        }
        client_release(c, now);
    }
    list = &shard->blocked;
    while (!list_empty(list)) {
        struct client *c = list_entry(list->next, struct client, write_node);

        if (c->write_deadline_ms > now.mono_ms) {
            break;
        }
        expire_write(c, now);
    }
}

/* Keys end by the wall's clock: where that stands on the other one now. */
static uint64_t next_lease_ms(const struct shard *shard)
{
    uint64_t wall_ms = lease_next_ms(&shard->leases);

    if (wall_ms == MOMENT_NEVER) {
        return MOMENT_NEVER;
    }
    return wall_ms <= shard->now.wall_ms
               ? shard->now.mono_ms
               : shard->now.mono_ms + (wall_ms - shard->now.wall_ms);
}

uint64_t deadline_next_ms(const struct shard *shard)
{
    uint64_t deadline_ms = MOMENT_NEVER;
    uint64_t lease_ms = next_lease_ms(shard);

#define EARLIER(list, node, field)                                          \
    if (!list_empty(list)) {                                                \
        uint64_t at = list_entry((list)->next, struct client, node)->field; \
        deadline_ms = at < deadline_ms ? at : deadline_ms;                  \
    }
    for (int wait = CLIENT_WAIT_NONE + 1; wait < CLIENT_WAIT_COUNT; wait++) {
        EARLIER(&shard->waits[wait], wait_node, wait_deadline_ms)
    }
    EARLIER(&shard->keepalives, keepalive_node, keepalive_deadline_ms)
    EARLIER(&shard->stream_keepalives, keepalive_node, keepalive_deadline_ms)
    EARLIER(&shard->held, hold_node, hold_deadline_ms)
    EARLIER(&shard->blocked, write_node, write_deadline_ms)
#undef EARLIER
    if (!list_empty(&shard->histories)) {
        uint64_t at = list_entry(shard->histories.next, struct history, node)
                          ->deadline_ms;

        deadline_ms = at < deadline_ms ? at : deadline_ms;
    }
    return lease_ms < deadline_ms ? lease_ms : deadline_ms;
}

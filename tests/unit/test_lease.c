/* What was begun with a key ends with the key, and not before. */
#include "src/bridge/lease.h"

#include "src/bridge/shard_state.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>

#define NOW_S (SHARD_WORLD_WALL_MS / 1000)

static struct api_key key_of(const char *id, uint64_t expires_s)
{
    struct api_key key = {.expires_s = expires_s};

    (void)snprintf(key.id, sizeof(key.id), "%s", id);
    return key;
}

static struct moment at(uint64_t wall_s)
{
    return (struct moment){.wall_ms = wall_s * 1000};
}

TAP_CASE(those_that_hold_what_has_ended_are_named_once_clients_first)
{
    struct lease_table t;
    struct lease_holder holders[3];
    struct api_key ends = key_of("a", 100);
    struct api_key later = key_of("a", 101);
    enum lease_kind kind;

    lease_table_init(&t, 1);
    for (int i = 0; i < 3; i++) {
        lease_holder_init(&holders[i]);
    }
    lease_hold(&t, &holders[0], LEASE_SUBSCRIPTION, &ends);
    lease_hold(&t, &holders[1], LEASE_CLIENT, &ends);
    lease_hold(&t, &holders[2], LEASE_CLIENT, &later);
    tap_equal(lease_next_ms(&t), 100000);
    tap_check(lease_take_ended(&t, (struct moment){.wall_ms = 99999}, &kind) ==
              NULL);
    tap_check(lease_take_ended(&t, at(100), &kind) == &holders[1]);
    tap_equal(kind, LEASE_CLIENT);
    tap_check(lease_take_ended(&t, at(100), &kind) == &holders[0]);
    tap_equal(kind, LEASE_SUBSCRIPTION);
    tap_check(lease_take_ended(&t, at(100), &kind) == NULL);
    tap_equal(lease_next_ms(&t), 101000);
    lease_release(&t, &holders[2]);
    tap_check(lease_next_ms(&t) == MOMENT_NEVER);
    lease_table_done(&t);
}

TAP_CASE(a_key_without_an_end_never_ends)
{
    struct lease_table t;
    struct lease_holder h;
    struct api_key forever = key_of("a", 0);
    struct api_key absurd = key_of("b", UINT64_MAX);
    enum lease_kind kind;

    lease_table_init(&t, 1);
    lease_holder_init(&h);
    lease_hold(&t, &h, LEASE_CLIENT, &forever);
    tap_check(lease_end_s(&h) == UINT64_MAX);
    lease_hold(&t, &h, LEASE_CLIENT, &absurd);
    tap_check(lease_next_ms(&t) == MOMENT_NEVER);
    tap_check(lease_take_ended(
                  &t, (struct moment){.wall_ms = UINT64_MAX}, &kind) == NULL);
    lease_release(&t, &h);
    lease_release(&t, &h);
    lease_table_done(&t);
}

/* A world, and a key of all subscriptions that ends in so many seconds. */
static const char *short_key(struct shard_world *w, uint64_t seconds)
{
    return shard_world_key(w, NULL, "/*", false, NOW_S + seconds);
}

/* A WebSocket opened with that key. */
static struct shard_peer *open_with(struct shard_world *w, const char *key)
{
    const char *own = w->key;
    struct shard_peer *p;

    w->key = key;
    p = shard_world_websocket(w);
    w->key = own;
    return p;
}

static void subscribe_with(struct shard_peer *p,
                           const char *id,
                           const char *channel,
                           const char *key)
{
    shard_peer_say(p,
                   "{\"type\":\"subscribe\",\"id\":\"%s\",\"channel\":\"%s\","
                   "\"authorization\":{\"x-api-key\":\"%s\"}}",
                   id,
                   channel,
                   key);
}

static void renew(struct shard_peer *p, const char *key)
{
    shard_peer_say(p,
                   "{\"type\":\"connection_init\",\"authorization\":{"
                   "\"x-api-key\":\"%s\"}}",
                   key);
}

static bool has(const char *lines, const char *what)
{
    return strstr(lines, what) != NULL;
}

static const char error[] =
    "{\"type\":\"connection_error\",\"errors\":[{\"errorType\":"
    "\"UnauthorizedException\",\"message\":\"The API key has expired";

TAP_CASE(a_websocket_ends_with_the_key_that_opened_it)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = open_with(w, short_key(w, 5));
    const char *lines;

    shard_peer_subscribe(p, "s", "/default/a"); /* by a key without an end */
    shard_world_settle(w);
    (void)shard_peer_lines(p);
    shard_world_wait(w, 4999);
    shard_world_publish(w, "/default/a", "1");
    shard_world_settle(w);
    tap_check(has(shard_peer_lines(p), "\"event\":\"1\""));
    shard_world_wait(w, 1);
    shard_world_publish(w, "/default/a", "2");
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    tap_check(has(lines, error));
    tap_check(has(lines, "close 1000"));
    tap_check(!has(lines, "\"event\""));
    shard_world_wait(w, 10000);
    tap_check(p->closed);
    tap_equal(w->metrics.subscriptions_open, 0);
    shard_world_free(w);
}

TAP_CASE(a_subscription_ends_with_the_key_that_it_came_with)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    shard_peer_subscribe(p, "stays", "/default/a");
    subscribe_with(p, "goes", "/default/*", short_key(w, 5));
    shard_world_settle(w);
    (void)shard_peer_lines(p);
    shard_world_publish(w, "/default/a", "1");
    shard_world_settle(w);
    shard_world_wait(w, 5000);
    shard_world_publish(w, "/default/a", "2");
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    tap_check(has(lines,
                  "{\"type\":\"subscribe_error\",\"id\":\"goes\",\"errors\":[{"
                  "\"errorType\":\"UnauthorizedException\""));
    tap_check(has(lines, "\"id\":\"goes\",\"event\":\"1\""));
    tap_check(!has(lines, "\"id\":\"goes\",\"event\":\"2\""));
    tap_check(has(lines, "\"id\":\"stays\",\"event\":\"2\""));
    tap_equal(w->metrics.subscriptions_open, 1);
    tap_check(!p->closed);
    shard_world_free(w);
}

TAP_CASE(a_key_that_is_renewed_in_time_serves_all_that_it_allows)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *old = short_key(w, 5);
    struct shard_peer *p = open_with(w, old);
    const char *lines;

    subscribe_with(p, "a", "/default/a", old);
    subscribe_with(p, "all", "/default/*", old);
    subscribe_with(p, "other", "/other/x", old);
    renew(p, shard_world_key(w, NULL, "/default/*", false, NOW_S + 60));
    shard_world_settle(w);
    tap_check(has(shard_peer_lines(p), "connection_ack"));
    shard_world_wait(w, 6000);
    shard_world_publish(w, "/default/a", "1");
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    tap_check(has(lines, "\"id\":\"a\",\"event\":\"1\""));
    tap_check(has(lines, "\"id\":\"all\",\"event\":\"1\""));
    tap_check(has(lines, "{\"type\":\"subscribe_error\",\"id\":\"other\""));
    shard_world_wait(w, 54000);
    tap_check(has(shard_peer_lines(p), error));
    shard_world_free(w);
}

TAP_CASE(a_renewal_with_a_bad_key_changes_nothing)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = open_with(w, short_key(w, 5));
    const char *lines;

    renew(p, "weir1_AAAA");
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    tap_check(has(lines, "\"connection_error\""));
    tap_check(!has(lines, "close"));
    shard_world_wait(w, 4999);
    tap_check(!has(shard_peer_lines(p), "close"));
    shard_world_wait(w, 1);
    tap_check(has(shard_peer_lines(p), "close 1000"));
    shard_world_free(w);
}

TAP_CASE(a_shorter_renewal_does_not_shorten_what_lasts_longer)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "s", "/default/a");
    renew(p, short_key(w, 5));
    shard_world_settle(w);
    tap_check(lease_end_s(&list_entry(p->client->subscriptions.next,
                                      struct subscription,
                                      client_node)
                               ->lease) == UINT64_MAX);
    shard_world_wait(w, 5000); /* the connection's key was given up for it */
    tap_check(has(shard_peer_lines(p), error));
    shard_world_free(w);
}

static void get(struct shard_peer *p, const char *target, const char *key)
{
    char text[2048];

    (void)snprintf(text,
                   sizeof(text),
                   "GET %s HTTP/1.1\r\nHost: h\r\nx-api-key: %s\r\n\r\n",
                   target,
                   key);
    shard_peer_send(p, text);
}

TAP_CASE(an_event_stream_ends_with_its_key_and_says_so)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    struct bytes got;

    get(p,
        "/event/stream?channel=/default/a&channel=/other/*",
        short_key(w, 5));
    shard_world_settle(w);
    shard_world_wait(w, 5000);
    shard_world_publish(w, "/default/a", "\"late\"");
    shard_world_settle(w);
    got = shard_peer_take(p);
    buffer_u8(&p->taken, 0);
    tap_check(got.len > 0);
    tap_check(has((const char *)p->taken.data,
                  "event: end\ndata: {\"errors\":[{\"errorType\":"
                  "\"UnauthorizedException\""));
    tap_check(!has((const char *)p->taken.data, "late"));
    tap_check(p->half_closed);
    shard_world_free(w);
}

TAP_CASE(a_request_that_waits_is_refused_when_its_key_ends)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    get(p, "/event?channel=/default/a&last=0&wait=30", short_key(w, 5));
    shard_world_settle(w);
    shard_world_wait(w, 4999);
    tap_equal(shard_peer_answer(p, NULL), 0);
    shard_world_wait(w, 1);
    tap_equal(shard_peer_answer(p, NULL), 401);
    tap_equal(w->metrics.subscriptions_open, 0);
    shard_world_free(w);
}

TAP_CASE(a_key_ends_by_the_walls_clock_also_when_that_is_set)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = open_with(w, short_key(w, 3600));
    struct shard_peer *q = open_with(w, short_key(w, 7200));
    uint64_t deadline_ms = shard_deadline_ms(w->shard);

    tap_check(deadline_ms <= w->now.mono_ms + 3600 * 1000);
    w->now.wall_ms += 3600 * 1000;
    shard_world_wait(w, 60000); /* whatever happens next tells the time */
    tap_check(has(shard_peer_lines(p), error));
    tap_check(!has(shard_peer_lines(q), error));
    shard_world_free(w);
}

TAP_MAIN()

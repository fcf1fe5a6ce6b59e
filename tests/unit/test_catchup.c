/* Slow clients: they fall behind at the bound of their send buffer, read the
 * log page by page, and are live again with nothing missed and nothing twice.
 */
#include "src/bridge/replay.h"
#include "src/bridge/shard_state.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

#define SEND_BUFFER_MAX 4096

/* A world with a small send buffer and small pages. */
static struct shard_world *small_world(void)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;

    options.limits.send_buffer_max = SEND_BUFFER_MAX;
    w = shard_world_new(&options);
    w->page_bytes_max = 2000;
    w->pages_per_turn = 2;
    return w;
}

static bool is_behind(const struct shard_peer *p)
{
    return !list_empty(&p->client->replays);
}

/* Where the one that reads next stands. */
static uint64_t behind_place(const struct shard_peer *p)
{
    tap_check(is_behind(p));
    return list_entry(p->client->replays.next, struct replay, node)->from_place;
}

static void subscribe(struct shard_peer *p, const char *id, const char *channel)
{
    shard_peer_subscribe(p, id, channel);
    shard_world_turn(p->world);
    tap_check(strstr(shard_peer_lines(p), "subscribe_success") != NULL);
}

/* Events numbered from `first` on, `len` bytes each, a batch each. */
static void publish(struct shard_world *w,
                    const char *channel,
                    int first,
                    int count,
                    size_t len)
{
    char *text = malloc(len + 32);

    for (int number = first; number < first + count; number++) {
        size_t at = (size_t)sprintf(text, "\"%d:", number);

        memset(text + at, 'x', len - at);
        text[len - 1] = '"';
        text[len] = '\0';
        shard_world_publish(w, channel, text);
        shard_world_commit(w);
        shard_world_turn(w);
    }
    free(text);
}

/* The number of the next data line of this id, -1: none. */
static int next_number(const char **lines, const char *id)
{
    char begin[128];
    const char *at;

    snprintf(begin,
             sizeof(begin),
             "{\"type\":\"data\",\"id\":\"%s\",\"event\":\"\\\"",
             id);
    at = strstr(*lines, begin);
    if (at == NULL) {
        return -1;
    }
    *lines = at + strlen(begin);
    return atoi(*lines);
}

/* Each id has exactly the events from `first` to before `end`, in order. */
static void has_exactly(const char *lines, const char *id, int first, int end)
{
    for (int number = first; number < end; number++) {
        tap_equal(next_number(&lines, id), number);
    }
    tap_equal(next_number(&lines, id), -1);
}

TAP_CASE(a_blocked_client_is_live_up_to_its_send_buffer_and_behind_above_it)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    for (int number = 0; !is_behind(p); number++) {
        publish(w, "/default/a", number, 1, 100);
    }
    /* Full but for less than one more event, and never above by more. */
    tap_check(p->client->out.len > SEND_BUFFER_MAX - 200);
    tap_check(p->client->out.len <= SEND_BUFFER_MAX + 200);
    tap_equal(behind_place(p), w->log_count);
    tap_equal(w->metrics.catchup_begun, 1);
    shard_world_free(w);
}

TAP_CASE(what_a_blocked_client_holds_does_not_grow_with_what_it_misses)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    size_t held;

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 100, 100);
    held = p->client->out.len;
    publish(w, "/default/a", 100, 1000, 100);
    tap_equal(p->client->out.len, held);
    tap_equal(w->metrics.catchup_begun, 1);
    tap_equal(w->pages, 0);
    shard_world_free(w);
}

TAP_CASE(a_client_that_drains_gets_all_it_missed_page_by_page_in_order)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 500, 100);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    has_exactly(shard_peer_lines(p), "s", 0, 500);
    tap_check(w->pages > 10);
    tap_check(!is_behind(p));
    publish(w, "/default/a", 500, 3, 100);
    has_exactly(shard_peer_lines(p), "s", 500, 503);
    tap_equal(w->metrics.catchup_begun, 1);
    shard_world_free(w);
}

TAP_CASE(a_client_that_takes_little_at_a_time_gets_everything_once)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 300, 100);
    while (is_behind(p) || p->client->out.len > 0) {
        shard_peer_allow(p, 777);
        shard_world_turn(w);
        tap_check(p->client->out.len <= SEND_BUFFER_MAX + 200);
    }
    has_exactly(shard_peer_lines(p), "s", 0, 300);
    shard_world_free(w);
}

TAP_CASE(events_that_come_while_it_catches_up_follow_once_and_in_order)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    int number = 300;

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 300, 100);
    while (is_behind(p)) {
        shard_peer_allow(p, 2000);
        publish(w, "/default/a", number++, 1, 100);
    }
    tap_check(number > 310);
    shard_peer_allow(p, SIZE_MAX);
    publish(w, "/default/a", number++, 1, 100);
    shard_world_settle(w);
    has_exactly(shard_peer_lines(p), "s", 0, number);
    shard_world_free(w);
}

TAP_CASE(records_above_the_place_that_the_shard_has_walked_to_come_live)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct batch *batch;

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 100, 100);
    shard_world_publish(w, "/default/a", "\"100:\"");
    /* The log is one event ahead of the shard. */
    batch = shard_world_store(w);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    tap_check(!is_behind(p));
    has_exactly(shard_peer_lines(p), "s", 0, 100);
    shard_world_give(w, batch);
    shard_world_settle(w);
    has_exactly(shard_peer_lines(p), "s", 100, 101);
    shard_world_free(w);
}

TAP_CASE(each_of_several_subscriptions_catches_up_with_its_own_events)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;
    const char *a;
    const char *b;

    subscribe(p, "a", "/default/a");
    subscribe(p, "b", "/default/b");
    subscribe(p, "all", "/default/*");
    shard_peer_block(p);
    for (int i = 0; i < 100; i++) {
        publish(w, i % 2 == 0 ? "/default/a" : "/default/b", i, 1, 100);
    }
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    has_exactly(lines, "all", 0, 100);
    a = lines;
    b = lines;
    for (int number = 0; number < 100; number += 2) {
        tap_equal(next_number(&a, "a"), number);
        tap_equal(next_number(&b, "b"), number + 1);
    }
    tap_equal(next_number(&a, "a"), -1);
    tap_equal(next_number(&b, "b"), -1);
    shard_world_free(w);
}

TAP_CASE(two_hundred_subscriptions_to_one_channel_all_get_large_events)
{
    enum { SUBSCRIPTIONS = 200, EVENTS = 6, BYTES = 20000 };
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;
    int next[SUBSCRIPTIONS] = {0};
    char id[16];

    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        snprintf(id, sizeof(id), "s%d", i);
        subscribe(p, id, "/default/a");
    }
    publish(w, "/default/a", 0, EVENTS / 2, BYTES);
    shard_peer_block(p);
    publish(w, "/default/a", EVENTS / 2, EVENTS / 2, BYTES);
    while (is_behind(p) || p->client->out.len > 0) {
        shard_peer_allow(p, 30000);
        shard_world_turn(w);
        tap_check(p->client->out.len <= SEND_BUFFER_MAX + BYTES + 200);
    }
    for (lines = shard_peer_lines(p); *lines != '\0';
         lines = strchr(lines, '\n') + 1) {
        int number;
        int n;

        tap_equal(sscanf(lines,
                         "{\"type\":\"data\",\"id\":\"s%d\",\"event\":"
                         "\"\\\"%d:",
                         &n,
                         &number),
                  2);
        tap_check(n >= 0 && n < SUBSCRIPTIONS);
        tap_equal(number, next[n]);
        next[n]++;
    }
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        tap_equal(next[i], EVENTS);
    }
    shard_world_free(w);
}

TAP_CASE(a_subscription_made_while_behind_gets_only_what_comes_after_it)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    subscribe(p, "old", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 100, 100);
    /* Below the send buffer, so that its messages are read, but behind. */
    w->pages_per_turn = 0;
    shard_peer_allow(p, SIZE_MAX);
    shard_world_turn(w);
    tap_check(is_behind(p));
    shard_peer_subscribe(p, "new", "/default/a");
    shard_world_turn(w);
    publish(w, "/default/a", 100, 5, 100);
    w->pages_per_turn = 2;
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    has_exactly(lines, "old", 0, 105);
    has_exactly(lines, "new", 100, 105);
    shard_world_free(w);
}

TAP_CASE(a_subscription_ended_while_behind_gets_nothing_more)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;
    const char *end;

    subscribe(p, "gone", "/default/a");
    subscribe(p, "kept", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 100, 100);
    w->pages_per_turn = 0;
    shard_peer_allow(p, SIZE_MAX);
    shard_world_turn(w);
    shard_peer_unsubscribe(p, "gone");
    shard_world_turn(w);
    w->pages_per_turn = 2;
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    has_exactly(lines, "kept", 0, 100);
    end = strstr(lines, "unsubscribe_success");
    tap_check(end != NULL);
    tap_equal(next_number(&end, "gone"), -1);
    shard_world_free(w);
}

TAP_CASE(a_client_without_subscriptions_left_walks_to_the_end_and_is_live)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 200, 100);
    w->pages_per_turn = 0;
    shard_peer_allow(p, SIZE_MAX);
    shard_world_turn(w);
    shard_peer_unsubscribe(p, "s");
    shard_world_turn(w);
    w->pages_per_turn = 2;
    shard_world_settle(w);
    tap_check(!is_behind(p));
    shard_world_free(w);
}

TAP_CASE(a_window_that_just_holds_its_place_serves_it)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 100, 100);
    shard_world_trim(w, behind_place(p));
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    has_exactly(shard_peer_lines(p), "s", 0, 100);
    tap_equal(w->metrics.catchup_lost, 0);
    shard_world_free(w);
}

TAP_CASE(a_window_that_passed_its_place_closes_it_with_1013_and_no_gap_before)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;
    uint64_t behind;

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 100, 100);
    behind = behind_place(p);
    shard_world_trim(w, behind + 1);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    has_exactly(lines, "s", 0, (int)behind - 1);
    tap_check(strstr(lines, "close 1013 events were missed\n") != NULL);
    tap_equal(w->metrics.catchup_lost, 1);
    shard_world_free(w);
}

TAP_CASE(a_log_that_cannot_be_read_closes_it_too)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 100, 100);
    w->log_unreadable = true;
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "close 1011 ") != NULL);
    shard_world_free(w);
}

TAP_CASE(records_that_are_missing_in_the_middle_or_at_the_end_are_passed_over)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 100, 100);
    for (int place = 60; place < 63; place++) {
        event_unref(w->log[place - 1]);
        w->log[place - 1] = NULL;
    }
    event_unref(w->log[99]);
    w->log[99] = NULL;
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    tap_check(!is_behind(p));
    publish(w, "/default/a", 100, 1, 100);
    lines = shard_peer_lines(p);
    for (int number = 0; number <= 100; number++) {
        if ((number < 59 || number >= 62) && number != 99) {
            tap_equal(next_number(&lines, "s"), number);
        }
    }
    tap_equal(next_number(&lines, "s"), -1);
    shard_world_free(w);
}

TAP_CASE(a_slow_client_does_not_hold_up_a_fast_one)
{
    struct shard_world *w = small_world();
    struct shard_peer *slow = shard_world_websocket(w);
    struct shard_peer *fast = shard_world_websocket(w);

    subscribe(slow, "s", "/default/a");
    subscribe(fast, "f", "/default/a");
    shard_peer_block(slow);
    publish(w, "/default/a", 0, 500, 100);
    has_exactly(shard_peer_lines(fast), "f", 0, 500);
    tap_equal(w->metrics.catchup_begun, 1);
    tap_equal(w->pages, 0);
    shard_world_free(w);
}

TAP_CASE(clients_behind_take_turns_page_by_page)
{
    static const char *const channels[3] = {
        "/default/a", "/default/b", "/default/c"};
    struct shard_world *w = small_world();
    struct shard_peer *peers[3];

    for (int i = 0; i < 3; i++) {
        peers[i] = shard_world_websocket(w);
        subscribe(peers[i], "s", channels[i]);
        shard_peer_block(peers[i]);
    }
    for (int number = 0; number < 400; number++) {
        for (int i = 0; i < 3; i++) {
            publish(w, channels[i], number, 1, 100);
        }
    }
    w->pages_per_turn = 1;
    for (int i = 0; i < 3; i++) {
        shard_peer_allow(peers[i], SIZE_MAX);
    }
    for (int i = 0; i < 13; i++) {
        shard_world_turn(w);
    }
    /* None is a page ahead of another by more than one. */
    for (int i = 1; i < 3; i++) {
        int64_t ahead =
            (int64_t)behind_place(peers[0]) - (int64_t)behind_place(peers[i]);

        tap_check(ahead >= -3 && ahead <= 3 * 20);
    }
    shard_world_settle(w);
    for (int i = 0; i < 3; i++) {
        has_exactly(shard_peer_lines(peers[i]), "s", 0, 400);
    }
    shard_world_free(w);
}

TAP_CASE(those_behind_at_the_same_event_share_their_pages)
{
    enum { PEERS = 200 };
    struct shard_world *w = small_world();
    struct shard_peer *peers[PEERS];

    for (int i = 0; i < PEERS; i++) {
        peers[i] = shard_world_websocket(w);
        subscribe(peers[i], "s", "/default/a");
        shard_peer_block(peers[i]);
    }
    publish(w, "/default/a", 0, 400, 100);
    for (int i = 0; i < PEERS; i++) {
        shard_peer_allow(peers[i], SIZE_MAX);
    }
    shard_world_settle(w);
    for (int i = 0; i < PEERS; i++) {
        has_exactly(shard_peer_lines(peers[i]), "s", 0, 400);
    }
    /* As many records as one of them was given, and a page that was empty. */
    tap_check(w->metrics.replay_records < 400);
    tap_check(w->metrics.replay_pages < 40);
    shard_world_free(w);
}

TAP_CASE(answers_reach_a_client_that_is_behind)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 100, 100);
    w->pages_per_turn = 0;
    shard_peer_allow(p, SIZE_MAX);
    shard_world_turn(w);
    shard_peer_publish(p, "op", "/default/a", "\"100:\"");
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "publish_success") != NULL);
    tap_check(is_behind(p));
    lines = (const char *)p->taken.data;
    tap_check(strstr(lines, "\\\"100:") == NULL);
    w->pages_per_turn = 2;
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    while (next_number(&lines, "s") < 100) {
    }
    tap_equal(next_number(&lines, "s"), -1);
    shard_world_free(w);
}

TAP_CASE(a_stream_that_names_a_channel_twice_has_it_once_and_falls_behind_once)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_connect(w);
    char text[2048];

    (void)snprintf(text,
                   sizeof(text),
                   "GET /event/stream?channel=/default/a&channel=/default/*"
                   "&channel=default/a/ HTTP/1.1\r\nHost: h\r\n"
                   "x-api-key: %s\r\n\r\n",
                   w->key);
    shard_peer_send(p, text);
    shard_world_settle(w);
    tap_equal(p->client->state, CLIENT_STREAM);
    shard_peer_block(p);
    publish(w, "/default/a", 0, 100, 100);
    tap_equal(w->metrics.catchup_begun, 1);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    tap_equal(w->metrics.deliveries, 100);
    shard_world_free(w);
}

TAP_CASE(a_client_that_leaves_while_behind_is_forgotten)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    subscribe(p, "s", "/default/a");
    shard_peer_block(p);
    publish(w, "/default/a", 0, 100, 100);
    w->pages_per_turn = 0;
    shard_peer_allow(p, SIZE_MAX);
    shard_world_turn(w);
    w->pages_per_turn = 2;
    shard_peer_end(p, true);
    shard_world_settle(w);
    tap_check(p->closed);
    tap_equal(w->pages, 0);
    shard_world_free(w);
}

TAP_MAIN()

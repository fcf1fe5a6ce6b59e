/* Subscriptions that begin in the past: what was missed, then what comes, once
 * each and in order; what has gone is told. */
#include "proto/cursor.h"
#include "src/bridge/shard_state.h"
#include "tests/lib/replay_world.h"

TAP_CASE(all_is_what_the_window_holds_and_then_what_comes)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    replay_publish(w, "/default/a", 0, 50);
    replay_subscribe(p, "/default/a", "\"replay\":{\"all\":true}");
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    tap_check(strstr(lines, "subscribe_success\",\"id\":\"s\",\"cursor\":\"") !=
              NULL);
    replay_has_exactly(lines, 0, 50);
    replay_publish(w, "/default/a", 50, 2);
    replay_has_exactly(shard_peer_lines(p), 50, 52);
    tap_check(w->metrics.replays_begun == 1);
    shard_world_free(w);
}

TAP_CASE(last_is_the_newest_of_an_exact_channel_and_of_a_wildcard)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *q = shard_world_websocket(w);

    replay_publish(w, "/default/a", 0, 10);
    replay_publish(w, "/other/b", 0, 10);
    replay_publish(w, "/default/a", 10, 3);
    replay_subscribe(p, "/default/a", "\"replay\":{\"last\":5}");
    replay_subscribe(q, "/default/*", "\"replay\":{\"last\":5}");
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(p), 8, 13);
    replay_has_exactly(shard_peer_lines(q), 8, 13);
    shard_world_free(w);
}

TAP_CASE(the_last_of_a_wildcard_are_looked_for_a_page_at_a_time)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    replay_publish(w, "/default/a", 0, 10);
    replay_publish(w, "/other/b", 0, 200);
    w->pages_per_turn = 1;
    replay_subscribe(p, "/default/*", "\"replay\":{\"last\":5}");
    (void)shard_world_turn(w);
    /* Those beside which it is looked for are not kept waiting. */
    for (int number = 10; number < 15; number++) {
        replay_publish(w, "/default/a", number, 1);
        tap_equal(shard_peer_lines(p)[0], '\0');
    }
    shard_world_settle(w);
    tap_check(w->metrics.replay_pages > 200 / 9);
    lines = shard_peer_lines(p);
    tap_check(strstr(lines, "{\"type\":\"subscribe_success\"") == lines);
    replay_has_exactly(lines, 5, 15);
    shard_world_free(w);
}

TAP_CASE(fewer_than_the_last_so_many_are_all_there_are)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *q = shard_world_websocket(w);

    replay_publish(w, "/default/a", 0, 10);
    replay_publish(w, "/other/b", 0, 100);
    shard_world_trim(w, 4);
    replay_subscribe(p, "/default/*", "\"replay\":{\"last\":50}");
    replay_subscribe(q, "/default/none/*", "\"replay\":{\"last\":50}");
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(p), 3, 10);
    replay_has_exactly(shard_peer_lines(q), 0, 0);
    tap_equal(w->metrics.gaps, 0);
    tap_check(list_empty(&q->client->replays));
    shard_world_free(w);
}

TAP_CASE(who_unsubscribes_while_a_beginning_is_looked_for_has_both_answers)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;
    char cursor[1024];

    replay_publish(w, "/default/a", 0, 100);
    w->pages_per_turn = 1;
    replay_subscribe(p, "/default/*", "\"replay\":{\"last\":50}");
    (void)shard_world_turn(w);
    tap_equal(shard_peer_lines(p)[0], '\0');
    shard_peer_unsubscribe(p, "s");
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    tap_check(strstr(lines, "{\"type\":\"subscribe_success\"") == lines);
    replay_last_cursor(lines, "cursor", cursor);
    tap_check(strstr(lines, "\n{\"type\":\"unsubscribe_success\"") != NULL);
    replay_has_exactly(lines, 0, 0);
    shard_world_free(w);
}

TAP_CASE(last_none_is_live)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);

    replay_publish(w, "/default/a", 0, 3);
    replay_subscribe(p, "/default/a", "\"replay\":{\"last\":0}");
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(p), 0, 0);
    replay_publish(w, "/default/a", 3, 1);
    replay_has_exactly(shard_peer_lines(p), 3, 4);
    shard_world_free(w);
}

TAP_CASE(seconds_reach_back_that_far)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);

    replay_publish(w, "/default/a", 0, 3);
    shard_world_wait(w, 10000);
    replay_publish(w, "/default/a", 3, 3);
    shard_world_wait(w, 2000);
    replay_subscribe(p, "/default/a", "\"replay\":{\"seconds\":5}");
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(p), 3, 6);
    shard_world_free(w);
}

TAP_CASE(a_cursor_of_the_answer_or_of_an_event_resumes_exactly_there)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *q = shard_world_websocket(w);
    struct shard_peer *r = shard_world_websocket(w);
    char answer[1024];
    char event[1024];
    const char *lines;

    replay_publish(w, "/default/a", 0, 2);
    replay_subscribe(p, "/default/a", "\"cursor\":true");
    shard_world_settle(w);
    replay_last_cursor(shard_peer_lines(p), "cursor", answer);
    replay_publish(w, "/default/a", 2, 5);
    lines = shard_peer_lines(p);
    replay_has_exactly(lines, 2, 7);
    tap_check(strstr(lines, "\"channel\":\"/default/a\"}") != NULL);
    replay_last_cursor(lines, "cursor", event);
    replay_publish(w, "/default/b", 100, 5);
    replay_publish(w, "/default/a", 7, 5);
    replay_after(q, "/default/a", answer);
    replay_after(r, "/default/a", event);
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(q), 2, 12);
    replay_has_exactly(shard_peer_lines(r), 7, 12);
    shard_world_free(w);
}

TAP_CASE(the_hand_over_to_live_misses_nothing_while_events_keep_coming)
{
    struct shard_world *w = replay_world();
    struct shard_peer *exact = shard_world_websocket(w);
    struct shard_peer *wild = shard_world_websocket(w);
    int number = 100;

    replay_publish(w, "/default/a", 0, number);
    replay_subscribe(exact, "/default/a", "\"replay\":{\"all\":true}");
    replay_subscribe(wild, "/default/*", "\"replay\":{\"all\":true}");
    for (; number < 200; number++) {
        replay_publish(w, "/default/a", number, 1);
    }
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(exact), 0, number);
    replay_has_exactly(shard_peer_lines(wild), 0, number);
    tap_check(list_empty(&exact->client->replays));
    tap_check(list_empty(&wild->client->replays));
    shard_world_free(w);
}

/* The cursor after the last event in the log, or one that is `ahead_ms` later.
 */
static void cursor_ahead(const struct shard_world *w,
                         uint64_t ahead_ms,
                         char ret[1024])
{
    const struct event *event = w->log[w->log_count - 1];
    struct vector v = {0};
    struct buffer text;

    tap_check(
        vector_raise(&v, event->origin, event->sequence + (ahead_ms << 16)));
    buffer_init(&text, 1023);
    cursor_print(&v, &text);
    memcpy(ret, text.data, text.len);
    ret[text.len] = '\0';
    buffer_done(&text);
}

static void newest_cursor(const struct shard_world *w, char ret[1024])
{
    cursor_ahead(w, 0, ret);
}

TAP_CASE(a_cursor_of_another_shard_covers_what_this_one_has_yet_to_walk_to)
{
    struct shard_world *w = replay_world();
    struct shard_peer *exact = shard_world_websocket(w);
    struct shard_peer *wild = shard_world_websocket(w);
    struct batch *batch;
    char cursor[1024];

    replay_publish(w, "/default/a", 0, 5);
    shard_world_publish(w, "/default/a", "\"5\"");
    shard_world_publish(w, "/default/a", "\"6\"");
    batch = shard_world_store(w);
    newest_cursor(w, cursor);
    replay_after(exact, "/default/a", cursor);
    replay_after(wild, "/default/*", cursor);
    shard_world_settle(w);
    /* Each has read its empty page, and waits without reading it again. */
    tap_equal(w->metrics.replay_pages, 2);
    shard_world_give(w, batch);
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(exact), 7, 7);
    replay_has_exactly(shard_peer_lines(wild), 7, 7);
    replay_publish(w, "/default/a", 7, 2);
    replay_has_exactly(shard_peer_lines(exact), 7, 9);
    replay_has_exactly(shard_peer_lines(wild), 7, 9);
    shard_world_free(w);
}

/* Many that come back at once, with the same cursor but for two. */
TAP_CASE(a_herd_shares_its_pages_while_live_traffic_goes_on)
{
    enum { HERD = 200, EVENTS = 300 };
    struct shard_world *w = replay_world();
    struct shard_peer *bystander = shard_world_websocket(w);
    struct shard_peer *herd[HERD];
    char cursor[1024];
    int number = EVENTS;

    replay_publish(w, "/default/a", 0, 5);
    newest_cursor(w, cursor);
    replay_publish(w, "/default/a", 5, EVENTS - 5);
    shard_peer_subscribe(bystander, "s", "/other/live");
    for (int i = 0; i < HERD; i++) {
        herd[i] = shard_world_websocket(w);
    }
    (void)shard_peer_lines(bystander);
    for (int i = 0; i < HERD; i++) {
        if (i < 2) {
            replay_subscribe(
                herd[i], "/default/a", "\"replay\":{\"all\":true}");
        } else {
            replay_after(
                herd[i], i % 2 == 0 ? "/default/a" : "/default/*", cursor);
        }
    }
    /* Whoever is live waits for no more than the turn's pages. */
    for (int i = 0; i < 20; i++) {
        shard_world_publish(w, "/other/live", "\"0\"");
        replay_publish(w, "/default/a", number++, 1);
        tap_check(strstr(shard_peer_lines(bystander), "\"data\"") != NULL);
    }
    shard_world_settle(w);
    tap_check(w->metrics.replay_records < 4 * EVENTS);
    for (int i = 0; i < HERD; i++) {
        replay_has_exactly(shard_peer_lines(herd[i]), i < 2 ? 0 : 5, number);
        tap_check(list_empty(&herd[i]->client->replays));
    }
    shard_world_free(w);
}

TAP_CASE(a_replay_waits_for_a_slow_socket_and_holds_little_meanwhile)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);

    replay_publish(w, "/default/a", 0, 1000);
    shard_peer_block(p);
    replay_subscribe(p, "/default/*", "\"replay\":{\"all\":true}");
    shard_world_settle(w);
    tap_check(p->client->out.len <= 4096 + 1000);
    replay_publish(w, "/default/a", 1000, 10);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(p), 0, 1010);
    shard_world_free(w);
}

TAP_CASE(a_replay_that_is_ended_before_its_first_page_is_forgotten)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    replay_publish(w, "/default/a", 0, 10);
    replay_subscribe(p, "/default/a", "\"replay\":{\"all\":true}");
    shard_peer_unsubscribe(p, "s");
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    tap_check(strstr(lines, "unsubscribe_success") != NULL);
    replay_has_exactly(lines, 0, 0);
    shard_world_free(w);
}

TAP_CASE(a_cursor_whose_next_event_is_still_there_has_no_gap)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *q = shard_world_websocket(w);
    char cursor[1024];

    replay_subscribe(p, "/default/a", "\"cursor\":true");
    replay_publish(w, "/default/a", 0, 5);
    replay_last_cursor(shard_peer_lines(p), "cursor", cursor);
    replay_publish(w, "/default/a", 5, 5);
    shard_world_trim(w, 6);
    replay_after(q, "/default/*", cursor);
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(q), 5, 10);
    tap_equal(w->metrics.gaps, 0);
    shard_world_free(w);
}

TAP_CASE(bad_cursors_are_refused_by_name)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct vector future = {0};
    struct buffer text;
    char cursor[1024];

    replay_publish(w, "/default/a", 0, 1);
    replay_after(p, "/default/a", "nonsense");
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "InvalidCursorError") != NULL);

    buffer_init(&text, sizeof(cursor));
    (void)vector_raise(&future, w->sequencer.origin, UINT64_MAX);
    cursor_print(&future, &text);
    buffer_u8(&text, 0);
    replay_after(p, "/default/a", (const char *)text.data);
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "UnknownCursorError") != NULL);
    buffer_done(&text);
    shard_world_free(w);
}

TAP_CASE(what_is_not_a_replay_is_refused)
{
    static const char *const members[] = {
        "\"replay\":{}",
        "\"replay\":true",
        "\"replay\":{\"last\":-1}",
        "\"replay\":{\"last\":1.5}",
        "\"replay\":{\"last\":1000001}",
        "\"replay\":{\"last\":\"1\"}",
        "\"replay\":{\"all\":false}",
        "\"replay\":{\"all\":true,\"last\":1}",
        "\"replay\":{\"al\":true,\"last\":1}",
        "\"replay\":{\"after\":7}",
        "\"replay\":{\"all\":true},\"cursor\":true",
        "\"cursor\":1",
    };
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const char *lines;

        replay_subscribe(p, "/default/a", members[i]);
        shard_world_settle(w);
        lines = shard_peer_lines(p);
        tap_check(strstr(lines, "subscribe_error") != NULL);
        tap_check(strstr(lines, "exactly one of after") != NULL);
    }
    shard_world_free(w);
}

TAP_CASE(one_that_leaves_while_it_replays_leaves_nothing_behind)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);

    replay_publish(w, "/default/a", 0, 500);
    shard_peer_block(p);
    replay_subscribe(p, "/default/a", "\"replay\":{\"all\":true}");
    shard_world_turn(w);
    tap_check(!list_empty(&p->client->replays));
    shard_peer_say(p, "{\"type\":\"unsubscribe\",\"id\":\"s\"}");
    shard_world_turn(w);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "unsubscribe_success") != NULL);
    replay_publish(w, "/default/a", 500, 1);
    replay_has_exactly(shard_peer_lines(p), 0, 0);
    shard_world_free(w);
}

TAP_CASE(history_is_a_page_and_the_connection_goes_on)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    replay_publish(w, "/default/a", 0, 20);
    for (int i = 0; i < 3; i++) {
        replay_ask(p, "channel=/default/a&limit=7");
        shard_world_settle(w);
        tap_equal(shard_peer_answer(p, head), 200);
    }
    tap_equal(w->metrics.subscriptions_open, 0);
    shard_world_free(w);
}

TAP_CASE(who_subscribes_is_not_sent_what_was_answered_before)
{
    struct shard_world *w = replay_world();
    struct shard_peer *plain = shard_world_websocket(w);
    struct shard_peer *cursors = shard_world_websocket(w);
    struct batch *batch;

    replay_publish(w, "/default/a", 0, 1);
    shard_world_publish(w, "/default/a", "\"1:\"");
    batch = shard_world_store(w);
    replay_subscribe(plain, "/default/a", "\"x\":1");
    replay_subscribe(cursors, "/default/*", "\"cursor\":true");
    (void)shard_world_turn(w);
    shard_world_give(w, batch);
    replay_publish(w, "/default/a", 2, 2);
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(plain), 2, 4);
    replay_has_exactly(shard_peer_lines(cursors), 2, 4);
    shard_world_free(w);
}

TAP_CASE(history_has_what_was_answered_before_it_was_asked_for)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_connect(w);
    struct batch *batch;
    char head[1024];

    replay_publish(w, "/default/a", 0, 1);
    shard_world_publish(w, "/default/a", "\"1:\"");
    batch = shard_world_store(w);
    replay_ask(p, "channel=/default/a");
    for (int i = 0; i < 5; i++) {
        (void)shard_world_turn(w);
    }
    tap_equal(w->metrics.subscriptions_open, 1);
    shard_world_give(w, batch);
    shard_world_settle(w);
    tap_equal(w->metrics.subscriptions_open, 0);
    tap_equal(shard_peer_answer(p, head), 200);
    tap_check(memmem(p->taken.data, p->taken.len, "1:", 2) != NULL);
    shard_world_free(w);
}

TAP_CASE(last_has_what_was_answered_before_the_shard_has_walked_to_anything)
{
    static const char *const channels[] = {"/default/a", "/default/*"};

    for (size_t i = 0; i < 2; i++) {
        struct shard_world *w = replay_world();
        struct shard_peer *p = shard_world_websocket(w);
        struct batch *batch;

        shard_world_publish(w, "/default/a", "\"0:\"");
        batch = shard_world_store(w);
        replay_subscribe(p, channels[i], "\"replay\":{\"last\":5}");
        for (int n = 0; n < 5; n++) {
            (void)shard_world_turn(w);
        }
        shard_world_give(w, batch);
        shard_world_settle(w);
        replay_has_exactly(shard_peer_lines(p), 0, 1);
        shard_world_free(w);
    }
}

static struct shard_world *clustered_world(void)
{
    struct shard_world_options options = shard_world_defaults();

    options.clustered = true;
    return shard_world_new(&options);
}

TAP_CASE(history_after_what_has_yet_to_come_is_empty_and_at_once)
{
    struct shard_world *w = clustered_world();
    struct shard_peer *p = shard_world_connect(w);
    char cursor[1024];
    char query[1100];
    char head[1024];

    replay_publish(w, "/default/a", 0, 1);
    cursor_ahead(w, 1000, cursor);
    (void)snprintf(query, sizeof(query), "channel=/default/a&after=%s", cursor);
    replay_ask(p, query);
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 200);
    tap_check(memmem(p->taken.data, p->taken.len, "\"events\":[]", 11) != NULL);
    tap_check(memmem(p->taken.data, p->taken.len, cursor, strlen(cursor)) !=
              NULL);
    tap_equal(w->metrics.subscriptions_open, 0);
    shard_world_free(w);
}

TAP_CASE(a_cursor_may_be_ahead_of_a_clock_that_was_set_back)
{
    static const struct {
        uint64_t ahead_ms;
        int status;
    } cases[] = {{1000, 200}, {299000, 200}, {301000, 400}};
    struct shard_world *w = clustered_world();
    char cursor[1024];
    char query[1100];
    char head[1024];

    replay_publish(w, "/default/a", 0, 1);
    w->now.wall_ms -= 3600 * 1000;
    for (size_t i = 0; i < 3; i++) {
        struct shard_peer *p = shard_world_connect(w);

        cursor_ahead(w, cases[i].ahead_ms, cursor);
        (void)snprintf(
            query, sizeof(query), "channel=/default/a&after=%s", cursor);
        replay_ask(p, query);
        shard_world_settle(w);
        tap_equal(shard_peer_answer(p, head), cases[i].status);
    }
    shard_world_free(w);
}

TAP_CASE(one_that_waits_for_what_its_cursor_covers_keeps_no_other_waiting)
{
    struct shard_world *w = clustered_world();
    struct shard_peer *p = shard_world_websocket(w);
    char cursor[1024];

    replay_publish(w, "/default/a", 0, 50);
    cursor_ahead(w, 1000, cursor);
    replay_after(p, "/default/a", cursor);
    shard_world_settle(w);
    tap_equal(w->metrics.replay_pages, 1);
    shard_peer_say(p,
                   "{\"type\":\"subscribe\",\"id\":\"t\","
                   "\"channel\":\"/default/*\",\"replay\":{\"all\":true},"
                   "\"authorization\":{\"x-api-key\":\"%s\"}}",
                   w->key);
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(p), 0, 50);
    shard_world_free(w);
}

TAP_CASE(history_of_the_last_of_a_wildcard)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_connect(w);
    struct shard_peer *q = shard_world_connect(w);
    char head[1024];

    replay_publish(w, "/default/a", 0, 10);
    replay_publish(w, "/other/b", 0, 100);
    replay_ask(p, "channel=/default/*&last=3");
    replay_ask(q, "channel=/default/none/*&last=3");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 200);
    buffer_append(&p->taken, bytes_of("", 1));
    tap_check(strstr((const char *)p->taken.data, "6:") == NULL);
    tap_check(strstr((const char *)p->taken.data, "7:") != NULL);
    tap_check(strstr((const char *)p->taken.data, "9:") != NULL);
    tap_equal(shard_peer_answer(q, head), 200);
    shard_world_free(w);
}

TAP_CASE(those_that_wait_for_history_share_its_page)
{
    enum { HERD = 100 };
    struct shard_world *w = replay_world();
    struct shard_peer *herd[HERD];
    char head[1024];

    replay_publish(w, "/default/a", 0, 10);
    for (int i = 0; i < HERD; i++) {
        herd[i] = shard_world_connect(w);
        replay_ask(herd[i], "channel=/default/a&last=0&wait=30");
    }
    shard_world_settle(w);
    tap_equal(w->metrics.replay_pages, 1);
    replay_publish(w, "/default/a", 10, 1);
    shard_world_settle(w);
    tap_equal(w->metrics.replay_pages, 2);
    for (int i = 0; i < HERD; i++) {
        tap_equal(shard_peer_answer(herd[i], head), 200);
        buffer_append(&herd[i]->taken, bytes_of("", 1));
        tap_check(strstr((const char *)herd[i]->taken.data, "10:") != NULL);
    }
    shard_world_free(w);
}

TAP_CASE(history_of_a_log_that_cannot_be_read_is_an_error)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    replay_publish(w, "/default/a", 0, 20);
    w->log_unreadable = true;
    replay_ask(p, "channel=/default/a");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 500);
    w->log_unreadable = false;
    replay_ask(p, "channel=/default/a");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 200);
    shard_world_free(w);
}

TAP_CASE(history_that_waits_ends_with_the_event_or_with_its_time)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_connect(w);
    struct shard_peer *q = shard_world_connect(w);
    char head[1024];

    replay_ask(p, "channel=/default/a&last=0&wait=10");
    replay_ask(q, "channel=/default/b&last=0&wait=5");
    shard_world_settle(w);
    tap_equal(w->metrics.subscriptions_open, 2);
    shard_world_wait(w, 4999);
    tap_equal(w->metrics.subscriptions_open, 2);
    shard_world_wait(w, 1);
    tap_equal(w->metrics.subscriptions_open, 1);
    tap_equal(shard_peer_answer(q, head), 200);
    replay_publish(w, "/default/a", 0, 1);
    shard_world_settle(w);
    tap_equal(w->metrics.subscriptions_open, 0);
    tap_equal(shard_peer_answer(p, head), 200);
    shard_world_free(w);
}

TAP_CASE(history_waits_past_what_the_cursor_of_another_shard_covers)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_connect(w);
    struct batch *batch;
    char cursor[1024];
    char query[1100];
    char head[1024];

    replay_publish(w, "/default/a", 0, 5);
    shard_world_publish(w, "/default/a", "\"5\"");
    batch = shard_world_store(w);
    newest_cursor(w, cursor);
    (void)snprintf(
        query, sizeof(query), "channel=/default/a&wait=5&after=%s", cursor);
    replay_ask(p, query);
    shard_world_settle(w);
    tap_equal(w->metrics.replay_pages, 1);
    shard_world_give(w, batch);
    shard_world_settle(w);
    tap_equal(w->metrics.subscriptions_open, 1);
    replay_publish(w, "/default/a", 6, 1);
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 200);
    shard_world_free(w);
}

TAP_CASE(one_that_leaves_while_its_history_waits_leaves_nothing_behind)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_connect(w);

    replay_ask(p, "channel=/default/a&last=0&wait=10");
    shard_world_settle(w);
    shard_peer_end(p, true);
    shard_world_settle(w);
    shard_world_wait(w, 20000);
    tap_equal(w->metrics.subscriptions_open, 0);
    shard_world_free(w);
}

TAP_MAIN()

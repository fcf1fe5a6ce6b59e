/* Subscriptions that begin in the past: what was missed, then what comes, once
 * each and in order; what has gone is told. */
#include "proto/cursor.h"
#include "src/bridge/shard_state.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

static struct shard_world *small_world(void)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;

    options.limits.send_buffer_max = 4096;
    w = shard_world_new(&options);
    w->page_bytes_max = 500;
    w->pages_per_turn = 2;
    return w;
}

static void publish(struct shard_world *w,
                    const char *channel,
                    int first,
                    int count)
{
    char text[128];

    for (int number = first; number < first + count; number++) {
        (void)snprintf(text, sizeof(text), "\"%d:%050d\"", number, 0);
        shard_world_publish(w, channel, text);
        shard_world_commit(w);
        shard_world_turn(w);
    }
}

static void subscribe(struct shard_peer *p,
                      const char *channel,
                      const char *members)
{
    char text[2048];

    (void)snprintf(text,
                   sizeof(text),
                   "{\"type\":\"subscribe\",\"id\":\"s\",\"channel\":\"%s\","
                   "\"authorization\":{\"x-api-key\":\"%s\"},%s}",
                   channel,
                   p->world->key,
                   members);
    shard_peer_say(p, "%s", text);
}

/* The lines have exactly these numbers, in order. */
static void has_exactly(const char *lines, int first, int end)
{
    static const char event[] = "\"event\":\"\\\"";
    int number = first;

    for (lines = strstr(lines, event); lines != NULL;
         lines = strstr(lines + 1, event)) {
        tap_equal(atoi(lines + strlen(event)), number);
        number++;
    }
    tap_equal(number, end);
}

/* The value of the last member of that name. */
static void last_cursor(const char *lines, const char *name, char ret[1024])
{
    const char *found = NULL;

    for (const char *at = strstr(lines, name); at != NULL;
         at = strstr(at + 1, name)) {
        found = at + strlen(name);
    }
    tap_check(found != NULL);
    tap_check(sscanf(found, "\":\"%1000[^\"]", ret) == 1);
}

static void after(struct shard_peer *p, const char *channel, const char *cursor)
{
    char members[1100];

    (void)snprintf(
        members, sizeof(members), "\"replay\":{\"after\":\"%s\"}", cursor);
    subscribe(p, channel, members);
}

TAP_CASE(all_is_what_the_window_holds_and_then_what_comes)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    publish(w, "/default/a", 0, 50);
    subscribe(p, "/default/a", "\"replay\":{\"all\":true}");
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    tap_check(strstr(lines, "subscribe_success\",\"id\":\"s\",\"cursor\":\"") !=
              NULL);
    has_exactly(lines, 0, 50);
    publish(w, "/default/a", 50, 2);
    has_exactly(shard_peer_lines(p), 50, 52);
    tap_check(w->metrics.replays_begun == 1);
    shard_world_free(w);
}

TAP_CASE(last_is_the_newest_of_an_exact_channel_and_of_a_wildcard)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *q = shard_world_websocket(w);

    publish(w, "/default/a", 0, 10);
    publish(w, "/other/b", 0, 10);
    publish(w, "/default/a", 10, 3);
    subscribe(p, "/default/a", "\"replay\":{\"last\":5}");
    subscribe(q, "/default/*", "\"replay\":{\"last\":5}");
    shard_world_settle(w);
    has_exactly(shard_peer_lines(p), 8, 13);
    has_exactly(shard_peer_lines(q), 8, 13);
    shard_world_free(w);
}

TAP_CASE(the_last_of_a_wildcard_are_looked_for_a_page_at_a_time)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    publish(w, "/default/a", 0, 10);
    publish(w, "/other/b", 0, 200);
    w->pages_per_turn = 1;
    subscribe(p, "/default/*", "\"replay\":{\"last\":5}");
    (void)shard_world_turn(w);
    /* Those beside which it is looked for are not kept waiting. */
    for (int number = 10; number < 15; number++) {
        publish(w, "/default/a", number, 1);
        tap_equal(shard_peer_lines(p)[0], '\0');
    }
    shard_world_settle(w);
    tap_check(w->metrics.replay_pages > 200 / 9);
    lines = shard_peer_lines(p);
    tap_check(strstr(lines, "{\"type\":\"subscribe_success\"") == lines);
    has_exactly(lines, 5, 15);
    shard_world_free(w);
}

TAP_CASE(fewer_than_the_last_so_many_are_all_there_are)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *q = shard_world_websocket(w);

    publish(w, "/default/a", 0, 10);
    publish(w, "/other/b", 0, 100);
    shard_world_trim(w, 4);
    subscribe(p, "/default/*", "\"replay\":{\"last\":50}");
    subscribe(q, "/default/none/*", "\"replay\":{\"last\":50}");
    shard_world_settle(w);
    has_exactly(shard_peer_lines(p), 3, 10);
    has_exactly(shard_peer_lines(q), 0, 0);
    tap_equal(w->metrics.gaps, 0);
    tap_check(list_empty(&q->client->replays));
    shard_world_free(w);
}

TAP_CASE(last_none_is_live)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    publish(w, "/default/a", 0, 3);
    subscribe(p, "/default/a", "\"replay\":{\"last\":0}");
    shard_world_settle(w);
    has_exactly(shard_peer_lines(p), 0, 0);
    publish(w, "/default/a", 3, 1);
    has_exactly(shard_peer_lines(p), 3, 4);
    shard_world_free(w);
}

TAP_CASE(seconds_reach_back_that_far)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    publish(w, "/default/a", 0, 3);
    shard_world_wait(w, 10000);
    publish(w, "/default/a", 3, 3);
    shard_world_wait(w, 2000);
    subscribe(p, "/default/a", "\"replay\":{\"seconds\":5}");
    shard_world_settle(w);
    has_exactly(shard_peer_lines(p), 3, 6);
    shard_world_free(w);
}

TAP_CASE(a_cursor_of_the_answer_or_of_an_event_resumes_exactly_there)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *q = shard_world_websocket(w);
    struct shard_peer *r = shard_world_websocket(w);
    char answer[1024];
    char event[1024];
    const char *lines;

    publish(w, "/default/a", 0, 2);
    subscribe(p, "/default/a", "\"cursor\":true");
    shard_world_settle(w);
    last_cursor(shard_peer_lines(p), "cursor", answer);
    publish(w, "/default/a", 2, 5);
    lines = shard_peer_lines(p);
    has_exactly(lines, 2, 7);
    tap_check(strstr(lines, "\"channel\":\"/default/a\"}") != NULL);
    last_cursor(lines, "cursor", event);
    publish(w, "/default/b", 100, 5);
    publish(w, "/default/a", 7, 5);
    after(q, "/default/a", answer);
    after(r, "/default/a", event);
    shard_world_settle(w);
    has_exactly(shard_peer_lines(q), 2, 12);
    has_exactly(shard_peer_lines(r), 7, 12);
    shard_world_free(w);
}

TAP_CASE(the_hand_over_to_live_misses_nothing_while_events_keep_coming)
{
    struct shard_world *w = small_world();
    struct shard_peer *exact = shard_world_websocket(w);
    struct shard_peer *wild = shard_world_websocket(w);
    int number = 100;

    publish(w, "/default/a", 0, number);
    subscribe(exact, "/default/a", "\"replay\":{\"all\":true}");
    subscribe(wild, "/default/*", "\"replay\":{\"all\":true}");
    for (; number < 200; number++) {
        publish(w, "/default/a", number, 1);
    }
    shard_world_settle(w);
    has_exactly(shard_peer_lines(exact), 0, number);
    has_exactly(shard_peer_lines(wild), 0, number);
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
    struct shard_world *w = small_world();
    struct shard_peer *exact = shard_world_websocket(w);
    struct shard_peer *wild = shard_world_websocket(w);
    struct batch *batch;
    char cursor[1024];

    publish(w, "/default/a", 0, 5);
    shard_world_publish(w, "/default/a", "\"5\"");
    shard_world_publish(w, "/default/a", "\"6\"");
    batch = shard_world_store(w);
    newest_cursor(w, cursor);
    after(exact, "/default/a", cursor);
    after(wild, "/default/*", cursor);
    shard_world_settle(w);
    /* Each has read its empty page, and waits without reading it again. */
    tap_equal(w->metrics.replay_pages, 2);
    shard_world_give(w, batch);
    shard_world_settle(w);
    has_exactly(shard_peer_lines(exact), 7, 7);
    has_exactly(shard_peer_lines(wild), 7, 7);
    publish(w, "/default/a", 7, 2);
    has_exactly(shard_peer_lines(exact), 7, 9);
    has_exactly(shard_peer_lines(wild), 7, 9);
    shard_world_free(w);
}

/* Many that come back at once, with the same cursor but for two. */
TAP_CASE(a_herd_shares_its_pages_while_live_traffic_goes_on)
{
    enum { HERD = 200, EVENTS = 300 };
    struct shard_world *w = small_world();
    struct shard_peer *bystander = shard_world_websocket(w);
    struct shard_peer *herd[HERD];
    char cursor[1024];
    int number = EVENTS;

    publish(w, "/default/a", 0, 5);
    newest_cursor(w, cursor);
    publish(w, "/default/a", 5, EVENTS - 5);
    shard_peer_subscribe(bystander, "s", "/other/live");
    for (int i = 0; i < HERD; i++) {
        herd[i] = shard_world_websocket(w);
    }
    (void)shard_peer_lines(bystander);
    for (int i = 0; i < HERD; i++) {
        if (i < 2) {
            subscribe(herd[i], "/default/a", "\"replay\":{\"all\":true}");
        } else {
            after(herd[i], i % 2 == 0 ? "/default/a" : "/default/*", cursor);
        }
    }
    /* Whoever is live waits for no more than the turn's pages. */
    for (int i = 0; i < 20; i++) {
        shard_world_publish(w, "/other/live", "\"0\"");
        publish(w, "/default/a", number++, 1);
        tap_check(strstr(shard_peer_lines(bystander), "\"data\"") != NULL);
    }
    shard_world_settle(w);
    tap_check(w->metrics.replay_records < 4 * EVENTS);
    for (int i = 0; i < HERD; i++) {
        has_exactly(shard_peer_lines(herd[i]), i < 2 ? 0 : 5, number);
        tap_check(list_empty(&herd[i]->client->replays));
    }
    shard_world_free(w);
}

TAP_CASE(a_replay_waits_for_a_slow_socket_and_holds_little_meanwhile)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    publish(w, "/default/a", 0, 1000);
    shard_peer_block(p);
    subscribe(p, "/default/*", "\"replay\":{\"all\":true}");
    shard_world_settle(w);
    tap_check(p->client->out.len <= 4096 + 1000);
    publish(w, "/default/a", 1000, 10);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    has_exactly(shard_peer_lines(p), 0, 1010);
    shard_world_free(w);
}

TAP_CASE(what_left_the_window_is_told_and_the_rest_follows)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *exact = shard_world_websocket(w);
    struct shard_peer *wild = shard_world_websocket(w);
    char cursor[1024];
    char from[1024];
    const char *lines;

    subscribe(p, "/default/a", "\"cursor\":true");
    publish(w, "/default/a", 0, 2);
    last_cursor(shard_peer_lines(p), "cursor", cursor);
    publish(w, "/default/a", 2, 8);
    shard_world_trim(w, 6);
    after(exact, "/default/a", cursor);
    after(wild, "/default/*", cursor);
    shard_world_settle(w);
    lines = shard_peer_lines(exact);
    tap_check(strstr(lines,
                     "\"type\":\"gap\",\"id\":\"s\",\"reason\":"
                     "\"retention\"") != NULL);
    last_cursor(lines, "from", from);
    tap_check(strcmp(from, cursor) == 0);
    has_exactly(lines, 5, 10);
    lines = shard_peer_lines(wild);
    tap_check(strstr(lines, "\"type\":\"gap\"") != NULL);
    has_exactly(lines, 5, 10);
    tap_equal(w->metrics.gaps, 2);
    shard_world_free(w);
}

TAP_CASE(what_is_trimmed_while_a_page_is_read_is_told_and_not_passed_over)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_page page;
    struct shard_input record = {.kind = SHARD_INPUT_RECORD};
    struct shard_input end = {.kind = SHARD_INPUT_PAGE_END};
    const char *lines;

    publish(w, "/default/a", 0, 10);
    w->pages_per_turn = 0;
    subscribe(p, "/default/a", "\"replay\":{\"all\":true}");
    shard_world_turn(w);
    tap_check(shard_next_page(w->shard, &page));
    /* The index still names what the log has let go of: the next one comes. */
    shard_world_trim(w, 6);
    record.record.place = 6;
    record.record.origin = w->log[5]->origin;
    record.record.sequence = w->log[5]->sequence;
    record.record.predecessor = w->log[5]->predecessor;
    record.record.channel = w->log[5]->channel;
    record.record.content = w->log[5]->content;
    shard_world_step(w, &record);
    end.page.covered_place = 6;
    shard_world_step(w, &end);
    w->pages_per_turn = 2;
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    tap_check(strstr(lines, "\"type\":\"gap\"") != NULL);
    has_exactly(lines, 5, 10);
    shard_world_free(w);
}

TAP_CASE(a_replay_that_is_ended_before_its_first_page_is_forgotten)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    publish(w, "/default/a", 0, 10);
    subscribe(p, "/default/a", "\"replay\":{\"all\":true}");
    shard_peer_unsubscribe(p, "s");
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    tap_check(strstr(lines, "unsubscribe_success") != NULL);
    has_exactly(lines, 0, 0);
    shard_world_free(w);
}

TAP_CASE(a_cursor_whose_next_event_is_still_there_has_no_gap)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *q = shard_world_websocket(w);
    char cursor[1024];

    subscribe(p, "/default/a", "\"cursor\":true");
    publish(w, "/default/a", 0, 5);
    last_cursor(shard_peer_lines(p), "cursor", cursor);
    publish(w, "/default/a", 5, 5);
    shard_world_trim(w, 6);
    after(q, "/default/*", cursor);
    shard_world_settle(w);
    has_exactly(shard_peer_lines(q), 5, 10);
    tap_equal(w->metrics.gaps, 0);
    shard_world_free(w);
}

TAP_CASE(a_slow_subscriber_with_cursors_is_told_of_a_gap_and_not_closed)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    subscribe(p, "/default/a", "\"cursor\":true");
    shard_world_settle(w);
    (void)shard_peer_lines(p);
    shard_peer_block(p);
    publish(w, "/default/a", 0, 100);
    shard_world_trim(w, 91);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    lines = strstr(lines, "\"type\":\"gap\"");
    tap_check(lines != NULL);
    has_exactly(lines, 90, 100);
    publish(w, "/default/a", 100, 1);
    has_exactly(shard_peer_lines(p), 100, 101);
    shard_world_free(w);
}

TAP_CASE(what_no_node_has_any_more_is_told_to_those_that_are_live)
{
    struct shard_world *w = small_world();
    struct shard_peer *one = shard_world_websocket(w);
    struct shard_peer *all = shard_world_websocket(w);
    struct shard_peer *plain = shard_world_websocket(w);
    struct batch *batch;
    const char *lines;

    subscribe(one, "/default/a", "\"cursor\":true");
    subscribe(all, "/default/*", "\"cursor\":true");
    subscribe(plain, "/default/a", "\"x\":1");
    shard_world_settle(w);
    publish(w, "/default/a", 0, 2);
    shard_world_settle(w);
    has_exactly(shard_peer_lines(one), 0, 2);
    (void)shard_peer_lines(all);
    batch = batch_new(&w->intake, 1);
    batch->origin = 0x7777;
    batch->skip_to = 50;
    tap_check(vector_raise(&w->low, batch->origin, batch->skip_to));
    shard_world_give(w, batch);
    publish(w, "/default/a", 2, 3);
    shard_world_settle(w);
    lines = shard_peer_lines(one);
    tap_check(strstr(lines, "\"type\":\"gap\"") != NULL);
    has_exactly(lines, 2, 5);
    lines = shard_peer_lines(all);
    tap_check(strstr(lines, "\"type\":\"gap\"") != NULL);
    has_exactly(lines, 2, 5);
    tap_equal(w->metrics.gaps, 3);
    tap_equal(w->metrics.catchup_lost, 1);
    shard_world_free(w);
}

TAP_CASE(bad_cursors_are_refused_by_name)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct vector future = {0};
    struct buffer text;
    char cursor[1024];

    publish(w, "/default/a", 0, 1);
    after(p, "/default/a", "nonsense");
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "InvalidCursorError") != NULL);

    buffer_init(&text, sizeof(cursor));
    (void)vector_raise(&future, w->sequencer.origin, UINT64_MAX);
    cursor_print(&future, &text);
    buffer_u8(&text, 0);
    after(p, "/default/a", (const char *)text.data);
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
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const char *lines;

        subscribe(p, "/default/a", members[i]);
        shard_world_settle(w);
        lines = shard_peer_lines(p);
        tap_check(strstr(lines, "subscribe_error") != NULL);
        tap_check(strstr(lines, "exactly one of after") != NULL);
    }
    shard_world_free(w);
}

TAP_CASE(one_that_leaves_while_it_replays_leaves_nothing_behind)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    publish(w, "/default/a", 0, 500);
    shard_peer_block(p);
    subscribe(p, "/default/a", "\"replay\":{\"all\":true}");
    shard_world_turn(w);
    tap_check(!list_empty(&p->client->replays));
    shard_peer_say(p, "{\"type\":\"unsubscribe\",\"id\":\"s\"}");
    shard_world_turn(w);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "unsubscribe_success") != NULL);
    publish(w, "/default/a", 500, 1);
    has_exactly(shard_peer_lines(p), 0, 0);
    shard_world_free(w);
}

static void ask(struct shard_peer *p, const char *query)
{
    char text[4096];

    (void)snprintf(text,
                   sizeof(text),
                   "GET /event?%s HTTP/1.1\r\nHost: h\r\nx-api-key: %s\r\n\r\n",
                   query,
                   p->world->key);
    shard_peer_send(p, text);
}

TAP_CASE(history_is_a_page_and_the_connection_goes_on)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    publish(w, "/default/a", 0, 20);
    for (int i = 0; i < 3; i++) {
        ask(p, "channel=/default/a&limit=7");
        shard_world_settle(w);
        tap_equal(shard_peer_answer(p, head), 200);
    }
    tap_equal(w->metrics.subscriptions_open, 0);
    shard_world_free(w);
}

TAP_CASE(who_subscribes_is_not_sent_what_was_answered_before)
{
    struct shard_world *w = small_world();
    struct shard_peer *plain = shard_world_websocket(w);
    struct shard_peer *cursors = shard_world_websocket(w);
    struct batch *batch;

    publish(w, "/default/a", 0, 1);
    shard_world_publish(w, "/default/a", "\"1:\"");
    batch = shard_world_store(w);
    subscribe(plain, "/default/a", "\"x\":1");
    subscribe(cursors, "/default/*", "\"cursor\":true");
    (void)shard_world_turn(w);
    shard_world_give(w, batch);
    publish(w, "/default/a", 2, 2);
    shard_world_settle(w);
    has_exactly(shard_peer_lines(plain), 2, 4);
    has_exactly(shard_peer_lines(cursors), 2, 4);
    shard_world_free(w);
}

TAP_CASE(history_has_what_was_answered_before_it_was_asked_for)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_connect(w);
    struct batch *batch;
    char head[1024];

    publish(w, "/default/a", 0, 1);
    shard_world_publish(w, "/default/a", "\"1:\"");
    batch = shard_world_store(w);
    ask(p, "channel=/default/a");
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

    publish(w, "/default/a", 0, 1);
    cursor_ahead(w, 1000, cursor);
    (void)snprintf(query, sizeof(query), "channel=/default/a&after=%s", cursor);
    ask(p, query);
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

    publish(w, "/default/a", 0, 1);
    w->now.wall_ms -= 3600 * 1000;
    for (size_t i = 0; i < 3; i++) {
        struct shard_peer *p = shard_world_connect(w);

        cursor_ahead(w, cases[i].ahead_ms, cursor);
        (void)snprintf(
            query, sizeof(query), "channel=/default/a&after=%s", cursor);
        ask(p, query);
        shard_world_settle(w);
        tap_equal(shard_peer_answer(p, head), cases[i].status);
    }
    shard_world_free(w);
}

TAP_CASE(history_of_the_last_of_a_wildcard)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_connect(w);
    struct shard_peer *q = shard_world_connect(w);
    char head[1024];

    publish(w, "/default/a", 0, 10);
    publish(w, "/other/b", 0, 100);
    ask(p, "channel=/default/*&last=3");
    ask(q, "channel=/default/none/*&last=3");
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
    struct shard_world *w = small_world();
    struct shard_peer *herd[HERD];
    char head[1024];

    publish(w, "/default/a", 0, 10);
    for (int i = 0; i < HERD; i++) {
        herd[i] = shard_world_connect(w);
        ask(herd[i], "channel=/default/a&last=0&wait=30");
    }
    shard_world_settle(w);
    tap_equal(w->metrics.replay_pages, 1);
    publish(w, "/default/a", 10, 1);
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
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    publish(w, "/default/a", 0, 20);
    w->log_unreadable = true;
    ask(p, "channel=/default/a");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 500);
    w->log_unreadable = false;
    ask(p, "channel=/default/a");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 200);
    shard_world_free(w);
}

TAP_CASE(history_that_waits_ends_with_the_event_or_with_its_time)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_connect(w);
    struct shard_peer *q = shard_world_connect(w);
    char head[1024];

    ask(p, "channel=/default/a&last=0&wait=10");
    ask(q, "channel=/default/b&last=0&wait=5");
    shard_world_settle(w);
    tap_equal(w->metrics.subscriptions_open, 2);
    shard_world_wait(w, 4999);
    tap_equal(w->metrics.subscriptions_open, 2);
    shard_world_wait(w, 1);
    tap_equal(w->metrics.subscriptions_open, 1);
    tap_equal(shard_peer_answer(q, head), 200);
    publish(w, "/default/a", 0, 1);
    shard_world_settle(w);
    tap_equal(w->metrics.subscriptions_open, 0);
    tap_equal(shard_peer_answer(p, head), 200);
    shard_world_free(w);
}

TAP_CASE(history_waits_past_what_the_cursor_of_another_shard_covers)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_connect(w);
    struct batch *batch;
    char cursor[1024];
    char query[1100];
    char head[1024];

    publish(w, "/default/a", 0, 5);
    shard_world_publish(w, "/default/a", "\"5\"");
    batch = shard_world_store(w);
    newest_cursor(w, cursor);
    (void)snprintf(
        query, sizeof(query), "channel=/default/a&wait=5&after=%s", cursor);
    ask(p, query);
    shard_world_settle(w);
    tap_equal(w->metrics.replay_pages, 1);
    shard_world_give(w, batch);
    shard_world_settle(w);
    tap_equal(w->metrics.subscriptions_open, 1);
    publish(w, "/default/a", 6, 1);
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 200);
    shard_world_free(w);
}

TAP_CASE(one_that_leaves_while_its_history_waits_leaves_nothing_behind)
{
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_connect(w);

    ask(p, "channel=/default/a&last=0&wait=10");
    shard_world_settle(w);
    shard_peer_end(p, true);
    shard_world_settle(w);
    shard_world_wait(w, 20000);
    tap_equal(w->metrics.subscriptions_open, 0);
    shard_world_free(w);
}

#define KEPT SHARD_RECORD_KEPT
#define LEFT SHARD_RECORD_LEFT
#define BEFORE SHARD_RECORD_LEFT_BEFORE
#define NEVER SHARD_RECORD_NEVER_KEPT

/* The lines have a gap of that reason, with so many missed, and what follows it
 * begins with that number; -1: nothing follows. */
static void has_gap(const char *lines,
                    const char *reason,
                    int missed,
                    int number)
{
    char text[64];
    const char *gap = strstr(lines, "\"type\":\"gap\"");
    const char *event;

    tap_check(gap != NULL);
    (void)snprintf(text, sizeof(text), "\"reason\":\"%s\"", reason);
    tap_check(strstr(gap, text) != NULL);
    (void)snprintf(text, sizeof(text), "\"missed\":%d}", missed);
    tap_check(strstr(gap, text) != NULL);
    event = strstr(gap, "\"event\":\"\\\"");
    tap_equal(event != NULL ? atoi(event + 11) : -1, number);
}

/* A world with ten events, whose first `lost` have that state, and a cursor
 * from before all of them. */
static struct shard_world *lossy_world(enum shard_record_state state,
                                       size_t lost,
                                       char cursor[1024])
{
    static uint8_t states[64];
    struct shard_world *w = small_world();
    struct shard_peer *p = shard_world_websocket(w);

    memset(states, KEPT, sizeof(states));
    memset(states, (int)state, lost);
    w->states = states;
    subscribe(p, "/default/z", "\"cursor\":true");
    shard_world_settle(w);
    last_cursor(shard_peer_lines(p), "cursor", cursor);
    publish(w, "/default/a", 0, 10);
    return w;
}

TAP_CASE(what_left_the_window_is_one_exact_gap_on_both_ways_to_read)
{
    static const char *const channels[] = {"/default/a", "/default/*"};

    for (int i = 0; i < 2; i++) {
        char cursor[1024];
        char from[1024];
        struct shard_world *w = lossy_world(LEFT, 4, cursor);
        struct shard_peer *p = shard_world_websocket(w);
        const char *lines;

        after(p, channels[i], cursor);
        shard_world_settle(w);
        lines = shard_peer_lines(p);
        has_gap(lines, "retention", 4, 4);
        has_exactly(lines, 4, 10);
        last_cursor(lines, "from", from);
        tap_equal_text(bytes_text(from), cursor);
        tap_equal(w->metrics.gaps, 1);
        shard_world_free(w);
    }
}

TAP_CASE(a_gap_in_the_middle_of_a_scan_stands_where_it_belongs)
{
    char cursor[1024];
    struct shard_world *w = lossy_world(LEFT, 0, cursor);
    struct shard_peer *p = shard_world_websocket(w);
    uint8_t states[64] = {KEPT, KEPT, LEFT, LEFT, KEPT, LEFT};
    const char *lines;
    char to[1024];

    w->states = states;
    after(p, "/default/*", cursor);
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    has_gap(lines, "retention", 2, 4);
    has_gap(strstr(lines, "\"missed\":2"), "retention", 1, 6);
    last_cursor(lines, "to", to);
    tap_equal(w->metrics.gaps, 2);

    /* The end of a gap is a cursor like any other. */
    after(shard_world_websocket(w), "/default/*", to);
    shard_world_settle(w);
    has_exactly(shard_peer_lines(w->peers[2]), 6, 10);
    shard_world_free(w);
}

TAP_CASE(who_asks_for_what_the_window_holds_misses_nothing_that_had_left)
{
    char cursor[1024];
    struct shard_world *w = lossy_world(BEFORE, 4, cursor);
    struct shard_peer *p = shard_world_websocket(w);

    subscribe(p, "/default/*", "\"replay\":{\"all\":true}");
    shard_world_settle(w);
    has_exactly(shard_peer_lines(p), 4, 10);
    tap_equal(w->metrics.gaps, 0);

    /* A cursor says more than that. */
    p = shard_world_websocket(w);
    after(p, "/default/*", cursor);
    shard_world_settle(w);
    has_gap(shard_peer_lines(p), "retention", 4, 4);
    shard_world_free(w);
}

TAP_CASE(where_nothing_is_kept_a_cursor_has_a_gap_and_then_what_comes)
{
    static const char *const channels[] = {"/default/a", "/default/*"};
    const struct namespace_rules rules = {.history = false};

    for (int i = 0; i < 2; i++) {
        char cursor[1024];
        struct shard_world *w = lossy_world(NEVER, 64, cursor);
        struct shard_peer *p = shard_world_websocket(w);
        const char *lines;

        w->page_bytes_max = 4096; /* a gap ends with the page */
        namespace_table_done(&w->namespaces);
        namespace_table_init(&w->namespaces, 1);
        namespace_table_add(&w->namespaces, bytes_text("default"), &rules);
        after(p, channels[i], cursor);
        (void)shard_world_turn(
            w); /* it is subscribed, and has its first page */
        publish(w, "/default/a", 10, 3);
        shard_world_settle(w);
        lines = shard_peer_lines(p);
        has_gap(lines, "retention", 10, 10);
        has_exactly(lines, 10, 13);
        tap_equal(w->metrics.gaps, 1);
        shard_world_free(w);
    }
}

TAP_MAIN()

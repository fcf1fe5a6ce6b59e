/* What subscriptions that begin in the past are told they have missed. */
#include "proto/cursor.h"
#include "src/bridge/shard_state.h"
#include "tests/lib/replay_world.h"

TAP_CASE(what_left_the_window_is_told_and_the_rest_follows)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *exact = shard_world_websocket(w);
    struct shard_peer *wild = shard_world_websocket(w);
    char cursor[1024];
    char from[1024];
    const char *lines;

    replay_subscribe(p, "/default/a", "\"cursor\":true");
    replay_publish(w, "/default/a", 0, 2);
    replay_last_cursor(shard_peer_lines(p), "cursor", cursor);
    replay_publish(w, "/default/a", 2, 8);
    shard_world_trim(w, 6);
    replay_after(exact, "/default/a", cursor);
    replay_after(wild, "/default/*", cursor);
    shard_world_settle(w);
    lines = shard_peer_lines(exact);
    tap_check(strstr(lines,
                     "\"type\":\"gap\",\"id\":\"s\",\"reason\":"
                     "\"retention\"") != NULL);
    replay_last_cursor(lines, "from", from);
    tap_check(strcmp(from, cursor) == 0);
    replay_has_exactly(lines, 5, 10);
    lines = shard_peer_lines(wild);
    tap_check(strstr(lines, "\"type\":\"gap\"") != NULL);
    replay_has_exactly(lines, 5, 10);
    tap_equal(w->metrics.gaps, 2);
    shard_world_free(w);
}

TAP_CASE(what_is_trimmed_while_a_page_is_read_is_told_and_not_passed_over)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_page page;
    struct shard_input record = {.kind = SHARD_INPUT_RECORD};
    struct shard_input end = {.kind = SHARD_INPUT_PAGE_END};
    const char *lines;

    replay_publish(w, "/default/a", 0, 10);
    w->pages_per_turn = 0;
    replay_subscribe(p, "/default/a", "\"replay\":{\"all\":true}");
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
    replay_has_exactly(lines, 5, 10);
    shard_world_free(w);
}

/* Read the next page as far as one record, which has gone when the page ends:
 * all before `first_place` has. */
static void read_while_trimmed(struct shard_world *w,
                               const char *channel,
                               uint64_t first_place)
{
    struct shard_page page;
    struct shard_input record = {.kind = SHARD_INPUT_RECORD};
    struct shard_input end = {.kind = SHARD_INPUT_PAGE_END};
    const struct event *event = w->log[first_place - 2];

    tap_check(shard_next_page(w->shard, &page));
    tap_check(bytes_equal(page.channel, bytes_text(channel)));
    record.record.place = first_place - 1;
    record.record.origin = event->origin;
    record.record.sequence = event->sequence;
    record.record.predecessor = event->predecessor;
    record.record.channel = event->channel;
    record.record.content = event->content;
    shard_world_step(w, &record);
    shard_world_trim(w, first_place);
    end.page.covered_place = first_place - 1;
    shard_world_step(w, &end);
}

TAP_CASE(what_is_trimmed_page_after_page_is_told_as_one_gap)
{
    static const char *const channels[] = {"/default/a", "/default/*"};

    for (size_t n = 0; n < 2; n++) {
        struct shard_world *w = replay_world();
        struct shard_peer *p = shard_world_websocket(w);
        struct shard_peer *back = shard_world_websocket(w);
        char cursor[1024];
        char from[1024];
        const char *lines;

        replay_subscribe(p, "/default/a", "\"cursor\":true");
        replay_publish(w, "/default/a", 0, 1);
        replay_last_cursor(shard_peer_lines(p), "cursor", cursor);
        replay_publish(w, "/default/a", 1, 19);
        shard_world_trim(w, 4);
        w->pages_per_turn = 0;
        replay_after(back, channels[n], cursor);
        shard_world_turn(w);
        for (uint64_t first = 6; first < 12; first += 2) {
            read_while_trimmed(w, n == 0 ? channels[n] : "", first);
            shard_world_turn(w);
        }
        w->pages_per_turn = 2;
        shard_world_settle(w);
        lines = shard_peer_lines(back);
        replay_last_cursor(lines, "from", from);
        tap_check(strcmp(from, cursor) == 0);
        replay_has_exactly(lines, 9, 20);
        tap_equal(w->metrics.gaps, 1);
        shard_world_free(w);
    }
}

TAP_CASE(a_log_that_is_trimmed_without_end_keeps_nobody_waiting)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    uint64_t first = 3;

    replay_publish(w, "/default/a", 0, 20);
    w->pages_per_turn = 0;
    replay_subscribe(p, "/default/a", "\"replay\":{\"all\":true}");
    shard_world_turn(w);
    while (w->metrics.gaps == 0) {
        tap_check(first <= 20);
        read_while_trimmed(w, "/default/a", first++);
    }
    w->pages_per_turn = 2;
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(p), (int)first - 2, 20);
    shard_world_free(w);
}

TAP_CASE(what_no_node_has_any_more_is_told_to_those_that_are_live)
{
    struct shard_world *w = replay_world();
    struct shard_peer *one = shard_world_websocket(w);
    struct shard_peer *all = shard_world_websocket(w);
    struct shard_peer *plain = shard_world_websocket(w);
    struct batch *batch;
    const char *lines;

    replay_subscribe(one, "/default/a", "\"cursor\":true");
    replay_subscribe(all, "/default/*", "\"cursor\":true");
    replay_subscribe(plain, "/default/a", "\"x\":1");
    shard_world_settle(w);
    replay_publish(w, "/default/a", 0, 2);
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(one), 0, 2);
    (void)shard_peer_lines(all);
    batch = batch_new(&w->intake, 1);
    batch->origin = 0x7777;
    batch->skip_to = 50;
    tap_check(vector_raise(&w->low, batch->origin, batch->skip_to));
    shard_world_give(w, batch);
    replay_publish(w, "/default/a", 2, 3);
    shard_world_settle(w);
    lines = shard_peer_lines(one);
    tap_check(strstr(lines, "\"type\":\"gap\"") != NULL);
    replay_has_exactly(lines, 2, 5);
    lines = shard_peer_lines(all);
    tap_check(strstr(lines, "\"type\":\"gap\"") != NULL);
    replay_has_exactly(lines, 2, 5);
    tap_equal(w->metrics.gaps, 3);
    tap_equal(w->metrics.catchup_lost, 1);
    shard_world_free(w);
}

/* A node that has left for good, whose events nobody has any more. */
TAP_CASE(what_the_log_has_pruned_is_in_no_later_cursor)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *again = shard_world_websocket(w);
    struct vector have = {0};
    struct vector at;
    struct batch *batch;
    char before[1024];
    char cursor[1024];

    replay_subscribe(p, "/default/a", "\"cursor\":true");
    batch = batch_new_skip(&w->intake, 1, 0x7777, 0, 50);
    tap_check(vector_raise(&w->low, batch->origin, batch->skip_to));
    shard_world_give(w, batch);
    replay_publish(w, "/default/a", 0, 2);
    shard_world_settle(w);
    replay_last_cursor(shard_peer_lines(p), "cursor", before);
    tap_equal(cursor_parse(bytes_text(before), &at), 0);
    tap_check(vector_knows(&at, 0x7777));
    vector_remove(&w->low, 0x7777);
    (void)vector_raise(&w->low, VECTOR_FLOOR, 50);
    (void)vector_raise(&have, VECTOR_FLOOR, 50);
    shard_world_give(w, batch_new_prune(&w->intake, 1, &have));
    replay_publish(w, "/default/a", 2, 3);
    shard_world_settle(w);
    replay_last_cursor(shard_peer_lines(p), "cursor", cursor);
    tap_equal(cursor_parse(bytes_text(cursor), &at), 0);
    tap_check(!vector_knows(&at, 0x7777));
    tap_equal(vector_get(&at, 0x7777), 50);
    replay_publish(w, "/default/a", 5, 2);
    replay_after(again, "/default/a", cursor);
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(again), 5, 7);
    shard_world_free(w);
}

TAP_CASE(a_slow_subscriber_with_cursors_is_told_of_a_gap_and_not_closed)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    replay_subscribe(p, "/default/a", "\"cursor\":true");
    shard_world_settle(w);
    (void)shard_peer_lines(p);
    shard_peer_block(p);
    replay_publish(w, "/default/a", 0, 100);
    shard_world_trim(w, 91);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    lines = strstr(lines, "\"type\":\"gap\"");
    tap_check(lines != NULL);
    replay_has_exactly(lines, 90, 100);
    replay_publish(w, "/default/a", 100, 1);
    replay_has_exactly(shard_peer_lines(p), 100, 101);
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
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);

    memset(states, KEPT, sizeof(states));
    memset(states, (int)state, lost);
    w->states = states;
    replay_subscribe(p, "/default/z", "\"cursor\":true");
    shard_world_settle(w);
    replay_last_cursor(shard_peer_lines(p), "cursor", cursor);
    replay_publish(w, "/default/a", 0, 10);
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

        replay_after(p, channels[i], cursor);
        shard_world_settle(w);
        lines = shard_peer_lines(p);
        has_gap(lines, "retention", 4, 4);
        replay_has_exactly(lines, 4, 10);
        replay_last_cursor(lines, "from", from);
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
    replay_after(p, "/default/*", cursor);
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    has_gap(lines, "retention", 2, 4);
    has_gap(strstr(lines, "\"missed\":2"), "retention", 1, 6);
    replay_last_cursor(lines, "to", to);
    tap_equal(w->metrics.gaps, 2);

    /* The end of a gap is a cursor like any other. */
    replay_after(shard_world_websocket(w), "/default/*", to);
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(w->peers[2]), 6, 10);
    shard_world_free(w);
}

TAP_CASE(who_asks_for_what_the_window_holds_misses_nothing_that_had_left)
{
    char cursor[1024];
    struct shard_world *w = lossy_world(BEFORE, 4, cursor);
    struct shard_peer *p = shard_world_websocket(w);

    replay_subscribe(p, "/default/*", "\"replay\":{\"all\":true}");
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(p), 4, 10);
    tap_equal(w->metrics.gaps, 0);

    /* A cursor says more than that. */
    p = shard_world_websocket(w);
    replay_after(p, "/default/*", cursor);
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
        replay_after(p, channels[i], cursor);
        (void)shard_world_turn(
            w); /* it is subscribed, and has its first page */
        replay_publish(w, "/default/a", 10, 3);
        shard_world_settle(w);
        lines = shard_peer_lines(p);
        has_gap(lines, "retention", 10, 10);
        replay_has_exactly(lines, 10, 13);
        tap_equal(w->metrics.gaps, 1);
        shard_world_free(w);
    }
}

TAP_CASE(where_nothing_is_kept_what_was_there_is_no_news_once_it_is_walked_to)
{
    static const char *const channels[] = {"/default/a", "/default/*"};
    const struct namespace_rules rules = {.history = false};

    for (int i = 0; i < 2; i++) {
        char cursor[1024];
        struct shard_world *w = lossy_world(NEVER, 64, cursor);
        struct shard_peer *p = shard_world_websocket(w);
        struct batch *first;
        struct batch *second;
        const char *lines;

        w->page_bytes_max = 4096;
        namespace_table_done(&w->namespaces);
        namespace_table_init(&w->namespaces, 1);
        namespace_table_add(&w->namespaces, bytes_text("default"), &rules);
        shard_world_publish(w, "/default/a", "\"10:\"");
        first = shard_world_store(w);
        shard_world_publish(w, "/default/a", "\"11:\"");
        second = shard_world_store(w);
        replay_after(p, channels[i], cursor);
        for (int n = 0; n < 5; n++) {
            (void)shard_world_turn(w);
        }
        shard_world_give(w, first);
        shard_world_settle(w);
        shard_world_give(w, second);
        shard_world_settle(w);
        replay_publish(w, "/default/a", 12, 3);
        shard_world_settle(w);
        lines = shard_peer_lines(p);
        has_gap(lines, "retention", 12, 12);
        replay_has_exactly(lines, 12, 15);
        tap_equal(w->metrics.gaps, 1);
        shard_world_free(w);
    }
}

TAP_CASE(a_skip_gives_nobody_what_was_there_before_it_subscribed)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    struct batch *skip = batch_new(&w->intake, 1);
    struct batch *batch;

    replay_publish(w, "/default/a", 0, 5);
    shard_world_publish(w, "/default/a", "\"5\"");
    shard_world_publish(w, "/default/a", "\"6\"");
    batch = shard_world_store(w);
    replay_subscribe(p, "/default/a", "\"cursor\":true");
    shard_world_settle(w);

    skip->origin = 0x7777;
    skip->skip_to = 50;
    tap_check(vector_raise(&w->low, skip->origin, skip->skip_to));
    shard_world_give(w, skip);
    shard_world_give(w, batch);
    replay_publish(w, "/default/a", 7, 2);
    shard_world_settle(w);
    replay_has_exactly(shard_peer_lines(p), 7, 9);
    tap_equal(w->metrics.gaps, 0);
    shard_world_free(w);
}

TAP_CASE(a_wildcard_that_meets_the_present_without_its_last_event_is_told)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;
    const char *gap;

    replay_publish(w, "/default/a", 0, 10);
    event_unref(w->log[9]);
    w->log[9] = NULL;
    replay_subscribe(p, "/default/*", "\"replay\":{\"all\":true}");
    shard_world_settle(w);
    lines = shard_peer_lines(p);
    replay_has_exactly(lines, 0, 9);
    gap = strstr(lines, "\"reason\":\"corrupt\"");
    tap_check(gap != NULL && strstr(gap, "\"type\":\"data\"") == NULL);
    tap_equal(w->metrics.gaps, 1);
    replay_publish(w, "/default/a", 10, 2);
    replay_has_exactly(shard_peer_lines(p), 10, 12);
    tap_equal(w->metrics.gaps, 1);
    shard_world_free(w);
}

TAP_MAIN()

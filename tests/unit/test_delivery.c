/* The fan-out: the exact bytes of a delivery, all of a client's in one write,
 * what is shared made once, and no more at a time than a chunk. */
#include "proto/client_msg.h"
#include "src/bridge/delivery.h"
#include "src/bridge/shard_state.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

static struct shard_peer *subscriber(struct shard_world *w,
                                     const char *id,
                                     const char *channel)
{
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, id, channel);
    shard_world_turn(w);
    (void)shard_peer_lines(p);
    p->sends = 0;
    p->largest_send = 0;
    return p;
}

/* A JSON string of `len` bytes that begins with `number`; freed by the world's
 * caller. */
static char *event_of(int number, size_t len)
{
    char *text = malloc(len + 32);
    size_t at = (size_t)sprintf(text, "\"%d:", number);

    memset(text + at, 'x', len - at);
    text[len - 1] = '"';
    text[len] = '\0';
    return text;
}

static void publish(struct shard_world *w, int number, size_t len)
{
    char *text = event_of(number, len);

    shard_world_publish(w, "/default/a", text);
    free(text);
}

/* How many of the lines are data frames numbered on from `first`. */
static int numbered(const char *lines, const char *id, int first)
{
    char expected[256];
    int number = first;

    while (*lines != '\0') {
        snprintf(expected,
                 sizeof(expected),
                 "{\"type\":\"data\",\"id\":\"%s\",\"event\":\"\\\"%d:",
                 id,
                 number);
        tap_equal(strncmp(lines, expected, strlen(expected)), 0);
        lines = strchr(lines, '\n') + 1;
        number++;
    }
    return number - first;
}

TAP_CASE(a_data_frame_is_one_unmasked_text_frame_with_exactly_these_bytes)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = subscriber(w, "s1", "/default/a");

    shard_world_publish(w, "/default/a", "{\"a\":\"b\"}");
    shard_world_commit(w);
    shard_world_turn(w);
    tap_equal_text(shard_peer_take(p),
                   "\x81\x31"
                   "{\"type\":\"data\",\"id\":\"s1\",\"event\":"
                   "\"{\\\"a\\\":\\\"b\\\"}\"}");
    shard_world_free(w);
}

TAP_CASE(the_length_of_a_frame_is_right_on_both_sides_of_each_header)
{
    /* Around 126 and 65536 bytes of payload; the frame adds 38 to an event. */
    static const size_t lens[] = {86, 87, 88, 89, 65496, 65497, 65498, 65499};
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;
    size_t count = sizeof(lens) / sizeof(lens[0]);

    options.limits.send_buffer_max = 1 << 20;
    w = shard_world_new(&options);
    p = subscriber(w, "s1", "/default/a");
    for (size_t i = 0; i < count; i++) {
        publish(w, (int)i, lens[i]);
    }
    shard_world_settle(w);
    tap_equal(numbered(shard_peer_lines(p), "s1", 0), count);
    tap_equal(p->got.len, 0);
    shard_world_free(w);
}

TAP_CASE(all_events_of_a_batch_reach_a_client_in_one_write)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *a = subscriber(w, "a", "/default/a");
    struct shard_peer *b = subscriber(w, "b", "/default/*");
    struct shard_peer *idle = subscriber(w, "c", "/default/b");

    for (int i = 0; i < 100; i++) {
        publish(w, i, 20);
    }
    shard_world_commit(w);
    shard_world_turn(w);
    tap_equal(a->sends, 1);
    tap_equal(b->sends, 1);
    tap_equal(idle->sends, 0);
    tap_equal(numbered(shard_peer_lines(a), "a", 0), 100);
    tap_equal(numbered(shard_peer_lines(b), "b", 0), 100);
    tap_equal(w->metrics.deliveries, 200);
    shard_world_free(w);
}

TAP_CASE(several_batches_of_a_turn_leave_in_one_write_with_the_answers)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = subscriber(w, "s", "/default/a");

    shard_peer_publish(p, "op", "/default/a", "\"0:\"");
    shard_world_turn(w);
    shard_world_commit(w);
    shard_world_publish(w, "/default/a", "\"1:\"");
    shard_world_commit(w);
    shard_world_publish(w, "/default/a", "\"2:\"");
    shard_world_commit(w);
    p->sends = 0;
    shard_world_turn(w);
    tap_equal(p->sends, 1);
    tap_check(strstr(shard_peer_lines(p), "publish_success") != NULL);
    shard_world_free(w);
}

TAP_CASE(a_batch_larger_than_a_chunk_leaves_in_several_writes_of_bounded_size)
{
    enum { EVENTS = 64, BYTES = 4096 };
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = subscriber(w, "s", "/default/a");

    for (int i = 0; i < EVENTS; i++) {
        publish(w, i, BYTES);
    }
    shard_world_commit(w);
    shard_world_turn(w);
    tap_equal(numbered(shard_peer_lines(p), "s", 0), EVENTS);
    tap_check(p->sends > 1);
    tap_check(p->largest_send <= DELIVERY_CHUNK_BYTES_MAX + 2 * BYTES);
    /* A socket that takes all never falls behind. */
    tap_equal(w->metrics.catchup_begun, 0);
    shard_world_free(w);
}

TAP_CASE(an_arena_is_full_at_its_bounds_and_not_before)
{
    struct delivery_arena a = {0};

    tap_check(!delivery_arena_full(&a));
    a.count = DELIVERY_CHUNK_COUNT_MAX - 1;
    a.text.len = DELIVERY_CHUNK_BYTES_MAX - 1;
    tap_check(!delivery_arena_full(&a));
    a.count++;
    tap_check(delivery_arena_full(&a));
    a.count = 0;
    a.text.len++;
    tap_check(delivery_arena_full(&a));
}

TAP_CASE(an_events_text_is_escaped_once_for_all_its_subscribers)
{
    enum { PEERS = 50 };
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *peers[PEERS];
    struct delivery_arena *a = &w->shard->deliveries;
    struct event *event =
        event_new(bytes_text("/default/a"), bytes_text("\"tail\""));

    for (int i = 0; i < PEERS; i++) {
        peers[i] = subscriber(w, "s", "/default/a");
    }
    event->place = 1;
    delivery_walk(w->shard, event);
    tap_equal(a->count, PEERS);
    tap_equal(a->tail_count, 1);
    tap_equal_text(buffer_view(&a->text), "\"\\\"tail\\\"\"}");
    shard_world_outputs(w);
    tap_equal(a->count, 0);
    tap_equal(a->text.len, 0);
    for (int i = 0; i < PEERS; i++) {
        tap_equal(peers[i]->sends, 1);
    }
    event_unref(event);
    shard_world_free(w);
}

TAP_CASE(an_event_that_nobody_listens_to_costs_nothing)
{
    struct shard_world *w = shard_world_new(NULL);
    struct event *event =
        event_new(bytes_text("/default/b"), bytes_text("\"tail\""));

    (void)subscriber(w, "s", "/default/a");
    event->place = 1;
    delivery_walk(w->shard, event);
    tap_equal(w->shard->deliveries.count, 0);
    tap_equal(w->shard->deliveries.tail_count, 0);
    tap_equal(w->shard->place, 1);
    event_unref(event);
    shard_world_free(w);
}

TAP_CASE(compressed_frames_hold_the_same_text_and_are_smaller)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *a;
    struct shard_peer *b;

    options.compression = true;
    w = shard_world_new(&options);
    a = subscriber(w, "a", "/default/a");
    b = subscriber(w, "bb", "/default/*");
    publish(w, 0, 4000);
    publish(w, 1, 30);
    publish(w, 2, 3000);
    shard_world_settle(w);
    tap_check(a->got.len < 500);
    tap_check(b->got.len < 500);
    tap_equal(numbered(shard_peer_lines(a), "a", 0), 3);
    tap_equal(numbered(shard_peer_lines(b), "bb", 0), 3);
    shard_world_free(w);
}

TAP_CASE(a_frame_is_compressed_from_128_bytes_on)
{
    /* The frame adds 37 to an event, and a header of 4 in front. */
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;

    options.compression = true;
    w = shard_world_new(&options);
    p = subscriber(w, "s", "/default/a");
    publish(w, 0, 127 - 37);
    shard_world_settle(w);
    tap_equal(p->got.data[0], 0x81);
    tap_equal(shard_peer_take(p).len, 127 + 4);
    publish(w, 1, 128 - 37);
    shard_world_settle(w);
    tap_equal(p->got.data[0], 0xc1);
    tap_equal(numbered(shard_peer_lines(p), "s", 1), 1);
    shard_world_free(w);
}

TAP_CASE(a_compressed_tail_is_made_once_for_all_its_subscribers)
{
    enum { PEERS = 20 };
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *peers[PEERS];
    struct event *event;
    char *text = event_of(0, 1000);
    size_t once = 0;

    options.compression = true;
    w = shard_world_new(&options);
    for (int i = 0; i < PEERS; i++) {
        peers[i] = subscriber(w, "s", "/default/a");
    }
    event = event_new(bytes_text("/default/a"), bytes_text(text));
    event->place = 1;
    delivery_walk(w->shard, event);
    for (int i = 0; i < PEERS; i++) {
        delivery_render(w->shard, peers[i]->client);
        if (i == 0) {
            once = w->shard->deliveries.deflated.len;
        }
    }
    tap_check(once > 0);
    tap_equal(w->shard->deliveries.deflated.len, once);
    shard_world_outputs(w);
    for (int i = 0; i < PEERS; i++) {
        tap_equal(numbered(shard_peer_lines(peers[i]), "s", 0), 1);
    }
    event_unref(event);
    free(text);
    shard_world_free(w);
}

TAP_CASE(the_largest_event_arrives_whole_also_when_every_byte_is_escaped)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = subscriber(w, "s", "/default/a");
    size_t len = CLIENT_MSG_EVENT_BYTES_MAX;
    char *text = malloc(len + 1);

    /* Escaped in the event, and each of those escaped again in the frame. */
    memset(text, '\\', len);
    text[0] = '"';
    text[len - 1] = '"';
    text[len] = '\0';
    shard_world_publish(w, "/default/a", text);
    shard_world_publish(w, "/default/a", text);
    shard_world_settle(w);
    tap_check(strlen(shard_peer_lines(p)) > 2 * 2 * (len - 2));
    free(text);
    shard_world_free(w);
}

TAP_CASE(a_client_that_is_closing_gets_no_more_events)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = subscriber(w, "s", "/default/a");

    shard_peer_frame(p, 8, bytes_of("\x03\xe8", 2));
    publish(w, 0, 20);
    shard_world_settle(w);
    tap_equal_text(bytes_text(shard_peer_lines(p)), "close 1000 \n");
    tap_equal(w->metrics.deliveries, 0);
    shard_world_free(w);
}

TAP_CASE(a_subscription_made_between_batches_begins_behind_what_is_shown)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    /* The subscription waits behind the publish's answer, which comes between
     * the two batches of the turn. */
    w->options.limits.publishes_in_flight_max = 1;
    shard_peer_publish(p, "op", "/default/a", "\"0:\"");
    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    shard_world_commit(w);
    shard_world_publish(w, "/default/a", "\"1:\"");
    shard_world_commit(w);
    shard_world_turn(w);
    tap_check(strstr(shard_peer_lines(p), "subscribe_success") != NULL);
    tap_check(strstr((char *)p->taken.data, "\"0:") == NULL);
    tap_check(strstr((char *)p->taken.data, "\\\"1:\\\"") == NULL);
    shard_world_publish(w, "/default/a", "\"2:\"");
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "\\\"2:\\\"") != NULL);
    shard_world_free(w);
}

TAP_MAIN()

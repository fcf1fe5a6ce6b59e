/* What each message of a WebSocket does and is answered. */
#include "src/bridge/client.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

static void lines_are(struct shard_peer *p, const char *expected)
{
    tap_equal_text(bytes_text(shard_peer_lines(p)), expected);
}

static bool lines_have(struct shard_peer *p, const char *part)
{
    return strstr(shard_peer_lines(p), part) != NULL;
}

/* A message's answer. */
static void answers(struct shard_world *w,
                    struct shard_peer *p,
                    const char *message,
                    const char *expected)
{
    shard_peer_frame(p, 1, bytes_text(message));
    shard_world_settle(w);
    lines_are(p, expected);
}

TAP_CASE(connection_init_is_acknowledged_with_a_first_sign_of_life)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    answers(w,
            p,
            "{\"type\":\"connection_init\"}",
            "{\"type\":\"connection_ack\",\"connectionTimeoutMs\":300000}\n"
            "{\"type\":\"ka\"}\n");
    shard_world_free(w);
}

TAP_CASE(a_subscriber_gets_exactly_the_events_of_its_channel)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "sub", "/default/a");
    shard_world_turn(w);
    lines_are(p, "{\"type\":\"subscribe_success\",\"id\":\"sub\"}\n");
    shard_world_publish(w, "/default/a", "{\"n\":\"x\"}");
    shard_world_publish(w, "/default/b", "2");
    shard_world_publish(w, "/default/a/b", "3");
    shard_world_publish(w, "/other/a", "4");
    shard_world_publish(w, "/default/a", "5");
    shard_world_settle(w);
    lines_are(p,
              "{\"type\":\"data\",\"id\":\"sub\",\"event\":"
              "\"{\\\"n\\\":\\\"x\\\"}\"}\n"
              "{\"type\":\"data\",\"id\":\"sub\",\"event\":\"5\"}\n");
    shard_world_free(w);
}

TAP_CASE(a_wildcard_gets_all_below_it_and_each_subscription_its_own_frame)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "w", "/default/a/*");
    shard_peer_subscribe(p, "e", "/default/a/b");
    shard_world_turn(w);
    (void)shard_peer_lines(p);
    shard_world_publish(w, "/default/a", "1");
    shard_world_publish(w, "/default/a/b/c/d", "2");
    shard_world_settle(w);
    lines_are(p, "{\"type\":\"data\",\"id\":\"w\",\"event\":\"2\"}\n");
    shard_world_publish(w, "/default/a/b", "3");
    shard_world_settle(w);
    lines_are(p,
              "{\"type\":\"data\",\"id\":\"e\",\"event\":\"3\"}\n"
              "{\"type\":\"data\",\"id\":\"w\",\"event\":\"3\"}\n");
    shard_world_free(w);
}

TAP_CASE(an_event_published_before_the_subscription_is_not_delivered)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_world_publish(w, "/default/a", "1");
    shard_world_settle(w);
    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_settle(w);
    lines_are(p, "{\"type\":\"subscribe_success\",\"id\":\"s\"}\n");
    shard_world_free(w);
}

TAP_CASE(an_event_on_its_way_when_the_subscription_was_made_is_delivered)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_world_publish(w, "/default/a", "1");
    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_settle(w);
    lines_are(p,
              "{\"type\":\"subscribe_success\",\"id\":\"s\"}\n"
              "{\"type\":\"data\",\"id\":\"s\",\"event\":\"1\"}\n");
    shard_world_free(w);
}

TAP_CASE(after_unsubscribe_success_nothing_comes)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_settle(w);
    shard_peer_unsubscribe(p, "s");
    shard_world_publish(w, "/default/a", "1");
    shard_world_settle(w);
    lines_are(p,
              "{\"type\":\"subscribe_success\",\"id\":\"s\"}\n"
              "{\"type\":\"unsubscribe_success\",\"id\":\"s\"}\n");
    tap_equal(w->metrics.subscriptions_open, 0);
    shard_world_free(w);
}

TAP_CASE(an_id_is_free_again_after_unsubscribing)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "s", "/default/a");
    shard_peer_unsubscribe(p, "s");
    shard_peer_subscribe(p, "s", "/default/b");
    shard_world_settle(w);
    (void)shard_peer_lines(p);
    shard_world_publish(w, "/default/a", "1");
    shard_world_publish(w, "/default/b", "2");
    shard_world_settle(w);
    lines_are(p, "{\"type\":\"data\",\"id\":\"s\",\"event\":\"2\"}\n");
    shard_world_free(w);
}

TAP_CASE(an_id_in_use_is_refused_and_the_first_subscription_stays)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    (void)shard_peer_lines(p);
    shard_peer_subscribe(p, "s", "/default/b");
    shard_world_turn(w);
    tap_check(lines_have(p, "DuplicatedOperationError"));
    shard_world_publish(w, "/default/b", "1");
    shard_world_publish(w, "/default/a", "2");
    shard_world_settle(w);
    lines_are(p, "{\"type\":\"data\",\"id\":\"s\",\"event\":\"2\"}\n");
    shard_world_free(w);
}

TAP_CASE(ids_are_of_one_connection_only)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *a = shard_world_websocket(w);
    struct shard_peer *b = shard_world_websocket(w);

    shard_peer_subscribe(a, "s", "/default/a");
    shard_peer_subscribe(b, "s", "/default/b");
    shard_world_turn(w);
    lines_are(a, "{\"type\":\"subscribe_success\",\"id\":\"s\"}\n");
    lines_are(b, "{\"type\":\"subscribe_success\",\"id\":\"s\"}\n");
    shard_world_publish(w, "/default/b", "1");
    shard_world_settle(w);
    lines_are(a, "");
    lines_are(b, "{\"type\":\"data\",\"id\":\"s\",\"event\":\"1\"}\n");
    shard_world_free(w);
}

TAP_CASE(unsubscribing_from_what_is_not_there_is_told_with_the_id)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    answers(w,
            p,
            "{\"type\":\"unsubscribe\",\"id\":\"none\"}",
            "{\"type\":\"unsubscribe_error\",\"id\":\"none\",\"errors\":"
            "[{\"errorType\":\"UnknownOperationError\",\"message\":"
            "\"Unknown operation id none\"}]}\n");
    shard_world_free(w);
}

TAP_CASE(an_id_of_the_longest_length_is_told_back_whole)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);
    char id[CLIENT_MSG_ID_BYTES_MAX + 2];
    char expected[512];

    memset(id, 'i', sizeof(id));
    id[CLIENT_MSG_ID_BYTES_MAX] = '\0';
    shard_peer_unsubscribe(p, id);
    shard_world_turn(w);
    snprintf(expected, sizeof(expected), "Unknown operation id %s\"", id);
    tap_check(lines_have(p, expected));
    id[CLIENT_MSG_ID_BYTES_MAX] = 'i';
    id[CLIENT_MSG_ID_BYTES_MAX + 1] = '\0';
    shard_peer_subscribe(p, id, "/default/a");
    shard_world_turn(w);
    tap_check(lines_have(p, "The member id must be 1 to 128"));
    shard_world_free(w);
}

TAP_CASE(a_connection_holds_as_many_subscriptions_as_it_may)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;

    options.limits.subscriptions_max = 2;
    w = shard_world_new(&options);
    p = shard_world_websocket(w);
    shard_peer_subscribe(p, "a", "/default/a");
    shard_peer_subscribe(p, "b", "/default/a");
    shard_world_turn(w);
    lines_are(p,
              "{\"type\":\"subscribe_success\",\"id\":\"a\"}\n"
              "{\"type\":\"subscribe_success\",\"id\":\"b\"}\n");
    shard_peer_subscribe(p, "c", "/default/a");
    shard_world_turn(w);
    tap_check(lines_have(p, "MaxSubscriptionsReachedError"));
    shard_peer_unsubscribe(p, "a");
    shard_peer_subscribe(p, "c", "/default/a");
    shard_world_turn(w);
    tap_check(lines_have(p, "\"subscribe_success\",\"id\":\"c\""));
    shard_world_free(w);
}

TAP_CASE(a_publish_is_answered_by_its_id_after_its_batch_came_back)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;

    shard_peer_publish(p, "op-7", "/default/a", "{\"x\":1}");
    for (int i = 0; i < 3; i++) {
        shard_world_turn(w);
    }
    lines_are(p, "");
    shard_world_commit(w);
    shard_world_turn(w);
    lines = shard_peer_lines(p);
    tap_check(strstr(lines, "{\"type\":\"publish_success\",\"id\":\"op-7\"") ==
              lines);
    tap_check(strstr(lines, "\"failed\":[]}\n") != NULL);
    tap_equal_text(w->log[0]->content, "{\"x\":1}");
    shard_world_free(w);
}

TAP_CASE(publishes_of_one_connection_are_stored_in_their_order)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);
    char text[16];

    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "%d", i);
        shard_peer_publish(p, text, "/default/a", text);
    }
    shard_world_settle(w);
    tap_equal(shard_world_last_place(w), 100);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "%d", i);
        tap_equal_text(w->log[i]->content, text);
    }
    shard_world_free(w);
}

TAP_CASE(a_publish_that_the_log_refused_is_a_publish_error)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    (void)shard_peer_lines(p);
    w->log_refuses = true;
    shard_peer_publish(p, "op", "/default/a", "1");
    shard_world_settle(w);
    lines_are(p,
              "{\"type\":\"publish_error\",\"id\":\"op\",\"errors\":["
              "{\"errorType\":\"InternalFailure\",\"message\":\"The event "
              "could not be stored: try again later\"}]}\n");
    w->log_refuses = false;
    shard_peer_publish(p, "op", "/default/a", "2");
    shard_world_settle(w);
    tap_check(lines_have(p, "\"event\":\"2\""));
    shard_world_free(w);
}

TAP_CASE(a_message_that_is_not_understood_is_an_error_and_the_next_is_read)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_frame(p, 1, bytes_text("{\"type\":\"dance\",\"id\":\"x\"}"));
    shard_world_turn(w);
    tap_check(lines_have(
        p,
        "{\"type\":\"error\",\"id\":\"x\",\"errors\":[{\"errorType\":"
        "\"UnsupportedOperation\""));
    shard_peer_frame(p, 1, bytes_text("no json"));
    shard_peer_frame(p, 2, bytes_text("{\"type\":\"connection_init\"}"));
    shard_peer_frame(p, 1, bytes_text("{\"type\":\"ka\"}"));
    shard_world_turn(w);
    tap_check(lines_have(p, "Binary messages are not understood"));
    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    lines_are(p, "{\"type\":\"subscribe_success\",\"id\":\"s\"}\n");
    shard_world_free(w);
}

TAP_CASE(each_fault_of_a_message_names_its_kind)
{
    static const struct {
        const char *message;
        const char *type;
        const char *part;
    } faults[] = {
        {"{\"type\":\"subscribe\",\"id\":\"i\",\"channel\":\"//\"}",
         "subscribe_error",
         "Invalid Channel Format"},
        {"{\"type\":\"subscribe\",\"id\":\"i\",\"channel\":\"/default/a\"}",
         "subscribe_error",
         "You are not authorized"},
        {"{\"type\":\"publish\",\"id\":\"i\",\"channel\":\"/default/*\","
         "\"events\":[\"1\"]}",
         "publish_error",
         "Invalid Channel Format"},
        {"{\"type\":\"publish\",\"id\":\"i\",\"channel\":\"/default/a\","
         "\"events\":[\"1\"]}",
         "publish_error",
         "You are not authorized"},
        {"{\"type\":\"publish\",\"id\":\"i\",\"channel\":\"/default/a\","
         "\"events\":[\"1\",\"1\",\"1\",\"1\",\"1\",\"1\"]}",
         "publish_error",
         "input exceeded 5 event limit"},
    };
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        const char *lines;

        shard_peer_frame(p, 1, bytes_text(faults[i].message));
        shard_world_turn(w);
        lines = shard_peer_lines(p);
        tap_check(strstr(lines, faults[i].type) != NULL);
        tap_check(strstr(lines, faults[i].part) != NULL);
    }
    tap_equal(w->metrics.publishes_refused, 3);
    shard_world_free(w);
}

TAP_CASE(the_key_of_each_message_is_the_one_that_counts)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);
    const char *narrow =
        shard_world_key(w, "/default/a", "/default/b/*", false, 0);

    shard_peer_say(p,
                   "{\"type\":\"subscribe\",\"id\":\"i\",\"channel\":"
                   "\"/default/b/c\",\"authorization\":{\"x-api-key\":\"%s\"}}",
                   narrow);
    shard_world_turn(w);
    tap_check(lines_have(p, "subscribe_success"));
    shard_peer_say(p,
                   "{\"type\":\"subscribe\",\"id\":\"j\",\"channel\":"
                   "\"/default/*\",\"authorization\":{\"x-api-key\":\"%s\"}}",
                   narrow);
    shard_world_turn(w);
    lines_are(p,
              "{\"type\":\"subscribe_error\",\"id\":\"j\",\"errors\":"
              "[{\"errorType\":\"UnauthorizedException\"}]}\n");
    shard_world_free(w);
}

TAP_CASE(a_ping_is_answered_behind_what_the_messages_before_it_caused)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "s", "/default/a");
    shard_peer_frame(p, 9, bytes_text("beat"));
    shard_world_turn(w);
    lines_are(p, "{\"type\":\"subscribe_success\",\"id\":\"s\"}\npong beat\n");
    shard_world_free(w);
}

TAP_CASE(a_close_is_answered_and_the_connection_shut)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    (void)shard_peer_lines(p);
    shard_peer_frame(p,
                     8,
                     bytes_of("\x03\xe9"
                              "bye",
                              5));
    shard_world_publish(w, "/default/a", "1");
    shard_world_settle(w);
    lines_are(p, "close 1001 bye\n");
    tap_check(p->half_closed);
    shard_peer_end(p, false);
    shard_world_settle(w);
    tap_check(p->closed);
    tap_equal(w->metrics.subscriptions_open, 0);
    tap_equal(w->metrics.websockets_open, 0);
    tap_equal(w->metrics.connections_open, 0);
    shard_world_free(w);
}

TAP_CASE(a_fault_of_the_protocol_is_closed_with_its_code)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *unmasked;
    struct shard_peer *latin;
    struct shard_peer *large;
    char message[101];

    options.limits.message_bytes_max = 100;
    w = shard_world_new(&options);
    unmasked = shard_world_websocket(w);
    latin = shard_world_websocket(w);
    large = shard_world_websocket(w);
    memset(message, ' ', sizeof(message));

    shard_peer_send_bytes(unmasked, bytes_of("\x81\x02{}", 4));
    shard_peer_frame(latin, 1, bytes_of("\xe9", 1));
    shard_peer_frame(large, 1, bytes_of(message, 100));
    shard_world_settle(w);
    tap_check(lines_have(unmasked, "close 1002"));
    tap_check(lines_have(latin, "close 1007"));
    tap_check(lines_have(large, "\"type\":\"error\""));
    shard_peer_frame(large, 1, bytes_of(message, 101));
    shard_world_settle(w);
    tap_check(lines_have(large, "close 1009"));
    shard_world_free(w);
}

TAP_CASE(too_many_publishes_in_flight_stop_the_reading_until_one_is_answered)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;
    int answered = 0;
    const char *at;

    options.limits.publishes_in_flight_max = 3;
    w = shard_world_new(&options);
    p = shard_world_websocket(w);
    for (int i = 0; i < 10; i++) {
        shard_peer_publish(p, "op", "/default/a", "1");
    }
    shard_world_turn(w);
    shard_world_turn(w);
    tap_equal(w->metrics.publishes, 3);
    tap_check(!shard_wants_read(p->client));

    shard_world_commit(w);
    shard_world_turn(w);
    tap_equal(w->metrics.publishes, 6);
    tap_check(!shard_wants_read(p->client));

    shard_world_settle(w);
    tap_equal(w->metrics.publishes, 10);
    tap_check(shard_wants_read(p->client));
    for (at = shard_peer_lines(p); (at = strstr(at, "publish_success"));) {
        at++;
        answered++;
    }
    tap_equal(answered, 10);
    shard_world_free(w);
}

TAP_CASE(the_last_publish_that_may_be_in_flight_does_not_stop_the_reading)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;

    options.limits.publishes_in_flight_max = 3;
    w = shard_world_new(&options);
    p = shard_world_websocket(w);
    shard_peer_publish(p, "op", "/default/a", "1");
    shard_peer_publish(p, "op", "/default/a", "1");
    shard_world_turn(w);
    tap_check(shard_wants_read(p->client));
    shard_peer_publish(p, "op", "/default/a", "1");
    shard_world_turn(w);
    tap_check(!shard_wants_read(p->client));
    shard_world_free(w);
}

TAP_CASE(pings_that_waited_behind_a_publish_are_all_answered)
{
    enum { PINGS = 600 };
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;
    char payload[126];
    int pongs = 0;
    const char *at;

    options.limits.publishes_in_flight_max = 1;
    w = shard_world_new(&options);
    p = shard_world_websocket(w);
    shard_peer_publish(p, "op", "/default/a", "1");
    memset(payload, 'x', sizeof(payload));
    for (int i = 0; i < PINGS; i++) {
        shard_peer_frame(p, 9, bytes_of(payload, 125));
    }
    /* As TLS may bring them: more than one read's worth at once. */
    w->read_bytes_max = SIZE_MAX;
    shard_world_settle(w);
    tap_check(!p->closed);
    for (at = shard_peer_lines(p); (at = strstr(at, "pong x")) != NULL; at++) {
        pongs++;
    }
    tap_equal(pongs, PINGS);
    shard_world_free(w);
}

TAP_CASE(a_client_that_closes_with_a_publish_in_flight_gets_no_answer)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_publish(p, "op", "/default/a", "1");
    shard_world_turn(w);
    shard_peer_frame(p, 8, bytes_of("\x03\xe8", 2));
    shard_world_turn(w);
    lines_are(p, "close 1000 \n");
    shard_world_settle(w);
    lines_are(p, "");
    tap_equal(shard_world_last_place(w), 1);
    shard_world_free(w);
}

TAP_CASE(the_answer_for_a_websocket_that_is_gone_does_not_reach_the_next_one)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *next;

    shard_peer_publish(p, "op", "/default/a", "1");
    shard_world_turn(w);
    shard_peer_end(p, true);
    shard_world_turn(w);
    tap_check(p->closed);
    next = shard_world_websocket(w);
    shard_world_settle(w);
    lines_are(next, "");
    tap_equal(shard_world_last_place(w), 1);
    shard_world_free(w);
}

TAP_CASE(an_end_without_a_close_frame_closes_at_once)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    shard_peer_end(p, false);
    shard_world_turn(w);
    tap_check(p->closed);
    tap_equal(w->metrics.subscriptions_open, 0);
    shard_world_free(w);
}

TAP_CASE(a_message_in_many_frames_and_pieces_is_one_message)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);
    struct bytes all;

    shard_peer_frame(p, 1, bytes_text("{\"type\":\"conn"));
    p->sent.data[0] &= 0x7f;
    shard_peer_frame(p, 9, bytes_text("between"));
    shard_peer_frame(p, 0, bytes_text("ection_init\"}"));
    all = buffer_view(&p->sent);
    for (size_t i = 0; i < all.len; i++) {
        struct shard_input in = {.kind = SHARD_INPUT_BYTES,
                                 .client = p->client,
                                 .bytes = bytes_of(all.data + i, 1)};

        shard_world_step(w, &in);
    }
    buffer_clear(&p->sent);
    shard_world_turn(w);
    lines_are(p,
              "pong between\n"
              "{\"type\":\"connection_ack\",\"connectionTimeoutMs\":300000}\n"
              "{\"type\":\"ka\"}\n");
    shard_world_free(w);
}

TAP_CASE(of_one_who_may_not_be_here_no_message_is_gathered)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    const struct client *c = p->client;
    uint8_t part[60000] = {0};

    shard_peer_upgrade(p, "Sec-WebSocket-Protocol: aws-appsync-event-ws", "");
    shard_world_turn(w);
    tap_check(
        bytes_starts_with(shard_peer_take(p), bytes_text("HTTP/1.1 101")));
    shard_peer_send_bytes(p,
                          bytes_of("\x81\xff\0\0\0\0\0\x10\0\0\0\0\0\0", 14));
    shard_peer_send_bytes(p, bytes_of(part, sizeof(part)));
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "connection_error") != NULL);
    shard_peer_send_bytes(p, bytes_of(part, sizeof(part)));
    shard_world_settle(w);
    tap_equal(c->state, CLIENT_CLOSING);
    tap_check(ws_stream_held(&c->ws) < 20000);
    shard_world_wait(w, w->options.limits.close_timeout_ms + 1);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_MAIN()

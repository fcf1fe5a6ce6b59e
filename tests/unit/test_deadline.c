/* What time does to connections, a millisecond before each limit and at it. */
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

#define HEALTH "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"

TAP_CASE(a_shard_without_clients_waits_for_nothing)
{
    struct shard_world *w = shard_world_new(NULL);

    tap_check(shard_deadline_ms(w->shard) == MOMENT_NEVER);
    shard_world_free(w);
}

TAP_CASE(the_next_deadline_is_the_earliest_of_all)
{
    struct shard_world *w = shard_world_new(NULL);
    uint64_t start_ms = w->now.mono_ms;
    struct shard_peer *p;

    (void)shard_world_connect(w);
    tap_equal(shard_deadline_ms(w->shard),
              start_ms + w->options.limits.request_timeout_ms);
    w->now.mono_ms += 10;
    p = shard_world_connect(w);
    tap_equal(shard_deadline_ms(w->shard),
              start_ms + w->options.limits.request_timeout_ms);
    shard_peer_send(p,
                    "GET /healthz HTTP/1.1\r\nHost: h\r\n"
                    "Connection: close\r\n\r\n");
    shard_world_turn(w);
    tap_equal(shard_deadline_ms(w->shard),
              start_ms + 10 + w->options.limits.close_timeout_ms);
    shard_world_free(w);
}

TAP_CASE(a_connection_that_never_asks_is_closed_at_the_request_limit)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    shard_world_wait(w, w->options.limits.request_timeout_ms - 1);
    tap_check(!p->closed);
    shard_world_wait(w, 1);
    tap_check(p->closed);
    tap_equal(p->got.len, 0);
    tap_equal(w->metrics.timeouts, 1);
    tap_check(shard_deadline_ms(w->shard) == MOMENT_NEVER);
    shard_world_free(w);
}

TAP_CASE(a_request_that_does_not_end_is_told_408_and_closed)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    shard_peer_send(p, "GET /healthz HT");
    shard_world_turn(w);
    shard_world_wait(w, w->options.limits.request_timeout_ms - 1);
    tap_equal(p->got.len, 0);
    shard_world_wait(w, 1);
    tap_equal(shard_peer_answer(p, head), 408);
    tap_check(strstr(head, "\r\nConnection: close\r\n") != NULL);
    tap_check(p->half_closed && !p->closed);
    shard_world_wait(w, w->options.limits.close_timeout_ms);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_CASE(bytes_that_trickle_do_not_move_the_request_limit)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_send(p, "GET /healthz HTTP/1.1\r\nX: ");
    shard_world_turn(w);
    for (int i = 0; i < 14; i++) {
        shard_world_wait(w, 1000);
        shard_peer_send(p, "x");
        shard_world_turn(w);
    }
    tap_equal(p->got.len, 0);
    shard_world_wait(w, 1000);
    tap_equal(shard_peer_answer(p, NULL), 408);
    shard_world_free(w);
}

TAP_CASE(each_request_of_a_connection_has_its_own_limit)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    for (int i = 0; i < 5; i++) {
        shard_world_wait(w, w->options.limits.request_timeout_ms - 1);
        shard_peer_send(p, HEALTH);
        shard_world_turn(w);
        tap_equal(shard_peer_answer(p, NULL), 200);
    }
    shard_peer_send(p, "G");
    shard_world_turn(w);
    shard_world_wait(w, w->options.limits.request_timeout_ms - 1);
    tap_equal(p->got.len, 0);
    shard_world_wait(w, 1);
    tap_equal(shard_peer_answer(p, NULL), 408);
    shard_world_free(w);
}

TAP_CASE(a_kept_connection_is_closed_at_the_idle_limit)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_send(p, HEALTH);
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    shard_world_wait(w, w->options.limits.idle_timeout_ms - 1);
    tap_check(!p->closed);
    shard_world_wait(w, 1);
    tap_check(p->closed);
    tap_equal(p->got.len, 0);
    shard_world_free(w);
}

TAP_CASE(a_publish_that_waits_for_the_log_has_no_limit)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_send(p, "POST /event HTTP/1.1\r\nHost: h\r\nx-api-key: ");
    shard_peer_send(p, w->key);
    shard_peer_send(p,
                    "\r\nContent-Length: 39\r\n\r\n"
                    "{\"channel\":\"/default/a\",\"events\":[\"1\"]}");
    shard_world_turn(w);
    tap_check(shard_deadline_ms(w->shard) == MOMENT_NEVER);
    shard_world_wait(w, 3600 * 1000);
    tap_check(!p->closed);
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    shard_world_free(w);
}

TAP_CASE(a_peer_that_does_not_say_goodbye_is_closed_at_the_close_limit)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_input drain = {.kind = SHARD_INPUT_DRAIN};

    shard_world_step(w, &drain);
    shard_world_turn(w);
    tap_equal_text(bytes_text(shard_peer_lines(p)),
                   "close 1001 the node stops\n");
    shard_world_wait(w, w->options.limits.close_timeout_ms - 1);
    tap_check(!p->closed && !p->half_closed);
    shard_world_wait(w, 1);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_CASE(keep_alives_come_at_their_interval_and_not_before)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    for (int i = 0; i < 3; i++) {
        shard_world_wait(w, w->options.limits.keepalive_ms - 1);
        tap_equal_text(bytes_text(shard_peer_lines(p)), "");
        shard_world_wait(w, 1);
        tap_equal_text(bytes_text(shard_peer_lines(p)), "{\"type\":\"ka\"}\n");
    }
    shard_world_free(w);
}

TAP_CASE(connection_init_begins_the_interval_anew)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_world_wait(w, w->options.limits.keepalive_ms - 1);
    shard_peer_say(p, "{\"type\":\"connection_init\"}");
    shard_world_turn(w);
    (void)shard_peer_lines(p);
    shard_world_wait(w, w->options.limits.keepalive_ms - 1);
    tap_equal_text(bytes_text(shard_peer_lines(p)), "");
    shard_world_wait(w, 1);
    tap_equal_text(bytes_text(shard_peer_lines(p)), "{\"type\":\"ka\"}\n");
    shard_world_free(w);
}

TAP_CASE(keep_alives_come_whatever_else_is_sent)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    shard_world_wait(w, w->options.limits.keepalive_ms - 1);
    shard_world_publish(w, "/default/a", "1");
    shard_world_settle(w);
    (void)shard_peer_lines(p);
    shard_world_wait(w, 1);
    tap_equal_text(bytes_text(shard_peer_lines(p)), "{\"type\":\"ka\"}\n");
    shard_world_free(w);
}

TAP_CASE(a_blocked_client_gets_no_keep_alives_and_afterwards_only_one)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);
    size_t held;

    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    (void)shard_peer_lines(p);
    shard_peer_block(p);
    shard_world_publish(w, "/default/a", "1");
    shard_world_settle(w);
    held = p->client == NULL ? 0 : p->got.len;
    shard_world_wait(w, 10 * w->options.limits.keepalive_ms);
    tap_equal(p->got.len, held);
    tap_check(!p->closed);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_turn(w);
    tap_equal_text(bytes_text(shard_peer_lines(p)),
                   "{\"type\":\"data\",\"id\":\"s\",\"event\":\"1\"}\n");
    shard_world_wait(w, w->options.limits.keepalive_ms);
    tap_equal_text(bytes_text(shard_peer_lines(p)), "{\"type\":\"ka\"}\n");
    shard_world_free(w);
}

static struct shard_peer *blocked_with_answer(struct shard_world *w)
{
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_block(p);
    shard_peer_send(p, HEALTH);
    shard_world_turn(w);
    tap_check(p->blocked);
    return p;
}

TAP_CASE(a_peer_that_takes_no_answer_is_closed_at_the_write_limit)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = blocked_with_answer(w);

    shard_world_wait(w, w->options.limits.write_timeout_ms - 1);
    tap_check(!p->closed);
    shard_world_wait(w, 1);
    tap_check(p->closed);
    tap_equal(w->metrics.timeouts, 1);
    shard_world_free(w);
}

TAP_CASE(a_peer_that_takes_no_answer_and_asks_for_history_is_closed_as_well)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = blocked_with_answer(w);

    shard_peer_send(p, "GET /event?channel=/default/a HTTP/1.1\r\nHost: h\r\n");
    shard_peer_send(p, "x-api-key: ");
    shard_peer_send(p, w->key);
    shard_peer_send(p, "\r\n\r\n");
    shard_world_turn(w);
    tap_equal(w->metrics.subscriptions_open, 1);
    shard_world_wait(w, w->options.limits.write_timeout_ms);
    tap_check(p->closed);
    tap_equal(w->metrics.timeouts, 1);
    tap_equal(w->metrics.subscriptions_open, 0);
    shard_world_free(w);
}

TAP_CASE(a_peer_that_takes_a_little_now_and_then_is_not_closed)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = blocked_with_answer(w);

    for (int i = 0; i < 5 && p->blocked; i++) {
        shard_world_wait(w, w->options.limits.write_timeout_ms / 3);
        shard_peer_allow(p, 10);
        shard_world_turn(w);
    }
    tap_check(p->blocked);
    tap_check(!p->closed);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    shard_world_free(w);
}

TAP_CASE(a_subscriber_that_takes_nothing_is_waited_for)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    (void)shard_peer_lines(p);
    shard_peer_block(p);
    shard_world_publish(w, "/default/a", "1");
    shard_world_settle(w);
    shard_world_wait(w, 100 * w->options.limits.write_timeout_ms);
    tap_check(!p->closed);
    tap_equal(w->metrics.timeouts, 0);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_turn(w);
    tap_equal_text(bytes_text(shard_peer_lines(p)),
                   "{\"type\":\"data\",\"id\":\"s\",\"event\":\"1\"}\n");
    shard_world_free(w);
}

/* The first bytes of a text frame that says it has 1000. */
static void begin_message(struct shard_peer *p)
{
    shard_peer_send_bytes(p, bytes_of("\x81\xfe\x03\xe8\0\0\0\0abc", 11));
    shard_world_settle(p->world);
}

TAP_CASE(a_message_that_does_not_end_is_closed_at_the_request_limit)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_world_wait(w, 20000); /* between messages nothing ends it */
    begin_message(p);
    shard_world_wait(w, 14999);
    tap_equal_text(bytes_text(shard_peer_lines(p)), "");
    shard_world_wait(w, 1);
    tap_equal_text(bytes_text(shard_peer_lines(p)),
                   "close 1008 a message took too long to arrive\n");
    tap_equal(atomic_load(&w->metrics.timeouts), 1);
    shard_world_wait(w, w->options.limits.close_timeout_ms);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_CASE(bytes_and_control_frames_do_not_move_the_limit_of_a_message)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_send_bytes(p, bytes_of("\x01\x80\0\0\0\0", 6));
    for (int i = 0; i < 15; i++) {
        shard_world_settle(w);
        shard_world_wait(w, 999);
        shard_peer_send_bytes(p, bytes_of("\0\x81\0\0\0\0a", 7));
        shard_peer_frame(p, 9, bytes_text("ping"));
        shard_peer_frame(p, 10, bytes_text("pong"));
    }
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "close") == NULL);
    shard_world_wait(w, 15);
    tap_check(strstr(shard_peer_lines(p), "close 1008") != NULL);
    shard_world_free(w);
}

TAP_CASE(each_message_has_its_own_limit_also_where_they_are_never_apart)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_send_bytes(p, bytes_of("\x81\x80", 2));
    for (int i = 0; i < 100; i++) {
        shard_world_settle(w);
        shard_world_wait(w, 1000);
        /* The rest of an empty message, and the beginning of another. */
        shard_peer_send_bytes(p, bytes_of("\0\0\0\0\x81\x80", 6));
    }
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "close") == NULL);
    shard_world_wait(w, 15000);
    tap_check(strstr(shard_peer_lines(p), "close 1008") != NULL);
    shard_world_free(w);
}

TAP_CASE(many_clients_expire_each_in_its_own_time)
{
    enum { PEERS = 100 };
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *peers[PEERS];

    for (int i = 0; i < PEERS; i++) {
        peers[i] = shard_world_connect(w);
        w->now.mono_ms++;
    }
    shard_world_wait(w, w->options.limits.request_timeout_ms - PEERS);
    for (int i = 0; i < PEERS; i++) {
        tap_check(peers[i]->closed);
        tap_check(i + 1 == PEERS || !peers[i + 1]->closed);
        shard_world_wait(w, 1);
    }
    tap_equal(shard_client_count(w->shard), 0);
    shard_world_free(w);
}

TAP_MAIN()

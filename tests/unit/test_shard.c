/* The shard's door: what each input leads to, who is read and who is not, how
 * a shard lets everybody go. */
#include "src/bridge/shard_state.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

#define HEALTH "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"

static void drain(struct shard_world *w)
{
    struct shard_input in = {.kind = SHARD_INPUT_DRAIN};

    shard_world_step(w, &in);
}

static void post(struct shard_peer *p)
{
    shard_peer_send(p, "POST /event HTTP/1.1\r\nHost: h\r\nx-api-key: ");
    shard_peer_send(p, p->world->key);
    shard_peer_send(p,
                    "\r\nContent-Length: 39\r\n\r\n"
                    "{\"channel\":\"/default/a\",\"events\":[\"1\"]}");
}

static struct shard_peer *subscriber(struct shard_world *w)
{
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    tap_check(strstr(shard_peer_lines(p), "subscribe_success") != NULL);
    return p;
}

TAP_CASE(a_shard_can_be_made_and_freed_without_a_client)
{
    struct shard_world *w = shard_world_new(NULL);

    tap_equal(shard_client_count(w->shard), 0);
    tap_check(!shard_world_turn(w));
    shard_world_free(w);
}

TAP_CASE(connections_are_counted_while_they_are_open)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *a = shard_world_connect(w);
    struct shard_peer *b = shard_world_connect(w);

    tap_equal(shard_client_count(w->shard), 2);
    tap_equal(w->metrics.connections_open, 2);
    shard_peer_end(a, false);
    shard_world_turn(w);
    tap_check(a->closed && !b->closed);
    tap_equal(shard_client_count(w->shard), 1);
    tap_equal(w->metrics.connections_open, 1);
    tap_equal(w->metrics.connections_opened, 2);
    shard_world_free(w);
}

TAP_CASE(a_shard_that_is_freed_frees_clients_in_every_state)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *reading = shard_world_connect(w);
    struct shard_peer *waiting = shard_world_connect(w);
    struct shard_peer *blocked = subscriber(w);
    struct shard_peer *behind = subscriber(w);
    struct shard_peer *inside = subscriber(w);
    struct shard_peer *closing = subscriber(w);

    (void)shard_world_connect(w);
    shard_peer_send(reading, "POST /event HT");
    post(waiting);
    shard_peer_send(waiting, HEALTH);
    shard_peer_block(blocked);
    shard_peer_block(behind);
    shard_peer_send_bytes(inside, bytes_of("\x81\xfe\x10", 3));
    shard_peer_frame(closing, 8, bytes_of("\x03\xe8", 2));
    shard_world_publish(w, "/default/a", "1");
    shard_world_turn(w);
    shard_world_commit(w);
    shard_world_turn(w);
    post(waiting);
    tap_equal(shard_client_count(w->shard), 7);
    shard_world_free(w); /* the leak checker would tell */
}

TAP_CASE(a_shard_that_is_freed_lets_go_of_batches_and_publishes)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = subscriber(w);
    struct shard_input in = {.kind = SHARD_INPUT_BYTES, .client = p->client};

    shard_world_publish(w, "/default/a", "1");
    shard_world_commit(w);
    shard_peer_publish(p, "op", "/default/a", "2");
    in.bytes = buffer_view(&p->sent);
    shard_world_step(w, &in);
    tap_check(atomic_load(&w->intake.bytes) > 0);
    shard_world_free(w); /* which looks at what is charged */
}

TAP_CASE(a_client_whose_output_is_full_is_not_read_until_it_drains)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;

    options.limits.send_buffer_max = 1000;
    w = shard_world_new(&options);
    p = shard_world_websocket(w);
    shard_peer_block(p);
    for (int i = 0; i < 100; i++) {
        shard_peer_say(p, "{\"type\":\"connection_init\"}");
        shard_world_turn(w);
    }
    tap_check(!shard_wants_read(p->client));
    tap_check(p->client->out.len > 1000);
    tap_check(p->client->out.len < 1100);
    tap_check(p->sent.len > 0);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    tap_check(shard_wants_read(p->client));
    tap_equal(p->sent.len, 0);
    tap_equal(w->metrics.messages_in, 100);
    shard_world_free(w);
}

TAP_CASE(bytes_that_came_at_once_are_not_answered_above_the_send_buffer_either)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;
    int acks = 0;
    const char *at;

    options.limits.send_buffer_max = 1000;
    w = shard_world_new(&options);
    p = shard_world_websocket(w);
    shard_peer_block(p);
    for (int i = 0; i < 500; i++) {
        shard_peer_say(p, "{\"type\":\"connection_init\"}");
    }
    shard_world_turn(w);
    tap_check(p->client->out.len < 1100);
    while (p->client->in.len > 0) {
        shard_peer_allow(p, 300);
        shard_world_turn(w);
        tap_check(p->client->out.len < 1100);
    }
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    for (at = shard_peer_lines(p); (at = strstr(at, "connection_ack"));) {
        at++;
        acks++;
    }
    tap_equal(acks, 500);
    shard_world_free(w);
}

TAP_CASE(a_request_is_not_read_while_a_publish_waits)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    tap_check(shard_wants_read(p->client));
    post(p);
    shard_world_turn(w);
    tap_check(!shard_wants_read(p->client));
    shard_world_settle(w);
    tap_check(shard_wants_read(p->client));
    shard_world_free(w);
}

TAP_CASE(a_closing_client_is_read_so_that_its_end_is_noticed)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_send(
        p, "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    shard_world_turn(w);
    tap_check(p->half_closed);
    tap_check(shard_wants_read(p->client));
    shard_peer_send(p, HEALTH);
    shard_world_turn(w);
    tap_equal(p->sent.len, 0);
    shard_peer_end(p, false);
    tap_check(!shard_wants_read(p->client));
    shard_world_turn(w);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_CASE(an_end_right_behind_a_request_still_gets_the_answer)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    struct shard_input in = {.kind = SHARD_INPUT_BYTES,
                             .client = p->client,
                             .bytes = bytes_text(HEALTH)};

    shard_world_step(w, &in);
    shard_peer_end(p, false);
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_CASE(an_end_while_an_answer_is_half_sent_lets_the_rest_go_first)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_block(p);
    shard_peer_allow(p, 20);
    shard_peer_send(p, HEALTH);
    shard_world_turn(w);
    shard_peer_end(p, false);
    shard_world_turn(w);
    tap_check(!p->closed);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_CASE(a_reset_closes_at_once_whatever_is_queued)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    struct shard_peer *s = subscriber(w);

    shard_peer_block(p);
    shard_peer_send(p, HEALTH);
    shard_peer_block(s);
    shard_world_publish(w, "/default/a", "1");
    shard_world_settle(w);
    shard_peer_end(p, true);
    shard_peer_end(s, true);
    shard_world_turn(w);
    tap_check(p->closed && s->closed);
    shard_world_publish(w, "/default/a", "2");
    shard_world_settle(w);
    tap_equal(shard_client_count(w->shard), 0);
    shard_world_free(w);
}

TAP_CASE(a_client_that_went_is_sent_nothing_when_its_socket_takes_bytes_again)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_block(p);
    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    shard_peer_end(p, false);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_turn(w); /* it can be written in the turn of its end */
    tap_equal(p->got.len, 0);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_CASE(a_reset_in_the_turn_of_its_delivery_sends_nothing)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = subscriber(w);
    struct shard_peer *other = subscriber(w);

    shard_world_publish(w, "/default/a", "1");
    shard_world_commit(w);
    shard_peer_end(p, true);
    shard_world_turn(w);
    tap_check(p->closed);
    tap_equal(p->got.len, 0);
    tap_check(strstr(shard_peer_lines(other), "\"event\":\"1\"") != NULL);
    shard_world_free(w);
}

TAP_CASE(a_slot_that_is_used_again_serves_a_new_connection)
{
    struct shard_world *w = shard_world_new(NULL);

    for (int i = 0; i < 20; i++) {
        struct shard_peer *p = subscriber(w);

        shard_world_publish(w, "/default/a", "1");
        shard_world_settle(w);
        tap_check(strstr(shard_peer_lines(p), "\"event\":\"1\"") != NULL);
        shard_peer_end(p, i % 2 == 0);
        shard_world_turn(w);
        tap_check(p->closed);
    }
    tap_equal(w->metrics.deliveries, 20);
    tap_equal(w->shard->clients.slot_count, 64);
    shard_world_free(w);
}

TAP_CASE(parsers_are_lent_while_a_request_is_read_and_kept_for_the_next)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *a = shard_world_connect(w);
    struct shard_peer *b = shard_world_connect(w);

    shard_peer_send(a, "GET /heal");
    shard_world_turn(w);
    tap_check(a->client->request != NULL);
    shard_peer_send(a, "thz HTTP/1.1\r\nHost: h\r\n\r\n");
    shard_world_turn(w);
    tap_check(a->client->request == NULL);
    tap_equal(w->shard->spare_request_count, 1);
    post(b);
    shard_world_settle(w);
    tap_equal(shard_peer_answer(b, NULL), 200);
    tap_check(b->client->request == NULL);
    tap_equal(w->shard->spare_request_count, 1);
    shard_world_free(w);
}

TAP_CASE(no_more_spare_parsers_are_kept_than_there_is_room_for)
{
    enum { PEERS = SHARD_SPARE_REQUESTS_MAX + 3 };
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *peers[PEERS];

    for (int i = 0; i < PEERS; i++) {
        peers[i] = shard_world_connect(w);
        shard_peer_send(peers[i], "GET /heal");
    }
    shard_world_turn(w);
    for (int i = 0; i < PEERS; i++) {
        shard_peer_send(peers[i], "thz HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    shard_world_turn(w);
    tap_equal(w->shard->spare_request_count, SHARD_SPARE_REQUESTS_MAX);
    for (int i = 0; i < PEERS; i++) {
        tap_equal(shard_peer_answer(peers[i], NULL), 200);
    }
    shard_world_free(w);
}

TAP_CASE(an_idle_client_holds_no_buffers)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = subscriber(w);

    for (int i = 0; i < 100; i++) {
        shard_world_publish(w, "/default/a", "1");
        shard_peer_publish(p, "op", "/default/b", "1");
    }
    shard_world_settle(w);
    tap_check(p->client->out.data == NULL);
    tap_check(p->client->in.data == NULL);
    tap_check(p->client->request == NULL);
    tap_check(p->client->ws.busy == NULL);
    shard_world_free(w);
}

TAP_CASE(draining_closes_the_idle_and_says_goodbye_to_websockets)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *idle = shard_world_connect(w);
    struct shard_peer *kept = shard_world_connect(w);
    struct shard_peer *s = subscriber(w);

    shard_peer_send(kept, HEALTH);
    shard_world_turn(w);
    drain(w);
    shard_world_turn(w);
    tap_check(idle->closed && kept->closed && !s->closed);
    tap_equal_text(bytes_text(shard_peer_lines(s)),
                   "close 1001 the node stops\n");
    shard_peer_frame(s, 8, bytes_of("\x03\xe9", 2));
    shard_world_turn(w);
    tap_check(s->half_closed);
    shard_peer_end(s, false);
    shard_world_turn(w);
    tap_equal(shard_client_count(w->shard), 0);
    shard_world_free(w);
}

TAP_CASE(draining_waits_for_publishes_that_are_on_their_way)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *http = shard_world_connect(w);
    struct shard_peer *p = shard_world_websocket(w);
    const char *lines;
    char head[1024];

    post(http);
    shard_peer_publish(p, "op", "/default/a", "1");
    shard_world_turn(w);
    drain(w);
    shard_world_turn(w);
    tap_check(!http->closed && !p->closed);
    tap_equal(p->got.len, 0);
    shard_world_settle(w);
    tap_equal(shard_peer_answer(http, head), 200);
    tap_check(http->half_closed);
    lines = shard_peer_lines(p);
    tap_check(strstr(lines, "{\"type\":\"publish_success\"") == lines);
    tap_check(strstr(lines, "close 1001 the node stops\n") != NULL);
    shard_world_free(w);
}

TAP_CASE(draining_does_not_cut_an_answer_short)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *blocked = shard_world_connect(w);
    struct shard_peer *made = shard_world_connect(w);
    struct shard_input in = {.kind = SHARD_INPUT_BYTES,
                             .client = made->client,
                             .bytes = bytes_text(HEALTH)};

    shard_peer_block(blocked);
    shard_peer_allow(blocked, 20);
    shard_peer_send(blocked, HEALTH);
    shard_world_turn(w);
    shard_world_step(w, &in);
    drain(w);
    shard_world_turn(w);
    tap_equal(shard_peer_answer(made, NULL), 200);
    tap_check(!blocked->closed);
    shard_peer_allow(blocked, SIZE_MAX);
    shard_world_turn(w);
    tap_equal(shard_peer_answer(blocked, NULL), 200);
    tap_check(made->half_closed && blocked->half_closed);
    shard_peer_end(made, false);
    shard_world_wait(w, w->options.limits.close_timeout_ms);
    tap_equal(shard_client_count(w->shard), 0);
    shard_world_free(w);
}

TAP_CASE(events_that_were_walked_before_the_goodbye_are_sent_before_it)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = subscriber(w);
    const char *lines;

    shard_peer_block(p);
    shard_world_publish(w, "/default/a", "1");
    shard_world_settle(w);
    drain(w);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_turn(w);
    lines = shard_peer_lines(p);
    tap_equal_text(bytes_text(lines),
                   "{\"type\":\"data\",\"id\":\"s\",\"event\":\"1\"}\n"
                   "close 1001 the node stops\n");
    shard_world_free(w);
}

TAP_CASE(a_send_buffer_of_the_largest_setting_is_filled_without_a_fault)
{
    enum { EVENTS = 300 };
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;
    size_t len = CLIENT_MSG_EVENT_BYTES_MAX;
    char *text = malloc(len + 1);

    options.limits.send_buffer_max = (size_t)64 << 20;
    w = shard_world_new(&options);
    p = subscriber(w);
    memset(text, '\\', len);
    text[0] = '"';
    text[len - 1] = '"';
    text[len] = '\0';
    shard_peer_block(p);
    for (int i = 0; i < EVENTS && list_empty(&p->client->replays); i++) {
        shard_world_publish(w, "/default/a", text);
        shard_world_commit(w);
        shard_world_turn(w);
    }
    tap_check(!list_empty(&p->client->replays));
    tap_check(p->client->out.len > options.limits.send_buffer_max - len);
    free(text);
    shard_world_free(w);
}

TAP_MAIN()

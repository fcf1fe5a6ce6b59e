/* A node that stops: its clients leave one after the other, and are served
 * until they do. */
#include "src/bridge/drain.h"

#include "src/bridge/shard_state.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>

enum { CLIENTS = 100 };

static struct shard_peer *subscriber(struct shard_world *w)
{
    struct shard_peer *p = shard_world_websocket(w);

    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    (void)shard_peer_lines(p);
    return p;
}

static struct shard_peer *asker(struct shard_world *w, const char *target)
{
    struct shard_peer *p = shard_world_connect(w);
    char text[1024];

    (void)snprintf(text,
                   sizeof(text),
                   "GET %s HTTP/1.1\r\nhost: h\r\nx-api-key: %s\r\n\r\n",
                   target,
                   w->key);
    shard_peer_send(p, text);
    shard_world_settle(w);
    return p;
}

static void drain(struct shard_world *w, uint64_t over_ms)
{
    struct shard_input in = {.kind = SHARD_INPUT_DRAIN, .drain_ms = over_ms};

    shard_world_step(w, &in);
    shard_world_turn(w);
}

static bool has_left(const struct shard_peer *p)
{
    return p->closed || p->client->state == CLIENT_CLOSING;
}

static size_t left(struct shard_peer *const peers[CLIENTS])
{
    size_t count = 0;

    for (size_t i = 0; i < CLIENTS; i++) {
        count += has_left(peers[i]);
    }
    return count;
}

TAP_CASE(clients_leave_one_after_the_other_over_the_time_in_no_order)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *peers[CLIENTS];
    size_t in_order = 0;

    for (size_t i = 0; i < CLIENTS; i++) {
        peers[i] = subscriber(w);
    }
    drain(w, 50);
    tap_check(left(peers) <= 1);
    for (size_t ms = 1; ms <= 50; ms++) {
        shard_world_wait(w, 1);
        tap_check(left(peers) >= 2 * ms && left(peers) <= 2 * ms + 1);
        in_order += has_left(peers[2 * ms - 1]) && has_left(peers[2 * ms - 2]);
    }
    tap_check(in_order < 40);
    for (size_t i = 0; i < CLIENTS; i++) {
        tap_equal_text(bytes_text(shard_peer_lines(peers[i])),
                       "close 1001 the node stops\n");
    }
    shard_world_free(w);
}

TAP_CASE(few_clients_do_not_take_all_of_the_time)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *peers[CLIENTS];

    for (size_t i = 0; i < CLIENTS; i++) {
        peers[i] = subscriber(w);
    }
    drain(w, 60000);
    shard_world_wait(w, CLIENTS * DRAIN_CLIENT_MS / 2);
    tap_equal(left(peers), CLIENTS / 2);
    shard_world_wait(w, CLIENTS * DRAIN_CLIENT_MS / 2);
    tap_equal(left(peers), CLIENTS);
    shard_world_free(w);
}

TAP_CASE(those_still_there_get_what_comes)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *peers[CLIENTS];
    size_t got = 0;

    for (size_t i = 0; i < CLIENTS; i++) {
        peers[i] = subscriber(w);
    }
    drain(w, CLIENTS);
    shard_world_wait(w, 40);
    shard_world_publish(w, "/default/a", "7");
    shard_world_commit(w);
    shard_world_turn(w);
    shard_world_wait(w, CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) {
        const char *lines = shard_peer_lines(peers[i]);

        got += strstr(lines, "\"event\":\"7\"") != NULL;
        tap_check(strstr(lines, "close 1001 the node stops\n") != NULL);
    }
    tap_equal(got, CLIENTS - 40);
    shard_world_free(w);
}

TAP_CASE(who_subscribes_while_the_node_stops_is_sent_away_at_once)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *peers[CLIENTS];

    for (size_t i = 0; i < CLIENTS; i++) {
        peers[i] = subscriber(w);
    }
    drain(w, CLIENTS);
    shard_peer_subscribe(peers[0], "t", "/default/b");
    shard_peer_publish(peers[1], "op", "/default/b", "1");
    shard_peer_subscribe(peers[1], "t", "/default/b");
    shard_world_settle(w);
    tap_equal_text(bytes_text(shard_peer_lines(peers[0])),
                   "close 1001 the node stops\n");
    tap_check(strstr(shard_peer_lines(peers[1]), "publish_success") != NULL);
    tap_check(has_left(peers[1]));
    shard_world_free(w);
}

TAP_CASE(what_comes_behind_the_message_that_ends_a_connection_is_not_read)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = subscriber(w);
    struct shard_peer *other = subscriber(w);

    drain(w, 60000);
    shard_peer_subscribe(p, "t", "/default/b");
    shard_peer_publish(p, "op", "/default/a", "1");
    shard_peer_unsubscribe(p, "s");
    shard_world_settle(w);
    tap_equal(w->metrics.publishes, 0);
    tap_equal_text(bytes_text(shard_peer_lines(p)),
                   "close 1001 the node stops\n");
    tap_check(!has_left(other));
    shard_world_free(w);
}

TAP_CASE(streams_end_and_what_waits_is_answered)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *stream = asker(w, "/event/stream?channel=/default/a");
    struct shard_peer *poll =
        asker(w, "/event?channel=/default/a&last=0&wait=50");

    tap_equal(stream->client->state, CLIENT_STREAM);
    tap_equal(poll->client->state, CLIENT_HISTORY);
    drain(w, 1000);
    shard_world_wait(w, 2 * DRAIN_CLIENT_MS);
    tap_check(has_left(stream));
    tap_equal(shard_peer_answer(poll, NULL), 200);
    tap_check(has_left(poll));
    shard_world_free(w);
}

TAP_CASE(those_that_left_by_themselves_are_not_looked_for)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *peers[CLIENTS];

    for (size_t i = 0; i < CLIENTS; i++) {
        peers[i] = subscriber(w);
    }
    drain(w, CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) {
        shard_peer_end(peers[i], true);
    }
    shard_world_settle(w);
    tap_equal(shard_client_count(w->shard), 0);
    shard_world_wait(w, CLIENTS);
    shard_world_free(w);
}

TAP_MAIN()

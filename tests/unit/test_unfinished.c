/* One budget for all that has begun and not ended: what is charged, who is
 * refused when it is used up, and that nothing stays charged. */
#include "src/bridge/unfinished.h"

#include "src/bridge/client.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

#define K ((size_t)1024)
#define BUDGET (1072 * K)

static struct shard_world *world_of(size_t budget)
{
    struct shard_world_options options = shard_world_defaults();

    options.unfinished_bytes_max = budget;
    return shard_world_new(&options);
}

static struct shard_world *world(void)
{
    return world_of(BUDGET);
}

static size_t charged(const struct shard_world *w)
{
    return atomic_load(&w->unfinished.bytes);
}

static uint64_t refused(const struct shard_world *w)
{
    return atomic_load(&w->metrics.unfinished_refused);
}

static void send_zeros(struct shard_peer *p, size_t len)
{
    uint8_t *zeros = calloc(1, len);

    shard_peer_send_bytes(p, bytes_of(zeros, len));
    shard_world_settle(p->world);
    free(zeros);
}

/* A publish of `len` bytes, of which none has come. */
static struct shard_peer *begin_post(struct shard_world *w, size_t len)
{
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    (void)snprintf(head,
                   sizeof(head),
                   "POST /event HTTP/1.1\r\nHost: h\r\nx-api-key: %s\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   w->key,
                   len);
    shard_peer_send(p, head);
    shard_world_settle(w);
    return p;
}

/* A text message of `len` bytes, of which none has come. */
static void begin_message(struct shard_peer *p, uint32_t len)
{
    uint8_t head[14] = {0x81,
                        0xff,
                        0,
                        0,
                        0,
                        0,
                        (uint8_t)(len >> 24),
                        (uint8_t)(len >> 16),
                        (uint8_t)(len >> 8),
                        (uint8_t)len};

    shard_peer_send_bytes(p, bytes_of(head, sizeof(head)));
    shard_world_settle(p->world);
}

static void begin_short_message(struct shard_peer *p, uint16_t len)
{
    uint8_t head[8] = {0x81, 0xfe, (uint8_t)(len >> 8), (uint8_t)len};

    shard_peer_send_bytes(p, bytes_of(head, sizeof(head)));
    shard_world_settle(p->world);
}

TAP_CASE(what_is_held_is_charged_while_it_grows_and_given_back)
{
    struct shard_world *w = world();
    struct shard_peer *p = begin_post(w, 300 * K);

    tap_equal(charged(w), 0);
    tap_check(atomic_load(&w->metrics.unfinished_bytes) > 0);
    send_zeros(p, 100 * K);
    tap_check(charged(w) >= 100 * K);
    tap_check(charged(w) <= 300 * K);
    tap_check(atomic_load(&w->metrics.unfinished_bytes) >= 100 * K);
    send_zeros(p, 200 * K);
    tap_equal(shard_peer_answer(p, NULL), 400);
    tap_equal(charged(w), 0);
    tap_equal(atomic_load(&w->metrics.unfinished_bytes), 0);
    tap_equal(refused(w), 0);
    shard_world_free(w);
}

TAP_CASE(who_goes_in_the_middle_leaves_nothing_charged)
{
    struct shard_world *w = world();
    struct shard_peer *post = begin_post(w, 300 * K);
    struct shard_peer *ws = shard_world_websocket(w);

    send_zeros(post, 100 * K);
    begin_message(ws, 300 * K);
    send_zeros(ws, 100 * K);
    tap_check(charged(w) >= 200 * K);
    shard_peer_end(post, false);
    shard_peer_end(ws, true);
    shard_world_settle(w);
    tap_equal(charged(w), 0);
    tap_equal(atomic_load(&w->metrics.unfinished_bytes), 0);
    shard_world_free(w);
}

TAP_CASE(the_newest_of_the_large_are_refused_and_the_oldest_end)
{
    /* A buffer is 256K, 512K or 1024K: three are 1024K, the last's last too
     * much, and so are 1024K and 512K. */
    struct shard_world *w = world_of(1400 * K);
    struct shard_peer *first = begin_post(w, 600 * K);
    struct shard_peer *second = begin_post(w, 600 * K);
    struct shard_peer *third = begin_post(w, 600 * K);
    char head[1024];

    send_zeros(first, 200 * K);
    send_zeros(second, 500 * K);
    send_zeros(third, 200 * K);
    tap_equal(refused(w), 0);
    send_zeros(third, 390 * K);
    tap_equal(shard_peer_answer(third, head), 429);
    tap_check(strstr(head, "Connection: close\r\n") != NULL);
    tap_check(third->half_closed);
    tap_equal(refused(w), 1);

    send_zeros(first, 390 * K);
    tap_equal(shard_peer_answer(first, NULL), 0);
    tap_equal(shard_peer_answer(second, NULL), 429);
    tap_equal(refused(w), 2);
    send_zeros(first, 10 * K);
    tap_equal(shard_peer_answer(first, NULL), 400); /* it was read whole */
    tap_equal(charged(w), 0);
    shard_world_free(w);
}

TAP_CASE(a_message_over_the_budget_is_closed_as_try_again_later)
{
    struct shard_world *w = world();
    struct shard_peer *p = shard_world_websocket(w);
    const struct client *c = p->client;

    begin_message(p, 2048 * K);
    send_zeros(p, 1100 * K);
    tap_equal_text(bytes_text(shard_peer_lines(p)),
                   "close 1013 too much at once: try again later\n");
    tap_equal(charged(w), 0);
    tap_check(!p->half_closed);
    send_zeros(p, 948 * K); /* which is read past, to the peer's close */
    tap_check(ws_stream_held(&c->ws) < 20 * K);
    shard_peer_frame(p, 8, bytes_of("\x03\xe8", 2));
    shard_world_settle(w);
    tap_check(p->half_closed);
    shard_world_free(w);
}

TAP_CASE(small_requests_and_messages_pass_beside_a_flood)
{
    struct shard_world *w = world();
    struct shard_peer *flood[2];
    struct shard_peer *post;
    struct shard_peer *ws;

    flood[0] = begin_post(w, 2000 * K);
    flood[1] = begin_post(w, 2000 * K);
    send_zeros(flood[0], 500 * K);
    send_zeros(flood[1], 500 * K);
    tap_check(charged(w) > BUDGET - 20 * K);

    post = begin_post(w, 39);
    shard_peer_send(post, "{\"channel\":\"/default/a\",");
    ws = shard_world_websocket(w);
    begin_short_message(ws, 1000);
    send_zeros(ws, 500);
    shard_peer_send(post, "\"events\":[\"1\"]}");
    send_zeros(ws, 500);
    tap_equal(shard_peer_answer(post, NULL), 200);
    tap_check(strstr(shard_peer_lines(ws), "error") != NULL);
    shard_peer_subscribe(ws, "s", "/default/a");
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(ws), "subscribe_success") != NULL);
    tap_equal(refused(w), 0);
    shard_world_free(w);
}

TAP_CASE(keys_that_may_not_publish_have_a_quarter)
{
    struct shard_world *w = world();
    const char *all = w->key;
    struct shard_peer *one;
    struct shard_peer *other;

    w->key = shard_world_key(w, NULL, "/*", false, 0);
    one = shard_world_websocket(w);
    w->key = shard_world_key(w, "/elsewhere/x", "/*", false, 0);
    other = shard_world_websocket(w);
    w->key = all;
    begin_message(one, 1000 * K);
    begin_message(other, 1000 * K);
    send_zeros(one, 100 * K);
    tap_equal(refused(w), 0);
    send_zeros(other, 190 * K);
    tap_check(strstr(shard_peer_lines(other), "close 1013") != NULL);
    tap_equal_text(bytes_text(shard_peer_lines(one)), "");
    send_zeros(begin_post(w, 1000 * K), 500 * K);
    tap_equal(refused(w), 1);
    shard_world_free(w);
}

TAP_CASE(what_waits_behind_an_answer_is_charged_and_the_answer_is_given)
{
    struct shard_world *w = world();
    struct shard_peer *flood;
    struct shard_peer *p;
    size_t before;

    p = begin_post(w, 39);
    shard_peer_send(p, "{\"channel\":\"/default/a\",\"events\":[\"1\"]}");
    for (int i = 0; i < 1000; i++) {
        shard_peer_send(p, "GET /healthz HTTP/1.1\r\nHost: some-host\r\n\r\n");
    }
    while (shard_world_turn(w)) {
    }
    tap_check(charged(w) > 0);
    before = charged(w);
    shard_world_settle(w);
    tap_equal(charged(w), 0);
    for (int i = 0; i < 1001; i++) {
        tap_equal(shard_peer_answer(p, NULL), 200);
    }
    tap_equal(refused(w), 0);

    flood = begin_post(w, 2000 * K);
    send_zeros(flood, 990 * K);
    tap_check(charged(w) + before > BUDGET);
    p = begin_post(w, 39);
    shard_peer_send(p, "{\"channel\":\"/default/a\",\"events\":[\"1\"]}");
    for (int i = 0; i < 1000; i++) {
        shard_peer_send(p, "GET /healthz HTTP/1.1\r\nHost: some-host\r\n\r\n");
    }
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_equal(shard_peer_answer(p, NULL), 0);
    tap_check(p->half_closed);
    tap_equal(refused(w), 1);
    shard_world_free(w);
}

TAP_CASE(what_closes_holds_nothing)
{
    struct shard_world *w = world();
    struct shard_peer *post = begin_post(w, 300 * K);
    struct shard_peer *ws = shard_world_websocket(w);

    send_zeros(post, 100 * K);
    begin_message(ws, 300 * K);
    send_zeros(ws, 100 * K);
    shard_world_wait(w, w->options.limits.request_timeout_ms);
    tap_equal(shard_peer_answer(post, NULL), 408);
    tap_check(strstr(shard_peer_lines(ws), "close 1008") != NULL);
    tap_check(!post->closed);
    tap_check(!ws->closed);
    tap_equal(charged(w), 0);
    tap_check(atomic_load(&w->metrics.unfinished_bytes) < 20 * K);
    shard_world_free(w);
}

/* A request of a head with `filler` bytes that mean nothing. */
static struct shard_peer *ask(struct shard_world *w,
                              const char *line,
                              size_t filler,
                              const char *body)
{
    struct shard_peer *p = shard_world_connect(w);
    char *fill = malloc(filler + 1);
    char length[64];

    memset(fill, 'x', filler);
    fill[filler] = '\0';
    shard_peer_send(p, line);
    shard_peer_send(p, " HTTP/1.1\r\nHost: h\r\nx-api-key: ");
    shard_peer_send(p, w->key);
    shard_peer_send(p, "\r\nx-fill: ");
    shard_peer_send(p, fill);
    (void)snprintf(length,
                   sizeof(length),
                   "\r\nContent-Length: %zu\r\n\r\n",
                   strlen(body));
    shard_peer_send(p, length);
    shard_peer_send(p, body);
    free(fill);
    while (shard_world_turn(w)) {
    }
    return p;
}

#define BODY "{\"channel\":\"/default/a\",\"events\":[\"1\"]}"

TAP_CASE(a_publish_that_is_taken_is_answered_though_nothing_is_left)
{
    struct shard_world *w = world();
    struct shard_peer *flood[2];
    struct shard_peer *p;

    flood[0] = begin_post(w, 2000 * K);
    flood[1] = begin_post(w, 2000 * K);
    send_zeros(flood[0], 500 * K);
    send_zeros(flood[1], 500 * K);
    tap_equal(refused(w), 0);
    p = ask(w, "POST /event", 30 * K, BODY);
    tap_equal(refused(w), 1);
    tap_check(charged(w) > BUDGET);
    shard_world_commit(w);
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_check(p->half_closed);
    tap_check(charged(w) <= BUDGET);

    p = ask(w, "POST /event", 30 * K, BODY);
    tap_equal(refused(w), 2);
    send_zeros(flood[0], 100 * K); /* the newest has its answer coming */
    tap_equal(shard_peer_answer(flood[1], NULL), 429);
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    shard_world_free(w);
}

TAP_CASE(a_long_poll_gives_way)
{
    struct shard_world *w = world();
    struct shard_peer *polls[20];
    struct shard_peer *post;
    size_t answered = 0;

    for (size_t i = 0; i < 20; i++) {
        polls[i] = ask(w, "GET /event?channel=/default/a&wait=30", 30 * K, "");
    }
    tap_equal(refused(w), 0);
    tap_check(charged(w) > BUDGET / 2);
    post = begin_post(w, 500 * K);
    send_zeros(post, 300 * K);
    tap_equal(refused(w), 1); /* the newest: itself */
    tap_equal(shard_peer_answer(post, NULL), 429);

    post = begin_post(w, 500 * K);
    send_zeros(post, 20 * K);
    for (size_t i = 0; i < 5; i++) {
        (void)ask(w, "GET /event?channel=/default/a&wait=30", 30 * K, "");
    }
    send_zeros(post, 470 * K);
    for (size_t i = 0; i < 20; i++) {
        answered += shard_peer_answer(polls[i], NULL) == 429 ? 1 : 0;
    }
    tap_equal(answered, 0); /* they are older than it */
    tap_check(refused(w) > 1);
    shard_world_free(w);
}

TAP_CASE(a_message_that_begins_after_our_close_is_not_gathered)
{
    struct shard_world *w = world();
    struct shard_peer *p = shard_world_websocket(w);
    const struct client *c = p->client;

    shard_peer_send_bytes(p, bytes_of("\x8f\x80\0\0\0\0", 6)); /* a fault */
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "close 1002") != NULL);
    begin_message(p, 1000 * K);
    send_zeros(p, 500 * K);
    tap_check(ws_stream_held(&c->ws) < 20 * K);
    shard_world_free(w);

    w = world();
    p = shard_world_websocket(w);
    c = p->client;
    shard_world_step(
        w, &(struct shard_input){.kind = SHARD_INPUT_DRAIN, .drain_ms = 0});
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "close 1001") != NULL);
    begin_message(p, 1000 * K);
    send_zeros(p, 500 * K);
    tap_equal(c->state, CLIENT_CLOSING);
    tap_check(ws_stream_unfinished(&c->ws));
    tap_check(ws_stream_held(&c->ws) < 20 * K);
    shard_world_free(w);
}

TAP_CASE(messages_that_wait_behind_what_nobody_reads_do_not_do_so_for_ever)
{
    struct shard_world *w = world();
    struct shard_peer *p = shard_world_websocket(w);
    struct shard_peer *slow = shard_world_websocket(w);

    shard_peer_subscribe(slow, "s", "/default/a");
    shard_world_settle(w);
    shard_peer_block(slow);
    shard_world_publish(w, "/default/a", "1");
    shard_peer_block(p);
    shard_peer_say(p, "{}");
    while (shard_world_turn(w)) {
    }
    shard_world_wait(w, w->options.limits.write_timeout_ms);
    tap_check(!p->closed);
    for (int i = 0; i < 4000; i++) {
        shard_peer_say(p, "{\"type\":\"unknown\"}");
    }
    while (shard_world_turn(w)) {
    }
    tap_check(charged(w) > 0);
    shard_world_wait(w, 2 * w->options.limits.write_timeout_ms);
    tap_check(p->closed);
    tap_equal(charged(w), 0);
    tap_check(!slow->closed); /* of whom nothing waits */
    shard_world_free(w);
}

TAP_MAIN()

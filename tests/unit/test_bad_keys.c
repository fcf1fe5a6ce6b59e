/* What a shard does about those who send keys that were never signed: their
 * answers come later, and in a flood they are not looked at; everybody else,
 * also behind the same address, is served as ever. */
#include "tests/lib/shard_world.h"

#include "src/bridge/shard_state.h"

#include <stdio.h>

static const struct refusals_address elsewhere = {.bytes = {9}};

/* The world's key with a signature that `number` made bad. */
static const char *bad_key(const struct shard_world *w, unsigned number)
{
    static const char digits[] = "ABCDEFGHIJKLMNOP";
    static char bad[API_KEY_TEXT_BYTES_MAX];
    size_t len = strlen(w->key);

    memcpy(bad, w->key, len + 1);
    for (int i = 0; i < 5; i++) {
        bad[len - 70 + (size_t)i] = digits[number >> 4 * i & 15];
    }
    return bad;
}

static void ask(struct shard_peer *p, const char *key)
{
    shard_peer_send(
        p, "POST /event/token HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n");
    shard_peer_send(p, "x-api-key: ");
    shard_peer_send(p, key);
    shard_peer_send(p, "\r\n\r\n");
    shard_world_turn(p->world);
}

/* As if other connections had sent bad keys from the address. */
static void refuse(struct shard_world *w, unsigned count)
{
    while (count-- > 0) {
        refusals_add(&w->shard->refusals, &w->address, w->now);
    }
}

TAP_CASE(a_few_bad_keys_are_answered_at_once)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    for (unsigned i = 0; i < REFUSALS_SLOW_AFTER; i++) {
        ask(p, bad_key(w, i));
        tap_equal(shard_peer_answer(p, NULL), 401);
    }
    tap_equal(w->metrics.answers_held, 0);
    tap_equal(w->metrics.keys_refused, REFUSALS_SLOW_AFTER);
    shard_world_free(w);
}

TAP_CASE(after_many_the_answer_is_held_back_and_nothing_is_read)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    refuse(w, 2 * REFUSALS_SLOW_AFTER);
    ask(p, bad_key(w, 1));
    ask(p, bad_key(w, 2));
    shard_world_wait(w, CLIENT_HOLD_MS - 1);
    tap_equal(shard_peer_answer(p, NULL), 0);
    tap_equal(w->metrics.keys_refused, 1);
    shard_world_wait(w, 1);
    tap_equal(w->metrics.keys_refused, 2);
    shard_world_wait(w, CLIENT_HOLD_MS);
    tap_equal(shard_peer_answer(p, NULL), 401);
    tap_equal(shard_peer_answer(p, NULL), 401);
    tap_equal(w->metrics.answers_held, 2);

    /* A good one is answered at once, from there as well. */
    ask(p, w->key);
    tap_equal(shard_peer_answer(p, NULL), 200);
    shard_world_free(w);
}

/* The beginning of a publish with this key. */
static struct shard_peer *publish(struct shard_world *w,
                                  const char *key,
                                  const char *fields)
{
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_send(p, "POST /event HTTP/1.1\r\nHost: h\r\nx-api-key: ");
    shard_peer_send(p, key);
    shard_peer_send(p, "\r\n");
    shard_peer_send(p, fields);
    shard_peer_send(p, "\r\n");
    shard_world_turn(w);
    return p;
}

TAP_CASE(publishes_with_bad_keys_count_as_well)
{
    struct shard_world *w = shard_world_new(NULL);
    unsigned n = REFUSALS_SLOW_AFTER;
    struct shard_peer *p;

    for (unsigned i = 0; i < n; i++) {
        p = publish(w, bad_key(w, i), "Content-Length: 1000000\r\n");
        tap_equal(shard_peer_answer(p, NULL), 401);
        shard_peer_end(p, true);
    }
    p = publish(w, bad_key(w, n), "Content-Length: 1000000\r\n");
    tap_equal(shard_peer_answer(p, NULL), 0);
    shard_world_wait(w, CLIENT_HOLD_MS);
    tap_equal(shard_peer_answer(p, NULL), 401);

    refuse(w, n); /* some of what was counted is forgotten by then */
    p = publish(w, bad_key(w, n + 1), "Content-Length: 3\r\n");
    shard_peer_send(p, "abc");
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, NULL), 0);
    shard_world_wait(w, CLIENT_HOLD_MS);
    tap_equal(shard_peer_answer(p, NULL), 401);
    tap_equal(w->metrics.answers_held, 2);
    tap_equal(w->metrics.keys_refused, n + 2);
    shard_world_free(w);
}

TAP_CASE(what_is_sent_ahead_in_one_go_is_not_looked_at_either)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    refuse(w, 2 * REFUSALS_SLOW_AFTER);
    for (unsigned i = 0; i < 50; i++) {
        shard_peer_send(p, "GET /event?channel=/default/a HTTP/1.1\r\n");
        shard_peer_send(p, "Host: h\r\nx-api-key: ");
        shard_peer_send(p, bad_key(w, i));
        shard_peer_send(p, "\r\n\r\n");
    }
    shard_world_settle(w);
    tap_equal(w->metrics.keys_refused, 1);
    shard_world_wait(w, 10 * CLIENT_HOLD_MS);
    tap_check(w->metrics.keys_refused <= 1 + 10);
    shard_world_free(w);
}

TAP_CASE(one_bad_key_again_and_again_costs_a_hash)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    for (unsigned i = 0; i < 5 * REFUSALS_SLOW_AFTER; i++) {
        ask(p, bad_key(w, 1));
        tap_equal(shard_peer_answer(p, NULL), 401);
    }
    tap_equal(w->metrics.keys_refused_again, 5 * REFUSALS_SLOW_AFTER - 1);
    tap_equal(w->metrics.answers_held, 0);
    shard_world_free(w);
}

/* As if thousands of connections had sent bad keys from the address. */
static void fill(struct shard_world *w)
{
    while (refusals_allow(&w->shard->refusals, &w->address, w->now)) {
        refusals_add(&w->shard->refusals, &w->address, w->now);
    }
}

TAP_CASE(in_a_flood_new_keys_of_that_address_are_not_checked)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *fresh = shard_world_key(w, "/*", "/*", false, 0);
    struct shard_peer *known = shard_world_connect(w);
    struct shard_peer *p = shard_world_connect(w);
    struct shard_peer *far;
    char head[1024];

    ask(known, w->key);
    tap_equal(shard_peer_answer(known, NULL), 200);
    fill(w);
    ask(p, fresh);
    shard_world_wait(w, CLIENT_HOLD_MS);
    tap_equal(shard_peer_answer(p, head), 429);
    tap_check(strstr(head, "LimitExceededError") != NULL);
    tap_equal(w->metrics.keys_unchecked, 1);

    /* A key that was found good before is never affected. */
    ask(known, w->key);
    tap_equal(shard_peer_answer(known, NULL), 200);
    /* Nor is anybody elsewhere, whose key is known to all from then on. */
    w->address = elsewhere;
    far = shard_world_connect(w);
    ask(far, fresh);
    tap_equal(shard_peer_answer(far, NULL), 200);
    ask(p, fresh);
    tap_equal(shard_peer_answer(p, NULL), 200);
    shard_world_free(w);
}

TAP_CASE(a_websocket_is_told_so_on_itself)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    fill(w);
    shard_peer_upgrade(p, NULL, "");
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, head), 0);
    shard_world_wait(w, CLIENT_HOLD_MS);
    tap_equal(shard_peer_answer(p, head), 101);
    /* An error that came with the 101 would not be seen (ws_session.h). */
    tap_equal_text(bytes_text(shard_peer_lines(p)), "");
    shard_world_wait(w, CLIENT_REFUSED_TIMEOUT_MS);
    tap_check(strstr(shard_peer_lines(p), "connection_error") != NULL);
    tap_equal(p->client->state, CLIENT_CLOSING);
    shard_world_free(w);
}

TAP_CASE(what_waits_behind_a_held_answer_may_be_too_much)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;

    options.unfinished_bytes_max = 16 * 1024;
    w = shard_world_new(&options);
    p = shard_world_connect(w);
    refuse(w, 2 * REFUSALS_SLOW_AFTER);
    shard_peer_send(p,
                    "GET /event?channel=/default/a HTTP/1.1\r\n"
                    "Host: h\r\nx-api-key: ");
    shard_peer_send(p, bad_key(w, 1));
    shard_peer_send(p, "\r\n\r\n");
    for (unsigned i = 0; i < 1000; i++) {
        shard_peer_send(p, "GET /healthz HTTP/1.1\r\nHost: some-host\r\n\r\n");
    }
    shard_world_settle(w);
    tap_equal(w->metrics.unfinished_refused, 1);
    tap_equal(w->unfinished.bytes, 0);
    shard_world_wait(w, CLIENT_HOLD_MS);
    tap_equal(shard_peer_answer(p, NULL), 401);
    tap_equal(shard_peer_answer(p, NULL), 0);
    tap_check(p->half_closed);
    shard_world_wait(w, options.limits.close_timeout_ms);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_CASE(so_many_are_held_and_no_more)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    fill(w);
    w->shard->held_count = CLIENT_HELD_MAX;
    ask(p, bad_key(w, 1));
    tap_equal(shard_peer_answer(p, NULL), 429);
    tap_equal(w->metrics.answers_held, 0);
    w->shard->held_count = 0;
    ask(p, bad_key(w, 2));
    tap_equal(shard_peer_answer(p, NULL), 0);
    tap_equal(w->shard->held_count, 1);
    shard_peer_end(p, true);
    shard_world_wait(w, CLIENT_HOLD_MS);
    tap_equal(w->shard->held_count, 0);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_MAIN()

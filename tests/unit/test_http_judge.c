/* A request with a body is judged by its head: what is refused is answered
 * before its body comes, and holds no memory. */
#include "src/bridge/client.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

#define LARGE "Content-Length: 2097152\r\n"
#define MEGABYTE ((size_t)1 << 20)

static void head(struct shard_peer *p,
                 const char *line,
                 const char *key,
                 const char *fields)
{
    shard_peer_send(p, line);
    shard_peer_send(p, " HTTP/1.1\r\nHost: h\r\n");
    if (key != NULL) {
        shard_peer_send(p, "x-api-key: ");
        shard_peer_send(p, key);
        shard_peer_send(p, "\r\n");
    }
    shard_peer_send(p, fields);
    shard_peer_send(p, "\r\n");
}

/* The status that the head alone is answered with; 0: it waits for the body. */
static int verdict(struct shard_world *w,
                   const char *line,
                   const char *key,
                   const char *fields)
{
    struct shard_peer *p = shard_world_connect(w);
    char answer[1024];
    int status;

    head(p, line, key, fields);
    shard_world_settle(w);
    status = shard_peer_answer(p, answer);
    if (status >= 200) {
        tap_check(strstr(answer, "onnection: close\r\n") != NULL);
        tap_check(p->half_closed);
        tap_check(!p->closed);
    }
    shard_peer_end(p, false);
    shard_world_settle(w);
    return status;
}

static void send_zeros(struct shard_peer *p, size_t len)
{
    uint8_t *body = calloc(1, len);

    shard_peer_send_bytes(p, bytes_of(body, len));
    free(body);
    shard_world_settle(p->world);
}

static void send_megabyte(struct shard_peer *p)
{
    send_zeros(p, MEGABYTE);
}

TAP_CASE(who_may_not_publish_is_told_before_the_body_comes)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *none = shard_world_key(w, NULL, "/*", false, 0);
    const char *elsewhere = shard_world_key(w, "/elsewhere/x", "/*", false, 0);
    const char *old =
        shard_world_key(w, "/*", "/*", false, SHARD_WORLD_WALL_MS / 1000 - 1);

    tap_equal(verdict(w, "POST /event", NULL, LARGE), 401);
    tap_equal(verdict(w, "POST /event", "weir1_AAAA", LARGE), 401);
    tap_equal(verdict(w, "POST /event", old, LARGE), 401);
    tap_equal(verdict(w, "POST /event", none, LARGE), 403);
    tap_equal(verdict(w, "POST /event", elsewhere, LARGE), 403);
    tap_equal(verdict(w, "POST /event", w->key, LARGE), 0);
    tap_equal(atomic_load(&w->metrics.publishes_refused), 5);
    tap_equal(atomic_load(&w->metrics.keys_refused), 3);
    shard_world_free(w);
}

TAP_CASE(a_body_without_a_length_is_judged_in_the_same_way)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *chunked = "Transfer-Encoding: chunked\r\n";

    tap_equal(verdict(w, "POST /event", NULL, chunked), 401);
    tap_equal(verdict(w, "POST /event/token", NULL, chunked), 401);
    tap_equal(verdict(w, "POST /cluster/forget", w->key, chunked), 401);
    tap_equal(verdict(w, "POST /event", w->key, chunked), 0);
    shard_world_free(w);
}

TAP_CASE(a_node_may_take_only_very_short_bodies)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    const char *none;

    options.limits.body_bytes_max = 1024;
    w = shard_world_new(&options);
    none = shard_world_key(w, NULL, "/*", false, 0);
    tap_equal(verdict(w, "POST /event", none, "Content-Length: 1024\r\n"), 0);
    tap_equal(verdict(w, "POST /event/token", w->key, "Content-Length: 9\r\n"),
              0);
    tap_equal(verdict(w, "POST /event/token", w->key, LARGE), 413);
    shard_world_free(w);
}

TAP_CASE(a_stranger_cannot_make_the_shard_hold_a_body)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    const struct client *c = p->client;

    head(p, "POST /event", NULL, LARGE);
    send_megabyte(p);
    send_megabyte(p);
    tap_equal(shard_peer_answer(p, NULL), 401);
    tap_check(!p->closed);
    tap_check(c->request == NULL || http_request_held(c->request) < 40000);
    tap_equal(c->in.len, 0);

    shard_world_wait(w, w->options.limits.close_timeout_ms + 1);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_CASE(a_key_good_for_nothing_here_is_told_why_by_what_it_says_if_it_is_short)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *none = shard_world_key(w, NULL, "/*", false, 0);
    struct shard_peer *p = shard_world_connect(w);

    head(p, "POST /event", none, "Content-Length: 40\r\n");
    shard_peer_send(p, "{\"channel\":\"/nowhere/ab\",\"events\":[\"1\"]}");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 401);
    head(p, "POST /event", none, "Transfer-Encoding: chunked\r\n");
    shard_peer_send(p, "3\r\nabc\r\n3ffd\r\n");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 0);
    shard_world_free(w);

    w = shard_world_new(NULL);
    none = shard_world_key(w, NULL, "/*", false, 0);
    p = shard_world_connect(w);
    head(p, "POST /event", none, "Transfer-Encoding: chunked\r\n");
    shard_peer_send(p, "3\r\nabc\r\n3ffe\r\n");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 413);
    shard_world_free(w);
}

TAP_CASE(continue_is_said_only_to_who_is_let_in)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *fields = "Expect: 100-continue\r\nContent-Length: 39\r\n";

    tap_equal(verdict(w, "POST /event", NULL, fields), 401);
    tap_equal(verdict(w, "POST /nowhere", w->key, fields), 404);
    tap_equal(verdict(w, "GET /healthz", w->key, fields), 200);
    tap_equal(verdict(w, "POST /event", w->key, fields), 100);
    shard_world_free(w);
}

TAP_CASE(a_refused_body_that_is_small_costs_no_connection)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    const struct client *c = p->client;
    char body[16000];

    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    for (int i = 0; i < 2; i++) {
        head(p, "POST /event", NULL, "Content-Length: 15999\r\n");
        shard_peer_send_bytes(p, bytes_of(body, 8000));
        shard_world_settle(w);
        tap_equal(shard_peer_answer(p, NULL), 0);
        tap_check(http_request_held(c->request) < 8000);
        shard_peer_send(p, body + 8000);
        shard_world_settle(w);
        tap_equal(shard_peer_answer(p, NULL), 401);
    }
    head(p, "POST /event", w->key, "Content-Length: 39\r\n");
    shard_peer_send(p, "{\"channel\":\"/default/a\",\"events\":[\"1\"]}");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    shard_world_free(w);
}

TAP_CASE(what_takes_no_body_is_answered_without_it)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    tap_equal(verdict(w, "GET /healthz", NULL, LARGE), 200);
    tap_equal(verdict(w, "GET /event?channel=/default/a", w->key, LARGE), 200);
    tap_equal(verdict(w, "OPTIONS /event", NULL, LARGE), 204);
    tap_equal(verdict(w, "POST /nowhere", w->key, LARGE), 404);
    tap_equal(verdict(w, "PUT /event", w->key, LARGE), 405);

    head(p, "GET /healthz", NULL, "Content-Length: 3\r\n");
    shard_peer_send(p, "abc");
    head(p, "GET /healthz", NULL, "");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_equal(shard_peer_answer(p, NULL), 200);
    shard_world_free(w);
}

TAP_CASE(a_stream_that_came_with_a_body_is_a_stream)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    head(p, "GET /event/stream?channel=/default/a", w->key, LARGE);
    send_megabyte(p);
    shard_world_publish(w, "/default/a", "\"told\"");
    shard_world_settle(w);
    tap_check(strstr((const char *)p->got.data, "200 OK") != NULL);
    tap_check(strstr((const char *)p->got.data, "told") != NULL);
    shard_world_free(w);
}

TAP_CASE(a_request_of_few_words_takes_no_more)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *admin = shard_world_key(w, NULL, NULL, true, 0);
    struct shard_peer *p = shard_world_connect(w);

    tap_equal(verdict(w, "POST /event/token", w->key, LARGE), 413);
    tap_equal(verdict(w, "POST /cluster/forget", admin, LARGE), 413);

    /* Small enough to be read past, too much to be read. */
    head(p, "POST /event/token", w->key, "Content-Length: 10000\r\n");
    shard_world_settle(w);
    send_zeros(p, 10000);
    tap_equal(shard_peer_answer(p, NULL), 413);

    head(p, "POST /event/token", w->key, "Transfer-Encoding: chunked\r\n");
    shard_peer_send(p, "e\r\n{\"seconds\":60}\r\n0\r\n\r\n");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    head(p, "POST /event/token", w->key, "Transfer-Encoding: chunked\r\n");
    shard_peer_send(p, "1001\r\n");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 413);
    shard_world_free(w);
}

TAP_CASE(a_key_that_ends_while_the_body_comes_publishes_nothing)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *key =
        shard_world_key(w, "/*", "/*", false, SHARD_WORLD_WALL_MS / 1000 + 2);
    struct shard_peer *p = shard_world_connect(w);

    head(p, "POST /event", key, "Content-Length: 39\r\n");
    shard_world_settle(w);
    shard_world_wait(w, 3000);
    shard_peer_send(p, "{\"channel\":\"/default/a\",\"events\":[\"1\"]}");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 401);
    tap_equal(shard_world_last_place(w), 0);
    shard_world_free(w);
}

TAP_CASE(a_published_body_is_not_held_while_it_waits_for_the_log)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    const struct client *c = p->client;
    char *body = malloc(200002);

    memset(body, ' ', 200001);
    memcpy(body, "{\"channel\":\"/default/a\",\"events\":[\"1\"]}", 39);
    body[200001] = '\0';
    head(p, "POST /event", w->key, "Content-Length: 200001\r\n");
    shard_peer_send(p, body);
    while (shard_world_turn(w)) {
    }
    tap_equal(c->state, CLIENT_HTTP_WAITING);
    tap_check(http_request_held(c->request) < 40000);
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    free(body);
    shard_world_free(w);
}

TAP_MAIN()

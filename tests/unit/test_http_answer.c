/* What every answer over HTTP says beside what was asked for. */
#include "src/bridge/http_answer.h"

#include "tests/lib/shard_world.h"

#include <stdio.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

/* One request on a connection of its own, settled; its status, the rest in
 * `ret_head` and p->taken. */
static int ask(struct shard_world *w,
               struct shard_peer **ret_peer,
               const char *text,
               char head[1024])
{
    *ret_peer = shard_world_connect(w);
    shard_peer_send(*ret_peer, text);
    shard_world_settle(w);
    return shard_peer_answer(*ret_peer, head);
}

/* A request with the world's key. */
static const char *keyed(struct shard_world *w, const char *line)
{
    static char text[2048];

    (void)snprintf(text,
                   sizeof(text),
                   "%s HTTP/1.1\r\nHost: h\r\nx-api-key: %s\r\n"
                   "Content-Length: 0\r\n\r\n",
                   line,
                   w->key);
    return text;
}

static bool has(const char *head, const char *line)
{
    return strstr(head, line) != NULL;
}

/* RFC 9110, 6.6.1 */
TAP_CASE(the_date_is_the_wall_clock_s_and_follows_it)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p;
    char head[1024];

    (void)ask(w, &p, GET("/healthz"), head);
    tap_check(has(head, "\r\ndate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"));
    w->now.wall_ms += 999;
    (void)ask(w, &p, GET("/x"), head);
    tap_check(has(head, "\r\ndate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"));
    w->now.wall_ms += 1;
    (void)ask(w, &p, "nonsense\r\n\r\n", head);
    tap_check(has(head, "\r\ndate: Tue, 14 Nov 2023 22:13:21 GMT\r\n"));
    w->now.wall_ms = 0;
    (void)ask(w, &p, GET("/x"), head);
    tap_check(has(head, "\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
    shard_world_free(w);
}

TAP_CASE(no_cache_may_keep_an_answer_good_or_bad)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *const requests[] = {
        GET("/healthz"),
        GET("/metrics"),
        GET("/event?channel=/default/a"),
        GET("/nothing"),
        GET("/event/realtime"),
        "OPTIONS /event HTTP/1.1\r\nHost: h\r\n\r\n",
        "nonsense\r\n\r\n",
        NULL,
    };
    struct shard_peer *p;
    char head[1024];

    for (size_t i = 0; requests[i] != NULL; i++) {
        (void)ask(w, &p, requests[i], head);
        tap_check(has(head, "\r\ncache-control: no-store\r\n"));
    }
    tap_equal(ask(w, &p, keyed(w, "GET /event?channel=/default/a"), head), 200);
    tap_check(has(head, "\r\ncache-control: no-store\r\n"));
    tap_equal(ask(w, &p, keyed(w, "POST /event/token"), head), 200);
    tap_check(has(head, "\r\ncache-control: no-store\r\n"));
    shard_world_free(w);
}

/* RFC 9110, 11.6.1 */
TAP_CASE(who_is_not_known_is_told_what_to_show)
{
    static const char challenge[] =
        "\r\nwww-authenticate: ApiKey realm=\"weir\", field=\"x-api-key\"\r\n";
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p;
    char head[1024];

    tap_equal(ask(w, &p, GET("/metrics"), head), 401);
    tap_check(has(head, challenge));
    tap_equal(ask(w, &p, keyed(w, "GET /event?channel=/ghost/a"), head), 401);
    tap_check(has(head, challenge));
    tap_equal(ask(w, &p, GET("/nothing"), head), 404);
    tap_check(!has(head, "www-authenticate"));
    shard_world_free(w);
}

/* RFC 9112, 9.3 and C.2.2 */
TAP_CASE(http_1_0_is_kept_when_it_asks_and_told_so)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    for (int i = 0; i < 2; i++) {
        shard_peer_send(p,
                        "GET /healthz HTTP/1.0\r\n"
                        "Connection: keep-alive\r\n\r\n");
        shard_world_settle(w);
        tap_equal(shard_peer_answer(p, head), 200);
        tap_check(has(head, "\r\nConnection: keep-alive\r\n"));
    }
    shard_peer_send(p, "GET /healthz HTTP/1.0\r\n\r\n");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 200);
    tap_check(has(head, "\r\nConnection: close\r\n"));
    tap_check(p->half_closed);
    shard_world_free(w);
}

/* RFC 9112, 9.6 */
TAP_CASE(the_last_answer_of_a_node_that_stops_says_so)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_input in = {.kind = SHARD_INPUT_DRAIN, .drain_ms = 60000};
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    shard_peer_send(p, keyed(w, "GET /event?channel=/default/a&wait=30"));
    shard_world_settle(w);
    shard_world_step(w, &in);
    shard_world_wait(w, 60000);
    tap_equal(shard_peer_answer(p, head), 200);
    tap_check(has(head, "\r\nConnection: close\r\n"));
    tap_check(p->half_closed);
    shard_world_free(w);
}

/* RFC 9110, 12.5.3 and 15.5.16 */
TAP_CASE(a_body_in_a_coding_is_refused_with_415)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p;
    char text[1024];
    char head[1024];

    for (int i = 0; i < 4; i++) {
        static const char *const values[] = {"gzip", "identity", "", "x, br"};
        bool taken = i == 1 || i == 2;

        (void)snprintf(text,
                       sizeof(text),
                       "POST /event/token HTTP/1.1\r\nHost: h\r\n"
                       "x-api-key: %s\r\nContent-Encoding: %s\r\n"
                       "Content-Length: 0\r\n\r\n",
                       w->key,
                       values[i]);
        tap_equal(ask(w, &p, text, head), taken ? 200 : 415);
        tap_equal(has(head, "\r\naccept-encoding: identity\r\n"), !taken);
        tap_check(!p->half_closed);
    }
    shard_world_free(w);
}

/* A world whose pages may be of any origin. */
static struct shard_world *open_world(void)
{
    static const struct bytes origins[] = {BYTES_LITERAL("*")};
    struct shard_world_options options = shard_world_defaults();

    options.allowed_origins = origins;
    options.allowed_origins_count = 1;
    options.limits.head_bytes_max = 400;
    return shard_world_new(&options);
}

#define ORIGIN "Origin: https://a.example\r\n"
#define ALLOWED "\r\naccess-control-allow-origin: https://a.example\r\n"

TAP_CASE(a_page_may_read_what_is_said_of_a_request_that_cannot_be_read)
{
    struct shard_world *w = open_world();
    struct shard_peer *p;
    char text[1024];
    char head[1024];

    (void)snprintf(text,
                   sizeof(text),
                   "POST /event HTTP/1.1\r\nHost: h\r\n" ORIGIN
                   "Cookie: %0500d\r\n\r\n",
                   0);
    tap_equal(ask(w, &p, text, head), 431);
    tap_check(has(head, ALLOWED));
    tap_equal(ask(w,
                  &p,
                  "POST /event HTTP/1.1\r\nHost: h\r\n" ORIGIN
                  "Content-Length: 99999999999\r\n\r\n",
                  head),
              413);
    tap_check(has(head, ALLOWED));
    tap_equal(ask(w,
                  &p,
                  "POST /event HTTP/1.1\r\nHost: h\r\n" ORIGIN "A b: c\r\n\r\n",
                  head),
              400);
    tap_check(has(head, ALLOWED));
    p = shard_world_connect(w);
    shard_peer_send(p, "POST /event HTTP/1.1\r\n" ORIGIN "Host");
    shard_world_settle(w);
    shard_world_wait(w, w->options.limits.request_timeout_ms + 1);
    tap_equal(shard_peer_answer(p, head), 408);
    tap_check(has(head, ALLOWED));
    shard_world_free(w);
}

TAP_CASE(half_an_origin_is_none)
{
    struct shard_world *w = open_world();
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    shard_peer_send(p, "POST /event HTTP/1.1\r\nOrigin: https://a");
    shard_world_settle(w);
    shard_world_wait(w, w->options.limits.request_timeout_ms + 1);
    tap_equal(shard_peer_answer(p, head), 408);
    tap_check(!has(head, "access-control"));
    shard_world_free(w);
}

TAP_CASE(what_is_repeated_to_a_page_is_plain_text)
{
    struct shard_world *w = open_world();
    struct shard_peer *p;
    char head[1024];

    tap_equal(ask(w,
                  &p,
                  "OPTIONS /event HTTP/1.1\r\nHost: h\r\n"
                  "Origin: https://\xc3\xa9.example\r\n"
                  "Access-Control-Request-Headers: \xe9\r\n\r\n",
                  head),
              204);
    tap_check(!has(head, "access-control-allow-origin"));
    tap_check(has(head, "access-control-allow-headers: content-type,"));
    shard_world_free(w);
}

/* RFC 9110, 12.5.5 */
TAP_CASE(answers_vary_with_the_origin_also_for_those_without_one)
{
    struct shard_world *w = open_world();
    struct shard_peer *p;
    char head[1024];

    (void)ask(w, &p, GET("/healthz"), head);
    tap_check(has(head, "\r\nvary: origin\r\n"));
    (void)ask(
        w, &p, "OPTIONS /event HTTP/1.1\r\nHost: h\r\n" ORIGIN "\r\n", head);
    tap_check(has(head, "\r\nvary: origin\r\n"));
    tap_check(has(head, "\r\nvary: access-control-request-headers\r\n"));
    shard_world_free(w);
    w = shard_world_new(NULL);
    (void)ask(w, &p, GET("/healthz"), head);
    tap_check(!has(head, "vary"));
    shard_world_free(w);
}

/* RFC 9110, 9.3.2 */
TAP_CASE(the_answer_to_head_has_no_body_when_the_request_fails_either)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    struct bytes got;

    shard_peer_send(p, "HEAD /healthz HTTP/1.1\r\n\r\n");
    shard_world_settle(w);
    got = shard_peer_take(p);
    tap_check(bytes_starts_with(got, bytes_text("HTTP/1.1 400 ")));
    tap_equal_text(bytes_from(got, got.len - 4), "\r\n\r\n");
    shard_world_free(w);
}

/* RFC 9110, 9.3.7 */
TAP_CASE(options_tell_what_the_path_takes)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p;
    char head[1024];

    tap_equal(ask(w, &p, "OPTIONS /metrics HTTP/1.1\r\nHost: h\r\n\r\n", head),
              204);
    tap_check(has(head, "\r\nallow: GET, HEAD, OPTIONS\r\n"));
    tap_equal(ask(w, &p, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", head), 204);
    tap_check(has(head, "\r\nallow: GET, HEAD, POST, OPTIONS\r\n"));
    tap_equal(ask(w, &p, "OPTIONS /x HTTP/1.1\r\nHost: h\r\n\r\n", head), 204);
    tap_check(!has(head, "\r\nallow:"));
    shard_world_free(w);
}

TAP_MAIN()

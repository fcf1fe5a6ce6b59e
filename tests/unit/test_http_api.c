/* What each request is answered, when, and in what order. */
#include "src/bridge/client.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static void request(struct shard_peer *p,
                    const char *line,
                    const char *fields,
                    const char *body)
{
    char length[64];

    snprintf(
        length, sizeof(length), "Content-Length: %zu\r\n\r\n", strlen(body));
    shard_peer_send(p, line);
    shard_peer_send(p, " HTTP/1.1\r\nHost: h\r\n");
    shard_peer_send(p, fields);
    shard_peer_send(p, length);
    shard_peer_send(p, body);
}

/* "x-api-key: KEY" as a field, in memory that the next call uses again. */
static const char *key_field(const char *key)
{
    static char field[API_KEY_TEXT_BYTES_MAX];

    snprintf(field, sizeof(field), "x-api-key: %s\r\n", key);
    return field;
}

static void post(struct shard_peer *p, const char *body)
{
    request(p, "POST /event", key_field(p->world->key), body);
}

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

static int ask_post(struct shard_world *w,
                    struct shard_peer **ret_peer,
                    const char *key,
                    const char *body,
                    char head[1024])
{
    *ret_peer = shard_world_connect(w);
    request(*ret_peer, "POST /event", key == NULL ? "" : key_field(key), body);
    shard_world_settle(w);
    return shard_peer_answer(*ret_peer, head);
}

static bool body_has(struct shard_peer *p, const char *part)
{
    buffer_u8(&p->taken, 0);
    p->taken.len--;
    return strstr((const char *)p->taken.data, part) != NULL;
}

TAP_CASE(health_is_told_to_anybody)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p;
    char head[1024];

    tap_equal(ask(w, &p, GET("/healthz"), head), 200);
    tap_equal_text(buffer_view(&p->taken), "{\"status\":\"ok\"}\n");
    tap_check(strstr(head, "content-type: application/json\r\n") != NULL);
    shard_world_free(w);
}

TAP_CASE(a_head_request_gets_the_length_and_no_body)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_send(p, "HEAD /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    shard_world_settle(w);
    tap_equal_text(shard_peer_take(p),
                   "HTTP/1.1 200 OK\r\n"
                   "date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
                   "cache-control: no-store\r\n"
                   "content-type: application/json\r\n"
                   "Content-Length: 16\r\n\r\n");
    shard_world_free(w);
}

TAP_CASE(an_unknown_path_is_told_where_the_known_ones_are)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p;
    char head[1024];

    tap_equal(ask(w, &p, GET("/events"), head), 404);
    tap_check(body_has(p, "NotFoundException"));
    tap_check(strstr(head, "x-amzn-errortype: NotFoundException\r\n") != NULL);
    tap_equal(ask(w, &p, GET("/"), NULL), 404);
    tap_equal(ask(w, &p, GET("/event/"), NULL), 404);
    shard_world_free(w);
}

TAP_CASE(a_query_does_not_change_the_route)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p;

    tap_equal(ask(w, &p, GET("/healthz?x=/event"), NULL), 200);
    shard_world_free(w);
}

TAP_CASE(a_method_that_a_path_does_not_take_is_told_those_it_takes)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p;
    char head[1024];

    tap_equal(ask(w, &p, GET("/event/token"), head), 405);
    tap_check(strstr(head, "allow: POST, OPTIONS\r\n") != NULL);
    tap_equal(ask(w,
                  &p,
                  "POST /healthz HTTP/1.1\r\nHost: h\r\n"
                  "Content-Length: 0\r\n\r\n",
                  head),
              405);
    tap_check(strstr(head, "allow: GET, HEAD, OPTIONS\r\n") != NULL);
    tap_equal(ask(w, &p, "DELETE /event HTTP/1.1\r\nHost: h\r\n\r\n", head),
              405);
    tap_check(strstr(head, "allow: GET, HEAD, POST, OPTIONS\r\n") != NULL);
    shard_world_free(w);
}

TAP_CASE(a_publish_is_answered_only_after_its_batch_came_back)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    post(p, "{\"channel\":\"/default/a\",\"events\":[\"1\",\"2\"]}");
    for (int i = 0; i < 5; i++) {
        shard_world_turn(w);
    }
    tap_equal(shard_peer_take(p).len, 0);
    tap_check(!shard_wants_read(p->client));

    shard_world_commit(w);
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_check(body_has(p, "\"failed\":[]"));
    tap_check(body_has(p, "\"index\":0"));
    tap_check(body_has(p, "\"index\":1"));
    tap_equal(shard_world_last_place(w), 2);
    tap_equal_text(w->log[1]->content, "2");
    tap_equal_text(w->log[1]->channel, "/default/a");
    shard_world_free(w);
}

TAP_CASE(a_publish_that_the_log_refused_is_answered_500_and_the_next_is_taken)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    w->log_refuses = true;
    post(p, "{\"channel\":\"/default/a\",\"events\":[\"1\"]}");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 500);
    tap_check(strstr(head, "x-amzn-errortype: InternalFailure\r\n") != NULL);

    w->log_refuses = false;
    post(p, "{\"channel\":\"/default/a\",\"events\":[\"2\"]}");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_equal(shard_world_last_place(w), 1);
    shard_world_free(w);
}

TAP_CASE(requests_sent_ahead_are_answered_one_by_one_in_their_order)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_send(p, GET("/healthz"));
    post(p, "{\"channel\":\"/default/a\",\"events\":[\"1\"]}");
    shard_peer_send(p, GET("/nothing"));
    post(p, "{\"channel\":\"/default/a\",\"events\":[\"2\"]}");
    shard_peer_send(p, GET("/healthz"));
    shard_world_turn(w);
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_equal(shard_peer_answer(p, NULL), 0);

    shard_world_commit(w);
    shard_world_turn(w);
    tap_equal(shard_world_last_place(w), 1);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_check(body_has(p, "successful"));
    tap_equal(shard_peer_answer(p, NULL), 404);
    tap_equal(shard_peer_answer(p, NULL), 0);

    shard_world_settle(w);
    tap_equal(shard_world_last_place(w), 2);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_check(body_has(p, "successful"));
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_check(body_has(p, "ok"));
    tap_check(!p->half_closed);
    shard_world_free(w);
}

TAP_CASE(a_request_that_comes_byte_by_byte_is_answered_as_a_whole_one)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *whole = shard_world_connect(w);
    struct shard_peer *p = shard_world_connect(w);
    struct bytes all;

    post(whole, "{\"channel\":\"/default/a\",\"events\":[\"1\"]}");
    all = buffer_view(&whole->sent);
    for (size_t i = 0; i < all.len; i++) {
        struct shard_input in = {.kind = SHARD_INPUT_BYTES,
                                 .client = p->client,
                                 .bytes = bytes_of(all.data + i, 1)};

        shard_world_step(w, &in);
    }
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_equal(shard_peer_answer(whole, NULL), 200);
    tap_equal(shard_world_last_place(w), 2);
    shard_world_free(w);
}

TAP_CASE(a_connection_is_kept_until_one_side_says_close)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    for (int i = 0; i < 3; i++) {
        shard_peer_send(p, GET("/healthz"));
        shard_world_settle(w);
        tap_equal(shard_peer_answer(p, head), 200);
        tap_check(strstr(head, "Connection: close") == NULL);
    }
    shard_peer_send(
        p, "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 200);
    tap_check(strstr(head, "\r\nConnection: close\r\n") != NULL);
    tap_check(p->half_closed && !p->closed);

    shard_peer_end(p, false);
    shard_world_settle(w);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_CASE(what_follows_a_request_that_closes_is_not_read)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_send(
        p, "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    shard_peer_send(p, GET("/healthz"));
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_equal(shard_peer_answer(p, NULL), 0);
    tap_check(p->half_closed);
    shard_world_free(w);
}

TAP_CASE(an_http_1_0_request_is_answered_and_closed)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p;

    tap_equal(ask(w, &p, "GET /healthz HTTP/1.0\r\n\r\n", NULL), 200);
    tap_check(p->half_closed);
    shard_world_free(w);
}

TAP_CASE(what_cannot_be_read_is_answered_400_and_closed)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p;
    char head[1024];

    tap_equal(ask(w, &p, "nonsense\r\n\r\n", head), 400);
    tap_check(strstr(head, "\r\nConnection: close\r\n") != NULL);
    tap_check(body_has(p, "BadRequestException"));
    tap_check(p->half_closed);
    tap_equal(w->metrics.http_faults, 1);
    shard_world_free(w);
}

TAP_CASE(a_body_over_the_limit_is_answered_413_and_one_at_it_is_read)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;
    char body[101] = {0};

    options.limits.body_bytes_max = 99;
    w = shard_world_new(&options);
    memset(body, ' ', 99);
    tap_equal(ask_post(w, &p, w->key, body, NULL), 400);
    tap_check(!p->half_closed);
    body[99] = ' ';
    tap_equal(ask_post(w, &p, w->key, body, NULL), 413);
    tap_check(p->half_closed);
    shard_world_free(w);
}

TAP_CASE(a_client_that_waits_for_100_continue_gets_it_before_its_answer)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    const char *body = "{\"channel\":\"/default/a\",\"events\":[\"1\"]}";

    shard_peer_send(p, "POST /event HTTP/1.1\r\nHost: h\r\n");
    shard_peer_send(p, key_field(w->key));
    shard_peer_send(p, "Expect: 100-continue\r\nContent-Length: 39\r\n\r\n");
    tap_equal(strlen(body), 39);
    shard_world_turn(w);
    tap_equal_text(shard_peer_take(p), "HTTP/1.1 100 Continue\r\n\r\n");

    shard_peer_send(p, body);
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    shard_world_free(w);
}

TAP_CASE(metrics_are_for_admins_as_key_or_as_bearer)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *admin = shard_world_key(w, NULL, NULL, true, 0);
    struct shard_peer *p = shard_world_connect(w);
    char bearer[API_KEY_TEXT_BYTES_MAX];

    request(p, "GET /metrics", key_field(admin), "");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_check(body_has(p, "\nweir_connections_open 1\n"));

    snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s\r\n", admin);
    request(p, "GET /metrics", bearer, "");
    request(p, "GET /metrics", key_field(w->key), "");
    request(p, "GET /metrics", "", "");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_equal(shard_peer_answer(p, NULL), 401);
    tap_equal(shard_peer_answer(p, NULL), 401);
    shard_world_free(w);
}

TAP_CASE(a_token_counts_wherever_it_stands_in_a_long_query)
{
    enum { PAD = 8000 };
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    char text[3 * API_KEY_TEXT_BYTES_MAX];
    char token[2 * API_KEY_TEXT_BYTES_MAX];
    const char *at;

    request(p, "POST /event/token", key_field(w->key), "");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_check(body_has(p, "\"token\":\""));
    at = strstr((const char *)p->taken.data, "\"token\":\"");
    tap_check(sscanf(at, "\"token\":\"%[^\"]", token) == 1);

    snprintf(text,
             sizeof(text),
             "GET /event/stream?token=%s&channel=/default/a&pad=%0*d "
             "HTTP/1.1\r\nHost: h\r\n\r\n",
             token,
             PAD,
             0);
    shard_peer_send(p, text);
    shard_world_settle(w);
    tap_check(
        bytes_starts_with(buffer_view(&p->got), bytes_text("HTTP/1.1 200 ")));
    shard_world_free(w);
}

TAP_CASE(the_key_is_judged_before_the_body)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p;

    tap_equal(ask_post(w, &p, NULL, "not json", NULL), 401);
    tap_equal(ask_post(w, &p, "weir1_bad", "not json", NULL), 401);
    tap_check(body_has(p, "You are not authorized to make this call."));
    tap_equal(ask_post(w, &p, w->key, "not json", NULL), 400);
    tap_equal(w->metrics.publishes_refused, 3);
    shard_world_free(w);
}

TAP_CASE(each_fault_of_a_publish_has_its_status)
{
    static const struct {
        const char *body;
        int status;
        const char *part;
    } faults[] = {
        {"{\"channel\":\"/none/a\",\"events\":[\"1\"]}",
         401,
         "UnauthorizedException"},
        {"{\"channel\":\"/default/*\",\"events\":[\"1\"]}",
         400,
         "Invalid Channel Format"},
        {"{\"channel\":\"/default/a\",\"events\":[]}", 400, "1 to 5 events"},
        {"{\"channel\":\"/default/a\",\"events\":[\"{\"]}",
         400,
         "must be valid JSON"},
        {"{\"channel\":\"/default/a\",\"events\":[1]}",
         400,
         "must be a string"},
        {"{\"channel\":\"/default/a\","
         "\"events\":[\"1\",\"1\",\"1\",\"1\",\"1\",\"1\"]}",
         400,
         "Input exceeded 5 event limit"},
        {"{\"events\":[\"1\"]}", 400, "BadRequestException"},
    };
    struct shard_world *w = shard_world_new(NULL);

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct shard_peer *p;

        tap_equal(ask_post(w, &p, w->key, faults[i].body, NULL),
                  faults[i].status);
        tap_check(body_has(p, faults[i].part));
        tap_check(!p->half_closed);
    }
    tap_equal(shard_world_last_place(w), 0);
    shard_world_free(w);
}

TAP_CASE(a_page_of_an_allowed_origin_may_read_answers_and_others_may_not)
{
    const struct bytes origins[] = {bytes_text("https://a.example")};
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;
    char head[1024];

    options.allowed_origins = origins;
    options.allowed_origins_count = 1;
    w = shard_world_new(&options);
    tap_equal(ask(w,
                  &p,
                  "GET /x HTTP/1.1\r\nHost: h\r\n"
                  "Origin: https://a.example\r\n\r\n",
                  head),
              404);
    tap_check(
        strstr(head, "access-control-allow-origin: https://a.example\r\n") !=
        NULL);
    tap_check(
        strstr(head, "access-control-expose-headers: x-amzn-errortype\r\n") !=
        NULL);
    tap_equal(ask(w,
                  &p,
                  "GET /x HTTP/1.1\r\nHost: h\r\n"
                  "Origin: https://b.example\r\n\r\n",
                  head),
              404);
    tap_check(strstr(head, "access-control") == NULL);
    shard_world_free(w);
}

TAP_CASE(a_preflight_is_answered_without_a_body_with_the_fields_it_asked_for)
{
    const struct bytes origins[] = {bytes_text("*")};
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;
    char head[1024];

    options.allowed_origins = origins;
    options.allowed_origins_count = 1;
    w = shard_world_new(&options);
    tap_equal(ask(w,
                  &p,
                  "OPTIONS /event HTTP/1.1\r\nHost: h\r\n"
                  "Origin: https://a.example\r\n"
                  "Access-Control-Request-Method: POST\r\n"
                  "Access-Control-Request-Headers: x-mine\r\n\r\n",
                  head),
              204);
    tap_check(strstr(head, "access-control-allow-headers: x-mine\r\n") != NULL);
    tap_check(strstr(head, "access-control-allow-methods:") != NULL);
    tap_check(strstr(head, "Content-Length") == NULL);
    tap_equal(ask(w, &p, "OPTIONS /event HTTP/1.1\r\nHost: h\r\n\r\n", head),
              204);
    tap_check(strstr(head, "x-api-key") != NULL);
    shard_world_free(w);
}

TAP_CASE(the_upgrade_is_answered_with_the_accept_of_the_rfc)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    shard_peer_upgrade(p, NULL, "");
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, head), 101);
    tap_check(
        strstr(head,
               "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") !=
        NULL);
    tap_check(
        strstr(head, "sec-websocket-protocol: aws-appsync-event-ws\r\n") !=
        NULL);
    tap_check(strstr(head, "extensions") == NULL);
    tap_equal(w->metrics.websockets_open, 1);
    shard_world_free(w);
}

TAP_CASE(compression_is_agreed_on_when_both_want_it)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;
    char head[1024];

    options.compression = true;
    w = shard_world_new(&options);
    tap_check(shard_world_websocket(w)->deflate);
    p = shard_world_connect(w);
    shard_peer_upgrade(p, NULL, "");
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, head), 101);
    tap_check(strstr(head, "extensions") == NULL);
    shard_world_free(w);
}

TAP_CASE(frames_right_behind_the_upgrade_are_read)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_upgrade(p, NULL, "");
    shard_peer_say(p, "{\"type\":\"connection_init\"}");
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, NULL), 101);
    tap_equal_text(
        bytes_text(shard_peer_lines(p)),
        "{\"type\":\"connection_ack\",\"connectionTimeoutMs\":300000}\n"
        "{\"type\":\"ka\"}\n");
    tap_equal(p->sends, 1);
    shard_world_free(w);
}

TAP_CASE(an_upgrade_behind_a_publish_waits_for_its_answer)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    post(p, "{\"channel\":\"/default/a\",\"events\":[\"1\"]}");
    shard_peer_upgrade(p, NULL, "");
    shard_peer_subscribe(p, "s", "/default/a");
    shard_world_turn(w);
    tap_equal(p->got.len, 0);
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_equal(shard_peer_answer(p, NULL), 101);
    tap_equal_text(bytes_text(shard_peer_lines(p)),
                   "{\"type\":\"subscribe_success\",\"id\":\"s\"}\n");
    shard_world_free(w);
}

#define REFUSAL                                                       \
    "{\"type\":\"connection_error\",\"errors\":[{\"errorType\":"      \
    "\"UnauthorizedException\",\"message\":\"You are not authorized " \
    "to make this call.\",\"errorCode\":401}]}\nclose 1000 \n"

static struct shard_peer *refused(struct shard_world *w)
{
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_upgrade(p, "Sec-WebSocket-Protocol: aws-appsync-event-ws", "");
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, NULL), 101);
    tap_equal(p->got.len, 0);
    return p;
}

TAP_CASE(a_bad_key_is_told_as_answer_to_the_first_message_and_closed)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = refused(w);

    shard_peer_subscribe(p, "s", "/default/a");
    shard_peer_subscribe(p, "t", "/default/a");
    shard_world_turn(w);
    tap_equal_text(bytes_text(shard_peer_lines(p)), REFUSAL);
    tap_equal(w->metrics.subscriptions_open, 0);
    shard_peer_frame(p, 8, bytes_of("\x03\xe8", 2));
    shard_world_settle(w);
    tap_check(p->half_closed);
    shard_peer_end(p, false);
    shard_world_settle(w);
    tap_check(p->closed);
    tap_equal(w->metrics.websockets_open, 0);
    shard_world_free(w);
}

TAP_CASE(a_bad_key_is_told_after_half_a_second_when_no_message_comes)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = refused(w);

    shard_world_wait(w, 499);
    tap_equal_text(bytes_text(shard_peer_lines(p)), "");
    shard_world_wait(w, 1);
    tap_equal_text(bytes_text(shard_peer_lines(p)), REFUSAL);
    shard_world_wait(w, w->options.limits.close_timeout_ms);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_CASE(a_bad_key_whose_peer_leaves_first_is_not_waited_for)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = refused(w);

    shard_peer_frame(p, 8, bytes_of("\x03\xe8", 2));
    shard_world_turn(w);
    tap_equal_text(bytes_text(shard_peer_lines(p)), "close 1000 \n");
    shard_world_wait(w, 1000);
    tap_equal_text(bytes_text(shard_peer_lines(p)), "");
    shard_world_free(w);
}

TAP_CASE(a_key_may_come_as_an_ordinary_field_of_the_upgrade)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_upgrade(
        p, "Sec-WebSocket-Protocol: aws-appsync-event-ws", key_field(w->key));
    shard_peer_say(p, "{\"type\":\"ka\"}");
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, NULL), 101);
    tap_equal_text(bytes_text(shard_peer_lines(p)), "");
    tap_check(!p->half_closed);
    shard_world_free(w);
}

TAP_CASE(an_upgrade_that_does_not_offer_the_subprotocol_is_told_so)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    shard_peer_upgrade(p, "X-None: x", key_field(w->key));
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, head), 101);
    tap_check(strstr(head, "sec-websocket-protocol") == NULL);
    shard_world_wait(w, 500);
    tap_check(strstr(shard_peer_lines(p), "SubProtocolNotSupportedError") !=
              NULL);
    shard_world_free(w);
}

TAP_CASE(the_realtime_path_without_an_upgrade_asks_for_one)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p;
    char head[1024];

    tap_equal(ask(w, &p, GET("/event/realtime"), head), 426);
    tap_check(strstr(head, "sec-websocket-version: 13\r\n") != NULL);
    tap_check(!p->half_closed);
    tap_equal(ask(w,
                  &p,
                  "GET /event/realtime HTTP/1.1\r\nHost: h\r\n"
                  "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: short\r\n\r\n",
                  head),
              400);
    tap_check(p->half_closed);
    shard_world_free(w);
}

TAP_CASE(the_answer_for_a_publisher_that_left_finds_nobody)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    struct shard_peer *next;

    post(p, "{\"channel\":\"/default/a\",\"events\":[\"1\"]}");
    shard_world_turn(w);
    shard_peer_end(p, true);
    shard_world_turn(w);
    tap_check(p->closed);
    next = shard_world_connect(w); /* in the same slot */
    shard_world_settle(w);
    tap_equal(shard_world_last_place(w), 1);
    tap_equal(p->got.len + next->got.len, 0);
    shard_peer_send(next, GET("/healthz"));
    shard_world_settle(w);
    tap_equal(shard_peer_answer(next, NULL), 200);
    shard_world_free(w);
}

TAP_CASE(a_peer_that_shut_its_half_still_gets_what_it_is_owed)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    post(p, "{\"channel\":\"/default/a\",\"events\":[\"1\"]}");
    shard_world_turn(w);
    shard_peer_end(p, false);
    shard_world_turn(w);
    tap_check(!p->closed);
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 200);
    tap_check(strstr(head, "\r\nConnection: close\r\n") != NULL);
    tap_check(p->closed);
    shard_world_free(w);
}

TAP_CASE(who_asks_ahead_and_does_not_read_is_not_answered_on_and_on)
{
    struct shard_world *w = shard_world_new(NULL);
    size_t max = w->options.limits.send_buffer_max;
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_block(p);
    for (int i = 0; i < 2000; i++) {
        shard_peer_send(p, "OPTIONS /event HTTP/1.1\r\nHost:\r\n\r\n");
    }
    while (shard_world_turn(w)) {
    }
    tap_check(p->client->out.len > max);
    tap_check(p->client->out.len < max + 2000);
    shard_peer_allow(p, SIZE_MAX);
    shard_world_settle(w);
    for (int i = 0; i < 2000; i++) {
        tap_equal(shard_peer_answer(p, NULL), 204);
    }
    tap_equal(shard_peer_answer(p, NULL), 0);
    shard_world_free(w);
}

TAP_CASE(an_answer_that_the_socket_takes_in_pieces_arrives_whole)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *admin = shard_world_key(w, NULL, NULL, true, 0);
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_block(p);
    request(p, "GET /metrics", key_field(admin), "");
    shard_peer_send(p, GET("/healthz"));
    for (int i = 0; i < 500; i++) {
        shard_world_turn(w);
        shard_peer_allow(p, 31);
    }
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_check(body_has(p, "weir_log_events"));
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_equal(shard_peer_answer(p, NULL), 0);
    shard_world_free(w);
}

TAP_MAIN()

/* Requests of every shape, and what is read from them. */
#include "proto/http_request.h"

#include "tests/lib/http_bench.h"
#include "tests/lib/tap.h"

#include <stdio.h>

TAP_CASE(a_post_yields_its_path_query_fields_and_body)
{
    struct http_request *r = ready_text("POST /event?a=1&b HTTP/1.1\r\n"
                                        "Host: localhost:8080\r\n"
                                        "Content-Type:application/json\r\n"
                                        "X-Api-Key: \t da2  x \t\r\n"
                                        "X-Empty:\r\n"
                                        "X-Blank: \t \r\n"
                                        "Content-Length: 7\r\n\r\n{\"a\":1}");

    tap_equal(http_request_method(r), HTTP_REQUEST_POST);
    tap_equal_text(http_request_path(r), "/event");
    tap_equal_text(http_request_query(r), "a=1&b");
    tap_equal_text(http_request_body(r), "{\"a\":1}");
    tap_equal_text(http_request_field(r, "content-type"), "application/json");
    tap_equal_text(http_request_field(r, "X-API-KEY"), "da2  x");
    tap_equal_text(http_request_field(r, "x-empty"), "");
    tap_check(http_request_field(r, "x-empty").data != NULL);
    tap_equal_text(http_request_field(r, "x-blank"), "");
    tap_check(http_request_field(r, "x-none").data == NULL);
    tap_check(http_request_keep_alive(r));
    tap_check(!http_request_upgrade(r));
    http_request_free(r);
}

TAP_CASE(repeated_fields_are_listed_in_order_and_found_first)
{
    struct http_request *r =
        ready_text("GET / HTTP/1.1\r\n" HOST "A: 1\r\nB: 2\r\na: 3\r\n\r\n");
    struct bytes name;

    tap_equal(http_request_field_count(r), 4);
    tap_equal_text(http_request_field(r, "a"), "1");
    tap_equal_text(http_request_field_at(r, 3, &name), "3");
    tap_equal_text(name, "a");
    http_request_free(r);
}

TAP_CASE(methods_are_told_apart)
{
    static const struct {
        const char *text;
        enum http_request_method method;
    } table[] = {
        {"GET / HTTP/1.1\r\n" HOST "\r\n", HTTP_REQUEST_GET},
        {"HEAD / HTTP/1.1\r\n" HOST "\r\n", HTTP_REQUEST_HEAD},
        {"POST / HTTP/1.1\r\n" HOST "\r\n", HTTP_REQUEST_POST},
        {"OPTIONS / HTTP/1.1\r\n" HOST "\r\n", HTTP_REQUEST_OPTIONS},
        {"DELETE / HTTP/1.1\r\n" HOST "\r\n", HTTP_REQUEST_OTHER},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct http_request *r = ready_text(table[i].text);

        tap_equal(http_request_method(r), table[i].method);
        http_request_free(r);
    }
}

/* RFC 9110, 9.1: told apart from what is no method at all. */
TAP_CASE(a_method_that_is_not_known_is_refused_with_501)
{
    tap_equal(refusal("get / HTTP/1.1\r\n" HOST "\r\n"), 501);
    tap_equal(refusal("BREW / HTTP/1.1\r\n" HOST "\r\n"), 501);
    tap_equal(refusal("\r\nGETS / HTTP/1.1\r\n" HOST "\r\n"), 501);
    tap_equal(refusal("GE(T / HTTP/1.1\r\n" HOST "\r\n"), 400);
    tap_equal(refusal(" GET / HTTP/1.1\r\n" HOST "\r\n"), 400);
    tap_equal(refusal("\x16\x03\x01\x02"), 400);
}

static const char *field_of(struct http_request *r, const char *name)
{
    static char text[100];
    struct bytes value = http_request_field(r, name);

    snprintf(
        text, sizeof(text), "%.*s", (int)value.len, (const char *)value.data);
    return value.data == NULL ? "none" : text;
}

TAP_CASE(fields_can_be_seen_once_they_have_wholly_come)
{
    struct http_request *r = http_request_new(&limits);
    size_t n = 0;

    (void)http_request_receive(
        r, bytes_text("GET / HTTP/1.1\r\nOrigin: https://a"), &n);
    tap_equal_text(bytes_text(field_of(r, "origin")), "none");
    (void)http_request_receive(r, bytes_text("b\r\nHo"), &n);
    tap_equal_text(bytes_text(field_of(r, "origin")), "https://ab");
    tap_equal_text(bytes_text(field_of(r, "ho")), "none");
    (void)http_request_receive(r, bytes_text("st: a"), &n);
    tap_equal_text(bytes_text(field_of(r, "host")), "none");
    http_request_free(r);
}

TAP_CASE(fields_in_front_of_what_a_request_fails_for_can_be_seen)
{
    struct http_request *r = http_request_new(&limits);
    size_t n = 0;

    tap_equal(http_request_receive(r,
                                   bytes_text("GET / HTTP/1.1\r\nA: b\r\n"
                                              "Origin: https://a\r\n"
                                              "X Y: z\r\n\r\n"),
                                   &n),
              HTTP_REQUEST_FAILED);
    tap_equal_text(bytes_text(field_of(r, "origin")), "https://a");
    tap_equal_text(bytes_text(field_of(r, "a")), "b");
    http_request_free(r);
}

TAP_CASE(a_chunked_body_is_joined_and_its_extensions_are_dropped)
{
    struct http_request *r =
        ready_text(POST "Transfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n"
                        "1;name\r\nd\r\n"
                        "A;n=\"q\";m\r\n0123456789\r\n"
                        "0\r\n\r\n");

    tap_equal_text(http_request_body(r), "abcd0123456789");
    http_request_free(r);
}

TAP_CASE(trailers_are_accepted_and_dropped)
{
    struct http_request *r =
        ready_text(POST "Transfer-Encoding: Chunked\r\n\r\n"
                        "1\r\nx\r\n0\r\n"
                        "Expires: never\r\nConnection: close\r\n"
                        "Content-Length: 5\r\n"
                        "Upgrade: websocket\r\n\r\n");

    tap_equal_text(http_request_body(r), "x");
    tap_equal(http_request_field_count(r), 2);
    tap_check(http_request_field(r, "expires").data == NULL);
    tap_check(http_request_keep_alive(r));
    http_request_free(r);
}

TAP_CASE(an_empty_chunked_body_is_a_body)
{
    struct http_request *r =
        ready_text(POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");

    tap_equal(http_request_body(r).len, 0);
    http_request_free(r);
}

TAP_CASE(chunked_framing_is_refused_where_readers_could_differ)
{
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
    tap_equal(refusal(CHUNKED "1\nx\r\n0\r\n\r\n"), 400);
    tap_equal(refusal(CHUNKED "1\r\nx\n0\r\n\r\n"), 400);
    tap_equal(refusal(CHUNKED "1\r\nxy\r\n0\r\n\r\n"), 400);
    tap_equal(refusal(CHUNKED "1 \r\nx\r\n0\r\n\r\n"), 400);
    tap_equal(refusal(CHUNKED " 1\r\nx\r\n0\r\n\r\n"), 400);
    tap_equal(refusal(CHUNKED "0x1\r\nx\r\n0\r\n\r\n"), 400);
    tap_equal(refusal(CHUNKED "-1\r\nx\r\n0\r\n\r\n"), 400);
    tap_equal(refusal(CHUNKED "\r\nx\r\n0\r\n\r\n"), 400);
    tap_equal(refusal(CHUNKED "1;a\nb\r\nx\r\n0\r\n\r\n"), 400);
    tap_equal(refusal(CHUNKED "1;a\rb\r\nx\r\n0\r\n\r\n"), 400);
    tap_equal(refusal(CHUNKED "0\r\n\r\r"), 400);
    tap_equal(refusal(CHUNKED "0\r\n\n"), 400);
    tap_equal(refusal(CHUNKED "0\r\nA: b\r\n c\r\n\r\n"), 400);
    tap_equal(refusal(CHUNKED "0\r\nA: b\n\r\n"), 400);
    tap_equal(refusal(CHUNKED "FFFFFFFFFFFFFFFFF\r\n"), 400);
}

TAP_CASE(two_requests_in_one_read_are_taken_one_by_one)
{
    static const char first[] = POST "Content-Length: 3\r\n\r\nabc";
    static const char second[] = "GET /2 HTTP/1.1\r\n" HOST "\r\n";
    static const char third[] =
        POST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    char text[512];
    struct http_request *r;
    struct bytes in;
    size_t n = 0;

    snprintf(text, sizeof(text), "%s%s%s%s", first, third, second, second);
    in = bytes_text(text);
    r = http_request_new(&limits);
    tap_equal(http_request_receive(r, in, &n), HTTP_REQUEST_BODY);
    in = bytes_from(in, n);
    tap_equal(http_request_receive(r, in, &n), HTTP_REQUEST_READY);
    tap_equal(n, 3);
    tap_equal_text(http_request_body(r), "abc");
    http_request_next(r);
    in = bytes_from(in, n);
    tap_equal(http_request_receive(r, in, &n), HTTP_REQUEST_BODY);
    in = bytes_from(in, n);
    tap_equal(http_request_receive(r, in, &n), HTTP_REQUEST_READY);
    tap_equal(n, strlen("1\r\nx\r\n0\r\n\r\n"));
    tap_equal_text(http_request_body(r), "x");
    http_request_next(r);
    in = bytes_from(in, n);
    tap_equal(http_request_receive(r, in, &n), HTTP_REQUEST_READY);
    tap_equal(n, sizeof(second) - 1);
    tap_equal_text(http_request_path(r), "/2");
    tap_equal(http_request_body(r).len, 0);
    http_request_free(r);
}

TAP_CASE(a_request_has_begun_from_its_first_byte_until_it_is_ready)
{
    struct http_request *r = http_request_new(&limits);
    size_t n = 0;

    tap_check(!http_request_begun(r));
    tap_equal(http_request_receive(r, bytes_text(""), &n), HTTP_REQUEST_MORE);
    tap_check(!http_request_begun(r));
    tap_equal(http_request_receive(r, bytes_text("G"), &n), HTTP_REQUEST_MORE);
    tap_check(http_request_begun(r));
    (void)http_request_receive(
        r, bytes_text("ET / HTTP/1.1\r\n" HOST "\r\n"), &n);
    tap_check(!http_request_begun(r));
    http_request_next(r);
    tap_check(!http_request_begun(r));
    (void)http_request_receive(
        r, bytes_text(POST "Content-Length: 2\r\n\r\nx"), &n);
    tap_check(http_request_begun(r));
    http_request_free(r);
}

TAP_CASE(an_empty_line_before_a_request_is_passed_over)
{
    struct http_request *r = ready_text("\r\nGET / HTTP/1.1\r\n" HOST "\r\n");

    tap_equal_text(http_request_path(r), "/");
    http_request_free(r);
    tap_equal(refusal("\nGET / HTTP/1.1\r\n" HOST "\r\n"), 400);
}

TAP_CASE(a_body_is_announced_with_continue_when_the_head_expects_it)
{
    struct bytes text =
        bytes_text(POST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nab");
    struct http_request *r;
    struct outcome outcome = feed_new(&r, text, 0);

    tap_equal(outcome.event, HTTP_REQUEST_READY);
    tap_equal(outcome.continues, 1);
    tap_equal_text(http_request_body(r), "ab");
    http_request_next(r);
    tap_equal(feed_bytewise(r, text).continues, 1);
    http_request_free(r);

    outcome = feed_new(&r,
                       bytes_text(POST "Expect: 100-continue\r\n"
                                       "Transfer-Encoding: chunked\r\n\r\n"
                                       "1\r\na\r\n0\r\n\r\n"),
                       0);
    tap_equal(outcome.event, HTTP_REQUEST_READY);
    tap_equal(outcome.continues, 1);
    http_request_free(r);
}

TAP_CASE(a_head_stands_before_its_body_has_come)
{
    static const char head[] =
        "POST /event?a=b HTTP/1.1\r\n" HOST "X: y\r\nContent-Length: 3\r\n\r\n";
    struct http_request *r = http_request_new(&limits);
    size_t n = 0;

    tap_equal(http_request_receive(r, bytes_text(head), &n), HTTP_REQUEST_BODY);
    tap_equal(n, strlen(head));
    tap_equal(http_request_method(r), HTTP_REQUEST_POST);
    tap_equal_text(http_request_path(r), "/event");
    tap_equal_text(http_request_query(r), "a=b");
    tap_equal_text(http_request_field(r, "x"), "y");
    tap_check(http_request_keep_alive(r));
    tap_check(!http_request_expects_continue(r));
    tap_check(http_body_within(http_request_incoming(r), 3));
    tap_check(!http_body_within(http_request_incoming(r), 2));
    tap_equal(http_request_receive(r, bytes_text("abc"), &n),
              HTTP_REQUEST_READY);
    tap_equal_text(http_request_body(r), "abc");
    http_request_free(r);

    r = http_request_new(&limits);
    tap_equal(http_request_receive(
                  r, bytes_text(POST "Transfer-Encoding: chunked\r\n\r\n"), &n),
              HTTP_REQUEST_BODY);
    tap_check(!http_body_within(http_request_incoming(r), SIZE_MAX));
    http_request_free(r);
}

/* One with a body of 1 MB; what it holds then. */
static size_t held_by(struct http_request *r, bool drop)
{
    static uint8_t part[1 << 20];
    size_t n = 0;
    size_t held;

    tap_equal(http_request_receive(
                  r, bytes_text(POST "Content-Length: 1048577\r\n\r\n"), &n),
              HTTP_REQUEST_BODY);
    if (drop) {
        http_body_drop(http_request_incoming(r));
    }
    tap_equal(http_request_receive(r, bytes_of(part, sizeof(part)), &n),
              HTTP_REQUEST_MORE);
    held = http_request_held(r);
    tap_equal(http_request_receive(r, bytes_text("xG"), &n),
              HTTP_REQUEST_READY);
    tap_equal(n, 1);
    tap_equal(http_request_body(r).len, drop ? 0 : sizeof(part) + 1);
    http_request_next(r);
    tap_check(http_request_held(r) < 40000);
    return held;
}

TAP_CASE(a_body_that_is_dropped_is_read_past_and_not_held)
{
    struct http_request_limits wide = limits;

    wide.body_bytes_max = 2 << 20;
    struct http_request *r = http_request_new(&wide);

    tap_check(held_by(r, true) < 40000);
    tap_check(held_by(r, false) >= 1 << 20);
    tap_check(held_by(r, true) < 40000);
    http_request_free(r);
}

TAP_CASE(a_body_that_is_dropped_has_the_same_limits)
{
    struct http_request *r = http_request_new(&limits);
    size_t n = 0;

    (void)http_request_receive(
        r, bytes_text(POST "Transfer-Encoding: chunked\r\n\r\n"), &n);
    http_body_drop(http_request_incoming(r));
    tap_equal(http_request_receive(r, bytes_text("4\r\nabcd\r\n3d\r\n"), &n),
              HTTP_REQUEST_FAILED);
    tap_equal(http_request_status(r), 413);
    http_request_free(r);
}

TAP_CASE(no_continue_is_sent_without_a_body_or_to_http_1_0)
{
    struct http_request *r;
    struct outcome outcome =
        feed_new(&r, bytes_text(POST "Expect: 100-continue\r\n\r\n"), 0);

    tap_equal(outcome.event, HTTP_REQUEST_READY);
    tap_equal(outcome.continues, 0);
    http_request_free(r);
    outcome = feed_new(&r,
                       bytes_text("POST / HTTP/1.0\r\nExpect: 100-continue\r\n"
                                  "Content-Length: 1\r\n\r\na"),
                       0);
    tap_equal(outcome.event, HTTP_REQUEST_READY);
    tap_equal(outcome.continues, 0);
    http_request_free(r);
}

TAP_CASE(a_websocket_request_leaves_what_follows_it)
{
#define UPGRADE                                                 \
    "GET /event/realtime HTTP/1.1\r\n" HOST                     \
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" \
    "Sec-WebSocket-Version: 13\r\n"
    struct http_request *r =
        ready(bytes_of(UPGRADE "\r\n\x81\x80\0\0\0\0",
                       sizeof(UPGRADE "\r\n\x81\x80\0\0\0\0") - 1),
              6);

    tap_check(http_request_upgrade(r));
    tap_equal_text(http_request_path(r), "/event/realtime");
    http_request_free(r);
}

TAP_CASE(other_upgrades_are_ordinary_requests)
{
    static const char *const texts[] = {
        "GET / HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "Connection: upgrade\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST
        "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        "GET / HTTP/1.0\r\n" HOST
        "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        UPGRADE "Content-Length: 1\r\n\r\nx",
        UPGRADE "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct http_request *r = ready_text(texts[i]);

        tap_check(!http_request_upgrade(r));
        http_request_free(r);
    }
}

TAP_CASE(keep_alive_follows_the_version_and_the_connection_field)
{
    static const struct {
        const char *text;
        bool keep_alive;
    } table[] = {
        {"GET / HTTP/1.1\r\n" HOST "\r\n", true},
        {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: Close, x\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct http_request *r = ready_text(table[i].text);

        tap_equal(http_request_keep_alive(r), table[i].keep_alive);
        http_request_free(r);
    }
}

TAP_CASE(other_versions_are_refused_and_the_http_2_preface_clearly)
{
    tap_equal(refusal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    tap_equal(refusal("GET / HTTP/2.0\r\n" HOST "\r\n"), 505);
    tap_equal(refusal("GET /\r\n" HOST "\r\n"), 505);
    tap_equal(refusal("GET / HTTP/1.2\r\n" HOST "\r\n"), 505);
    tap_equal(refusal("GET / HTTP/0.9\r\n" HOST "\r\n"), 505);
    tap_equal(refusal("GET / HTTP/3.0\r\n" HOST "\r\n"), 505);
    tap_equal(refusal("\x16\x03\x01\x02"), 400);
}

TAP_MAIN()

/* Responses of servers, cut at every place. */
#include "proto/http_response.h"

#include "base/rc.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX 32

/* Feed `text` up to `cut` and then the rest; counts what was consumed. */
static int feed(struct http_response *r,
                struct bytes text,
                size_t cut,
                size_t *ret_consumed)
{
    size_t done = 0;
    int rc = RC_AGAIN;

    for (int part = 0; part < 2 && rc == RC_AGAIN; part++) {
        size_t end = part == 0 ? cut : text.len;
        size_t n = 0;

        rc = http_response_receive(
            r, bytes_of(text.data + done, end - done), &n);
        done += n;
        tap_check(rc != RC_AGAIN || done == end);
    }
    *ret_consumed = done;
    return rc;
}

/* The response that stands after `text`, `left` bytes of it not consumed. */
static struct http_response *whole(const char *text, size_t left)
{
    struct http_response *r = http_response_new(BODY_MAX);
    struct bytes in = bytes_text(text);

    for (size_t cut = 0; cut <= in.len; cut++) {
        size_t n = 0;

        if (cut > 0) {
            http_response_next(r);
        }
        tap_equal(feed(r, in, cut, &n), RC_OK);
        tap_equal(n, in.len - left);
    }
    return r;
}

/* What `text` ends with, however it is cut. */
static int outcome_of(const char *text)
{
    struct bytes in = bytes_text(text);
    int outcome = RC_OK;

    for (size_t cut = 0; cut <= in.len; cut++) {
        struct http_response *r = http_response_new(BODY_MAX);
        size_t n = 0;
        int rc = feed(r, in, cut, &n);

        tap_check(cut == 0 || rc == outcome);
        outcome = rc;
        http_response_free(r);
    }
    return outcome;
}

TAP_CASE(a_response_yields_its_status_fields_and_body)
{
    struct http_response *r = whole("HTTP/1.1 200 OK\r\n"
                                    "Content-Type: application/json\r\n"
                                    "Content-Length: 2\r\n\r\n{}",
                                    0);

    tap_equal(http_response_status(r), 200);
    tap_equal_text(http_response_field(r, "content-type"), "application/json");
    tap_check(http_response_field(r, "x").data == NULL);
    tap_equal_text(http_response_body(r), "{}");
    http_response_free(r);
}

TAP_CASE(a_chunked_body_is_joined)
{
    struct http_response *r =
        whole("HTTP/1.1 400 Bad Request\r\n"
              "Transfer-Encoding: chunked\r\n\r\n"
              "2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: r\r\n\r\n",
              0);

    tap_equal(http_response_status(r), 400);
    tap_equal_text(http_response_body(r), "abc");
    tap_check(http_response_field(r, "t").data == NULL);
    http_response_free(r);
}

TAP_CASE(what_has_no_body_is_whole_at_the_end_of_its_head)
{
    struct http_response *r = whole("HTTP/1.1 204 No Content\r\n\r\nHTTP", 4);

    tap_equal(http_response_status(r), 204);
    http_response_free(r);
    r = whole("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP", 4);
    tap_equal(http_response_body(r).len, 0);
    http_response_free(r);
}

TAP_CASE(interim_responses_are_passed_over)
{
    struct http_response *r = whole("HTTP/1.1 100 Continue\r\n\r\n"
                                    "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"
                                    "HTTP/1.1 200 OK\r\n"
                                    "Content-Length: 1\r\n\r\nx",
                                    0);

    tap_equal(http_response_status(r), 200);
    tap_check(http_response_field(r, "a").data == NULL);
    tap_equal_text(http_response_body(r), "x");
    http_response_free(r);
}

TAP_CASE(a_101_leaves_the_frames_that_follow_it)
{
    struct http_response *r = whole("HTTP/1.1 101 Switching Protocols\r\n"
                                    "Upgrade: websocket\r\n"
                                    "Connection: Upgrade\r\n\r\n"
                                    "\x81\x02hi",
                                    4);

    tap_equal(http_response_status(r), 101);
    tap_equal_text(http_response_field(r, "upgrade"), "websocket");
    http_response_free(r);
}

TAP_CASE(a_body_may_have_its_limit_and_no_byte_more)
{
    tap_equal(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n"
                         "01234567890123456789012345678901"),
              RC_OK);
    tap_equal(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n"
                         "012345678901234567890123456789012"),
              RC_TOO_LARGE);
}

TAP_CASE(a_body_that_only_the_connection_ends_is_refused)
{
    tap_equal(outcome_of("HTTP/1.1 200 OK\r\n\r\nbody"), RC_MALFORMED);
    tap_equal(outcome_of("HTTP/1.1 200 OK\r\n"
                         "Transfer-Encoding: gzip\r\n\r\nbody"),
              RC_MALFORMED);
}

TAP_CASE(what_is_not_a_response_is_refused)
{
    tap_equal(outcome_of("GET / HTTP/1.1\r\n\r\n"), RC_MALFORMED);
    tap_equal(outcome_of("HTTP/1.1 2x0 OK\r\n\r\n"), RC_MALFORMED);
    tap_equal(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
              RC_MALFORMED);
    tap_equal(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                         "Content-Length: 1\r\n\r\nx"),
              RC_MALFORMED);
    tap_equal(outcome_of("SSH-2.0-OpenSSH\r\n"), RC_MALFORMED);
}

TAP_CASE(an_incomplete_response_asks_for_more)
{
    tap_equal(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx"),
              RC_AGAIN);
    tap_equal(outcome_of("HTTP/1.1 200 OK\r\nConte"), RC_AGAIN);
}

static int outcome_of_head(size_t len)
{
    static const char start[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: ";
    char *text = malloc(len);
    struct http_response *r = http_response_new(BODY_MAX);
    size_t n = 0;
    int rc = RC_OK;

    memset(text, 'x', len);
    memcpy(text, start, sizeof(start) - 1);
    memcpy(text + len - 4, "\r\n\r\n", 4);
    rc = http_response_receive(r, bytes_of(text, len), &n);
    http_response_free(r);
    free(text);
    return rc;
}

TAP_CASE(a_head_may_have_its_limit_and_no_byte_more)
{
    tap_equal(outcome_of_head(HTTP_RESPONSE_HEAD_BYTES_MAX), RC_OK);
    tap_equal(outcome_of_head(HTTP_RESPONSE_HEAD_BYTES_MAX + 1), RC_TOO_LARGE);
}

TAP_CASE(after_a_refusal_everything_is_refused)
{
    struct http_response *r = http_response_new(BODY_MAX);
    size_t n = 1;

    tap_equal(http_response_receive(r, bytes_text("nonsense\r\n"), &n),
              RC_MALFORMED);
    tap_equal(http_response_receive(
                  r, bytes_text("HTTP/1.1 204 No Content\r\n\r\n"), &n),
              RC_MALFORMED);
    tap_equal(n, 0);
    http_response_free(r);
}

TAP_MAIN()

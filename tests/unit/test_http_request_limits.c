/* Both sides of every limit. */
#include "proto/http_request.h"

#include "tests/lib/http_bench.h"
#include "tests/lib/tap.h"

#include <stdio.h>

/* As refusal(), of `count` zeros between `before` and `after`. */
static int refusal_filled(const char *before, int count, const char *after)
{
    char text[4096];

    snprintf(text, sizeof(text), "%s%0*d%s", before, count, 0, after);
    return refusal(text);
}

TAP_CASE(a_target_may_have_its_limit_and_no_byte_more)
{
    tap_equal(
        refusal_filled("GET /", TARGET_MAX - 1, " HTTP/1.1\r\n" HOST "\r\n"),
        0);
    tap_equal(refusal_filled("GET /", TARGET_MAX, " HTTP/1.1\r\n" HOST "\r\n"),
              414);
}

/* A head of `len` bytes in all. */
static int refusal_of_head(size_t len, size_t head_max)
{
    static const char start[] = "GET / HTTP/1.1\r\n" HOST "A: ";
    struct http_request_limits small = limits;
    char text[1024];
    size_t n = 0;
    int status = 0;

    small.head_bytes_max = head_max;
    memset(text, 'x', sizeof(text));
    memcpy(text, start, sizeof(start) - 1);
    memcpy(text + len - 4, "\r\n\r\n", 4);
    struct http_request *r = http_request_new(&small);

    if (http_request_receive(r, bytes_of(text, len), &n) ==
        HTTP_REQUEST_FAILED) {
        status = http_request_status(r);
    }
    http_request_free(r);
    return status;
}

TAP_CASE(a_head_may_have_its_limit_and_no_byte_more)
{
    tap_equal(refusal_of_head(HEAD_MAX, HEAD_MAX), 0);
    tap_equal(refusal_of_head(HEAD_MAX + 1, HEAD_MAX), 431);
    tap_equal(refusal_of_head(200, 200), 0);
    tap_equal(refusal_of_head(201, 200), 431);
}

static int refusal_of_fields(int count)
{
    struct http_request_limits wide = limits;
    char text[1024] = "GET / HTTP/1.1\r\n" HOST;
    size_t n = 0;
    int status = 0;

    wide.head_bytes_max = sizeof(text);
    for (int i = 1; i < count; i++) {
        strcat(text, "a:b\r\n");
    }
    strcat(text, "\r\n");
    struct http_request *r = http_request_new(&wide);

    if (http_request_receive(r, bytes_text(text), &n) == HTTP_REQUEST_FAILED) {
        status = http_request_status(r);
    }
    http_request_free(r);
    return status;
}

TAP_CASE(a_head_may_have_64_fields_and_no_more)
{
    tap_equal(refusal_of_fields(HTTP_REQUEST_FIELDS_MAX), 0);
    tap_equal(refusal_of_fields(HTTP_REQUEST_FIELDS_MAX + 1), 431);
}

TAP_CASE(a_body_may_have_its_limit_and_no_byte_more)
{
    tap_equal(refusal_filled(POST "Content-Length: 64\r\n\r\n", 64, ""), 0);
    tap_equal(refusal(POST "Content-Length: 65\r\n\r\n"), 413);
    tap_equal(
        refusal(POST "Expect: 100-continue\r\nContent-Length: 65\r\n\r\n"),
        413);
    tap_equal(refusal_filled(POST "Transfer-Encoding: chunked\r\n\r\n40\r\n",
                             64,
                             "\r\n"
                             "0\r\n\r\n"),
              0);
    tap_equal(refusal(POST "Transfer-Encoding: chunked\r\n\r\n41\r\n"), 413);
    tap_equal(refusal_filled(POST "Transfer-Encoding: chunked\r\n\r\n3F\r\n",
                             63,
                             "\r\n"
                             "2\r\n"),
              413);
}

TAP_CASE(chunk_extensions_and_trailers_are_limited)
{
    tap_equal(refusal_filled(POST "Transfer-Encoding: chunked\r\n\r\n"
                                  "1;a=",
                             HEAD_MAX - 30,
                             "\r\nx\r\n0\r\n\r\n"),
              0);
    tap_equal(refusal_filled(POST "Transfer-Encoding: chunked\r\n\r\n"
                                  "1;a=",
                             HEAD_MAX,
                             "\r\nx\r\n0\r\n\r\n"),
              431);
    tap_equal(refusal_filled(POST "Transfer-Encoding: chunked\r\n\r\n"
                                  "0\r\nA: ",
                             HEAD_MAX,
                             "\r\n\r\n"),
              431);
}

TAP_MAIN()

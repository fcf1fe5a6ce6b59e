/* What is refused, and what nearby is not. Each request goes through the
 * parser, for only with it are the rules complete. */
#include "proto/http_rules.h"

#include "proto/http_request.h"
#include "tests/lib/tap.h"

#include <stdio.h>

#define LINE "POST / HTTP/1.1\r\n"
#define HOST "Host: h\r\n"

static const struct http_request_limits limits = {
    .target_bytes_max = 100,
    .head_bytes_max = 1000,
    .body_bytes_max = 100,
};

/* The status that `text` is refused with; 0: READY; -1: neither. */
static int refusal_of(struct bytes text)
{
    struct http_request *r = http_request_new(&limits);
    size_t n = 0;
    enum http_request_event event = http_request_receive(r, text, &n);
    int status = -1;

    if (event == HTTP_REQUEST_BODY && n < text.len) {
        event = http_request_receive(r, bytes_from(text, n), &n);
    }
    status = event == HTTP_REQUEST_READY ? 0 : -1;
    if (event == HTTP_REQUEST_FAILED) {
        status = http_request_status(r);
    }
    http_request_free(r);
    return status;
}

static int refusal(const char *text)
{
    return refusal_of(bytes_text(text));
}

TAP_CASE(a_second_content_length_is_refused_even_when_it_is_the_same)
{
    tap_equal(refusal(LINE HOST "Content-Length: 1\r\n\r\nx"), 0);
    tap_equal(refusal(LINE HOST "Content-Length: 1\r\nContent-Length: 1\r\n"
                                "\r\nx"),
              400);
    tap_equal(refusal(LINE HOST "Content-Length: 1\r\nContent-Length: 2\r\n"
                                "\r\nxx"),
              400);
    tap_equal(refusal(LINE HOST "Content-Length: 1, 1\r\n\r\nx"), 400);
}

TAP_CASE(a_content_length_is_digits)
{
    tap_equal(refusal(LINE HOST "Content-Length:  1 \r\n\r\nx"), 0);
    tap_equal(refusal(LINE HOST "Content-Length: 01\r\n\r\nx"), 0);
    tap_equal(refusal(LINE HOST "Content-Length: +1\r\n\r\nx"), 400);
    tap_equal(refusal(LINE HOST "Content-Length: -1\r\n\r\nx"), 400);
    tap_equal(refusal(LINE HOST "Content-Length: 0x1\r\n\r\nx"), 400);
    tap_equal(refusal(LINE HOST "Content-Length: 1 1\r\n\r\nx"), 400);
    tap_equal(refusal(LINE HOST "Content-Length:\r\n\r\n"), 400);
    tap_equal(refusal(LINE HOST "Content-Length: 1a\r\n\r\nx"), 400);
    tap_equal(refusal(LINE HOST "Content-Length: 18446744073709551616\r\n\r\n"),
              400);
    tap_equal(refusal(LINE HOST "Content-Length: 18446744073709551615\r\n\r\n"),
              413);
}

TAP_CASE(a_length_beside_a_transfer_coding_is_refused_in_either_order)
{
    tap_equal(refusal(LINE HOST "Content-Length: 5\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n"
                                "0\r\n\r\n"),
              400);
    tap_equal(refusal(LINE HOST "Transfer-Encoding: chunked\r\n"
                                "Content-Length: 5\r\n\r\n"
                                "0\r\n\r\n"),
              400);
}

TAP_CASE(a_coding_other_than_one_final_chunked_is_refused)
{
#define CODED(value) LINE HOST "Transfer-Encoding: " value "\r\n\r\n0\r\n\r\n"
    tap_equal(refusal(CODED("chunked")), 0);
    tap_equal(refusal(CODED("CHUNKED \t")), 0);
    tap_equal(refusal(CODED("gzip")), 400);
    tap_equal(refusal(CODED("identity")), 400);
    tap_equal(refusal(CODED("gzip, chunked")), 501);
    tap_equal(refusal(CODED("gzip ,\tChunked")), 501);
    tap_equal(refusal(CODED("chunked, gzip")), 400);
    tap_check(refusal(CODED("chunked, chunked")) >= 400);
    tap_check(refusal(CODED("chunked;q=1")) >= 400);
    tap_check(refusal(CODED("xchunked")) >= 400);
    tap_check(refusal(CODED("chunked,")) >= 400);
    tap_check(refusal(CODED("\x0b"
                            "chunked")) >= 400);
    tap_check(refusal(CODED("")) >= 400);
    tap_check(refusal(LINE HOST "Transfer-Encoding: chunked\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n"
                                "0\r\n\r\n") >= 400);
    tap_check(refusal(LINE HOST "Transfer-Encoding: chunked\r\n"
                                "Transfer-Encoding: identity\r\n\r\n"
                                "0\r\n\r\n") >= 400);
    tap_equal(refusal("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "0\r\n\r\n"),
              400);
}

TAP_CASE(a_carriage_return_or_line_feed_alone_is_refused)
{
    tap_equal(refusal("POST / HTTP/1.1\n" HOST "\r\n"), 400);
    tap_equal(refusal(LINE "Host: h\n\r\n"), 400);
    tap_equal(refusal(LINE HOST "\n"), 400);
    tap_equal(refusal(LINE HOST "A: b\rc: d\r\n\r\n"), 400);
    tap_equal(refusal(LINE HOST "A: b\r\r\n\r\n"), 400);
    tap_equal(refusal(LINE HOST "A: b\n\n"), 400);
    tap_equal(refusal(LINE HOST "\r\rx"), 400);
    tap_check(refusal("POST / HTTP/1.1\r" HOST "\r\n") >= 400);
    tap_equal(refusal("POST /\r HTTP/1.1\r\n" HOST "\r\n"), 400);
}

TAP_CASE(a_folded_line_is_refused)
{
    tap_equal(refusal(LINE HOST "A: b\r\n c\r\n\r\n"), 400);
    tap_equal(refusal(LINE HOST "A: b\r\n\tc\r\n\r\n"), 400);
    tap_equal(refusal(LINE " " HOST "\r\n"), 400);
    tap_equal(refusal(LINE HOST "A:\r\n b\r\n\r\n"), 400);
}

TAP_CASE(white_space_before_a_colon_or_in_a_name_is_refused)
{
    tap_equal(refusal(LINE HOST "A : b\r\n\r\n"), 400);
    tap_equal(refusal(LINE HOST "A\t: b\r\n\r\n"), 400);
    tap_equal(refusal(LINE HOST "A b: c\r\n\r\n"), 400);
    tap_equal(refusal(LINE HOST "Content-Length : 1\r\n\r\nx"), 400);
    tap_equal(refusal(LINE HOST ": b\r\n\r\n"), 400);
    tap_equal(refusal(LINE ": b\r\n" HOST "\r\n"), 400);
    tap_equal(refusal(LINE HOST "A\r\n\r\n"), 400);
    tap_equal(refusal(LINE HOST "A(: b\r\n\r\n"), 400);
}

TAP_CASE(a_name_holds_the_bytes_of_a_token_alone)
{
    for (unsigned byte = 1; byte < 256; byte++) {
        char text[] = LINE HOST "A?: b\r\n\r\n";
        bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
        bool digit = byte >= '0' && byte <= '9';
        bool token =
            letter || digit || strchr("!#$%&'*+-.^_`|~", (int)byte) != NULL;

        if (byte == ':') {
            continue; /* then the value is ": b" */
        }
        *strchr(text, '?') = (char)byte;
        tap_equal(refusal(text), token ? 0 : 400);
    }
}

static int refusal_of_byte(uint8_t byte)
{
    char text[] = LINE HOST "A: b?c\r\n\r\n";

    *strchr(text, '?') = (char)byte;
    return refusal_of(bytes_of(text, sizeof(text) - 1));
}

TAP_CASE(a_value_holds_anything_but_control_characters)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        bool allowed = (byte >= 0x20 && byte != 0x7f) || byte == '\t';

        tap_equal(refusal_of_byte((uint8_t)byte), allowed ? 0 : 400);
    }
}

TAP_CASE(a_nul_is_refused_in_the_target_and_in_a_name)
{
    tap_equal(refusal_of(bytes_of("GET /\0 HTTP/1.1\r\n" HOST "\r\n", 28)),
              400);
    tap_equal(refusal_of(bytes_of(LINE HOST "A\0B: c\r\n\r\n", 36)), 400);
}

TAP_CASE(there_is_exactly_one_host)
{
    tap_equal(refusal("GET / HTTP/1.1\r\n" HOST "\r\n"), 0);
    tap_equal(refusal("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 0);
    tap_equal(refusal("GET / HTTP/1.1\r\n\r\n"), 400);
    tap_equal(refusal("GET / HTTP/1.1\r\n" HOST HOST "\r\n"), 400);
    tap_equal(refusal("GET / HTTP/1.0\r\n\r\n"), 0);
    tap_equal(refusal("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), 400);
}

TAP_CASE(a_host_is_a_name_or_an_address_and_perhaps_a_port)
{
    static const char *const good[] = {
        "a",
        "a.example:80",
        "a:",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:8080",
        "a_b",
        "%41",
        "x~!$&'()*+,;=",
    };
    static const char *const bad[] = {
        "a b",
        "a/b",
        "http://a",
        "a:80a",
        "a:80:80",
        "a@b",
        "[::1",
        "::1",
        "[]",
        "[::1]a",
        "a\\b",
        "a?b",
        "a#b",
        "a\xc3\xa9",
        "a\"b",
        "a,b c",
    };
    char text[100];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(text, sizeof(text), LINE "Host: %s\r\n\r\n", good[i]);
        tap_equal(refusal(text), 0);
        snprintf(text,
                 sizeof(text),
                 "GET http://%s HTTP/1.1\r\n" HOST "\r\n",
                 good[i]);
        tap_equal(refusal(text), 0);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), LINE "Host: %s\r\n\r\n", bad[i]);
        tap_equal(refusal(text), 400);
    }
    tap_equal(refusal("GET http:///a HTTP/1.1\r\n" HOST "\r\n"), 400);
    tap_equal(refusal("GET http://:80/a HTTP/1.1\r\n" HOST "\r\n"), 400);
}

TAP_CASE(a_target_holds_ascii_alone)
{
    tap_equal(refusal("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"), 400);
    tap_equal(refusal("GET /?a=\xe9 HTTP/1.1\r\n" HOST "\r\n"), 400);
    tap_equal(refusal("GET /?a=\x7f HTTP/1.1\r\n" HOST "\r\n"), 400);
    tap_equal(refusal("GET /?a=%e9 HTTP/1.1\r\n" HOST "\r\n"), 0);
}

TAP_CASE(expectations_other_than_100_continue_are_refused)
{
    tap_equal(refusal(LINE HOST "Expect: 100-continue\r\n\r\n"), 0);
    tap_equal(refusal(LINE HOST "Expect: 200-ok\r\n\r\n"), 417);
    tap_equal(refusal(LINE HOST "Expect:\r\n\r\n"), 417);
    tap_equal(refusal(LINE HOST "Expect: 100-continue\r\nExpect: x\r\n\r\n"),
              417);
}

/* The path and the query as "path|query". */
static const char *target_of(const char *target, const char *method)
{
    static char shown[256];
    char text[256];
    struct http_request *r = http_request_new(&limits);
    size_t n = 0;

    snprintf(
        text, sizeof(text), "%s %s HTTP/1.1\r\n" HOST "\r\n", method, target);
    if (http_request_receive(r, bytes_text(text), &n) == HTTP_REQUEST_READY) {
        struct bytes path = http_request_path(r);
        struct bytes query = http_request_query(r);

        snprintf(shown,
                 sizeof(shown),
                 "%.*s|%.*s",
                 (int)path.len,
                 (const char *)path.data,
                 (int)query.len,
                 query.len == 0 ? "" : (const char *)query.data);
    } else {
        snprintf(shown, sizeof(shown), "%d", http_request_status(r));
    }
    http_request_free(r);
    return shown;
}

#define target_is(target, expected) \
    tap_equal_text(bytes_text(target_of((target), "GET")), (expected))

TAP_CASE(a_target_is_split_into_path_and_query)
{
    target_is("/", "/|");
    target_is("/a/b", "/a/b|");
    target_is("/a?b=c", "/a|b=c");
    target_is("/a?", "/a|");
    target_is("/a?b?c", "/a|b?c");
    target_is("//a", "//a|");
}

TAP_CASE(of_an_absolute_target_the_path_is_taken)
{
    target_is("http://host/a?b", "/a|b");
    target_is("https://host:8443/a", "/a|");
    target_is("HTTP://host/a", "/a|");
    target_is("http://host", "/|");
    target_is("http://host?b", "/|b");
    target_is("ftp://host/a", "400");
    target_is("http:/host/a", "400");
}

TAP_CASE(other_targets_are_refused)
{
    target_is("host:80", "400");
    target_is("a", "400");
    target_is("?a", "400");
    target_is("/a#b", "400");
    target_is("/a?b#c", "400");
    target_is("/\xc3\xa4", "400");
    target_is("", "400");
    target_is("/a b", "400");
}

TAP_CASE(the_star_is_for_options_alone)
{
    tap_equal_text(bytes_text(target_of("*", "OPTIONS")), "*|");
    tap_equal_text(bytes_text(target_of("*", "GET")), "400");
    tap_equal_text(bytes_text(target_of("*a", "OPTIONS")), "400");
    tap_equal_text(bytes_text(target_of("/a", "OPTIONS")), "/a|");
}

TAP_CASE(other_protocols_in_the_request_line_are_refused)
{
    tap_check(refusal("GET / RTSP/1.0\r\n" HOST "\r\n") >= 400);
    tap_check(refusal("OPTIONS / RTSP/1.0\r\n" HOST "\r\n") >= 400);
    tap_check(refusal("SOURCE / ICE/1.0\r\n" HOST "\r\n") >= 400);
    tap_check(refusal("GET / http/1.1\r\n" HOST "\r\n") >= 400);
    tap_check(refusal("GET / HTTP/1.1 \r\n" HOST "\r\n") >= 400);
    tap_check(refusal("GET  / HTTP/1.1\r\n" HOST "\r\n") >= 400);
    tap_check(refusal("GET /  HTTP/1.1\r\n" HOST "\r\n") >= 400);
    tap_check(refusal("GET /\r\n" HOST "\r\n") >= 400);
    tap_check(refusal("CONNECT h:80 HTTP/1.1\r\n" HOST "\r\n") >= 400);
}

TAP_MAIN()

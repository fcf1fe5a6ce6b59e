/* A request parser on a bench: every request is fed whole, byte by byte, and
 * cut in two at every place, and the outcome must be the same. */
#ifndef TESTS_LIB_HTTP_BENCH_H
#define TESTS_LIB_HTTP_BENCH_H

#include "proto/http_request.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

#define TARGET_MAX 32
#define HEAD_MAX 400
#define BODY_MAX 64

#define HOST "Host: h\r\n"
#define POST "POST /event HTTP/1.1\r\n" HOST

static const struct http_request_limits limits = {
    .target_bytes_max = TARGET_MAX,
    .head_bytes_max = HEAD_MAX,
    .body_bytes_max = BODY_MAX,
};

struct outcome {
    enum http_request_event event;
    size_t consumed;
    int continues;
};

/* Feed up to `cut`, then the rest, until something other than MORE. */
static inline struct outcome feed(struct http_request *r,
                                  struct bytes in,
                                  size_t cut)
{
    struct outcome outcome = {HTTP_REQUEST_MORE, 0, 0};

    while (outcome.consumed < in.len) {
        size_t end = outcome.consumed < cut ? cut : in.len;
        size_t n = 0;
        struct bytes part =
            bytes_of(in.data + outcome.consumed, end - outcome.consumed);

        /* A copy of its own, so that reading past it is caught. */
        uint8_t *copy = malloc(part.len);

        memcpy(copy, part.data, part.len);
        outcome.event = http_request_receive(r, bytes_of(copy, part.len), &n);
        free(copy);
        outcome.consumed += n;
        if (outcome.event == HTTP_REQUEST_BODY) {
            outcome.continues += http_request_expects_continue(r) ? 1 : 0;
            continue;
        }
        if (outcome.event != HTTP_REQUEST_MORE) {
            break;
        }
        tap_equal(n, part.len);
    }
    return outcome;
}

static inline struct outcome feed_bytewise(struct http_request *r,
                                           struct bytes in)
{
    struct outcome outcome = {HTTP_REQUEST_MORE, 0, 0};

    for (size_t i = 0; i < in.len; i++) {
        size_t n = 0;

        outcome.event = http_request_receive(r, bytes_of(in.data + i, 1), &n);
        if (outcome.event == HTTP_REQUEST_BODY) {
            outcome.continues += http_request_expects_continue(r) ? 1 : 0;
        } else if (outcome.event != HTTP_REQUEST_MORE) {
            outcome.consumed = i + n;
            return outcome;
        }
    }
    outcome.consumed = in.len;
    return outcome;
}

/* The request that stands after `text`, which must be READY however it is
 * cut, with `left` bytes not consumed. */
static inline struct http_request *ready(struct bytes text, size_t left)
{
    struct http_request *r = http_request_new(&limits);

    for (size_t cut = 0; cut <= text.len; cut++) {
        struct outcome outcome = feed(r, text, cut);

        tap_equal(outcome.event, HTTP_REQUEST_READY);
        tap_equal(outcome.consumed, text.len - left);
        http_request_next(r);
    }
    struct outcome outcome = feed_bytewise(r, text);

    tap_equal(outcome.event, HTTP_REQUEST_READY);
    tap_equal(outcome.consumed, text.len - left);
    return r;
}

static inline struct http_request *ready_text(const char *text)
{
    return ready(bytes_text(text), 0);
}

static inline struct outcome feed_new(struct http_request **r,
                                      struct bytes text,
                                      size_t cut)
{
    *r = http_request_new(&limits);
    return feed(*r, text, cut);
}

/* The status that `text` is refused with, however it is cut; 0: it is not. */
static inline int refusal_of(struct bytes text)
{
    int status = 0;

    for (size_t cut = 0; cut <= text.len; cut++) {
        struct http_request *r;
        struct outcome outcome = feed_new(&r, text, cut);
        int now =
            outcome.event == HTTP_REQUEST_FAILED ? http_request_status(r) : 0;

        if (now != 0) {
            size_t n = 1;

            tap_check(http_request_reason(r) != NULL);
            tap_equal(http_request_receive(r, bytes_text("x"), &n),
                      HTTP_REQUEST_FAILED);
            tap_equal(n, 0);
        }
        tap_check(cut == 0 || now == status);
        status = now;
        http_request_free(r);
    }
    return status;
}

static inline int refusal(const char *text)
{
    return refusal_of(bytes_text(text));
}

#endif

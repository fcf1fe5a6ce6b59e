/* Requests go out as they are given; one parser reads the answers in turn. */
#include "src/io/http_client.h"

#include "base/alloc.h"
#include "base/check.h"
#include "proto/http_response.h"

#include <stdlib.h>

struct http_client {
    struct outbound *outbound; /* NULL once it closed */
    struct http_response *response;
    struct http_client_options options;
    const struct http_client_events *events;
    void *context;
    struct buffer requests; /* written until it was sent */
    unsigned waiting;       /* requests without an answer */
    bool opened;
    bool in_event; /* a close within an event frees after it */
    bool ended;
};

void http_client_request(const struct http_client_options *options,
                         struct bytes body,
                         struct buffer *out)
{
    buffer_printf(out,
                  "%s %s HTTP/1.1\r\nhost: %s\r\n",
                  options->get ? "GET" : "POST",
                  options->path,
                  options->authority);
    if (!options->get) {
        buffer_text(out, "content-type: application/json\r\n");
    }
    if (options->api_key.len > 0) {
        buffer_text(out, "x-api-key: ");
        buffer_append(out, options->api_key);
        buffer_text(out, "\r\n");
    }
    if (options->get) {
        buffer_text(out, "\r\n");
        return;
    }
    buffer_printf(out, "content-length: %zu\r\n\r\n", body.len);
    buffer_append(out, body);
}

static void client_free(struct http_client *c)
{
    http_response_free(c->response);
    buffer_done(&c->requests);
    free(c);
}

void http_client_close(struct http_client *c)
{
    check(!c->ended);
    c->ended = true;
    if (c->outbound != NULL) {
        outbound_close(c->outbound);
    }
    if (!c->in_event) {
        client_free(c);
    }
}

static void fail(struct http_client *c, int rc, const struct why *why)
{
    check(!c->ended);
    c->ended = true;
    if (c->outbound != NULL) {
        outbound_close(c->outbound);
    }
    c->events->closed(c->context, rc, why);
}

static int send_requests(struct http_client *c)
{
    int rc = outbound_send(c->outbound, buffer_view(&c->requests));

    if (rc == 0) {
        buffer_clear(&c->requests);
    }
    return rc;
}

static void on_opened(void *context)
{
    struct http_client *c = context;

    c->opened = true;
    if (c->requests.len > 0) {
        check(send_requests(c) == 0);
    }
}

/* Take one answer's bytes; false when no more can be done with them. */
static bool receive_one(struct http_client *c, struct bytes *rest)
{
    struct why why;
    size_t consumed = 0;
    int rc = http_response_receive(c->response, *rest, &consumed);

    *rest = bytes_from(*rest, consumed);
    if (rc == RC_AGAIN) {
        return false;
    }
    if (rc != 0 || c->waiting == 0) {
        rc = why_set(&why, RC_MALFORMED, "the server's answer is not HTTP");
        fail(c, rc, &why);
        return false;
    }
    c->waiting--;
    c->events->answered(c->context,
                        http_response_status(c->response),
                        http_response_body(c->response));
    if (!c->ended) {
        http_response_next(c->response);
    }
    return !c->ended && rest->len > 0;
}

static void on_received(void *context, struct bytes bytes)
{
    struct http_client *c = context;

    c->in_event = true;
    while (receive_one(c, &bytes)) {
    }
    c->in_event = false;
    if (c->ended) {
        client_free(c);
    }
}

static void on_closed(void *context, int rc, const struct why *why)
{
    struct http_client *c = context;

    c->outbound = NULL;
    fail(c, rc, why);
    client_free(c);
}

static const struct outbound_events outbound_events = {
    .opened = on_opened,
    .received = on_received,
    .closed = on_closed,
};

struct http_client *http_client_open(uv_loop_t *loop,
                                     const struct http_client_options *options,
                                     const struct http_client_events *events,
                                     void *context)
{
    struct http_client *c = alloc_zero(sizeof(*c));

    c->options = *options;
    c->events = events;
    c->context = context;
    c->response = http_response_new(HTTP_CLIENT_ANSWER_BYTES_MAX);
    buffer_init(&c->requests, OUTBOUND_QUEUE_BYTES_MAX / 2);
    c->outbound = outbound_open(loop, &options->target, &outbound_events, c);
    return c;
}

int http_client_post(struct http_client *c, struct bytes body)
{
    size_t before = c->requests.len;
    int rc = 0;

    check(!c->ended);
    http_client_request(&c->options, body, &c->requests);
    if (c->requests.overflowed) {
        rc = RC_BUSY;
    } else if (c->opened) {
        rc = send_requests(c);
    }
    if (rc != 0) {
        c->requests.len = before;
        c->requests.overflowed = false;
        return rc;
    }
    c->waiting++;
    return 0;
}

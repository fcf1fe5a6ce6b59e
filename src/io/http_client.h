/* Requests, POST or GET, over one keep-alive connection, pipelined: answers
 * come in the order of the requests. */
#ifndef IO_HTTP_CLIENT_H
#define IO_HTTP_CLIENT_H

#include "src/io/outbound.h"

#define HTTP_CLIENT_ANSWER_BYTES_MAX (1024 * 1024)

struct http_client; /* one connection */

struct http_client_options {
    struct outbound_target target;
    const char *authority; /* the Host field; kept by the caller */
    const char *path;      /* kept by the caller */
    bool get;              /* rather than POST; bodies are empty then */
    struct bytes api_key;  /* len 0: none; kept by the caller */
};

struct http_client_events {
    void (*answered)(void *context, int status, struct bytes body);
    /* The last call: requests without an answer will have none. */
    void (*closed)(void *context, int rc, const struct why *why);
};

struct http_client *http_client_open(uv_loop_t *loop,
                                     const struct http_client_options *options,
                                     const struct http_client_events *events,
                                     void *context);

/* Send one request; before the connection is there it waits for it. RC_BUSY
 * when the bound on what waits is met. */
int http_client_post(struct http_client *c, struct bytes body);

/* No event follows. */
void http_client_close(struct http_client *c);

/* The text of one request with this body, as http_client_post() sends it. */
void http_client_request(const struct http_client_options *options,
                         struct bytes body,
                         struct buffer *out);

#endif

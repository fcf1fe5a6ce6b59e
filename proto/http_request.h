/* An incremental HTTP/1.1 request parser with limits: llhttp in strict mode,
 * and what llhttp leaves to its user.
 *
 * One parser serves one connection, request after request. Refused because two
 * parties could read it differently (RFC 9112, 6.3 and 11.2): two
 * Content-Lengths, a length beside Transfer-Encoding, a coding other than one
 * final "chunked", a bare CR or LF, obs-fold, white space before a colon, a
 * control character other than tab, a target or name with bytes outside ASCII,
 * a request without exactly one Host (1.1) or with one that is no host. Values
 * may hold bytes from 0x80 on, which mean nothing here (RFC 9110, 5.5). */
#ifndef PROTO_HTTP_REQUEST_H
#define PROTO_HTTP_REQUEST_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "proto/http_body.h"

#define HTTP_REQUEST_FIELDS_MAX 64

struct http_request_limits {
    size_t target_bytes_max;
    size_t head_bytes_max; /* request line and all fields together */
    size_t body_bytes_max;
};

enum http_request_method {
    HTTP_REQUEST_GET,
    HTTP_REQUEST_HEAD,
    HTTP_REQUEST_POST,
    HTTP_REQUEST_OPTIONS,
    HTTP_REQUEST_OTHER,
};

enum http_request_event {
    HTTP_REQUEST_MORE,   /* everything was consumed, the request goes on */
    HTTP_REQUEST_BODY,   /* the head stands and a body follows: see the views
                            below; call receive again, or answer and close */
    HTTP_REQUEST_READY,  /* a whole request stands */
    HTTP_REQUEST_FAILED, /* answer `status` with `reason` and close */
};

struct http_request;

struct http_request *http_request_new(const struct http_request_limits *limits);
void http_request_free(struct http_request *r);

/* Consume bytes up to the next event; `ret_consumed` counts them. After READY,
 * the request's views hold until http_request_next(); bytes that follow it (a
 * pipelined request, or the first WebSocket frames) are left unconsumed. */
enum http_request_event http_request_receive(struct http_request *r,
                                             struct bytes in,
                                             size_t *ret_consumed);

/* Forget the request that was ready and expect another. */
void http_request_next(struct http_request *r);

/* Whether any byte of a request has come that is not yet ready: tells a slow
 * sender from an idle connection. */
bool http_request_begun(const struct http_request *r);

/* After FAILED: 400, 413 (body), 414 (target), 417, 431 (head), 501 (coding),
 * or method), 505 (version), and a sentence about it. */
int http_request_status(const struct http_request *r);
const char *http_request_reason(const struct http_request *r);

/* HTTP_REQUEST_OTHER until the request line has come. */
enum http_request_method http_request_method(const struct http_request *r);

/* A field's value by its name (any case), trimmed; empty data NULL when there
 * is none. Of a repeated field, the first. While a request is read, and after
 * FAILED, of the fields that have wholly come; a byte of theirs may be what it
 * failed for. */
struct bytes http_request_field(const struct http_request *r, const char *name);

/* After BODY and READY; the body after READY only. */
struct bytes http_request_path(const struct http_request *r);  /* no query */
struct bytes http_request_query(const struct http_request *r); /* after '?' */
struct bytes http_request_body(const struct http_request *r);
bool http_request_keep_alive(const struct http_request *r);
bool http_request_1_0(const struct http_request *r); /* HTTP/1.0 */

/* Whether it asks to become a WebSocket: GET, Upgrade and Connection say so. */
bool http_request_upgrade(const struct http_request *r);

/* After BODY: whether the peer waits for "100 Continue" before it sends the
 * body; and the body, to be limited or dropped (http_body.h). After READY, to
 * let go of it. */
bool http_request_expects_continue(const struct http_request *r);
struct http_body *http_request_incoming(struct http_request *r);

/* How much memory it holds, unused room included. Between two requests that is
 * little, whatever they were. */
size_t http_request_held(const struct http_request *r);

/* All fields in order, for those that may be lists. */
size_t http_request_field_count(const struct http_request *r);
struct bytes http_request_field_at(const struct http_request *r,
                                   size_t index,
                                   struct bytes *ret_name);

#endif

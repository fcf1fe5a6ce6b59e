/* An incremental HTTP/1.1 response parser (llhttp) for weir's own clients:
 * weir pub, weir sub, weir bench. */
#ifndef PROTO_HTTP_RESPONSE_H
#define PROTO_HTTP_RESPONSE_H

#include "base/bytes.h"

#define HTTP_RESPONSE_HEAD_BYTES_MAX 32768

struct http_response;

struct http_response *http_response_new(size_t body_bytes_max);
void http_response_free(struct http_response *r);

/* Consume up to the end of one response. 0: whole, views below hold until
 * http_response_next(); RC_AGAIN: more bytes needed; RC_MALFORMED or
 * RC_TOO_LARGE: give the connection up. 1xx other than 101 are passed over. A
 * 101 is whole at the end of its head; what follows stays unconsumed. */
int http_response_receive(struct http_response *r,
                          struct bytes in,
                          size_t *ret_consumed);
void http_response_next(struct http_response *r);

int http_response_status(const struct http_response *r);
struct bytes http_response_field(const struct http_response *r,
                                 const char *name);
struct bytes http_response_body(const struct http_response *r);

#endif

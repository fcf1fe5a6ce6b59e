/* Writes HTTP/1.1 responses into a buffer: status line, fields, body. */
#ifndef PROTO_HTTP_REPLY_H
#define PROTO_HTTP_REPLY_H

#include "base/buffer.h"

const char *http_reply_phrase(int status);

/* Status line and nothing else; then fields, then exactly one end or body. */
void http_reply_begin(struct buffer *out, int status);
void http_reply_field(struct buffer *out, const char *name, struct bytes value);

/* Content-Length, the empty line and the body; with `head_only` the length is
 * told and the body left out. */
void http_reply_body(struct buffer *out, struct bytes body, bool head_only);

/* The empty line alone: for 100, 101, 204, and what ends with the connection.
 */
void http_reply_end(struct buffer *out);

#endif

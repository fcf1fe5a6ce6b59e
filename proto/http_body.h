/* The body of one HTTP request while it arrives: its bytes, or only their
 * number when nobody wants them, and the framing of chunks around them. */
#ifndef PROTO_HTTP_BODY_H
#define PROTO_HTTP_BODY_H

#include "base/buffer.h"
#include "base/bytes.h"

struct http_body {
    struct buffer kept; /* empty when it is dropped */
    bool dropped;
    bool chunked;
    size_t bytes_max;       /* of this one; never over kept.cap */
    uint64_t len;           /* what has come of it, dropped or not */
    uint64_t left;          /* to come, when the length is known */
    uint64_t framing_bytes; /* of chunks */
    const uint8_t *framing; /* where unchecked framing begins in this call */
};

void http_body_init(struct http_body *b, size_t bytes_max);
void http_body_done(struct http_body *b);
void http_body_clear(struct http_body *b); /* for the next request */

/* The head stands; `len` is NULL when it does not say. False: over the limit.
 */
bool http_body_begin(struct http_body *b, const uint64_t *len);

/* Whether it is known that no more than `bytes` are to come. */
bool http_body_within(const struct http_body *b, size_t bytes);

/* Take no more than `bytes_max` of it, which may be more than it takes anyway.
 * False, changing nothing: it has more, or says so. */
bool http_body_limit(struct http_body *b, size_t bytes_max);

/* How much more of it may come. */
size_t http_body_room(const struct http_body *b);

/* Keep nothing of it from here on, nor what has come. */
void http_body_drop(struct http_body *b);

/* More of it has come, within its room. */
void http_body_add(struct http_body *b, struct bytes bytes);

/* The same for a body of known length: as much of `in` as is left of it, how
 * much that is is returned. */
size_t http_body_take(struct http_body *b, struct bytes in);

/* Check the framing of chunks up to `end`, `last` being the byte before it, and
 * hold it in proportion to the body: at most `beyond_max` bytes more. Returns 0
 * or the status to refuse with, and why. */
int http_body_framing(struct http_body *b,
                      const uint8_t *end,
                      uint8_t *last,
                      size_t beyond_max,
                      const char **ret_reason);

#endif

/* permessage-deflate (RFC 7692), always without context takeover on both sides:
 * no connection holds a window, one shard holds one deflate and one inflate
 * state for all of them.
 *
 * The fan-out compresses an event once for all its subscribers: a message is a
 * stored block with the part that differs (the subscription's id) followed by
 * the shared compressed blocks, which refer to nothing before themselves. */
#ifndef PROTO_WS_DEFLATE_H
#define PROTO_WS_DEFLATE_H

#include "base/buffer.h"
#include "base/bytes.h"

struct ws_deflate; /* zlib's two states */

struct ws_deflate *ws_deflate_new(void);
void ws_deflate_free(struct ws_deflate *d);

/* Read the offers of a Sec-WebSocket-Extensions header; true when one can be
 * taken, with the answer's text in `out`. Unknown parameters, and window bits
 * that cannot be kept, decline that offer (RFC 7692, 7.1). */
bool ws_deflate_negotiate(struct bytes offers, struct buffer *out);

/* Inflate one message (without the four bytes that the sender dropped), at most
 * `bytes_max` into `out`, which must have that much room. RC_MALFORMED, or
 * RC_TOO_LARGE without having inflated more than the limit. */
int ws_deflate_inflate(struct ws_deflate *d,
                       struct bytes message,
                       size_t bytes_max,
                       struct buffer *out);

/* Append `tail` as compressed blocks that end a message. Marks `out` as
 * overflowed when it has no room for the worst case: the tail's length, a
 * thousandth more and 1 KB. */
void ws_deflate_tail(struct ws_deflate *d,
                     struct bytes tail,
                     struct buffer *out);

/* The 5 bytes that open a stored, non-final block of `len` bytes (up to
 * 65535), to stand before the message's uncompressed beginning. */
#define WS_DEFLATE_STORED_LEN 5
void ws_deflate_stored(size_t len, uint8_t out[WS_DEFLATE_STORED_LEN]);

#endif

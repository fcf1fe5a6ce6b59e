/* Both directions of one connection after its handshake: streams of bytes in
 * chunks, each sealed by libsodium's secretstream (XChaCha20-Poly1305). A chunk
 * on the wire:
 *
 *     u16  length of what follows, little-endian
 *     what secretstream makes of at most SEALED_STREAM_CHUNK_BYTES_MAX bytes
 *
 * A chunk opens only where it stood when it was sealed: one that was changed,
 * left out, doubled or moved does not, nor does any after it. */
#ifndef CLUSTER_SEALED_STREAM_H
#define CLUSTER_SEALED_STREAM_H

#include "base/buffer.h"
#include "base/rc.h"
#include "cluster/handshake.h"

#include <sodium.h>

#define SEALED_STREAM_TAG_BYTES crypto_secretstream_xchacha20poly1305_ABYTES
#define SEALED_STREAM_OVERHEAD_BYTES (2 + SEALED_STREAM_TAG_BYTES)
#define SEALED_STREAM_CHUNK_BYTES_MAX (UINT16_MAX - SEALED_STREAM_TAG_BYTES)

struct sealed_stream {
    crypto_secretstream_xchacha20poly1305_state push;
    crypto_secretstream_xchacha20poly1305_state pull;
    struct buffer chunk; /* the peer's, while it is incomplete */
};

void sealed_stream_init(struct sealed_stream *s,
                        const struct handshake_keys *keys);
void sealed_stream_done(struct sealed_stream *s); /* wipes; s may be zeroed */

/* How many bytes sealing `len` bytes appends, at most. */
size_t sealed_stream_len_max(size_t len);

/* Append `bytes` in as few chunks as can be; `out` must have room. */
void sealed_stream_seal(struct sealed_stream *s,
                        struct bytes bytes,
                        struct buffer *out);

/* Take the peer's next chunk off the front of `in` and append what it holds to
 * `opened`, which must have room for SEALED_STREAM_CHUNK_BYTES_MAX. RC_AGAIN:
 * not whole yet, all of `in` is taken; RC_CORRUPT: it does not open. */
int sealed_stream_open(struct sealed_stream *s,
                       struct bytes *in,
                       struct buffer *opened);

#endif

/* Sealed datagrams: nobody without the cluster's secret can read, make or
 * change one. XChaCha20-Poly1305 (libsodium; draft-irtf-cfrg-xchacha-03).
 *
 *     1   version, covered by the tag
 *     24  nonce, random: 192 bits do not repeat
 *     n   the content, encrypted
 *     16  tag
 *
 * A datagram that is sent again by somebody who overheard it opens again: what
 * is inside must bear repetition. */
#ifndef PROTO_SEAL_H
#define PROTO_SEAL_H

#include "base/buffer.h"
#include "base/rc.h"

#define SEAL_VERSION 1
#define SEAL_KEY_BYTES 32
#define SEAL_NONCE_BYTES 24
#define SEAL_TAG_BYTES 16
#define SEAL_EXTRA_BYTES (1 + SEAL_NONCE_BYTES + SEAL_TAG_BYTES)

/* The context of the key in cluster_secret_derive(). */
#define SEAL_GOSSIP_CONTEXT "weir gossip 1"

/* What became of datagrams that came. */
struct seal_counters {
    uint64_t opened;
    uint64_t too_short;
    uint64_t other_version;
    uint64_t too_large;
    uint64_t not_authentic; /* another secret, garbage or tampering */
};

/* Append the sealed content. A nonce must never be given twice with one key: it
 * comes from the world's entropy. */
void seal_write(const uint8_t key[SEAL_KEY_BYTES],
                const uint8_t nonce[SEAL_NONCE_BYTES],
                struct bytes content,
                struct buffer *out);

/* Put what a datagram holds into `out`, which is given empty, with a cap of at
 * least the datagram's length. On failure it is left empty. RC_MALFORMED: too
 * short to be one. RC_UNSUPPORTED: of another version. RC_DENIED: not sealed
 * with this key. RC_TOO_LARGE: over the cap of `out`. */
int seal_open(const uint8_t key[SEAL_KEY_BYTES],
              struct bytes datagram,
              struct buffer *out,
              struct seal_counters *counters);

#endif

/* The secret that all nodes of a cluster share and strangers do not have: 32
 * random bytes, kept in a file as one line, "weircluster1_" and base64url.
 *
 * It is never used as it is. Each use has a key of its own, derived under a
 * context that names the use, so that what one part of weir does with its key
 * says nothing about another's. */
#ifndef PROTO_CLUSTER_SECRET_H
#define PROTO_CLUSTER_SECRET_H

#include "base/bytes.h"
#include "base/rc.h"

#define CLUSTER_SECRET_BYTES 32
#define CLUSTER_SECRET_KEY_BYTES 32
#define CLUSTER_SECRET_PREFIX "weircluster1_"
#define CLUSTER_SECRET_TEXT_BYTES (sizeof(CLUSTER_SECRET_PREFIX) + 43)

/* The text as a C string; from its line, whose end may be there or not.
 * RC_MALFORMED: not the one text that printing makes of some secret. */
void cluster_secret_print(const uint8_t secret[CLUSTER_SECRET_BYTES],
                          char ret[CLUSTER_SECRET_TEXT_BYTES]);
int cluster_secret_parse(struct bytes text, uint8_t ret[CLUSTER_SECRET_BYTES]);

/* The key of one use: keyed BLAKE2b-256 (RFC 7693) of the context. Contexts
 * are "weir WHAT VERSION" and are listed here:
 *
 *     "weir link 1"      cluster/handshake
 *     "weir gossip 1"    proto/seal
 *     "weir token 1"     src/bridge/token
 */
void cluster_secret_derive(const uint8_t secret[CLUSTER_SECRET_BYTES],
                           const char *context,
                           uint8_t ret_key[CLUSTER_SECRET_KEY_BYTES]);

#endif

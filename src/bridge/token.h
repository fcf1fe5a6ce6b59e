/* Tokens for those who cannot send headers, such as a browser's EventSource: a
 * key in a box that only this node and its cluster open, good for a short time.
 * Nothing is kept: all of it is in the text. */
#ifndef BRIDGE_TOKEN_H
#define BRIDGE_TOKEN_H

#include "base/buffer.h"
#include "base/moment.h"
#include "base/rc.h"
#include "proto/cluster_secret.h"

#define TOKEN_SECRET_BYTES CLUSTER_SECRET_KEY_BYTES
#define TOKEN_SECONDS_MAX 3600
#define TOKEN_SECONDS_INITIAL 300

/* The bytes of POST /event/token: empty, or {"seconds":N} with 1 to
 * TOKEN_SECONDS_MAX. RC_MALFORMED. */
int token_read_request(struct bytes body, uint64_t *ret_seconds);

/* Append the text of a token that stands for `key` until then. */
void token_seal(const uint8_t secret[TOKEN_SECRET_BYTES],
                struct bytes key,
                uint64_t expires_s,
                struct buffer *out);

/* Append the key in a token. RC_MALFORMED: not one of ours. RC_EXPIRED. */
int token_open(const uint8_t secret[TOKEN_SECRET_BYTES],
               struct bytes text,
               struct moment now,
               struct buffer *out);

#endif

/* Whom to believe: the public keys of issuers, and whether an API key is signed
 * by one, holds now, and covers a channel. Needs no other party.
 *
 * A signature check costs 35 us, so a key that passed is remembered by the hash
 * of its text, up to AUTHORITY_CACHE_MAX of them (the one least recently used
 * makes room). Its times are looked at on every use. As many texts whose
 * signature was bad are remembered apart, so that sending one again costs no
 * more than its hash. */
#ifndef BRIDGE_AUTHORITY_H
#define BRIDGE_AUTHORITY_H

#include "base/moment.h"
#include "base/rc.h"
#include "proto/api_key.h"

#define AUTHORITY_ISSUERS_MAX 64
#define AUTHORITY_CACHE_MAX 4096

struct authority;

enum authority_right {
    AUTHORITY_PUBLISH,
    AUTHORITY_SUBSCRIBE,
};

struct authority *authority_new(uint64_t seed);
void authority_free(struct authority *a);

/* Believe keys signed by this Ed25519 public key. RC_TOO_LARGE: too many. */
int authority_trust(struct authority *a,
                    const uint8_t issuer[API_KEY_ISSUER_BYTES]);

/* How many issuers are believed, and one of them; NULL past the end. */
const uint8_t *authority_issuer(const struct authority *a, size_t index);

/* The key behind a text, when it is whole, signed by an issuer we believe and
 * valid at `now`. Borrowed until the next call. RC_MALFORMED, RC_DENIED (bad
 * signature or foreign issuer), RC_EXPIRED. */
int authority_check(struct authority *a,
                    struct moment now,
                    struct bytes text,
                    const struct api_key **ret);

/* What finding out about a key may cost, and did. */
struct authority_cost {
    bool limited; /* a signature that was not checked before is not: RC_BUSY */
    bool checked; /* set when one was */
    bool known;   /* set when the text is remembered as bad */
};

int authority_check_within(struct authority *a,
                           struct moment now,
                           struct bytes text,
                           struct authority_cost *cost,
                           const struct api_key **ret);

/* Whether a checked key covers a channel or pattern. */
bool authority_covers(const struct api_key *key,
                      enum authority_right right,
                      const struct channel_name *name);

/* For whoever issues keys. `secret` is libsodium's 64-byte Ed25519 secret key;
 * key->issuer is filled in from it. Appends the text, or marks the buffer
 * overflowed when it would be over API_KEY_TEXT_BYTES_MAX. */
void authority_sign(struct api_key *key,
                    const uint8_t secret[64],
                    struct buffer *ret_text);

#endif

/* The bytes of an API key: what it grants, and its text form. No cryptography
 * and no clock here; src/bridge/authority decides whom to believe.
 *
 * The text is "weir1_" and base64url of a protobuf SignedKey{payload,
 * signature}; payload is a protobuf ApiKey (proto/keys.proto). The signature
 * (Ed25519) covers "weir api key 1\0" and the payload as it stands. */
#ifndef PROTO_API_KEY_H
#define PROTO_API_KEY_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "proto/channel_name.h"

#define API_KEY_TEXT_PREFIX "weir1_"
#define API_KEY_TEXT_BYTES_MAX 8192
#define API_KEY_ISSUER_BYTES 32 /* an Ed25519 public key */
#define API_KEY_SIGNATURE_BYTES 64
#define API_KEY_ID_BYTES_MAX 64 /* [A-Za-z0-9._-]+ */
#define API_KEY_GRANTS_MAX 32   /* patterns for each right */

struct api_key {
    uint8_t issuer[API_KEY_ISSUER_BYTES];
    char id[API_KEY_ID_BYTES_MAX + 1];
    bool admin;
    uint64_t not_before_s; /* Unix time; 0: from ever */
    uint64_t expires_s;    /* first second it is invalid; 0: never */
    size_t publish_count;
    size_t subscribe_count;
    struct channel_name publish[API_KEY_GRANTS_MAX];
    struct channel_name subscribe[API_KEY_GRANTS_MAX];
};

struct api_key_signed {
    struct buffer payload; /* owned: what the signature covers */
    uint8_t signature[API_KEY_SIGNATURE_BYTES];
};

/* The bytes to sign for a payload: context and payload. */
void api_key_signed_bytes(struct bytes payload, struct buffer *out);

/* Append the payload's protobuf encoding. */
void api_key_encode(const struct api_key *key, struct buffer *payload);

/* Read a payload; every limit above is checked, and that patterns are in their
 * canonical form. Unknown fields are let be. RC_MALFORMED otherwise. */
int api_key_decode(struct bytes payload, struct api_key *ret);

/* Text of a signed key, and back. Printing marks `text` as overflowed when it
 * would be over API_KEY_TEXT_BYTES_MAX. RC_MALFORMED, RC_TOO_LARGE; on success
 * `ret->payload` must be freed with buffer_done(). */
void api_key_print(struct bytes payload,
                   const uint8_t signature[API_KEY_SIGNATURE_BYTES],
                   struct buffer *text);
int api_key_parse(struct bytes text, struct api_key_signed *ret);

#endif

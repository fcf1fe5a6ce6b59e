/* Issuers of API keys, as files and text: an Ed25519 key pair. The secret is
 * "weirsecret1_" and base64url of 64 bytes, in a file that only its owner may
 * read; the public key is "weirpublic1_" and base64url of 32 bytes. A node
 * needs the public key only. */
#ifndef IO_ISSUER_H
#define IO_ISSUER_H

#include "base/bytes.h"
#include "base/why.h"

#define ISSUER_PUBLIC_BYTES 32
#define ISSUER_SECRET_BYTES 64
#define ISSUER_PUBLIC_TEXT_BYTES (12 + 43 + 1)

/* The text form of a public key, ended by NUL. */
void issuer_print(const uint8_t public_key[ISSUER_PUBLIC_BYTES],
                  char ret[ISSUER_PUBLIC_TEXT_BYTES]);

/* Read the text form of a public key. RC_MALFORMED, with a sentence. */
int issuer_parse(struct bytes text,
                 uint8_t ret[ISSUER_PUBLIC_BYTES],
                 struct why *why);

/* Make a new pair: the secret in `path`, mode 0600, the public key in
 * `path`.pub. RC_EXISTS: one of the two files is there, and kept. */
int issuer_create(const char *path, struct why *why);

/* Read a public key from a file of one. */
int issuer_read_public(const char *path,
                       uint8_t ret[ISSUER_PUBLIC_BYTES],
                       struct why *why);

/* Read a secret from a file of one; the caller wipes it after use. */
int issuer_read_secret(const char *path,
                       uint8_t ret[ISSUER_SECRET_BYTES],
                       struct why *why);

#endif

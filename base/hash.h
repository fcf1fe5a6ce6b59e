/* SipHash-2-4 (libsodium's crypto_shorthash): the keyed hash of the maps and,
 * under a fixed key, the checksum of records on disk. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/bytes.h"

uint64_t hash_seeded(struct bytes bytes, uint64_t seed);

/* A checksum against accidents, not against an adversary. */
uint64_t hash_checksum(struct bytes bytes);

#endif

/* Both hashes are SipHash-2-4 and differ in their key alone. */
#include "base/hash.h"

#include <sodium.h>

/* Changing it makes every record on disk unreadable. */
#define HASH_CHECKSUM_SEED UINT64_C(0x7765697220636865)

static void number_to_bytes(uint64_t value, uint8_t out[8])
{
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
}

uint64_t hash_seeded(struct bytes bytes, uint64_t seed)
{
    uint8_t key[crypto_shorthash_KEYBYTES];
    uint8_t hash[crypto_shorthash_BYTES];
    uint64_t value = 0;

    number_to_bytes(seed, key);
    number_to_bytes(~seed, key + 8);
    crypto_shorthash(hash, bytes.data, bytes.len, key);
    for (size_t i = sizeof(hash); i > 0; i--) {
        value = value << 8 | hash[i - 1];
    }
    return value;
}

uint64_t hash_checksum(struct bytes bytes)
{
    return hash_seeded(bytes, HASH_CHECKSUM_SEED);
}

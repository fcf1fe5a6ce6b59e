/* The names of Noise's own functions (section 5 of its specification) stand at
 * ours. Each key encrypts one tag only, so every nonce is 0. */
#include "cluster/handshake.h"

#include "base/check.h"

#include <sodium.h>

#define TAG_BYTES crypto_aead_chacha20poly1305_ietf_ABYTES

_Static_assert(HANDSHAKE_EPHEMERAL_BYTES == crypto_scalarmult_SCALARBYTES &&
                   HANDSHAKE_KEY_BYTES == crypto_hash_sha256_BYTES &&
                   HANDSHAKE_KEY_BYTES == crypto_auth_hmacsha256_KEYBYTES,
               "X25519 and SHA-256");
_Static_assert(HANDSHAKE_MESSAGE_BYTES ==
                   HANDSHAKE_HEAD_BYTES + crypto_scalarmult_BYTES + TAG_BYTES,
               "a head, a key and a tag");

static const uint8_t head[HANDSHAKE_HEAD_BYTES] = {
    'w', 'e', 'i', 'r', 'l', 'i', 'n', 'k', 1};

/* MixHash */
static void mix_hash(struct handshake *h, const uint8_t *data, size_t len)
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, h->hash, sizeof(h->hash));
    crypto_hash_sha256_update(&state, data, len);
    crypto_hash_sha256_final(&state, h->hash);
}

/* HKDF: `count` outputs of 32 bytes, one after the other. */
static void derive(const uint8_t chain[32],
                   const uint8_t *input,
                   size_t input_len,
                   size_t count,
                   uint8_t *ret)
{
    uint8_t key[32];
    uint8_t block[32 + 1];
    size_t block_len = 0;

    crypto_auth_hmacsha256(key, input, input_len, chain);
    for (size_t i = 0; i < count; i++) {
        block[block_len] = (uint8_t)(i + 1);
        crypto_auth_hmacsha256(ret + 32 * i, block, block_len + 1, key);
        memcpy(block, ret + 32 * i, 32);
        block_len = 32;
    }
    sodium_memzero(key, sizeof(key));
    sodium_memzero(block, sizeof(block));
}

/* MixKey */
static void mix_key(struct handshake *h, const uint8_t input[32])
{
    uint8_t out[2 * 32];

    derive(h->chain, input, 32, 2, out);
    memcpy(h->chain, out, 32);
    memcpy(h->key, out + 32, 32);
    sodium_memzero(out, sizeof(out));
}

/* MixKeyAndHash */
static void mix_psk(struct handshake *h, const uint8_t psk[32])
{
    uint8_t out[3 * 32];

    derive(h->chain, psk, 32, 3, out);
    memcpy(h->chain, out, 32);
    mix_hash(h, out + 32, 32);
    memcpy(h->key, out + 64, 32);
    sodium_memzero(out, sizeof(out));
}

static void mix_ephemeral(struct handshake *h, const uint8_t public_key[32])
{
    mix_hash(h, public_key, 32);
    mix_key(h, public_key);
}

/* The token ee. False: the other's key is none that an honest node makes, the
 * result would not depend on ours. */
static bool mix_exchange(struct handshake *h, const uint8_t public_key[32])
{
    uint8_t shared[crypto_scalarmult_BYTES];
    bool good = crypto_scalarmult(shared, h->ephemeral, public_key) == 0;

    if (good) {
        mix_key(h, shared);
    }
    sodium_memzero(shared, sizeof(shared));
    return good;
}

/* EncryptAndHash of nothing */
static void put_tag(struct handshake *h, uint8_t ret[TAG_BYTES])
{
    static const uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

    crypto_aead_chacha20poly1305_ietf_encrypt(
        ret, NULL, NULL, 0, h->hash, sizeof(h->hash), NULL, nonce, h->key);
    mix_hash(h, ret, TAG_BYTES);
}

/* DecryptAndHash of nothing */
static bool check_tag(struct handshake *h, const uint8_t tag[TAG_BYTES])
{
    static const uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

    if (crypto_aead_chacha20poly1305_ietf_decrypt(NULL,
                                                  NULL,
                                                  NULL,
                                                  tag,
                                                  TAG_BYTES,
                                                  h->hash,
                                                  sizeof(h->hash),
                                                  nonce,
                                                  h->key) != 0) {
        return false;
    }
    mix_hash(h, tag, TAG_BYTES);
    return true;
}

void handshake_init(struct handshake *h,
                    enum handshake_role role,
                    const uint8_t psk[HANDSHAKE_PSK_BYTES],
                    const uint8_t ephemeral[HANDSHAKE_EPHEMERAL_BYTES])
{
    static const char name[] = "Noise_NNpsk0_25519_ChaChaPoly_SHA256";

    h->role = role;
    memcpy(h->ephemeral, ephemeral, sizeof(h->ephemeral));
    crypto_hash_sha256(h->hash, (const uint8_t *)name, sizeof(name) - 1);
    memcpy(h->chain, h->hash, sizeof(h->chain));
    mix_hash(h, head, sizeof(head));
    mix_psk(h, psk);
}

void handshake_done(struct handshake *h)
{
    sodium_memzero(h, sizeof(*h));
}

int handshake_check_head(struct bytes some)
{
    size_t len = some.len < sizeof(head) ? some.len : sizeof(head);

    if (len > 0 && memcmp(some.data, head, len) != 0) {
        return len == sizeof(head) &&
                       memcmp(some.data, head, sizeof(head) - 1) == 0
                   ? RC_UNSUPPORTED
                   : RC_MALFORMED;
    }
    return 0;
}

/* Head and ephemeral key; the tag goes where the return value points. */
static uint8_t *put_key(struct handshake *h,
                        uint8_t ret[HANDSHAKE_MESSAGE_BYTES])
{
    uint8_t *key = ret + sizeof(head);

    memcpy(ret, head, sizeof(head));
    check(crypto_scalarmult_base(key, h->ephemeral) == 0);
    mix_ephemeral(h, key);
    return key + crypto_scalarmult_BYTES;
}

/* Split. The initiator sends with the first key. */
static void split(const struct handshake *h, struct handshake_keys *ret)
{
    uint8_t out[2 * HANDSHAKE_KEY_BYTES];
    bool first = h->role == HANDSHAKE_INITIATOR;

    derive(h->chain, NULL, 0, 2, out);
    memcpy(ret->send, out + (first ? 0 : HANDSHAKE_KEY_BYTES), 32);
    memcpy(ret->receive, out + (first ? HANDSHAKE_KEY_BYTES : 0), 32);
    memcpy(ret->hash, h->hash, sizeof(ret->hash));
    sodium_memzero(out, sizeof(out));
}

void handshake_begin(struct handshake *h, uint8_t ret[HANDSHAKE_MESSAGE_BYTES])
{
    check(h->role == HANDSHAKE_INITIATOR);
    put_tag(h, put_key(h, ret));
}

int handshake_answer(struct handshake *h,
                     const uint8_t message[HANDSHAKE_MESSAGE_BYTES],
                     uint8_t ret[HANDSHAKE_MESSAGE_BYTES],
                     struct handshake_keys *ret_keys)
{
    const uint8_t *key = message + sizeof(head);
    int rc = handshake_check_head(bytes_of(message, HANDSHAKE_MESSAGE_BYTES));
    uint8_t out[HANDSHAKE_MESSAGE_BYTES];
    uint8_t *tag;

    check(h->role == HANDSHAKE_RESPONDER);
    if (rc != 0) {
        return rc;
    }
    mix_ephemeral(h, key);
    if (!check_tag(h, key + crypto_scalarmult_BYTES)) {
        return RC_DENIED;
    }
    tag = put_key(h, out);
    if (!mix_exchange(h, key)) {
        return RC_DENIED;
    }
    put_tag(h, tag);
    memcpy(ret, out, sizeof(out));
    split(h, ret_keys);
    return 0;
}

int handshake_finish(struct handshake *h,
                     const uint8_t answer[HANDSHAKE_MESSAGE_BYTES],
                     struct handshake_keys *ret_keys)
{
    const uint8_t *key = answer + sizeof(head);
    int rc = handshake_check_head(bytes_of(answer, HANDSHAKE_MESSAGE_BYTES));

    check(h->role == HANDSHAKE_INITIATOR);
    if (rc != 0) {
        return rc;
    }
    mix_ephemeral(h, key);
    if (!mix_exchange(h, key) || !check_tag(h, key + crypto_scalarmult_BYTES)) {
        return RC_DENIED;
    }
    split(h, ret_keys);
    return 0;
}

/* What is remembered of many keys is the hash of their text alone: a key in
 * memory is 17 KB, and reading it again costs a twentieth of checking its
 * signature. The few used most lately are also kept as they were read. */
#include "src/bridge/authority.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#define AUTHORITY_HASH_BYTES 32
/* A payload is at most three quarters of its text: its context fits, too. */
#define AUTHORITY_SIGNED_BYTES_MAX API_KEY_TEXT_BYTES_MAX

static_assert(API_KEY_ISSUER_BYTES == crypto_sign_PUBLICKEYBYTES,
              "an issuer is an Ed25519 public key");
static_assert(API_KEY_SIGNATURE_BYTES == crypto_sign_BYTES,
              "a signature is Ed25519's");

/* A text whose signature was good. */
struct authority_proof {
    struct map_node node;
    struct list recency; /* the least recently used is first */
    uint8_t hash[AUTHORITY_HASH_BYTES];
};

/* Keys as they were read, each in the one slot that its text's hash gives it.
 */
#define AUTHORITY_RECENT_COUNT 64
#define AUTHORITY_RECENT_TEXT_BYTES_MAX 1024

struct authority_recent {
    size_t text_len; /* 0: empty */
    uint8_t text[AUTHORITY_RECENT_TEXT_BYTES_MAX];
    struct api_key key;
};

struct authority {
    uint64_t seed;
    struct authority_recent *recent[AUTHORITY_RECENT_COUNT];
    size_t issuer_count;
    uint8_t issuers[AUTHORITY_ISSUERS_MAX][API_KEY_ISSUER_BYTES];
    struct map proofs;
    struct list recency;
    struct api_key key; /* the last one that was good */
};

struct authority *authority_new(uint64_t seed)
{
    struct authority *a = alloc_zero(sizeof(*a));

    a->seed = seed;
    map_init(&a->proofs, seed);
    list_init(&a->recency);
    return a;
}

static void forget_oldest(struct authority *a)
{
    struct list *oldest = list_pop_front(&a->recency);
    struct authority_proof *proof;

    check(oldest != NULL);
    proof = list_entry(oldest, struct authority_proof, recency);
    map_remove(&a->proofs, &proof->node);
    free(proof);
}

void authority_free(struct authority *a)
{
    if (a == NULL) {
        return;
    }
    while (!list_empty(&a->recency)) {
        forget_oldest(a);
    }
    for (size_t i = 0; i < AUTHORITY_RECENT_COUNT; i++) {
        free(a->recent[i]);
    }
    map_done(&a->proofs);
    free(a);
}

static bool is_trusted(const struct authority *a,
                       const uint8_t issuer[API_KEY_ISSUER_BYTES])
{
    for (size_t i = 0; i < a->issuer_count; i++) {
        if (memcmp(a->issuers[i], issuer, API_KEY_ISSUER_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

const uint8_t *authority_issuer(const struct authority *a, size_t index)
{
    return index < a->issuer_count ? a->issuers[index] : NULL;
}

int authority_trust(struct authority *a,
                    const uint8_t issuer[API_KEY_ISSUER_BYTES])
{
    if (is_trusted(a, issuer)) {
        return RC_OK;
    }
    if (a->issuer_count == AUTHORITY_ISSUERS_MAX) {
        return RC_TOO_LARGE;
    }
    memcpy(a->issuers[a->issuer_count++], issuer, API_KEY_ISSUER_BYTES);
    return RC_OK;
}

static bool remembers(struct authority *a, struct bytes hash)
{
    struct map_node *node = map_find(&a->proofs, hash);
    struct authority_proof *proof;

    if (node == NULL) {
        return false;
    }
    proof = map_entry(node, struct authority_proof, node);
    list_remove(&proof->recency);
    list_push_back(&a->recency, &proof->recency);
    return true;
}

static void remember(struct authority *a, struct bytes hash)
{
    struct authority_proof *proof;

    if (a->proofs.count == AUTHORITY_CACHE_MAX) {
        forget_oldest(a);
    }
    proof = alloc_raw(sizeof(*proof));
    check(hash.len == sizeof(proof->hash));
    memcpy(proof->hash, hash.data, hash.len);
    map_insert(&a->proofs, &proof->node, bytes_of(proof->hash, hash.len));
    list_push_back(&a->recency, &proof->recency);
}

static bool is_signed(const struct api_key_signed *key,
                      const uint8_t issuer[API_KEY_ISSUER_BYTES])
{
    struct buffer message;
    bool good;

    buffer_init(&message, AUTHORITY_SIGNED_BYTES_MAX);
    api_key_signed_bytes(buffer_view(&key->payload), &message);
    good = !message.overflowed &&
           crypto_sign_verify_detached(
               key->signature, message.data, message.len, issuer) == 0;
    buffer_done(&message);
    return good;
}

/* Believes a key that was parsed, and leaves what it says in a->key. */
static int believe(struct authority *a,
                   struct bytes text,
                   const struct api_key_signed *key)
{
    uint8_t hash[AUTHORITY_HASH_BYTES];
    struct bytes hash_view;
    int rc = api_key_decode(buffer_view(&key->payload), &a->key);

    if (rc != RC_OK) {
        return rc;
    }
    if (!is_trusted(a, a->key.issuer)) {
        return RC_DENIED;
    }
    crypto_generichash(hash, sizeof(hash), text.data, text.len, NULL, 0);
    hash_view = bytes_of(hash, sizeof(hash));
    if (remembers(a, hash_view)) {
        return RC_OK;
    }
    if (!is_signed(key, a->key.issuer)) {
        return RC_DENIED;
    }
    remember(a, hash_view);
    return RC_OK;
}

static bool holds_at(const struct api_key *key, uint64_t wall_ms)
{
    uint64_t now_s = wall_ms / 1000;

    return now_s >= key->not_before_s &&
           (key->expires_s == 0 || now_s < key->expires_s);
}

/* Believes a text in full: parsed, trusted, signed. Leaves it in a->key. */
static int believe_text(struct authority *a, struct bytes text)
{
    struct api_key_signed key;
    int rc = api_key_parse(text, &key);

    if (rc == RC_OK) {
        rc = believe(a, text, &key);
        buffer_done(&key.payload);
    }
    return rc == RC_TOO_LARGE ? RC_MALFORMED : rc;
}

static int find_key(struct authority *a,
                    struct bytes text,
                    const struct api_key **ret)
{
    size_t slot = hash_seeded(text, a->seed) % AUTHORITY_RECENT_COUNT;
    struct authority_recent *recent = a->recent[slot];
    int rc;

    if (recent != NULL &&
        bytes_equal(bytes_of(recent->text, recent->text_len), text)) {
        *ret = &recent->key;
        return RC_OK;
    }
    rc = believe_text(a, text);
    if (rc != RC_OK) {
        return rc;
    }
    *ret = &a->key;
    if (text.len <= AUTHORITY_RECENT_TEXT_BYTES_MAX) {
        if (recent == NULL) {
            recent = a->recent[slot] = alloc_raw(sizeof(*recent));
        }
        recent->text_len = text.len;
        memcpy(recent->text, text.data, text.len);
        recent->key = a->key;
    }
    return RC_OK;
}

int authority_check(struct authority *a,
                    struct moment now,
                    struct bytes text,
                    const struct api_key **ret)
{
    const struct api_key *key;
    int rc = find_key(a, text, &key);

    if (rc != RC_OK) {
        return rc;
    }
    if (!holds_at(key, now.wall_ms)) {
        return RC_EXPIRED;
    }
    *ret = key;
    return RC_OK;
}

bool authority_covers(const struct api_key *key,
                      enum authority_right right,
                      const struct channel_name *name)
{
    bool publish = right == AUTHORITY_PUBLISH;
    const struct channel_name *grants = publish ? key->publish : key->subscribe;
    size_t count = publish ? key->publish_count : key->subscribe_count;

    check(count <= API_KEY_GRANTS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (channel_name_covers(&grants[i], name)) {
            return true;
        }
    }
    return false;
}

void authority_sign(struct api_key *key,
                    const uint8_t secret[64],
                    struct buffer *ret_text)
{
    uint8_t signature[API_KEY_SIGNATURE_BYTES];
    struct buffer payload;
    struct buffer message;

    /* libsodium keeps the public key in the secret key's second half. */
    memcpy(key->issuer, secret + crypto_sign_SEEDBYTES, API_KEY_ISSUER_BYTES);
    buffer_init(&payload, API_KEY_TEXT_BYTES_MAX);
    buffer_init(&message, AUTHORITY_SIGNED_BYTES_MAX);
    api_key_encode(key, &payload);
    api_key_signed_bytes(buffer_view(&payload), &message);

    if (payload.overflowed || message.overflowed) {
        ret_text->overflowed = true;
    } else {
        crypto_sign_detached(
            signature, NULL, message.data, message.len, secret);
        api_key_print(buffer_view(&payload), signature, ret_text);
    }
    buffer_done(&message);
    buffer_done(&payload);
}

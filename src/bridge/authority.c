/* What is remembered of many keys is the hash of their text alone: a key in
 * memory is 17 KB, and reading it again costs a twentieth of checking its
 * signature. The few used most lately are also kept as they were read. */
#include "src/bridge/authority.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"
#include "src/bridge/recall.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

/* A payload is at most three quarters of its text: its context fits, too. */
#define AUTHORITY_SIGNED_BYTES_MAX API_KEY_TEXT_BYTES_MAX

static_assert(API_KEY_ISSUER_BYTES == crypto_sign_PUBLICKEYBYTES,
              "an issuer is an Ed25519 public key");
static_assert(API_KEY_SIGNATURE_BYTES == crypto_sign_BYTES,
              "a signature is Ed25519's");

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
    struct authority_recent *last; /* of them, the one that was found last */
    size_t issuer_count;
    uint8_t issuers[AUTHORITY_ISSUERS_MAX][API_KEY_ISSUER_BYTES];
    struct recall proofs;   /* texts whose signature was good */
    struct recall refusals; /* and bad, though their issuer is trusted */
    struct api_key key;     /* the last one that was good */
};

struct authority *authority_new(uint64_t seed)
{
    struct authority *a = alloc_zero(sizeof(*a));

    a->seed = seed;
    recall_init(&a->proofs, seed, AUTHORITY_CACHE_MAX);
    recall_init(&a->refusals, seed, AUTHORITY_CACHE_MAX);
    return a;
}

void authority_free(struct authority *a)
{
    if (a == NULL) {
        return;
    }
    recall_done(&a->proofs);
    recall_done(&a->refusals);
    for (size_t i = 0; i < AUTHORITY_RECENT_COUNT; i++) {
        free(a->recent[i]);
    }
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
                   const uint8_t hash[RECALL_HASH_BYTES],
                   const struct api_key_signed *key,
                   struct authority_cost *cost)
{
    int rc = api_key_decode(buffer_view(&key->payload), &a->key);

    if (rc != RC_OK) {
        return rc;
    }
    if (!is_trusted(a, a->key.issuer)) {
        return RC_DENIED;
    }
    if (recall_has(&a->proofs, hash)) {
        return RC_OK;
    }
    if (cost->limited) {
        return RC_BUSY;
    }
    cost->checked = true;
    if (!is_signed(key, a->key.issuer)) {
        recall_add(&a->refusals, hash);
        return RC_DENIED;
    }
    recall_add(&a->proofs, hash);
    return RC_OK;
}

static bool holds_at(const struct api_key *key, uint64_t wall_ms)
{
    uint64_t now_s = wall_ms / 1000;

    return now_s >= key->not_before_s &&
           (key->expires_s == 0 || now_s < key->expires_s);
}

/* Believes a text in full: parsed, trusted, signed. Leaves it in a->key. */
static int believe_text(struct authority *a,
                        struct bytes text,
                        struct authority_cost *cost)
{
    uint8_t hash[RECALL_HASH_BYTES];
    struct api_key_signed key;
    int rc;

    if (text.len > API_KEY_TEXT_BYTES_MAX) {
        return RC_MALFORMED;
    }
    crypto_generichash(hash, sizeof(hash), text.data, text.len, NULL, 0);
    if (recall_has(&a->refusals, hash)) {
        cost->known = true;
        return RC_DENIED;
    }
    rc = api_key_parse(text, &key);
    if (rc == RC_OK) {
        rc = believe(a, hash, &key, cost);
        buffer_done(&key.payload);
    }
    return rc == RC_TOO_LARGE ? RC_MALFORMED : rc;
}

static bool is_of(const struct authority_recent *recent, struct bytes text)
{
    return recent != NULL &&
           bytes_equal(bytes_of(recent->text, recent->text_len), text);
}

static int find_key(struct authority *a,
                    struct bytes text,
                    struct authority_cost *cost,
                    const struct api_key **ret)
{
    struct authority_recent *recent = a->last;
    size_t slot;
    int rc;

    /* One request asks more than once: by its head, and by what it says. */
    if (is_of(recent, text)) {
        *ret = &recent->key;
        return RC_OK;
    }
    slot = hash_seeded(text, a->seed) % AUTHORITY_RECENT_COUNT;
    recent = a->recent[slot];
    if (is_of(recent, text)) {
        a->last = recent;
        *ret = &recent->key;
        return RC_OK;
    }
    rc = believe_text(a, text, cost);
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
        a->last = recent;
    }
    return RC_OK;
}

int authority_check(struct authority *a,
                    struct moment now,
                    struct bytes text,
                    const struct api_key **ret)
{
    struct authority_cost cost = {.limited = false};

    return authority_check_within(a, now, text, &cost, ret);
}

int authority_check_within(struct authority *a,
                           struct moment now,
                           struct bytes text,
                           struct authority_cost *cost,
                           const struct api_key **ret)
{
    const struct api_key *key;
    int rc = find_key(a, text, cost, &key);

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

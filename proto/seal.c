/* One key, one algorithm: what changes either gets another version. */
#include "proto/seal.h"

#include "base/check.h"

#include <assert.h>
#include <sodium.h>

static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES &&
                  SEAL_NONCE_BYTES ==
                      crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
                  SEAL_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES,
              "the sizes of the header are libsodium's");

static const uint8_t version[1] = {SEAL_VERSION};

void seal_write(const uint8_t key[SEAL_KEY_BYTES],
                const uint8_t nonce[SEAL_NONCE_BYTES],
                struct bytes content,
                struct buffer *out)
{
    uint8_t *sealed;

    buffer_append(out, bytes_of(version, sizeof(version)));
    buffer_append(out, bytes_of(nonce, SEAL_NONCE_BYTES));
    sealed = buffer_reserve(out, content.len + SEAL_TAG_BYTES);
    if (sealed == NULL) {
        return;
    }
    check(crypto_aead_xchacha20poly1305_ietf_encrypt(sealed,
                                                     NULL,
                                                     content.data,
                                                     content.len,
                                                     version,
                                                     sizeof(version),
                                                     NULL,
                                                     nonce,
                                                     key) == 0);
    buffer_advance(out, content.len + SEAL_TAG_BYTES);
}

static int opened(const uint8_t key[SEAL_KEY_BYTES],
                  struct bytes datagram,
                  struct buffer *out)
{
    struct bytes rest = datagram;
    struct bytes nonce;
    uint8_t first;
    uint8_t *content;

    if (datagram.len < SEAL_EXTRA_BYTES) {
        return RC_MALFORMED;
    }
    check(bytes_take_u8(&rest, &first));
    check(bytes_take(&rest, SEAL_NONCE_BYTES, &nonce));
    if (first != SEAL_VERSION) {
        return RC_UNSUPPORTED;
    }
    /* The tag's room is asked for too, so that it is not NULL for nothing. */
    content = buffer_reserve(out, rest.len);
    if (content == NULL) {
        buffer_clear(out);
        return RC_TOO_LARGE;
    }
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(content,
                                                   NULL,
                                                   NULL,
                                                   rest.data,
                                                   rest.len,
                                                   version,
                                                   sizeof(version),
                                                   nonce.data,
                                                   key) != 0) {
        return RC_DENIED;
    }
    buffer_advance(out, rest.len - SEAL_TAG_BYTES);
    return RC_OK;
}

int seal_open(const uint8_t key[SEAL_KEY_BYTES],
              struct bytes datagram,
              struct buffer *out,
              struct seal_counters *counters)
{
    int rc = opened(key, datagram, out);

    counters->opened += rc == RC_OK;
    counters->too_short += rc == RC_MALFORMED;
    counters->other_version += rc == RC_UNSUPPORTED;
    counters->too_large += rc == RC_TOO_LARGE;
    counters->not_authentic += rc == RC_DENIED;
    return rc;
}

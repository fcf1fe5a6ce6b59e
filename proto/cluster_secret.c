/* A text has one spelling: what is read is printed again and compared. Copies
 * of the secret are wiped. */
#include "proto/cluster_secret.h"

#include "base/text.h"

#include <assert.h>
#include <sodium.h>

#define PREFIX_LEN (sizeof(CLUSTER_SECRET_PREFIX) - 1)
#define TEXT_LEN (CLUSTER_SECRET_TEXT_BYTES - 1)

static_assert(CLUSTER_SECRET_BYTES >= crypto_generichash_KEYBYTES_MIN &&
                  CLUSTER_SECRET_BYTES <= crypto_generichash_KEYBYTES_MAX,
              "the secret is the key of a keyed hash");

void cluster_secret_print(const uint8_t secret[CLUSTER_SECRET_BYTES],
                          char ret[CLUSTER_SECRET_TEXT_BYTES])
{
    memcpy(ret, CLUSTER_SECRET_PREFIX, PREFIX_LEN);
    text_base64url_encode(bytes_of(secret, CLUSTER_SECRET_BYTES),
                          ret + PREFIX_LEN);
    ret[TEXT_LEN] = '\0';
}

static struct bytes without_line_end(struct bytes text)
{
    text.len -= text.len > 0 && text.data[text.len - 1] == '\n';
    text.len -= text.len > 0 && text.data[text.len - 1] == '\r';
    return text;
}

int cluster_secret_parse(struct bytes text, uint8_t ret[CLUSTER_SECRET_BYTES])
{
    uint8_t secret[CLUSTER_SECRET_BYTES + 1];
    char again[CLUSTER_SECRET_TEXT_BYTES];
    size_t len = 0;
    bool good;

    text = without_line_end(text);
    if (text.len != TEXT_LEN ||
        !text_base64url_decode(bytes_from(text, PREFIX_LEN), secret, &len) ||
        len != CLUSTER_SECRET_BYTES) {
        sodium_memzero(secret, sizeof(secret));
        return RC_MALFORMED;
    }
    cluster_secret_print(secret, again);
    good = bytes_equal(text, bytes_of(again, TEXT_LEN));
    if (good) {
        memcpy(ret, secret, CLUSTER_SECRET_BYTES);
    }
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(again, sizeof(again));
    return good ? 0 : RC_MALFORMED;
}

void cluster_secret_derive(const uint8_t secret[CLUSTER_SECRET_BYTES],
                           const char *context,
                           uint8_t ret_key[CLUSTER_SECRET_KEY_BYTES])
{
    crypto_generichash(ret_key,
                       CLUSTER_SECRET_KEY_BYTES,
                       (const uint8_t *)context,
                       strlen(context),
                       secret,
                       CLUSTER_SECRET_BYTES);
}

/* RFC 6455 picked SHA-1 so that a cache cannot answer a handshake by chance. It
 * keeps no secret and proves no identity, so its weakness does not matter. */
#include "proto/ws_accept.h"

#include "base/check.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define GUID_LEN (sizeof(GUID) - 1)

static bool base64_digit(uint8_t byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || byte == '+' || byte == '/';
}

bool ws_accept_key_valid(struct bytes key)
{
    if (key.len != WS_ACCEPT_KEY_LEN) {
        return false;
    }
    for (size_t i = 0; i < WS_ACCEPT_KEY_LEN - 2; i++) {
        if (!base64_digit(key.data[i])) {
            return false;
        }
    }
    return key.data[WS_ACCEPT_KEY_LEN - 2] == '=' &&
           key.data[WS_ACCEPT_KEY_LEN - 1] == '=';
}

void ws_accept_reply(struct bytes key, char out[WS_ACCEPT_LEN])
{
    uint8_t text[WS_ACCEPT_KEY_LEN + GUID_LEN];
    uint8_t digest[SHA_DIGEST_LENGTH];
    uint8_t encoded[WS_ACCEPT_LEN + 1]; /* libcrypto ends it with a NUL */

    check(key.len == WS_ACCEPT_KEY_LEN);
    memcpy(text, key.data, WS_ACCEPT_KEY_LEN);
    memcpy(text + WS_ACCEPT_KEY_LEN, GUID, GUID_LEN);
    check(SHA1(text, sizeof(text), digest) != NULL);
    check(EVP_EncodeBlock(encoded, digest, sizeof(digest)) == WS_ACCEPT_LEN);
    memcpy(out, encoded, WS_ACCEPT_LEN);
}

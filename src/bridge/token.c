/* XChaCha20-Poly1305 under a nonce that is a hash of what is inside, so that no
 * randomness is needed and equal boxes hold equal keys and times. */
#include "src/bridge/token.h"

#include "base/text.h"
#include "proto/api_key.h"
#include "proto/json.h"

#include <sodium.h>

#define NONCE_BYTES crypto_secretbox_NONCEBYTES
#define BOX_BYTES_MAX \
    (NONCE_BYTES + crypto_secretbox_MACBYTES + 8 + API_KEY_TEXT_BYTES_MAX)

int token_read_request(struct bytes body, uint64_t *ret_seconds)
{
    struct json json;
    struct json_token name;
    struct json_token value;
    uint64_t seconds;

    if (body.len == 0) {
        *ret_seconds = TOKEN_SECONDS_INITIAL;
        return 0;
    }
    json_init(&json, body);
    if (json_next(&json).type != JSON_OBJECT_BEGIN) {
        return RC_MALFORMED;
    }
    name = json_next(&json);
    value = json_next(&json);
    if (name.type != JSON_STRING || !json_equal_text(name, "seconds") ||
        value.type != JSON_NUMBER || !text_decimal(value.raw, &seconds) ||
        seconds < 1 || seconds > TOKEN_SECONDS_MAX ||
        json_next(&json).type != JSON_OBJECT_END ||
        json_next(&json).type != JSON_END) {
        return RC_MALFORMED;
    }
    *ret_seconds = seconds;
    return 0;
}

void token_seal(const uint8_t secret[TOKEN_SECRET_BYTES],
                struct bytes key,
                uint64_t expires_s,
                struct buffer *out)
{
    struct buffer inside;
    uint8_t box[BOX_BYTES_MAX];
    size_t box_len;
    char *text;

    buffer_init(&inside, 8 + API_KEY_TEXT_BYTES_MAX);
    buffer_u64(&inside, expires_s);
    buffer_append(&inside, key);
    if (inside.overflowed) {
        out->overflowed = true;
        buffer_done(&inside);
        return;
    }
    (void)crypto_generichash(
        box, NONCE_BYTES, inside.data, inside.len, secret, TOKEN_SECRET_BYTES);
    (void)crypto_secretbox_easy(
        box + NONCE_BYTES, inside.data, inside.len, box, secret);
    box_len = NONCE_BYTES + crypto_secretbox_MACBYTES + inside.len;
    text = (char *)buffer_reserve(out, text_base64url_len(box_len));
    if (text != NULL) {
        text_base64url_encode(bytes_of(box, box_len), text);
        buffer_advance(out, text_base64url_len(box_len));
    }
    buffer_done(&inside);
}

int token_open(const uint8_t secret[TOKEN_SECRET_BYTES],
               struct bytes text,
               struct moment now,
               struct buffer *out)
{
    uint8_t box[BOX_BYTES_MAX + 3];
    uint8_t inside[BOX_BYTES_MAX];
    struct bytes rest;
    uint64_t expires_s;
    size_t len;

    if (text.len > text_base64url_len(BOX_BYTES_MAX) ||
        !text_base64url_decode(text, box, &len) ||
        len < NONCE_BYTES + crypto_secretbox_MACBYTES + 8 ||
        crypto_secretbox_open_easy(
            inside, box + NONCE_BYTES, len - NONCE_BYTES, box, secret) != 0) {
        return RC_MALFORMED;
    }
    rest = bytes_of(inside, len - NONCE_BYTES - crypto_secretbox_MACBYTES);
    if (!bytes_take_u64(&rest, &expires_s)) {
        return RC_MALFORMED;
    }
    if (expires_s <= now.wall_ms / 1000) {
        return RC_EXPIRED;
    }
    buffer_append(out, rest);
    return out->overflowed ? RC_MALFORMED : 0;
}

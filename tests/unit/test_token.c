/* Tokens open to the key that was put in, for as long as was said, here only.
 */
#include "src/bridge/token.h"

#include "proto/api_key.h"
#include "tests/lib/tap.h"

static const uint8_t secret[TOKEN_SECRET_BYTES] = {1, 2, 3};
static const uint8_t other[TOKEN_SECRET_BYTES] = {1, 2, 4};

static struct moment at_s(uint64_t s)
{
    return (struct moment){.wall_ms = s * 1000};
}

TAP_CASE(a_token_opens_until_it_expires)
{
    struct buffer token;
    struct buffer key;

    buffer_init(&token, 16384);
    buffer_init(&key, 16384);
    token_seal(secret, bytes_text("the key"), 100, &token);
    tap_equal(token_open(secret, buffer_view(&token), at_s(99), &key), 0);
    tap_equal_text(buffer_view(&key), "the key");
    tap_equal(token_open(secret, buffer_view(&token), at_s(100), &key),
              RC_EXPIRED);
    tap_equal(token_open(other, buffer_view(&token), at_s(99), &key),
              RC_MALFORMED);
    buffer_done(&token);
    buffer_done(&key);
}

TAP_CASE(a_changed_or_cut_token_does_not_open)
{
    struct buffer token;
    struct buffer key;

    buffer_init(&token, 16384);
    buffer_init(&key, 16384);
    token_seal(secret, bytes_text("the key"), 100, &token);
    for (size_t i = 0; i < token.len; i++) {
        uint8_t before = token.data[i];

        token.data[i] = before == 'A' ? 'B' : 'A';
        tap_check(token_open(secret, buffer_view(&token), at_s(1), &key) != 0);
        token.data[i] = before;
        tap_check(token_open(secret, bytes_of(token.data, i), at_s(1), &key) !=
                  0);
    }
    tap_equal(key.len, 0);
    buffer_done(&token);
    buffer_done(&key);
}

TAP_CASE(the_longest_key_fits)
{
    uint8_t key[API_KEY_TEXT_BYTES_MAX] = {0};
    struct buffer token;
    struct buffer back;

    buffer_init(&token, 16384);
    buffer_init(&back, 16384);
    token_seal(secret, bytes_of(key, sizeof(key)), 100, &token);
    tap_check(!token.overflowed);
    tap_equal(token_open(secret, buffer_view(&token), at_s(1), &back), 0);
    tap_equal(back.len, sizeof(key));
    buffer_done(&token);
    buffer_done(&back);
}

TAP_CASE(a_request_says_for_how_long)
{
    static const char *const wrong[] = {"{\"seconds\":\"7\"}",
                                        "{}",
                                        "[]",
                                        "{\"seconds\":0}",
                                        "{\"seconds\":3601}",
                                        "x",
                                        "{\"seconds\":1.5}",
                                        "{\"seconds\":1,\"a\":1}",
                                        "{\"seconds\":1}x"};
    uint64_t seconds;

    tap_equal(token_read_request(bytes_text(""), &seconds), 0);
    tap_equal(seconds, TOKEN_SECONDS_INITIAL);
    tap_equal(token_read_request(bytes_text("{\"seconds\": 7}"), &seconds), 0);
    tap_equal(seconds, 7);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        tap_equal(token_read_request(bytes_text(wrong[i]), &seconds),
                  RC_MALFORMED);
    }
}

TAP_MAIN()

/* A cluster's secret has one spelling, and each use of it a key of its own. */
#include "proto/cluster_secret.h"

#include "tests/lib/tap.h"

#define TEXT "weircluster1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define TEXT_PADDED TEXT "="

static const uint8_t secret[CLUSTER_SECRET_BYTES] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};

static int parse(const char *text)
{
    uint8_t ret[CLUSTER_SECRET_BYTES] = {0};
    int rc = cluster_secret_parse(bytes_text(text), ret);

    if (rc == 0) {
        tap_equal(memcmp(ret, secret, sizeof(ret)), 0);
    } else {
        tap_equal(ret[1], 0);
    }
    return rc;
}

TAP_CASE(a_secret_is_printed_as_one_word)
{
    char text[CLUSTER_SECRET_TEXT_BYTES];

    cluster_secret_print(secret, text);
    tap_equal_text(bytes_text(text), TEXT);
    tap_equal(strlen(text) + 1, sizeof(text));
}

TAP_CASE(what_was_printed_is_read_back_with_its_line_end_or_without)
{
    tap_equal(parse(TEXT), 0);
    tap_equal(parse(TEXT "\n"), 0);
    tap_equal(parse(TEXT "\r\n"), 0);
}

TAP_CASE(no_other_text_is_a_secret)
{
    tap_equal(parse(""), RC_MALFORMED);
    tap_equal(parse("\n"), RC_MALFORMED);
    tap_equal(parse("weircluster1_"), RC_MALFORMED);
    tap_equal(parse(TEXT "\n\n"), RC_MALFORMED);
    tap_equal(parse(" " TEXT), RC_MALFORMED);
    tap_equal(parse(TEXT " "), RC_MALFORMED);
    tap_equal(parse(TEXT_PADDED), RC_MALFORMED);
    tap_equal(parse(TEXT "A"), RC_MALFORMED);
    tap_equal(parse("weirsecret12_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
              RC_MALFORMED);
    tap_equal(parse("weircluster1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh"),
              RC_MALFORMED);
}

TAP_CASE(a_secret_has_one_spelling)
{
    /* Bits behind the last byte, and the alphabet of plain base64. */
    tap_equal(parse("weircluster1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9"),
              RC_MALFORMED);
    tap_equal(parse("weircluster1_/+ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
              RC_MALFORMED);
    tap_equal(parse("weircluster1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh="),
              RC_MALFORMED);
}

/* From another implementation of BLAKE2b: Python's hashlib. */
TAP_CASE(a_key_is_the_keyed_hash_of_its_context)
{
    static const uint8_t expected[8] = {
        0x11, 0x18, 0x2c, 0x35, 0xa3, 0xa3, 0x89, 0xf9};
    uint8_t key[CLUSTER_SECRET_KEY_BYTES];

    cluster_secret_derive(secret, "weir link 1", key);
    tap_equal(memcmp(key, expected, sizeof(expected)), 0);
}

TAP_CASE(another_context_or_another_secret_makes_another_key)
{
    uint8_t other[CLUSTER_SECRET_BYTES] = {1};
    uint8_t a[CLUSTER_SECRET_KEY_BYTES];
    uint8_t b[CLUSTER_SECRET_KEY_BYTES];

    cluster_secret_derive(secret, "weir link 1", a);
    cluster_secret_derive(secret, "weir gossip 1", b);
    tap_check(memcmp(a, b, sizeof(a)) != 0);
    cluster_secret_derive(other, "weir link 1", b);
    tap_check(memcmp(a, b, sizeof(a)) != 0);
}

TAP_MAIN()

/* Secrets are wiped from memory as soon as they are written or refused. */
#include "src/io/issuer.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "src/io/file.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>

#define PUBLIC_PREFIX "weirpublic1_"
#define SECRET_PREFIX "weirsecret1_"
#define FILE_BYTES_MAX 1024

static_assert(ISSUER_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519");
static_assert(ISSUER_SECRET_BYTES == crypto_sign_SECRETKEYBYTES, "Ed25519");

static void print(const char *prefix, struct bytes key, struct buffer *out)
{
    uint8_t *room;

    buffer_text(out, prefix);
    room = buffer_reserve(out, text_base64url_len(key.len));
    check(room != NULL);
    text_base64url_encode(key, (char *)room);
    buffer_advance(out, text_base64url_len(key.len));
}

/* Read "prefix" and base64url of exactly `len` bytes. */
static bool parse(struct bytes text,
                  const char *prefix,
                  uint8_t *ret,
                  size_t len)
{
    uint8_t bytes[FILE_BYTES_MAX];
    size_t found = 0;
    bool good;

    text = bytes_trim(text);
    if (!bytes_starts_with(text, bytes_text(prefix))) {
        return false;
    }
    text = bytes_from(text, strlen(prefix));
    good = text.len == text_base64url_len(len) &&
           text_base64url_decode(text, bytes, &found) && found == len;
    if (good) {
        memcpy(ret, bytes, len);
    }
    sodium_memzero(bytes, sizeof(bytes));
    return good;
}

void issuer_print(const uint8_t public_key[ISSUER_PUBLIC_BYTES],
                  char ret[ISSUER_PUBLIC_TEXT_BYTES])
{
    CLEANUP(buffer_done) struct buffer text;

    buffer_init(&text, ISSUER_PUBLIC_TEXT_BYTES);
    print(PUBLIC_PREFIX, bytes_of(public_key, ISSUER_PUBLIC_BYTES), &text);
    buffer_u8(&text, 0);
    check(text.len == ISSUER_PUBLIC_TEXT_BYTES);
    memcpy(ret, text.data, text.len);
}

int issuer_parse(struct bytes text,
                 uint8_t ret[ISSUER_PUBLIC_BYTES],
                 struct why *why)
{
    if (bytes_starts_with(text, bytes_text(SECRET_PREFIX))) {
        return why_set(why,
                       RC_MALFORMED,
                       "this is an issuer's secret; a node needs the public "
                       "key, which begins with " PUBLIC_PREFIX);
    }
    if (!parse(text, PUBLIC_PREFIX, ret, ISSUER_PUBLIC_BYTES)) {
        return why_set(why,
                       RC_MALFORMED,
                       "not an issuer's public key: " PUBLIC_PREFIX
                       " and 43 characters");
    }
    return 0;
}

static int create_file(const char *path,
                       unsigned mode,
                       const char *prefix,
                       struct bytes key,
                       struct why *why)
{
    struct buffer text;
    int rc;

    buffer_init(&text, FILE_BYTES_MAX);
    print(prefix, key, &text);
    buffer_u8(&text, '\n');
    rc = file_create(path, mode, buffer_view(&text), why);
    sodium_memzero(text.data, text.len);
    buffer_done(&text);
    return rc;
}

int issuer_create(const char *path, struct why *why)
{
    char public_path[FILE_PATH_BYTES_MAX];
    uint8_t public_key[ISSUER_PUBLIC_BYTES];
    uint8_t secret[ISSUER_SECRET_BYTES];
    int len = snprintf(public_path, sizeof(public_path), "%s.pub", path);
    int rc;

    if (len >= FILE_PATH_BYTES_MAX) {
        return why_set(why, RC_TOO_LARGE, "'%s' is too long a path", path);
    }
    if (file_exists(public_path)) {
        return why_set(why, RC_EXISTS, "'%s' is there already", public_path);
    }
    check(sodium_init() >= 0);
    check(crypto_sign_keypair(public_key, secret) == 0);
    rc = create_file(
        path, 0600, SECRET_PREFIX, bytes_of(secret, sizeof(secret)), why);
    sodium_memzero(secret, sizeof(secret));
    if (rc == 0) {
        rc = create_file(public_path,
                         0644,
                         PUBLIC_PREFIX,
                         bytes_of(public_key, sizeof(public_key)),
                         why);
    }
    return rc;
}

/* A file's text without the end of its line. */
static int read_line(const char *path, struct buffer *ret, struct why *why)
{
    int rc;

    buffer_init(ret, FILE_BYTES_MAX);
    rc = file_read(path, ret, why);
    while (ret->len > 0 && (ret->data[ret->len - 1] == '\n' ||
                            ret->data[ret->len - 1] == '\r')) {
        ret->len--;
    }
    return rc;
}

int issuer_read_public(const char *path,
                       uint8_t ret[ISSUER_PUBLIC_BYTES],
                       struct why *why)
{
    CLEANUP(buffer_done) struct buffer text;
    int rc = read_line(path, &text, why);

    if (rc == 0) {
        rc = issuer_parse(buffer_view(&text), ret, why);
        if (rc != 0) {
            return why_wrap(why, rc, "'%s'", path);
        }
    }
    return rc;
}

int issuer_read_secret(const char *path,
                       uint8_t ret[ISSUER_SECRET_BYTES],
                       struct why *why)
{
    struct buffer text;
    int rc = read_line(path, &text, why);

    if (rc == 0 && file_permits(path, 077)) {
        rc = why_set(why,
                     RC_DENIED,
                     "'%s' can be read by others than its owner; chmod 600 it",
                     path);
    }
    if (rc == 0 &&
        !parse(buffer_view(&text), SECRET_PREFIX, ret, ISSUER_SECRET_BYTES)) {
        rc = why_set(why,
                     RC_MALFORMED,
                     "'%s' holds no issuer's secret; 'weir key issuer' makes "
                     "one",
                     path);
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.capacity);
    }
    buffer_done(&text);
    return rc;
}

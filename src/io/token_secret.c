/* The file is one line, a prefix and base64url, as other secrets are. */
#include "src/io/token_secret.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "src/io/file.h"
#include "src/io/logger.h"

#include <sodium.h>

#define FILE_NAME "token_secret"
#define PREFIX "weirtoken1_"
#define FILE_BYTES_MAX 64

static bool parse(struct bytes text, uint8_t ret[TOKEN_SECRET_BYTES])
{
    struct bytes prefix = bytes_text(PREFIX);
    uint8_t secret[FILE_BYTES_MAX];
    size_t len;

    if (text.len > 0 && text.data[text.len - 1] == '\n') {
        text.len--;
    }
    if (!bytes_starts_with(text, prefix) ||
        !text_base64url_decode(bytes_from(text, prefix.len), secret, &len) ||
        len != TOKEN_SECRET_BYTES) {
        return false;
    }
    memcpy(ret, secret, TOKEN_SECRET_BYTES);
    sodium_memzero(secret, sizeof(secret));
    return true;
}

static int read_file(const char *path,
                     uint8_t ret[TOKEN_SECRET_BYTES],
                     struct why *why)
{
    CLEANUP(buffer_done) struct buffer text;
    int rc;

    buffer_init(&text, FILE_BYTES_MAX);
    rc = file_read(path, &text, why);
    if (rc == RC_TOO_LARGE || (rc == 0 && !parse(buffer_view(&text), ret))) {
        rc = why_set(why,
                     RC_MALFORMED,
                     "'%s' does not hold a secret of tokens: remove it",
                     path);
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.len);
    }
    return rc;
}

static int make_file(const char *path,
                     const uint8_t secret[TOKEN_SECRET_BYTES],
                     struct why *why)
{
    struct buffer text;
    char *encoded;
    int rc;

    buffer_init(&text, FILE_BYTES_MAX);
    buffer_text(&text, PREFIX);
    encoded =
        (char *)buffer_reserve(&text, text_base64url_len(TOKEN_SECRET_BYTES));
    check(encoded != NULL);
    text_base64url_encode(bytes_of(secret, TOKEN_SECRET_BYTES), encoded);
    buffer_advance(&text, text_base64url_len(TOKEN_SECRET_BYTES));
    buffer_text(&text, "\n");
    rc = file_create(path, 0600, buffer_view(&text), why);
    sodium_memzero(text.data, text.len);
    buffer_done(&text);
    return rc;
}

void token_secret_find(const uint8_t *cluster_secret,
                       const char *data_dir,
                       uint8_t ret[TOKEN_SECRET_BYTES])
{
    char path[FILE_PATH_BYTES_MAX];
    struct why why = {0};
    int rc;

    if (cluster_secret != NULL) {
        cluster_secret_derive(cluster_secret, "weir token 1", ret);
        return;
    }
    randombytes_buf(ret, TOKEN_SECRET_BYTES);
    rc = file_join(data_dir, FILE_NAME, path, &why);
    if (rc == 0) {
        rc = read_file(path, ret, &why);
    }
    if (rc == RC_NOT_FOUND) {
        rc = make_file(path, ret, &why);
    }
    if (rc != 0) {
        logger_line(LOGGER_ERROR,
                    "tokens.not_kept",
                    "reason=\"%s\" action=\"tokens end with this run of the "
                    "node\"",
                    why.text);
    }
}

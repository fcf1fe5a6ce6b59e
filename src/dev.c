/* Each thing is made whole before it gets its name, so that an end half-way
 * leaves nothing that the next start would take for good. */
#include "src/dev.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "src/bridge/authority.h"
#include "src/io/certificate.h"
#include "src/io/issuer.h"

#include <sodium.h>

#define DAY_S UINT64_C(86400)
#define AUTHORITY_DAYS 3650
#define SERVER_DAYS 397 /* more, and browsers refuse it */
#define SERVER_DAYS_LEFT_MIN 30
#define HOSTS_MAX 4

static int paths(const char *dir, struct dev *ret, struct why *why)
{
    const struct {
        const char *name;
        char *path;
    } names[] = {
        {"data", ret->data_dir},
        {"dev/issuer", ret->issuer},
        {"dev/issuer.pub", ret->issuer_public},
        {"dev/api-key", ret->api_key},
        {"dev/ca.pem", ret->ca},
        {"dev/ca-key.pem", ret->ca_key},
        {"dev/server.pem", ret->certificate},
        {"dev/server-key.pem", ret->certificate_key},
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
        rc = file_join(dir, names[i].name, names[i].path, why);
    }
    return rc;
}

static int make_directories(const char *dir, struct why *why)
{
    char path[FILE_PATH_BYTES_MAX];
    int rc = file_make_directory(dir, why);

    if (rc == 0) {
        rc = file_join(dir, "dev", path, why);
    }
    return rc == 0 ? file_make_directory(path, why) : rc;
}

static int make_issuer(const struct dev *dev, struct why *why)
{
    bool secret = file_exists(dev->issuer);
    bool public_key = file_exists(dev->issuer_public);

    if (secret && public_key) {
        return 0;
    }
    if (secret || public_key) {
        return why_set(why,
                       RC_NOT_FOUND,
                       "only one of '%s' and '%s' is there: restore the other, "
                       "or remove both and 'api-key' beside them for new ones",
                       dev->issuer,
                       dev->issuer_public);
    }
    return issuer_create(dev->issuer, why);
}

static int make_api_key(const struct dev *dev, struct why *why)
{
    struct api_key key = {.id = "dev", .admin = true};
    CLEANUP(buffer_done) struct buffer text;
    uint8_t secret[ISSUER_SECRET_BYTES];
    int rc;

    buffer_init(&text, API_KEY_TEXT_BYTES_MAX + 1);
    if (file_exists(dev->api_key)) {
        return 0;
    }
    rc = issuer_read_secret(dev->issuer, secret, why);
    if (rc != 0) {
        return rc;
    }
    key.publish_count = 1;
    key.subscribe_count = 1;
    check(channel_name_parse_grant(bytes_text("/*"), &key.publish[0]) == 0);
    key.subscribe[0] = key.publish[0];
    authority_sign(&key, secret, &text);
    sodium_memzero(secret, sizeof(secret));
    buffer_u8(&text, '\n');
    return file_write(dev->api_key, 0600, buffer_view(&text), why);
}

static int write_pair(const char *path,
                      const char *key_path,
                      const struct certificate *c,
                      struct why *why)
{
    int rc = file_write(key_path, 0600, buffer_view(&c->key_pem), why);

    return rc != 0 ? rc : file_write(path, 0644, buffer_view(&c->pem), why);
}

static int read_pair(const char *path,
                     const char *key_path,
                     struct certificate *ret,
                     struct why *why)
{
    int rc;

    buffer_init(&ret->pem, CERTIFICATE_PEM_BYTES_MAX);
    buffer_init(&ret->key_pem, CERTIFICATE_PEM_BYTES_MAX);
    rc = file_read(path, &ret->pem, why);
    return rc != 0 ? rc : file_read(key_path, &ret->key_pem, why);
}

/* The certificate's file is written last, so it tells whether both are there.
 */
static int make_authority(const struct dev *dev,
                          uint64_t now_s,
                          struct certificate *ret,
                          struct why *why)
{
    struct certificate_request request = {
        .name = "weir development CA",
        .from_s = now_s - DAY_S,
        .until_s = now_s + AUTHORITY_DAYS * DAY_S,
    };

    if (file_exists(dev->ca)) {
        return read_pair(dev->ca, dev->ca_key, ret, why);
    }
    certificate_make_authority(&request, ret);
    return write_pair(dev->ca, dev->ca_key, ret, why);
}

static bool is_wildcard(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static int make_server(const struct dev *dev,
                       const char *tls_host,
                       uint64_t now_s,
                       const struct certificate *authority,
                       struct why *why)
{
    const char *hosts[HOSTS_MAX] = {"localhost", "127.0.0.1", "::1", tls_host};
    struct certificate_request request = {
        .name = "weir development server",
        .hosts = hosts,
        .host_count = is_wildcard(tls_host) ? HOSTS_MAX - 1 : HOSTS_MAX,
        .from_s = now_s - DAY_S,
        .until_s = now_s + SERVER_DAYS * DAY_S,
    };
    CLEANUP(certificate_done) struct certificate server = {0};
    int rc;

    if (read_pair(dev->certificate, dev->certificate_key, &server, why) == 0 &&
        certificate_serves(&server,
                           buffer_view(&authority->pem),
                           &request,
                           now_s + SERVER_DAYS_LEFT_MIN * DAY_S)) {
        return 0;
    }
    certificate_done(&server);
    rc = certificate_issue(&request, authority, &server, why);
    if (rc != 0) {
        return why_wrap(why, rc, "'%s'", dev->ca);
    }
    return write_pair(dev->certificate, dev->certificate_key, &server, why);
}

int dev_prepare(const char *dir,
                const char *tls_host,
                uint64_t now_s,
                struct dev *ret,
                struct why *why)
{
    CLEANUP(certificate_done) struct certificate authority = {0};
    int rc = paths(dir, ret, why);

    check(now_s > DAY_S);
    if (rc == 0) {
        rc = make_directories(dir, why);
    }
    if (rc == 0) {
        rc = make_issuer(ret, why);
    }
    if (rc == 0) {
        rc = make_api_key(ret, why);
    }
    if (rc == 0) {
        rc = make_authority(ret, now_s, &authority, why);
    }
    if (rc == 0) {
        rc = make_server(ret, tls_host, now_s, &authority, why);
    }
    return rc;
}

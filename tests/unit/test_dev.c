/* A directory that is made, kept, and mended; never a socket. */
#include "src/dev.h"

#include "src/bridge/authority.h"
#include "src/io/certificate.h"
#include "src/io/issuer.h"
#include "src/io/tls.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY_S UINT64_C(86400)
#define NOW_S ((uint64_t)time(NULL))

static void prepare_at(const char *name,
                       const char *host,
                       uint64_t now_s,
                       struct dev *ret)
{
    char path[FILE_PATH_BYTES_MAX];
    struct why why;

    tap_equal(file_join(tap_temp_dir(), name, path, NULL), 0);
    tap_equal(dev_prepare(path, host, now_s, ret, &why), 0);
}

static ino_t inode(const char *path)
{
    struct stat found;

    tap_equal(stat(path, &found), 0);
    return found.st_ino;
}

static unsigned mode(const char *path)
{
    struct stat found;

    tap_equal(stat(path, &found), 0);
    return found.st_mode & 0777;
}

/* Whether the server's certificate holds `host` and lasts until `at_s`. */
static bool serves(const struct dev *dev, const char *host, uint64_t at_s)
{
    struct certificate server;
    struct buffer ca;
    struct certificate_request request = {.hosts = &host, .host_count = 1};
    bool ret;

    buffer_init(&server.pem, CERTIFICATE_PEM_BYTES_MAX);
    buffer_init(&server.key_pem, CERTIFICATE_PEM_BYTES_MAX);
    buffer_init(&ca, CERTIFICATE_PEM_BYTES_MAX);
    tap_equal(file_read(dev->certificate, &server.pem, NULL), 0);
    tap_equal(file_read(dev->certificate_key, &server.key_pem, NULL), 0);
    tap_equal(file_read(dev->ca, &ca, NULL), 0);
    ret = certificate_serves(&server, buffer_view(&ca), &request, at_s);
    certificate_done(&server);
    buffer_done(&ca);
    return ret;
}

TAP_CASE(dev_makes_everything_in_an_empty_place)
{
    struct dev dev;

    prepare_at("fresh", "127.0.0.1", NOW_S, &dev);
    tap_equal(mode(dev.issuer), 0600);
    tap_equal(mode(dev.api_key), 0600);
    tap_equal(mode(dev.ca_key), 0600);
    tap_equal(mode(dev.certificate_key), 0600);
    tap_check(file_exists(dev.ca));
    tap_check(!file_exists(dev.data_dir));
    tap_check(serves(&dev, "localhost", NOW_S));
    tap_check(serves(&dev, "127.0.0.1", NOW_S));
    tap_check(serves(&dev, "::1", NOW_S));
    tap_check(!serves(&dev, "weir.example", NOW_S));
}

TAP_CASE(dev_keeps_what_it_made)
{
    struct dev dev;
    ino_t before[4];

    prepare_at("kept", "127.0.0.1", NOW_S, &dev);
    before[0] = inode(dev.issuer);
    before[1] = inode(dev.api_key);
    before[2] = inode(dev.ca);
    before[3] = inode(dev.certificate);
    prepare_at("kept", "127.0.0.1", NOW_S, &dev);
    tap_equal(inode(dev.issuer), before[0]);
    tap_equal(inode(dev.api_key), before[1]);
    tap_equal(inode(dev.ca), before[2]);
    tap_equal(inode(dev.certificate), before[3]);
}

TAP_CASE(dev_key_grants_every_right_and_never_expires)
{
    struct authority *authority = authority_new(1);
    struct moment late = {.wall_ms = UINT64_C(250000000000) * 1000};
    const struct api_key *key;
    struct channel_name channel;
    uint8_t issuer[ISSUER_PUBLIC_BYTES];
    struct buffer text;
    struct dev dev;

    prepare_at("key", "127.0.0.1", NOW_S, &dev);
    buffer_init(&text, 10000);
    tap_equal(file_read(dev.api_key, &text, NULL), 0);
    tap_equal(issuer_read_public(dev.issuer_public, issuer, NULL), 0);
    tap_equal(authority_trust(authority, issuer), 0);
    tap_equal(authority_check(
                  authority, late, bytes_of(text.data, text.len - 1), &key),
              0);
    tap_check(key->admin);
    tap_equal(channel_name_parse(bytes_text("/any/where"), &channel), 0);
    tap_check(authority_covers(key, AUTHORITY_PUBLISH, &channel));
    tap_check(authority_covers(key, AUTHORITY_SUBSCRIBE, &channel));
    authority_free(authority);
    buffer_done(&text);
}

TAP_CASE(dev_issues_a_certificate_for_another_host)
{
    struct dev dev;
    ino_t before;

    prepare_at("host", "127.0.0.1", NOW_S, &dev);
    before = inode(dev.ca);
    prepare_at("host", "weir.example", NOW_S, &dev);
    tap_check(serves(&dev, "weir.example", NOW_S));
    tap_check(serves(&dev, "localhost", NOW_S));
    tap_equal(inode(dev.ca), before);
}

TAP_CASE(dev_needs_no_certificate_for_all_addresses)
{
    struct dev dev;
    ino_t before;

    prepare_at("any", "127.0.0.1", NOW_S, &dev);
    before = inode(dev.certificate);
    prepare_at("any", "0.0.0.0", NOW_S, &dev);
    prepare_at("any", "::", NOW_S, &dev);
    tap_equal(inode(dev.certificate), before);
}

TAP_CASE(dev_renews_a_certificate_in_its_last_30_days)
{
    struct dev dev;
    ino_t before;
    uint64_t now_s = NOW_S;

    prepare_at("renewed", "127.0.0.1", now_s, &dev);
    before = inode(dev.certificate);
    prepare_at("renewed", "127.0.0.1", now_s + 366 * DAY_S, &dev);
    tap_equal(inode(dev.certificate), before);
    prepare_at("renewed", "127.0.0.1", now_s + 368 * DAY_S, &dev);
    tap_check(serves(&dev, "127.0.0.1", now_s + 700 * DAY_S));
}

TAP_CASE(dev_replaces_a_certificate_that_lost_its_key)
{
    struct dev dev;

    prepare_at("lost", "127.0.0.1", NOW_S, &dev);
    tap_equal(unlink(dev.certificate_key), 0);
    prepare_at("lost", "127.0.0.1", NOW_S, &dev);
    tap_check(serves(&dev, "127.0.0.1", NOW_S));
}

TAP_CASE(dev_makes_certificates_that_tls_can_use)
{
    struct tls_context *server = NULL;
    struct tls_context *client = NULL;
    struct dev dev;
    struct why why;

    prepare_at("used", "127.0.0.1", NOW_S, &dev);
    tap_equal(tls_context_new_server(
                  dev.certificate, dev.certificate_key, &server, &why),
              0);
    tap_equal(tls_context_new_client(dev.ca, &client, &why), 0);
    tls_context_unref(server);
    tls_context_unref(client);
}

static void expect_refused(const char *name, const char *words)
{
    char path[FILE_PATH_BYTES_MAX];
    struct dev dev;
    struct why why;

    tap_equal(file_join(tap_temp_dir(), name, path, NULL), 0);
    tap_check(dev_prepare(path, "127.0.0.1", NOW_S, &dev, &why) != 0);
    tap_check(strstr(why.text, words) != NULL);
}

TAP_CASE(dev_says_when_half_of_the_issuer_is_gone)
{
    struct dev dev;

    prepare_at("half", "127.0.0.1", NOW_S, &dev);
    tap_equal(unlink(dev.issuer_public), 0);
    expect_refused("half", "only one of");
}

TAP_CASE(dev_says_when_the_authority_cannot_be_used)
{
    struct dev dev;

    prepare_at("broken", "127.0.0.1", NOW_S, &dev);
    tap_equal(file_write(dev.ca, 0644, bytes_text("nonsense"), NULL), 0);
    expect_refused("broken", "ca.pem");
    tap_equal(unlink(dev.ca_key), 0);
    expect_refused("broken", "ca-key.pem");
}

TAP_CASE(dev_says_when_its_directory_cannot_be_made)
{
    expect_refused("no/such/parent", "cannot make directory");
}

TAP_MAIN()

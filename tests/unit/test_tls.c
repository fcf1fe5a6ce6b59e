/* A client and a server joined in memory, byte by byte where it matters. */
#include "src/io/tls.h"

#include "base/alloc.h"
#include "src/io/certificate.h"
#include "src/io/file.h"
#include "tests/lib/tap.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Certificates are made around it; any time would do. */
#define NOW_S UINT64_C(1900000000)
#define YEAR_S (UINT64_C(365) * 24 * 3600)
#define BIG_BYTES (3 * 1024 * 1024)

static const char *const hosts[] = {"localhost", "127.0.0.1", "::1"};

static char ca_path[FILE_PATH_BYTES_MAX];
static char other_ca_path[FILE_PATH_BYTES_MAX];
static char certificate_path[FILE_PATH_BYTES_MAX];
static char key_path[FILE_PATH_BYTES_MAX];

static void save(const char *name, struct buffer *content, char *ret_path)
{
    tap_equal(file_join(tap_temp_dir(), name, ret_path, NULL), 0);
    tap_equal(file_write(ret_path, 0600, buffer_view(content), NULL), 0);
}

/* Two authorities and a certificate by the first, valid from 1970 to far. */
static void make_files(void)
{
    struct certificate_request request = {.name = "test",
                                          .hosts = hosts,
                                          .host_count = 3,
                                          .from_s = 0,
                                          .until_s = NOW_S + 50 * YEAR_S};
    struct certificate ca = {0};
    struct certificate other = {0};
    struct certificate server = {0};

    if (ca_path[0] != 0) {
        return;
    }
    request.name = "authority";
    certificate_make_authority(&request, &ca);
    request.name = "other authority";
    certificate_make_authority(&request, &other);
    request.name = "server";
    tap_equal(certificate_issue(&request, &ca, &server, NULL), 0);
    save("other.pem", &other.pem, other_ca_path);
    save("server.pem", &server.pem, certificate_path);
    save("server-key.pem", &server.key_pem, key_path);
    save("ca.pem", &ca.pem, ca_path);
    certificate_done(&ca);
    certificate_done(&other);
    certificate_done(&server);
}

struct pair {
    struct tls *client;
    struct tls *server;
    struct buffer client_plain; /* what the client has received */
    struct buffer server_plain;
    int client_rc;
    int server_rc;
};

static void pair_init(struct pair *p, const char *ca, const char *host)
{
    struct tls_context *server = NULL;
    struct tls_context *client = NULL;
    struct why why;

    make_files();
    memset(p, 0, sizeof(*p));
    tap_equal(tls_context_new_server(certificate_path, key_path, &server, &why),
              0);
    tap_equal(tls_context_new_client(ca, &client, &why), 0);
    p->server = tls_new(server, NULL);
    p->client = tls_new(client, host);
    tls_context_unref(server);
    tls_context_unref(client);
    buffer_init(&p->client_plain, 2 * BIG_BYTES);
    buffer_init(&p->server_plain, 2 * BIG_BYTES);
}

static void pair_done(struct pair *p)
{
    tls_free(p->client);
    tls_free(p->server);
    buffer_done(&p->client_plain);
    buffer_done(&p->server_plain);
}

/* Give `bytes` to `to`, `step` at a time. */
static int deliver(struct tls *to,
                   struct bytes bytes,
                   size_t step,
                   struct buffer *plain)
{
    int rc = 0;
    struct bytes piece;

    while (bytes.len > 0 && rc == 0) {
        size_t consumed = 0;

        tap_check(
            bytes_take(&bytes, step < bytes.len ? step : bytes.len, &piece));
        rc = tls_receive(to, piece, plain, &consumed);
        if (rc == 0) {
            tap_equal(consumed, piece.len);
        }
    }
    return rc;
}

/* Carry what waits on either side over, until neither has any. */
static void pump(struct pair *p, size_t step)
{
    struct buffer wire;

    buffer_init(&wire, 1 << 20);
    while (tls_has_pending(p->client) || tls_has_pending(p->server)) {
        int rc;

        buffer_clear(&wire);
        tls_pull(p->client, &wire);
        rc = deliver(p->server, buffer_view(&wire), step, &p->server_plain);
        p->server_rc = rc != 0 ? rc : p->server_rc;
        buffer_clear(&wire);
        tls_pull(p->server, &wire);
        rc = deliver(p->client, buffer_view(&wire), step, &p->client_plain);
        p->client_rc = rc != 0 ? rc : p->client_rc;
    }
    buffer_done(&wire);
}

/* Send all of `text` from client to server in one go. */
static void say(struct pair *p, const char *text)
{
    struct buffer wire;
    size_t taken = 0;

    buffer_init(&wire, 65536);
    tap_equal(tls_send(p->client, bytes_text(text), &wire, &taken), 0);
    tap_equal(taken, strlen(text));
    tap_equal(
        deliver(p->server, buffer_view(&wire), SIZE_MAX, &p->server_plain), 0);
    buffer_done(&wire);
}

TAP_CASE(tls_carries_bytes_over_tls_1_3)
{
    struct pair p;

    pair_init(&p, ca_path, "localhost");
    tap_check(!tls_handshake_done(p.client));
    pump(&p, SIZE_MAX);
    tap_check(tls_handshake_done(p.client));
    tap_check(tls_handshake_done(p.server));
    tap_equal_text(bytes_text(tls_version(p.server)), "TLSv1.3");
    say(&p, "hello");
    tap_equal_text(buffer_view(&p.server_plain), "hello");
    pair_done(&p);
}

TAP_CASE(tls_holds_no_bytes_when_idle)
{
    struct pair p;

    pair_init(&p, ca_path, "localhost");
    pump(&p, SIZE_MAX);
    tap_check(!tls_has_pending(p.server));
    tap_check(!tls_has_pending(p.client));
    pair_done(&p);
}

TAP_CASE(tls_carries_bytes_when_they_come_one_at_a_time)
{
    struct pair p;

    pair_init(&p, ca_path, "127.0.0.1");
    pump(&p, 1);
    tap_check(tls_handshake_done(p.server));
    say(&p, "one by one");
    tap_equal_text(buffer_view(&p.server_plain), "one by one");
    pair_done(&p);
}

TAP_CASE(tls_survives_a_flight_cut_at_every_byte)
{
    struct buffer wire;

    buffer_init(&wire, 65536);
    for (size_t cut = 1; cut < 600; cut += 7) {
        struct pair p;
        struct bytes rest;
        struct bytes head;

        pair_init(&p, ca_path, "localhost");
        buffer_clear(&wire);
        tls_pull(p.client, &wire);
        rest = buffer_view(&wire);
        if (!bytes_take(&rest, cut, &head)) {
            pair_done(&p);
            break;
        }
        tap_equal(deliver(p.server, head, SIZE_MAX, &p.server_plain), 0);
        tap_equal(deliver(p.server, rest, SIZE_MAX, &p.server_plain), 0);
        pump(&p, SIZE_MAX);
        tap_check(tls_handshake_done(p.server));
        pair_done(&p);
    }
    buffer_done(&wire);
}

TAP_CASE(tls_accepts_a_certificate_for_an_ipv6_address)
{
    struct pair p;

    pair_init(&p, ca_path, "::1");
    pump(&p, SIZE_MAX);
    tap_check(tls_handshake_done(p.client));
    pair_done(&p);
}

static void expect_refusal(const char *ca, const char *host, const char *reason)
{
    struct pair p;

    pair_init(&p, ca, host);
    pump(&p, SIZE_MAX);
    tap_equal(p.client_rc, RC_MALFORMED);
    tap_equal_text(bytes_text(tls_reason(p.client)), reason);
    tap_check(!tls_handshake_done(p.client));
    tap_equal(p.server_rc, RC_MALFORMED);
    pair_done(&p);
}

TAP_CASE(tls_client_refuses_another_hosts_certificate)
{
    expect_refusal(ca_path, "example.org", "hostname mismatch");
}

TAP_CASE(tls_client_refuses_a_certificate_without_the_address)
{
    expect_refusal(ca_path, "127.0.0.2", "IP address mismatch");
}

TAP_CASE(tls_client_refuses_an_authority_it_was_not_told_of)
{
    make_files();
    expect_refusal(
        other_ca_path, "localhost", "unable to get local issuer certificate");
}

TAP_CASE(tls_client_refuses_a_private_authority_with_the_systems_store)
{
    expect_refusal(NULL, "localhost", "unable to get local issuer certificate");
}

TAP_CASE(tls_server_names_plain_http_on_its_port)
{
    struct pair p;
    size_t consumed = 0;

    pair_init(&p, ca_path, "localhost");
    tap_equal(tls_receive(p.server,
                          bytes_text("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
                          &p.server_plain,
                          &consumed),
              RC_MALFORMED);
    tap_equal_text(bytes_text(tls_reason(p.server)),
                   "plain HTTP on the TLS port");
    pair_done(&p);
}

TAP_CASE(tls_server_refuses_garbage_and_stays_refusing)
{
    struct pair p;
    size_t consumed = 0;
    size_t taken = 0;
    struct buffer wire;
    struct bytes garbage = bytes_text("\x16\x03\x01 this is no hello at all");

    buffer_init(&wire, 65536);
    pair_init(&p, ca_path, "localhost");
    (void)tls_receive(p.server, garbage, &p.server_plain, &consumed);
    for (int i = 0; i < 2000; i++) {
        (void)tls_receive(p.server, garbage, &p.server_plain, &consumed);
    }
    tap_equal(tls_receive(p.server, garbage, &p.server_plain, &consumed),
              RC_MALFORMED);
    tap_equal(consumed, garbage.len);
    tap_equal(tls_send(p.server, bytes_text("x"), &wire, &taken), RC_MALFORMED);
    tap_equal(taken, 0);
    tap_equal(p.server_plain.len, 0);
    pair_done(&p);
    buffer_done(&wire);
}

TAP_CASE(tls_refuses_a_record_with_one_bit_flipped)
{
    struct pair p;
    struct buffer wire;
    size_t n = 0;

    buffer_init(&wire, 65536);
    pair_init(&p, ca_path, "localhost");
    pump(&p, SIZE_MAX);
    tap_equal(tls_send(p.client, bytes_text("secret"), &wire, &n), 0);
    wire.data[wire.len - 1] ^= 1;
    tap_equal(tls_receive(p.server, buffer_view(&wire), &p.server_plain, &n),
              RC_MALFORMED);
    tap_equal(p.server_plain.len, 0);
    pair_done(&p);
    buffer_done(&wire);
}

TAP_CASE(tls_send_takes_nothing_before_the_handshake)
{
    struct pair p;
    struct buffer wire;
    size_t taken = 7;

    buffer_init(&wire, 65536);
    pair_init(&p, ca_path, "localhost");
    tap_equal(tls_send(p.server, bytes_text("x"), &wire, &taken), RC_AGAIN);
    tap_equal(taken, 0);
    tap_equal(wire.len, 0);
    pair_done(&p);
    buffer_done(&wire);
}

TAP_CASE(tls_send_takes_only_what_there_is_room_for)
{
    struct pair p;
    struct buffer small;
    char text[2000];
    size_t taken = 0;

    memset(text, 'a', sizeof(text));
    buffer_init(&small, TLS_RECORD_OVERHEAD_MAX + 1000);
    pair_init(&p, ca_path, "localhost");
    pump(&p, SIZE_MAX);
    tap_equal(tls_send(p.server, bytes_of(text, sizeof(text)), &small, &taken),
              0);
    tap_equal(taken, 1000);
    tap_check(!small.overflowed);
    tap_equal(deliver(p.client, buffer_view(&small), 1, &p.client_plain), 0);
    tap_equal(p.client_plain.len, 1000);
    buffer_clear(&small);
    tap_equal(tls_send(p.server, bytes_of(text, 1000), &small, &taken), 0);
    tap_equal(deliver(p.client, buffer_view(&small), 1, &p.client_plain), 0);
    tap_equal(p.client_plain.len, 2000);
    pair_done(&p);
    buffer_done(&small);
}

TAP_CASE(tls_send_takes_nothing_without_room_for_a_record)
{
    struct pair p;
    struct buffer small;
    size_t taken = 1;

    buffer_init(&small, TLS_RECORD_OVERHEAD_MAX);
    pair_init(&p, ca_path, "localhost");
    pump(&p, SIZE_MAX);
    tap_equal(tls_send(p.server, bytes_text("x"), &small, &taken), 0);
    tap_equal(taken, 0);
    tap_equal(small.len, 0);
    pair_done(&p);
    buffer_done(&small);
}

TAP_CASE(tls_receive_leaves_what_the_plain_buffer_has_no_room_for)
{
    struct pair p;
    struct buffer wire;
    struct buffer plain;
    char *text = alloc_raw(50000);
    size_t taken = 0;
    size_t consumed = 0;
    size_t offset = 0;
    size_t total = 0;

    memset(text, 'b', 50000);
    buffer_init(&wire, 1 << 20);
    buffer_init(&plain, TLS_RECORD_BYTES_MAX);
    pair_init(&p, ca_path, "localhost");
    pump(&p, SIZE_MAX);
    tap_equal(tls_send(p.client, bytes_of(text, 50000), &wire, &taken), 0);
    tap_equal(taken, 50000);
    while (offset < wire.len) {
        struct bytes rest = bytes_from(buffer_view(&wire), offset);

        tap_equal(tls_receive(p.server, rest, &plain, &consumed), 0);
        tap_check(consumed > 0);
        tap_check(plain.len <= TLS_RECORD_BYTES_MAX);
        total += plain.len;
        offset += consumed;
        buffer_clear(&plain);
    }
    tap_equal(total, 50000);
    free(text);
    pair_done(&p);
    buffer_done(&wire);
    buffer_done(&plain);
}

TAP_CASE(tls_carries_megabytes_in_odd_pieces)
{
    struct pair p;
    struct buffer wire;
    uint8_t *data = alloc_raw(BIG_BYTES);
    size_t sent = 0;

    for (size_t i = 0; i < BIG_BYTES; i++) {
        data[i] = (uint8_t)(i * 31 + (i >> 12));
    }
    buffer_init(&wire, 100000);
    pair_init(&p, ca_path, "localhost");
    pump(&p, SIZE_MAX);
    while (sent < BIG_BYTES) {
        size_t taken = 0;

        buffer_clear(&wire);
        tap_equal(tls_send(p.server,
                           bytes_of(data + sent, BIG_BYTES - sent),
                           &wire,
                           &taken),
                  0);
        tap_check(taken > 0);
        sent += taken;
        tap_equal(deliver(p.client, buffer_view(&wire), 1459, &p.client_plain),
                  0);
    }
    tap_check(
        bytes_equal(buffer_view(&p.client_plain), bytes_of(data, BIG_BYTES)));
    free(data);
    pair_done(&p);
    buffer_done(&wire);
}

TAP_CASE(tls_close_reaches_the_peer_after_what_was_sent)
{
    struct pair p;
    struct buffer wire;
    size_t taken = 0;
    size_t consumed = 0;

    buffer_init(&wire, 65536);
    pair_init(&p, ca_path, "localhost");
    pump(&p, SIZE_MAX);
    tap_equal(tls_send(p.server, bytes_text("bye"), &wire, &taken), 0);
    tls_close(p.server);
    tls_close(p.server);
    tls_pull(p.server, &wire);
    tap_equal(deliver(p.client, buffer_view(&wire), SIZE_MAX, &p.client_plain),
              RC_CLOSED);
    tap_equal_text(buffer_view(&p.client_plain), "bye");
    tap_equal(
        tls_receive(p.client, bytes_of(NULL, 0), &p.client_plain, &consumed),
        RC_CLOSED);
    tap_equal(tls_send(p.server, bytes_text("x"), &wire, &taken), RC_CLOSED);
    pair_done(&p);
    buffer_done(&wire);
}

TAP_CASE(tls_can_answer_a_peer_that_has_closed)
{
    struct pair p;
    struct buffer wire;
    size_t taken = 0;

    buffer_init(&wire, 65536);
    pair_init(&p, ca_path, "localhost");
    pump(&p, SIZE_MAX);
    tls_close(p.client);
    pump(&p, SIZE_MAX);
    tap_equal(p.server_rc, RC_CLOSED);
    tap_equal(tls_send(p.server, bytes_text("last"), &wire, &taken), 0);
    tap_equal(taken, 4);
    tap_equal(deliver(p.client, buffer_view(&wire), SIZE_MAX, &p.client_plain),
              0);
    tap_equal_text(buffer_view(&p.client_plain), "last");
    pair_done(&p);
    buffer_done(&wire);
}

TAP_CASE(tls_close_before_the_handshake_says_nothing)
{
    struct pair p;

    pair_init(&p, ca_path, "localhost");
    tls_close(p.server);
    tap_check(!tls_has_pending(p.server));
    pair_done(&p);
}

/* A client by OpenSSL alone, to choose what ours never would. */
static int offer(int version,
                 const char *alpn,
                 const char *ciphers,
                 char *ret_version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl;
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    struct pair p;
    struct buffer wire;
    int rc = 0;

    pair_init(&p, ca_path, "localhost");
    buffer_init(&wire, 65536);
    SSL_CTX_set_security_level(context, 0);
    tap_check(SSL_CTX_set_max_proto_version(context, version));
    tap_check(SSL_CTX_set_min_proto_version(context, version));
    if (ciphers != NULL) {
        tap_check(SSL_CTX_set_cipher_list(context, ciphers));
    }
    if (alpn != NULL) {
        tap_equal(SSL_CTX_set_alpn_protos(
                      context, (const uint8_t *)alpn, (unsigned)strlen(alpn)),
                  0);
    }
    ssl = SSL_new(context);
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    for (int turn = 0; turn < 4 && rc == 0; turn++) {
        char *bytes;
        long len;

        (void)SSL_do_handshake(ssl);
        len = BIO_get_mem_data(out, &bytes);
        rc = deliver(
            p.server, bytes_of(bytes, (size_t)len), SIZE_MAX, &p.server_plain);
        (void)BIO_reset(out);
        buffer_clear(&wire);
        tls_pull(p.server, &wire);
        if (wire.len > 0) {
            tap_equal(BIO_write(in, wire.data, (int)wire.len), wire.len);
        }
    }
    if (rc == 0) {
        tap_check(tls_handshake_done(p.server));
        snprintf(ret_version, 16, "%s", tls_version(p.server));
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    pair_done(&p);
    buffer_done(&wire);
    return rc;
}

TAP_CASE(tls_server_speaks_1_2)
{
    char version[16] = "";

    tap_equal(offer(TLS1_2_VERSION, NULL, NULL, version), 0);
    tap_equal_text(bytes_text(version), "TLSv1.2");
}

TAP_CASE(tls_server_refuses_1_1)
{
    char version[16] = "";

    tap_equal(offer(TLS1_1_VERSION, NULL, "ALL:@SECLEVEL=0", version),
              RC_MALFORMED);
}

TAP_CASE(tls_server_refuses_1_2_with_a_cipher_without_forward_secrecy)
{
    char version[16] = "";

    tap_equal(offer(TLS1_2_VERSION, NULL, "AES128-SHA", version), RC_MALFORMED);
}

TAP_CASE(tls_server_picks_http_1_1_among_the_protocols_offered)
{
    char version[16] = "";

    tap_equal(offer(TLS1_3_VERSION, "\x02h2\x08http/1.1", NULL, version), 0);
}

TAP_CASE(tls_server_refuses_a_client_that_speaks_http_2_only)
{
    char version[16] = "";

    tap_equal(offer(TLS1_3_VERSION, "\x02h2", NULL, version), RC_MALFORMED);
}

TAP_CASE(tls_context_reloads_without_touching_open_connections)
{
    struct pair p;
    struct tls_context *fresh = NULL;
    struct tls *next;

    pair_init(&p, ca_path, "localhost");
    pump(&p, SIZE_MAX);
    tap_equal(tls_context_new_server(certificate_path, key_path, &fresh, NULL),
              0);
    next = tls_new(tls_context_ref(fresh), NULL);
    tls_context_unref(fresh);
    tls_context_unref(fresh);
    say(&p, "still here");
    tap_equal_text(buffer_view(&p.server_plain), "still here");
    tls_free(next);
    pair_done(&p);
}

static void expect_context_failure(const char *certificate,
                                   const char *key,
                                   int rc,
                                   const char *words)
{
    struct tls_context *c = NULL;
    struct why why;

    tap_equal(tls_context_new_server(certificate, key, &c, &why), rc);
    tap_check(c == NULL);
    tap_check(strstr(why.text, words) != NULL);
}

TAP_CASE(tls_context_names_the_file_that_is_wrong)
{
    struct tls_context *c = NULL;
    struct why why;

    make_files();
    expect_context_failure("/no/such.pem", key_path, RC_NOT_FOUND, "/no/such");
    expect_context_failure(
        certificate_path, "/no/such.key", RC_NOT_FOUND, "/no/such.key");
    expect_context_failure(key_path, key_path, RC_MALFORMED, "certificate");
    expect_context_failure(
        certificate_path, certificate_path, RC_MALFORMED, "TLS key");
    expect_context_failure(
        other_ca_path, key_path, RC_MALFORMED, "fit the certificate");
    tap_equal(tls_context_new_client(key_path, &c, &why), RC_MALFORMED);
    tap_equal(tls_context_new_client("/no/ca.pem", &c, &why), RC_NOT_FOUND);
    tap_check(c == NULL);
}

TAP_CASE(tls_free_accepts_null)
{
    tls_free(NULL);
    tls_context_unref(NULL);
    tap_check(true);
}

TAP_MAIN()

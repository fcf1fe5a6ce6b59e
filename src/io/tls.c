/* A BIO of our own joins OpenSSL to the caller's views and buffers; its memory
 * BIOs would keep a buffer each way for every connection. */
#include "src/io/tls.h"

#include "base/alloc.h"
#include "base/check.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>

struct tls {
    SSL *ssl;
    struct bytes in;       /* what OpenSSL may still read in this call */
    struct buffer *out;    /* where it writes in this call; NULL: pending */
    struct buffer pending; /* no memory while empty */
    const char *reason;
    int rc; /* RC_CLOSED or RC_MALFORMED once receiving ended so */
    bool closing;
};

static int bio_read(BIO *bio, char *to, size_t len, size_t *ret)
{
    struct tls *t = BIO_get_data(bio);
    struct bytes head;
    size_t n = len < t->in.len ? len : t->in.len;

    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    check(bytes_take(&t->in, n, &head));
    memcpy(to, head.data, n);
    *ret = n;
    return 1;
}

static int bio_write(BIO *bio, const char *from, size_t len, size_t *ret)
{
    struct tls *t = BIO_get_data(bio);
    struct buffer *out = t->out != NULL ? t->out : &t->pending;

    BIO_clear_retry_flags(bio);
    buffer_append(out, bytes_of(from, len));
    if (out->overflowed) {
        return 0;
    }
    *ret = len;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void method_make(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir");
    check(method != NULL);
    check(BIO_meth_set_read_ex(method, bio_read));
    check(BIO_meth_set_write_ex(method, bio_write));
    check(BIO_meth_set_ctrl(method, bio_ctrl));
}

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, address) == 1 ||
           inet_pton(AF_INET6, host, address) == 1;
}

static void expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_address(host)) {
        check(X509_VERIFY_PARAM_set1_ip_asc(param, host));
        return;
    }
    check(X509_VERIFY_PARAM_set1_host(param, host, 0));
    /* What SSL_set_tlsext_host_name() does, whose cast drops a const. A name
     * too long for the extension is one that no certificate holds. */
    (void)SSL_ctrl(ssl,
                   SSL_CTRL_SET_TLSEXT_HOSTNAME,
                   TLSEXT_NAMETYPE_host_name,
                   (void *)(uintptr_t)host);
}

/* The words for a failure; a certificate's fault explains more than the
 * handshake's "certificate verify failed". */
static int fail(struct tls *t)
{
    long verdict = SSL_get_verify_result(t->ssl);
    unsigned long code = ERR_peek_last_error();

    if (t->pending.overflowed) {
        t->reason = "more to say than the limit allows";
    } else if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
               ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST) {
        t->reason = "plain HTTP on the TLS port";
    } else if (verdict != X509_V_OK) {
        t->reason = X509_verify_cert_error_string(verdict);
    } else {
        t->reason = tls_context_reason();
    }
    ERR_clear_error();
    t->rc = RC_MALFORMED;
    return t->rc;
}

/* Run the handshake as far as the bytes go. */
static int handshake(struct tls *t)
{
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(t->ssl);
    if (result == 1) {
        return 0;
    }
    return SSL_get_error(t->ssl, result) == SSL_ERROR_WANT_READ ? RC_AGAIN
                                                                : fail(t);
}

struct tls *tls_new(struct tls_context *context, const char *host)
{
    struct tls *t = alloc_zero(sizeof(*t));
    bool server = tls_context_is_server(context);
    BIO *bio;

    check(server == (host == NULL));
    check(pthread_once(&method_once, method_make) == 0);
    bio = BIO_new(method);
    t->ssl = SSL_new(tls_context_openssl(context));
    check(t->ssl != NULL && bio != NULL);
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    buffer_init(&t->pending, TLS_PENDING_BYTES_MAX);
    if (server) {
        SSL_set_accept_state(t->ssl);
    } else {
        expect_host(t->ssl, host);
        SSL_set_connect_state(t->ssl);
        (void)handshake(t);
    }
    return t;
}

void tls_free(struct tls *t)
{
    if (t == NULL) {
        return;
    }
    SSL_free(t->ssl);
    buffer_done(&t->pending);
    free(t);
}

/* Read records until the bytes, or the room in `plain`, run out. */
static int read_records(struct tls *t, struct buffer *plain)
{
    while (plain->cap - plain->len >= TLS_RECORD_BYTES_MAX) {
        uint8_t *room = buffer_reserve(plain, TLS_RECORD_BYTES_MAX);
        size_t n = 0;
        int result;

        check(room != NULL);
        ERR_clear_error();
        result = SSL_read_ex(t->ssl, room, TLS_RECORD_BYTES_MAX, &n);
        if (result == 1) {
            buffer_advance(plain, n);
            continue;
        }
        switch (SSL_get_error(t->ssl, result)) {
        case SSL_ERROR_WANT_READ:
            return 0;
        case SSL_ERROR_ZERO_RETURN:
            t->rc = RC_CLOSED;
            return RC_CLOSED;
        default:
            return fail(t);
        }
    }
    return 0;
}

int tls_receive(struct tls *t,
                struct bytes cipher,
                struct buffer *plain,
                size_t *ret_consumed)
{
    int rc = t->rc;

    check(plain->cap >= TLS_RECORD_BYTES_MAX);
    check(t->in.len == 0 && t->out == NULL);
    if (rc != 0) {
        *ret_consumed = cipher.len;
        return rc;
    }
    t->in = cipher;
    if (!SSL_is_init_finished(t->ssl)) {
        rc = handshake(t);
    }
    if (rc == 0) {
        rc = read_records(t, plain);
    }
    *ret_consumed = cipher.len - t->in.len;
    t->in = bytes_of(NULL, 0);
    return rc == RC_AGAIN ? 0 : rc;
}

int tls_send(struct tls *t,
             struct bytes plain,
             struct buffer *cipher,
             size_t *ret_taken)
{
    size_t taken = 0;
    int rc = 0;

    *ret_taken = 0;
    if (t->rc == RC_MALFORMED) {
        return RC_MALFORMED;
    }
    if (t->closing) {
        return RC_CLOSED;
    }
    tls_pull(t, cipher);
    if (!SSL_is_init_finished(t->ssl)) {
        return RC_AGAIN;
    }
    t->out = cipher;
    while (taken < plain.len && t->pending.len == 0) {
        struct bytes rest = bytes_from(plain, taken);
        size_t room = cipher->cap - cipher->len;
        size_t n = 0;

        if (room <= TLS_RECORD_OVERHEAD_MAX) {
            break;
        }
        room -= TLS_RECORD_OVERHEAD_MAX;
        if (room > TLS_RECORD_BYTES_MAX) {
            room = TLS_RECORD_BYTES_MAX;
        }
        ERR_clear_error();
        if (!SSL_write_ex(
                t->ssl, rest.data, rest.len < room ? rest.len : room, &n)) {
            rc = fail(t);
            break;
        }
        taken += n;
    }
    t->out = NULL;
    *ret_taken = taken;
    return rc;
}

void tls_pull(struct tls *t, struct buffer *cipher)
{
    size_t room = cipher->cap - cipher->len;
    size_t n = t->pending.len < room ? t->pending.len : room;

    if (n == 0) {
        return;
    }
    buffer_append(cipher, bytes_of(t->pending.data, n));
    buffer_consume(&t->pending, n);
    if (t->pending.len == 0) {
        buffer_done(&t->pending);
        buffer_init(&t->pending, TLS_PENDING_BYTES_MAX);
    }
}

bool tls_has_pending(const struct tls *t)
{
    return t->pending.len > 0;
}

bool tls_handshake_done(const struct tls *t)
{
    return SSL_is_init_finished(t->ssl) == 1;
}

const char *tls_version(const struct tls *t)
{
    return SSL_get_version(t->ssl);
}

void tls_close(struct tls *t)
{
    if (t->closing || t->rc == RC_MALFORMED) {
        return;
    }
    t->closing = true;
    if (SSL_is_init_finished(t->ssl)) {
        ERR_clear_error();
        (void)SSL_shutdown(t->ssl);
        ERR_clear_error();
    }
}

const char *tls_reason(const struct tls *t)
{
    return t->reason != NULL ? t->reason : "no error";
}

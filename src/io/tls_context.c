/* OpenSSL's defaults, narrowed. Session tickets are on: clients hold them, so
 * that a reconnecting crowd is cheap and nothing is kept here for it. */
#include "src/io/tls_context.h"

#include "base/alloc.h"
#include "base/check.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TLS_CIPHERS_12 "ECDHE+AESGCM:ECDHE+CHACHA20"

struct tls_context {
    SSL_CTX *ssl;
    atomic_uint refs;
    bool server;
};

/* HTTP/1.1 is all that is spoken here; in the wire form of ALPN. */
static const unsigned char protocols[] = "\x08http/1.1";

const char *tls_context_reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);

    ERR_clear_error();
    return reason != NULL ? reason : "unknown TLS error";
}

static int select_protocol(SSL *ssl,
                           const unsigned char **ret,
                           unsigned char *ret_len,
                           const unsigned char *offered,
                           unsigned int offered_len,
                           void *context)
{
    unsigned char *chosen;

    (void)ssl;
    (void)context;
    if (SSL_select_next_proto(&chosen,
                              ret_len,
                              protocols,
                              sizeof(protocols) - 1,
                              offered,
                              offered_len) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301, 3.2 */
    }
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* A key file with a passphrase must fail, not ask on the terminal. */
static int refuse_passphrase(char *to, int size, int writing, void *context)
{
    (void)to;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static struct tls_context *context_new(bool server)
{
    struct tls_context *c = alloc_zero(sizeof(*c));

    c->server = server;
    atomic_init(&c->refs, 1);
    c->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    check(c->ssl != NULL);
    check(SSL_CTX_set_min_proto_version(c->ssl, TLS1_2_VERSION));
    check(SSL_CTX_set_max_proto_version(c->ssl, TLS1_3_VERSION));
    check(SSL_CTX_set_cipher_list(c->ssl, TLS_CIPHERS_12));
    SSL_CTX_set_options(c->ssl,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(c->ssl,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                         SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Tickets are held by the clients; a cache here would only grow. */
    SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(c->ssl, refuse_passphrase);
    return c;
}

static int file_readable(const char *what, const char *path, struct why *why)
{
    if (access(path, R_OK) == 0) {
        return 0;
    }
    return why_set(why,
                   errno == EACCES ? RC_DENIED : RC_NOT_FOUND,
                   "%s '%s': %s",
                   what,
                   path,
                   strerror(errno));
}

static int server_files(SSL_CTX *ssl,
                        const char *certificate_file,
                        const char *key_file,
                        struct why *why)
{
    int rc = file_readable("TLS certificate", certificate_file, why);

    if (rc == 0) {
        rc = file_readable("TLS key", key_file, why);
    }
    if (rc != 0) {
        return rc;
    }
    ERR_clear_error();
    if (!SSL_CTX_use_certificate_chain_file(ssl, certificate_file)) {
        return why_set(why,
                       RC_MALFORMED,
                       "TLS certificate '%s' cannot be used: %s",
                       certificate_file,
                       tls_context_reason());
    }
    if (!SSL_CTX_use_PrivateKey_file(ssl, key_file, SSL_FILETYPE_PEM)) {
        return why_set(why,
                       RC_MALFORMED,
                       "TLS key '%s' cannot be used (it must be PEM without a "
                       "passphrase, and fit the certificate): %s",
                       key_file,
                       tls_context_reason());
    }
    if (!SSL_CTX_check_private_key(ssl)) {
        return why_set(why,
                       RC_MALFORMED,
                       "TLS key '%s' is not the key of certificate '%s'",
                       key_file,
                       certificate_file);
    }
    return 0;
}

int tls_context_new_server(const char *certificate_file,
                           const char *key_file,
                           struct tls_context **ret,
                           struct why *why)
{
    struct tls_context *c = context_new(true);
    int rc = server_files(c->ssl, certificate_file, key_file, why);

    if (rc != 0) {
        tls_context_unref(c);
        return rc;
    }
    SSL_CTX_set_alpn_select_cb(c->ssl, select_protocol, NULL);
    *ret = c;
    return 0;
}

int tls_context_new_client(const char *ca_file,
                           struct tls_context **ret,
                           struct why *why)
{
    struct tls_context *c = context_new(false);
    int rc = 0;

    SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
    check(SSL_CTX_set_alpn_protos(c->ssl, protocols, sizeof(protocols) - 1) ==
          0);
    ERR_clear_error();
    if (ca_file == NULL) {
        (void)SSL_CTX_set_default_verify_paths(c->ssl);
        ERR_clear_error();
    } else {
        rc = file_readable("CA file", ca_file, why);
        if (rc == 0 && !SSL_CTX_load_verify_file(c->ssl, ca_file)) {
            rc = why_set(why,
                         RC_MALFORMED,
                         "CA file '%s' holds no PEM certificate: %s",
                         ca_file,
                         tls_context_reason());
        }
    }
    if (rc != 0) {
        tls_context_unref(c);
        return rc;
    }
    *ret = c;
    return 0;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    check(atomic_fetch_add(&context->refs, 1) > 0);
    return context;
}

void tls_context_unref(struct tls_context *context)
{
    if (context != NULL && atomic_fetch_sub(&context->refs, 1) == 1) {
        SSL_CTX_free(context->ssl);
        free(context);
    }
}

struct ssl_ctx_st *tls_context_openssl(const struct tls_context *context)
{
    return context->ssl;
}

bool tls_context_is_server(const struct tls_context *context)
{
    return context->server;
}

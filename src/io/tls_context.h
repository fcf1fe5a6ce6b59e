/* What the connections of a server, or of a client, have in common: versions,
 * ciphers, certificates. TLS 1.2 with forward secrecy and TLS 1.3, nothing
 * older; "http/1.1" is the one protocol of ALPN. */
#ifndef IO_TLS_CONTEXT_H
#define IO_TLS_CONTEXT_H

#include "base/why.h"

#include <stdbool.h>

struct tls_context;

/* For servers: a PEM file with the certificate and those between it and its
 * authority, and a PEM file with its private key, not encrypted. To reload,
 * make another one: connections keep what they began with. RC_NOT_FOUND,
 * RC_DENIED, RC_MALFORMED, each with a sentence. */
int tls_context_new_server(const char *certificate_file,
                           const char *key_file,
                           struct tls_context **ret,
                           struct why *why);

/* For clients: believes the authorities in `ca_file` (PEM) and no others, or
 * the system's when it is NULL. */
int tls_context_new_client(const char *ca_file,
                           struct tls_context **ret,
                           struct why *why);

struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context); /* accepts NULL */

/* For src/io/tls only. */
struct ssl_ctx_st *tls_context_openssl(const struct tls_context *context);
bool tls_context_is_server(const struct tls_context *context);

/* What OpenSSL complained about last in this thread, which is then forgotten,
 * in words that live for ever. */
const char *tls_context_reason(void);

#endif

/* TLS 1.2 and 1.3 as a filter between ciphertext and plaintext: bytes in,
 * bytes out, no socket and no clock of its own.
 *
 * OpenSSL reads straight from the view that tls_receive() was given and writes
 * straight into the caller's buffer, so that an idle connection holds no
 * buffers. What the handshake wants to say while bytes are received waits
 * inside until tls_pull(), at most TLS_PENDING_BYTES_MAX.
 *
 * A context may be shared by threads; a `struct tls` belongs to one. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "base/buffer.h"
#include "src/io/tls_context.h"

#define TLS_RECORD_BYTES_MAX 16384  /* plaintext in one record */
#define TLS_RECORD_OVERHEAD_MAX 256 /* what encryption adds to a record */
/* What may wait for tls_pull(): a flight with a long certificate chain. */
#define TLS_PENDING_BYTES_MAX 131072

struct tls;

/* One connection. A client gives the name or IP address that the server's
 * certificate must hold, a server NULL. A client has its first bytes to
 * tls_pull() at once. The context may be unreferenced at any time after. */
struct tls *tls_new(struct tls_context *context, const char *host);
void tls_free(struct tls *t); /* accepts NULL */

/* Decrypt into `plain`. Stops, leaving the rest unconsumed, when `plain` has
 * not room for a whole record more; call again once it was emptied. Afterwards
 * tls_pull(): there may be an answer to send, after a failure an alert.
 * RC_CLOSED: the peer said that it will send no more; what came before stands
 * in `plain`. RC_MALFORMED: broken for good, tls_reason() says why. Both are
 * returned again from then on. */
int tls_receive(struct tls *t,
                struct bytes cipher,
                struct buffer *plain,
                size_t *ret_consumed);

/* Encrypt onto the end of `cipher`, after anything that tls_pull() would have
 * given. Takes only what `cipher` has room for, each record with its overhead;
 * `ret_taken` counts it. RC_AGAIN: the handshake is not done, nothing was
 * taken. RC_CLOSED: after tls_close(). RC_MALFORMED: broken for good. */
int tls_send(struct tls *t,
             struct bytes plain,
             struct buffer *cipher,
             size_t *ret_taken);

/* Move what waits to be sent to the end of `cipher`, as far as it has room. */
void tls_pull(struct tls *t, struct buffer *cipher);
bool tls_has_pending(const struct tls *t);

bool tls_handshake_done(const struct tls *t);
const char *tls_version(const struct tls *t); /* "TLSv1.3" */

/* Say that nothing more will be sent; tls_pull() has the bytes. */
void tls_close(struct tls *t);

/* After RC_MALFORMED: why, in a few words that live for ever. */
const char *tls_reason(const struct tls *t);

#endif

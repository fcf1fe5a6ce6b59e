/* One connection that weir opens, plain or TLS, on a libuv loop: resolves the
 * host, tries its addresses in turn, sends and receives.
 *
 * All of one loop's connections are read through one buffer, so what arrives
 * is borrowed for the call only. */
#ifndef IO_OUTBOUND_H
#define IO_OUTBOUND_H

#include "base/bytes.h"
#include "base/why.h"
#include "src/io/tls.h"

#include <uv.h>

#define OUTBOUND_CONNECT_MS_MAX 10000 /* from the name to the end of TLS */
/* A server that acknowledges nothing for so long has vanished; so has one that
 * takes nothing for so long. */
#define OUTBOUND_SILENCE_MS_MAX 90000
#define OUTBOUND_QUEUE_BYTES_MAX (16 * 1024 * 1024)

struct outbound; /* one connection */

struct outbound_target {
    const char *host; /* name or address, no brackets; kept by the caller */
    uint16_t port;
    struct tls_context *tls; /* NULL: plain */
};

struct outbound_events {
    /* Connected, and with TLS the server's certificate is good. */
    void (*opened)(void *context);
    void (*received)(void *context, struct bytes bytes);
    /* The last call, and the connection's end: it must not be used again. The
     * sentence says why it ended or could not be opened; RC_CLOSED: the server
     * ended it. */
    void (*closed)(void *context, int rc, const struct why *why);
};

/* Begins to connect; what becomes of it arrives as events, never before this
 * returns. */
struct outbound *outbound_open(uv_loop_t *loop,
                               const struct outbound_target *target,
                               const struct outbound_events *events,
                               void *context);

/* Send now what the socket takes, and queue the rest. Only once opened. RC_BUSY
 * when the queue would exceed its bound: then nothing was taken. */
int outbound_send(struct outbound *o, struct bytes bytes);

/* Close without waiting for what is queued. No event follows, and the
 * connection must not be used again. Allowed within an event but `closed`. */
void outbound_close(struct outbound *o);

#endif

/* One client's socket on a shard's loop: readiness by uv_poll, bytes straight
 * between the kernel and the shard, through TLS where that is spoken. */
#ifndef IO_SOCKET_H
#define IO_SOCKET_H

#include "base/buffer.h"
#include "base/list.h"
#include "src/bridge/refusals.h"
#include "src/io/liveness.h"
#include "src/io/tls.h"

#include <uv.h>

struct client;
struct shard_loop;

/* What is encrypted and not yet taken by the kernel; above it the shard is told
 * that the socket is full. */
#define SOCKET_CIPHER_BYTES_MAX (96 * 1024)

/* What the kernel may hold for one client, and how long it may be silent. */
struct socket_limits {
    size_t unsent_bytes_max;  /* given to the kernel, and not sent yet */
    size_t receive_bytes_max; /* sent by the peer, and not read yet */
    uint64_t silence_ms;
};

struct socket {
    uv_poll_t poll;
    struct shard_loop *loop;
    struct client *client;
    int fd;
    int events; /* what is polled for */
    bool closed;
    bool blocked;    /* the shard was told so and waits for WRITABLE */
    bool shutting;   /* our half, once the cipher is out */
    struct tls *tls; /* NULL: plain */
    struct buffer cipher;
    struct liveness liveness;
    struct list watch_node;
    uint64_t look_ms; /* when its liveness is looked at next */
};

/* Take over an accepted descriptor; NULL when libuv will not have it (the
 * descriptor is closed). `tls_context` may be NULL. */
struct socket *socket_new(struct shard_loop *loop,
                          int fd,
                          const struct socket_limits *limits,
                          struct tls_context *tls_context);

/* Of the peer. */
struct refusals_address socket_address(const struct socket *s);

/* Bytes from the shard; returns how many were taken. Sets *ret_failed when the
 * peer is gone. */
size_t socket_send(struct socket *s, struct bytes bytes, bool *ret_failed);

/* Shut our half: the peer reads to the end. */
void socket_shut(struct socket *s);

/* Close; frees when the loop lets go of it. */
void socket_close(struct socket *s);

/* Poll for what is wanted now. */
void socket_poll(struct socket *s, bool read);

#endif

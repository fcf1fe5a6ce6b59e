/* A shard's thread: its libuv loop, its listeners, its sockets, and the shard
 * itself. What happens during one turn of the loop is told to the shard at
 * once; what the shard wants done is done at the turn's end, in bulk. */
#ifndef IO_SHARD_LOOP_H
#define IO_SHARD_LOOP_H

#include "src/bridge/shard.h"
#include "src/io/log_thread.h"
#include "src/io/mailbox.h"
#include "src/io/socket.h"
#include "storage/log.h"

struct shard_loop;

struct shard_loop_options {
    struct shard_options shard;
    struct log *log;
    struct log_thread *log_thread;   /* where publishes go */
    struct mailbox *server;          /* told of this loop's end */
    struct tls_context *tls_context; /* a reference, taken over; may be NULL */
    atomic_size_t *connections;      /* of all shards */
    size_t connections_max;
    struct socket_limits socket_limits;
    uint64_t drain_ms; /* over which clients are sent away */
};

/* What MAIL_LISTEN brings: listening sockets, taken over, and this memory. */
struct shard_loop_ports {
    int fd;
    int tls_fd; /* -1: none */
};

/* Start its thread. It accepts nobody before MAIL_LISTEN. NULL with errno-like
 * code in `ret_error`. */
struct shard_loop *shard_loop_start(const struct shard_loop_options *options);

/* From any thread: batches, a new certificate, the order to drain. */
struct mailbox *shard_loop_mailbox(struct shard_loop *loop);

/* Wait for the thread, which ends by itself after MAIL_DRAIN, at once after
 * another, and says so to the server. Mail may still come until
 * shard_loop_free(). */
void shard_loop_join(struct shard_loop *loop);
void shard_loop_free(struct shard_loop *loop); /* accepts NULL */

/* For socket.c and socket_watch.c. */
uv_loop_t *shard_loop_uv(struct shard_loop *loop);
struct buffer *shard_loop_input(struct shard_loop *loop);
struct buffer *shard_loop_plain(struct shard_loop *loop);
/* What a timer of a socket's led to is done. */
void shard_loop_end_turn(struct shard_loop *loop);
void shard_loop_received(struct shard_loop *loop,
                         struct socket *s,
                         struct bytes bytes);
void shard_loop_ended(struct shard_loop *loop, struct socket *s, bool reset);
void shard_loop_writable(struct shard_loop *loop, struct socket *s);
bool shard_loop_wants_read(const struct socket *s);

#endif

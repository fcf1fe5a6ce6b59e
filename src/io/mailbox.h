/* A mailbox: messages from any thread to one libuv loop, taken all at once and
 * in order. What is in the mailboxes is bounded by the intake (batch.h): every
 * message there stands for publishes that were charged to it. */
#ifndef IO_MAILBOX_H
#define IO_MAILBOX_H

#include <pthread.h>
#include <stddef.h>
#include <uv.h>

enum mail_kind {
    MAIL_BATCH,     /* struct batch, a reference, for a shard */
    MAIL_TLS,       /* struct tls_context, a reference, for a shard */
    MAIL_DRAIN,     /* for a shard: no more connections, then end */
    MAIL_STOPPED,   /* for the server: a shard, or the cluster's loop, has ended
                     */
    MAIL_LISTEN,    /* for a shard: accept connections, as its options say */
    MAIL_READY,     /* for the server: the node has what the others have */
    MAIL_DUPLICATE, /* for the server: another has our identity */
    MAIL_COMMITTED, /* for the cluster: the log has grown */
    MAIL_ISSUERS,   /* for a shard: struct buffer, 32 bytes each */
    MAIL_FORGET,    /* for the cluster: uint64_t, a member's identity */
    MAIL_LEAVE,     /* for the cluster: with the time for it, in ms */
};

struct mail {
    enum mail_kind kind;
    void *content;
};

struct mailbox {
    pthread_mutex_t mutex;
    struct mail *waiting;
    size_t waiting_count;
    size_t waiting_capacity;
    struct mail *taken;
    size_t taken_capacity;
    int fd; /* an eventfd, readable while something waits */
    uv_poll_t poll;
    void (*on_mail)(void *context);
    void *context;
};

/* `on_mail` runs on the loop when something has come.
 *
 * Not uv_async_t: libuv 1.44 spins and yields while the other thread is between
 * its flag and its write, which on a shared core costs whole time slices
 * (measured: 740 sched_yield for 20,000 publishes). */
int mailbox_init(struct mailbox *m,
                 uv_loop_t *loop,
                 void (*on_mail)(void *context),
                 void *context);

/* From the loop: let the loop end although mail may come. */
void mailbox_close(struct mailbox *m);

/* After the loop has ended. What is still inside is not freed: take it first.
 */
void mailbox_done(struct mailbox *m);

/* From any thread. */
void mailbox_post(struct mailbox *m, const struct mail *mail, size_t count);

/* All that waits; valid until the next call. From the loop's thread. */
size_t mailbox_take(struct mailbox *m, const struct mail **ret);

#endif

/* One listening socket on a shard's loop: takes connections in small groups.
 * When the system has no descriptors left, whoever comes is turned away at
 * once, with one that is kept for this; when not even that helps, it pauses. */
#ifndef IO_ACCEPTOR_H
#define IO_ACCEPTOR_H

#include "src/io/logger_flood.h"

#include <stdbool.h>
#include <uv.h>

struct acceptor {
    uv_poll_t poll;
    uv_timer_t pause;
    uv_timer_t calm; /* looks whether a flood is over */
    int fd;          /* -1: none */
    int spare;       /* -1: none */
    /* Takes the descriptor over. */
    void (*on_accepted)(void *context, struct acceptor *acceptor, int fd);
    /* Somebody was turned away; may be NULL. */
    void (*on_refused)(void *context);
    void *context;
};

/* Begin; with `fd` -1 there is nothing to accept and nothing to stop. */
void acceptor_start(struct acceptor *a,
                    uv_loop_t *loop,
                    int fd,
                    void (*on_accepted)(void *context,
                                        struct acceptor *acceptor,
                                        int fd),
                    void *context);

/* Close one that was taken and is one too many, and say so now and then. */
void acceptor_refuse(struct acceptor *a, int fd);

/* Close the listening socket. May be called again. */
void acceptor_stop(struct acceptor *a);

#endif

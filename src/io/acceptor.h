/* One listening socket on a shard's loop: takes connections in small groups,
 * and pauses when the system has no descriptors left. */
#ifndef IO_ACCEPTOR_H
#define IO_ACCEPTOR_H

#include <stdbool.h>
#include <uv.h>

struct acceptor {
    uv_poll_t poll;
    uv_timer_t pause;
    int fd; /* -1: none */
    /* Takes the descriptor over. */
    void (*on_accepted)(void *context, struct acceptor *acceptor, int fd);
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

/* Close the listening socket. May be called again. */
void acceptor_stop(struct acceptor *a);

#endif

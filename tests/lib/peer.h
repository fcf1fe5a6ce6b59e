/* A server on a test's own libuv loop that listens on a port of its own, keeps
 * what it receives and says what it is told to. One connection at a time. */
#ifndef TESTS_LIB_PEER_H
#define TESTS_LIB_PEER_H

#include "base/buffer.h"

#include <uv.h>

#define PEER_BYTES_MAX (64 * 1024 * 1024)

struct peer {
    uv_tcp_t listener;
    uv_tcp_t connection;
    uint16_t port;
    unsigned accepted;
    bool connected;
    bool ended; /* the client closed its side */
    struct buffer received;
    void (*on_data)(struct peer *peer); /* may be NULL */
    void *context;
};

void peer_listen(struct peer *peer, uv_loop_t *loop);
void peer_say(struct peer *peer, const char *text);
void peer_say_bytes(struct peer *peer, struct bytes bytes);
void peer_hang_up(struct peer *peer);
void peer_done(struct peer *peer); /* closes; the loop must still turn */

/* Turn the loop until `*flag`, for at most some seconds; whether it is set. */
bool peer_await(uv_loop_t *loop, const bool *flag);

/* Turn the loop until all handles are closed, and close it. */
void peer_end_loop(uv_loop_t *loop);

#endif

/* Looks at each socket of a loop now and then, for peers that have gone without
 * a word; see liveness.h. */
#ifndef IO_SOCKET_WATCH_H
#define IO_SOCKET_WATCH_H

#include "base/list.h"
#include "src/bridge/metrics.h"

#include <stdint.h>
#include <uv.h>

struct shard_loop;
struct socket;

struct socket_watch {
    uv_timer_t timer;
    struct shard_loop *loop;
    struct metrics *metrics; /* the loop's */
    uint64_t silence_ms;
    struct list sockets; /* the one to be looked at next is first */
};

void socket_watch_start(struct socket_watch *w,
                        struct shard_loop *loop,
                        struct metrics *metrics,
                        uint64_t silence_ms);
void socket_watch_stop(struct socket_watch *w);

/* It leaves by its list node. */
void socket_watch_add(struct socket_watch *w, struct socket *s);

#endif

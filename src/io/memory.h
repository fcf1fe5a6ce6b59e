/* The process's memory goes back to the system after a flood. malloc keeps what
 * was freed for the next time, in pieces between what is still used: once much
 * less is used than was, it is told to let go of them. */
#ifndef IO_MEMORY_H
#define IO_MEMORY_H

#include "src/bridge/intake.h"

#include <uv.h>

/* A node is looked at this often, and has its memory given back no oftener:
 * that walks all that is free, while who wants memory waits. */
#define MEMORY_LOOK_MS 5000

/* So much less than before is worth it. */
#define MEMORY_WORTH_BYTES ((size_t)8 << 20)

/* A connection and what it needs, about. */
#define MEMORY_CONNECTION_BYTES ((size_t)16 << 10)

struct memory {
    uv_timer_t timer;
    size_t most; /* that was used since memory was given back */
    const atomic_size_t *connections;
    struct intake *intake;
    struct intake *unfinished;
};

/* Large pieces are the system's again as soon as they are freed. Once, before
 * there are threads. */
void memory_prepare(void);

/* What is used is told by what the node counts anyway. From the loop's thread,
 * which is to have little else to do. */
void memory_watch(struct memory *m,
                  uv_loop_t *loop,
                  const atomic_size_t *connections,
                  struct intake *intake,
                  struct intake *unfinished);
void memory_close(struct memory *m);

/* Whether memory is to be given back, now that `used` is used and `most` was
 * since it was last asked. */
bool memory_due(struct memory *m, size_t used, size_t most);

#endif

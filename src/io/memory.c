/* Telling malloc when a flood is over. */
#include "src/io/memory.h"

#include "base/check.h"

#include <malloc.h>

/* Pieces of this size and more are mapped one by one. malloc would raise the
 * bound to the largest that was ever freed, and keep those in its heaps. */
#define MAPPED_BYTES (512 * 1024)

/* What a heap may keep at its end, for it is soon wanted again. */
#define HEAP_END_BYTES (4 * 1024 * 1024)

void memory_prepare(void)
{
    /* Another malloc, such as a sanitizer's, has its own ways. */
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, HEAP_END_BYTES);
}

bool memory_due(struct memory *m, size_t used, size_t most)
{
    if (most > m->most) {
        m->most = most;
    }
    if (used > m->most / 2 || m->most - used < MEMORY_WORTH_BYTES) {
        return false;
    }
    m->most = used;
    return true;
}

static void on_timer(uv_timer_t *timer)
{
    struct memory *m = timer->data;
    size_t connections = atomic_load(m->connections) * MEMORY_CONNECTION_BYTES;
    size_t most = connections + intake_take_most(m->intake) +
                  intake_take_most(m->unfinished);
    size_t used = connections + atomic_load(&m->intake->bytes) +
                  atomic_load(&m->unfinished->bytes);

    if (memory_due(m, used, most)) {
        (void)malloc_trim(0);
    }
}

void memory_watch(struct memory *m,
                  uv_loop_t *loop,
                  const atomic_size_t *connections,
                  struct intake *intake,
                  struct intake *unfinished)
{
    *m = (struct memory){
        .connections = connections, .intake = intake, .unfinished = unfinished};
    check(uv_timer_init(loop, &m->timer) == 0);
    m->timer.data = m;
    check(uv_timer_start(&m->timer, on_timer, MEMORY_LOOK_MS, MEMORY_LOOK_MS) ==
          0);
}

void memory_close(struct memory *m)
{
    uv_close((uv_handle_t *)&m->timer, NULL);
}

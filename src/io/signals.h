/* The signals that a process is told by, as something its loop reads: they are
 * blocked and come by a descriptor (signalfd(2)), so no thread is interrupted
 * and there is no handler, in which hardly anything may be done. Nor is one
 * lost to a sanitizer that puts handlers off: ThreadSanitizer did that, now and
 * then, to a node that was told to stop as it began. */
#ifndef IO_SIGNALS_H
#define IO_SIGNALS_H

#include <stddef.h>
#include <uv.h>

struct signals {
    uv_poll_t poll;
    int fd;
    void (*on_signal)(void *context, int number);
    void *context;
};

/* Block `numbers` in this thread, and so in those that it starts from now on;
 * `on_signal` runs on the loop for each that comes. */
void signals_watch(struct signals *s,
                   uv_loop_t *loop,
                   const int *numbers,
                   size_t count,
                   void (*on_signal)(void *context, int number),
                   void *context);

/* From the loop: watch no more. They stay blocked. */
void signals_close(struct signals *s);

#endif

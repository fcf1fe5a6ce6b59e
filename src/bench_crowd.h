/* The subscribers of a measurement: many WebSocket connections, each with one
 * subscription, opened some at a time. */
#ifndef SRC_BENCH_CROWD_H
#define SRC_BENCH_CROWD_H

#include "src/bench_event.h"
#include "src/bench_run.h"

#define BENCH_CROWD_OPENING_MAX 64 /* connections under way at once */

struct bench_crowd;

struct bench_crowd_events {
    /* All are subscribed. */
    void (*ready)(void *context);
    /* Subscriber `index` got an event. */
    void (*event)(void *context, size_t index, const struct bench_event *event);
    /* One read's events have all been told. */
    void (*read)(void *context);
};

/* Subscriber i subscribes to channel i modulo `channels` of the settings; the
 * run learns of faults and counts reads and frames. */
struct bench_crowd *bench_crowd_new(struct bench_run *run,
                                    size_t subscribers,
                                    size_t channels,
                                    const struct bench_crowd_events *events,
                                    void *context);
/* What each subscriber asks for: the member of client_request_subscribe(),
 * borrowed. Without it, no more than AWS's clients do. */
void bench_crowd_begin(struct bench_crowd *crowd, const char *begin);

/* End a subscriber's subscription and begin it again. */
void bench_crowd_again(struct bench_crowd *crowd, size_t index);

void bench_crowd_open(struct bench_crowd *crowd);
void bench_crowd_close(struct bench_crowd *crowd); /* also when never opened */
void bench_crowd_free(struct bench_crowd *crowd);  /* after the loop's end */

#endif

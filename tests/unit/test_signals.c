/* Signals come to the loop, whoever they were sent to and from where. */
#include "src/io/signals.h"

#include "tests/lib/tap.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

struct world {
    uv_loop_t loop;
    struct signals signals;
    int last;
    size_t count;
    size_t wanted; /* then the loop may end */
};

static void on_signal(void *context, int number)
{
    struct world *w = context;

    w->last = number;
    if (++w->count == w->wanted) {
        signals_close(&w->signals);
    }
}

static void begin(struct world *w, size_t wanted)
{
    static const int numbers[] = {SIGUSR1, SIGUSR2};

    *w = (struct world){.wanted = wanted};
    tap_equal(uv_loop_init(&w->loop), 0);
    signals_watch(&w->signals, &w->loop, numbers, 2, on_signal, w);
}

static void end(struct world *w)
{
    uv_run(&w->loop, UV_RUN_DEFAULT);
    tap_equal(w->count, w->wanted);
    tap_equal(uv_loop_close(&w->loop), 0);
}

TAP_CASE(signals_that_came_before_the_loop_ran_are_told)
{
    struct world w;

    begin(&w, 2);
    tap_equal(kill(getpid(), SIGUSR1), 0);
    tap_equal(kill(getpid(), SIGUSR2), 0);
    end(&w);
    tap_equal(w.last, SIGUSR2);
}

static void *send_one(void *context)
{
    (void)context;
    (void)kill(getpid(), SIGUSR1);
    return NULL;
}

TAP_CASE(signals_come_to_the_loop_while_other_threads_run)
{
    struct world w;
    pthread_t thread;

    begin(&w, 1);
    tap_equal(pthread_create(&thread, NULL, send_one, NULL), 0);
    end(&w);
    tap_equal(pthread_join(thread, NULL), 0);
    tap_equal(w.last, SIGUSR1);
}

TAP_MAIN()

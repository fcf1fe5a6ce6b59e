/* One descriptor for all of them. */
#include "src/io/signals.h"

#include "base/check.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct signals *s = poll->data;
    struct signalfd_siginfo info;

    (void)status;
    (void)events;
    while (read(s->fd, &info, sizeof(info)) == sizeof(info)) {
        s->on_signal(s->context, (int)info.ssi_signo);
    }
}

void signals_watch(struct signals *s,
                   uv_loop_t *loop,
                   const int *numbers,
                   size_t count,
                   void (*on_signal)(void *context, int number),
                   void *context)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) {
        sigaddset(&set, numbers[i]);
    }
    check(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    s->on_signal = on_signal;
    s->context = context;
    s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    check(s->fd >= 0);
    check(uv_poll_init(loop, &s->poll, s->fd) == 0);
    s->poll.data = s;
    check(uv_poll_start(&s->poll, UV_READABLE, on_readable) == 0);
}

static void on_closed(uv_handle_t *handle)
{
    close(((struct signals *)handle->data)->fd);
}

void signals_close(struct signals *s)
{
    uv_close((uv_handle_t *)&s->poll, on_closed);
}

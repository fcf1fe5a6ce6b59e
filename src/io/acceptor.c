/* Accepting connections. */
#include "src/io/acceptor.h"

#include "base/check.h"
#include "src/io/logger.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 64

/* Out of descriptors: look again after this long. */
#define PAUSE_MS 100

static void on_connection(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct acceptor *a = timer->data;

    check(uv_poll_start(&a->poll, UV_READABLE, on_connection) == 0);
}

static void rest(struct acceptor *a, int error)
{
    logger_line(LOGGER_ERROR,
                "accept.failed",
                "reason=\"%s\" retry_ms=%d",
                strerror(error),
                PAUSE_MS);
    uv_poll_stop(&a->poll);
    uv_timer_start(&a->pause, on_pause_over, PAUSE_MS, 0);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct acceptor *a = poll->data;

    (void)events;
    for (int i = 0; status == 0 && i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            a->on_accepted(a->context, a, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
            rest(a, errno);
        }
        return;
    }
}

void acceptor_start(struct acceptor *a,
                    uv_loop_t *loop,
                    int fd,
                    void (*on_accepted)(void *context,
                                        struct acceptor *acceptor,
                                        int fd),
                    void *context)
{
    a->fd = fd;
    a->on_accepted = on_accepted;
    a->context = context;
    if (fd < 0) {
        return;
    }
    check(uv_timer_init(loop, &a->pause) == 0);
    check(uv_poll_init(loop, &a->poll, fd) == 0);
    a->pause.data = a;
    a->poll.data = a;
    check(uv_poll_start(&a->poll, UV_READABLE, on_connection) == 0);
}

void acceptor_stop(struct acceptor *a)
{
    if (a->fd < 0) {
        return;
    }
    uv_close((uv_handle_t *)&a->poll, NULL);
    uv_close((uv_handle_t *)&a->pause, NULL);
    close(a->fd);
    a->fd = -1;
}

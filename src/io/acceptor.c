/* Accepting connections. */
#include "src/io/acceptor.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 64

/* Out of descriptors: look again after this long. */
#define PAUSE_MS 100

/* How often to look whether a flood is over. */
#define CALM_MS 5000

static void on_connection(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct acceptor *a = timer->data;

    check(uv_poll_start(&a->poll, UV_READABLE, on_connection) == 0);
}

static void on_calm(uv_timer_t *timer)
{
    bool goes_on = logger_flood_goes_on(LOGGER_FLOOD_DESCRIPTORS);

    if (!logger_flood_goes_on(LOGGER_FLOOD_CONNECTIONS) && !goes_on) {
        uv_timer_stop(timer);
    }
}

/* Count one that was turned away. */
static void count(struct acceptor *a)
{
    if (a->on_refused != NULL) {
        a->on_refused(a->context);
    }
    if (uv_is_active((uv_handle_t *)&a->calm) == 0) {
        check(uv_timer_start(&a->calm, on_calm, CALM_MS, CALM_MS) == 0);
    }
}

void acceptor_refuse(struct acceptor *a, int fd)
{
    close(fd);
    count(a);
    logger_flood(LOGGER_FLOOD_CONNECTIONS,
                 1,
                 "reason=\"there are as many connections as there may be\"");
}

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* False: nobody was there, or another thread was faster with what was kept. */
static bool turn_away(struct acceptor *a)
{
    int fd;

    if (a->spare < 0) {
        return false;
    }
    close(a->spare);
    fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        close(fd);
        count(a);
    }
    a->spare = open_spare();
    return fd >= 0;
}

static void fail(struct acceptor *a, int error)
{
    logger_flood(LOGGER_FLOOD_DESCRIPTORS, 1, "reason=\"%s\"", strerror(error));
    if (turn_away(a)) {
        return;
    }
    if (a->spare < 0) {
        a->spare = open_spare();
    }
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
            fail(a, errno);
            if (uv_is_active((uv_handle_t *)&a->poll) != 0) {
                continue;
            }
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
    a->spare = -1;
    a->on_accepted = on_accepted;
    a->context = context;
    if (fd < 0) {
        return;
    }
    a->spare = open_spare();
    check(uv_timer_init(loop, &a->pause) == 0);
    check(uv_timer_init(loop, &a->calm) == 0);
    check(uv_poll_init(loop, &a->poll, fd) == 0);
    a->pause.data = a;
    a->calm.data = a;
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
    uv_close((uv_handle_t *)&a->calm, NULL);
    close(a->fd);
    if (a->spare >= 0) {
        close(a->spare);
    }
    a->fd = -1;
}

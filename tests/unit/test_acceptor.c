/* Connections are taken from a listening socket, also after a time without
 * descriptors. */
#include "src/io/acceptor.h"

#include "src/io/listener.h"
#include "src/io/logger.h"
#include "tests/lib/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 200

struct door {
    uv_loop_t loop;
    struct acceptor acceptor;
    struct listener_address address;
    int accepted[CONNECTIONS_MAX];
    size_t count;
    size_t expected; /* stop then */
    size_t refused;
};

static void on_accepted(void *context, struct acceptor *acceptor, int fd)
{
    struct door *d = context;

    tap_check(acceptor == &d->acceptor);
    tap_check(d->count < CONNECTIONS_MAX);
    d->accepted[d->count++] = fd;
    if (d->count == d->expected) {
        acceptor_stop(acceptor);
    }
}

static void on_refused(void *context)
{
    struct door *d = context;

    d->refused++;
}

static void door_init(struct door *d, size_t expected)
{
    int fd;

    *d = (struct door){.expected = expected};
    snprintf(d->address.host, sizeof(d->address.host), "127.0.0.1");
    tap_equal(uv_loop_init(&d->loop), 0);
    tap_equal(listener_open(&d->address, &fd, 1, NULL), 0);
    acceptor_start(&d->acceptor, &d->loop, fd, on_accepted, d);
}

static void door_done(struct door *d)
{
    acceptor_stop(&d->acceptor);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    tap_equal(uv_loop_close(&d->loop), 0);
    for (size_t i = 0; i < d->count; i++) {
        close(d->accepted[i]);
    }
}

/* A connected socket, or -1. */
static int connect_to(const struct door *d)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(d->address.port),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    tap_check(fd >= 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

TAP_CASE(a_connection_is_taken_as_a_descriptor_that_does_not_block)
{
    struct door d;
    char byte;
    int fd;

    door_init(&d, 1);
    fd = connect_to(&d);
    uv_run(&d.loop, UV_RUN_DEFAULT);

    tap_equal(d.count, 1);
    tap_equal(read(d.accepted[0], &byte, 1), -1);
    tap_equal(errno, EAGAIN);
    tap_check((fcntl(d.accepted[0], F_GETFD) & FD_CLOEXEC) != 0);
    tap_equal(write(fd, "x", 1), 1);
    close(fd);
    door_done(&d);
}

TAP_CASE(connections_that_came_together_are_all_taken)
{
    int fds[150];
    struct door d;

    door_init(&d, 150);
    for (int i = 0; i < 150; i++) {
        fds[i] = connect_to(&d);
        tap_check(fds[i] >= 0);
    }
    uv_run(&d.loop, UV_RUN_DEFAULT);

    tap_equal(d.count, 150);
    for (int i = 0; i < 150; i++) {
        close(fds[i]);
    }
    door_done(&d);
}

TAP_CASE(one_turn_takes_a_small_group_only)
{
    int fds[100];
    struct door d;

    door_init(&d, 0);
    for (int i = 0; i < 100; i++) {
        fds[i] = connect_to(&d);
        tap_check(fds[i] >= 0);
    }
    uv_run(&d.loop, UV_RUN_ONCE);
    tap_equal(d.count, 64);
    uv_run(&d.loop, UV_RUN_ONCE);
    tap_equal(d.count, 100);
    for (int i = 0; i < 100; i++) {
        close(fds[i]);
    }
    door_done(&d);
}

TAP_CASE(after_it_is_stopped_nobody_can_connect)
{
    struct door d;

    door_init(&d, 0);
    acceptor_stop(&d.acceptor);
    uv_run(&d.loop, UV_RUN_DEFAULT);
    tap_equal(connect_to(&d), -1);
    acceptor_stop(&d.acceptor);
    door_done(&d);
}

TAP_CASE(without_a_descriptor_there_is_nothing_to_start_or_stop)
{
    struct door d = {.count = 0};

    tap_equal(uv_loop_init(&d.loop), 0);
    acceptor_start(&d.acceptor, &d.loop, -1, on_accepted, &d);
    tap_equal(uv_run(&d.loop, UV_RUN_NOWAIT), 0);
    door_done(&d);
}

static void limit_descriptors(rlim_t count)
{
    struct rlimit limit;

    tap_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = count;
    tap_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TAP_CASE(without_descriptors_it_pauses_and_then_takes_who_waited)
{
    struct rlimit before;
    struct door d;
    uint64_t paused_ms;
    int silent = open("/dev/null", O_WRONLY);
    int fd;

    tap_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    logger_init(silent, LOGGER_INFO);
    door_init(&d, 1);
    fd = connect_to(&d);
    limit_descriptors(1);
    uv_run(&d.loop, UV_RUN_ONCE);
    uv_update_time(&d.loop);
    paused_ms = uv_now(&d.loop);
    tap_equal(d.count, 0);
    limit_descriptors(before.rlim_cur);

    /* It looks again by itself, and not at once. */
    uv_run(&d.loop, UV_RUN_DEFAULT);
    tap_equal(d.count, 1);
    tap_check(uv_now(&d.loop) - paused_ms >= 50);
    logger_init(STDERR_FILENO, LOGGER_INFO);
    close(silent);
    close(fd);
    door_done(&d);
}

TAP_CASE(it_can_be_stopped_while_it_pauses)
{
    struct rlimit before;
    struct door d;
    int silent = open("/dev/null", O_WRONLY);
    int fd;

    tap_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    logger_init(silent, LOGGER_INFO);
    door_init(&d, 1);
    fd = connect_to(&d);
    limit_descriptors(1);
    uv_run(&d.loop, UV_RUN_ONCE);
    limit_descriptors(before.rlim_cur);
    logger_init(STDERR_FILENO, LOGGER_INFO);
    close(silent);
    close(fd);
    door_done(&d);
    tap_equal(d.count, 0);
}

/* Take all descriptors but the last `left`. */
static size_t fill_descriptors(int *fds, size_t most, size_t left)
{
    size_t count = 0;

    limit_descriptors(most / 2);
    while (count < most && (fds[count] = dup(STDERR_FILENO)) >= 0) {
        count++;
    }
    tap_check(count > left && count < most);
    while (left-- > 0) {
        close(fds[--count]);
    }
    return count;
}

TAP_CASE(who_comes_when_there_is_no_descriptor_is_turned_away)
{
    struct timeval patience = {.tv_sec = 10};
    struct rlimit before;
    struct door d;
    int silent = open("/dev/null", O_WRONLY);
    int fds[512];
    size_t filled;
    int guests[3];
    char byte;

    tap_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    logger_init(silent, LOGGER_INFO);
    door_init(&d, 0);
    filled = fill_descriptors(fds, 512, 3);
    for (int i = 0; i < 3; i++) {
        guests[i] = connect_to(&d);
        tap_check(guests[i] >= 0);
        tap_equal(setsockopt(guests[i],
                             SOL_SOCKET,
                             SO_RCVTIMEO,
                             &patience,
                             sizeof(patience)),
                  0);
    }
    uv_run(&d.loop, UV_RUN_ONCE);
    tap_equal(d.count, 0);
    for (int i = 0; i < 3; i++) {
        tap_equal(recv(guests[i], &byte, 1, 0), 0); /* and no EAGAIN */
        close(guests[i]);
    }

    /* With descriptors again, the next is taken. */
    while (filled > 0) {
        close(fds[--filled]);
    }
    tap_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    guests[0] = connect_to(&d);
    d.expected = 1;
    uv_run(&d.loop, UV_RUN_DEFAULT);
    tap_equal(d.count, 1);
    logger_init(STDERR_FILENO, LOGGER_INFO);
    close(silent);
    close(guests[0]);
    door_done(&d);
}

TAP_CASE(one_that_is_refused_is_closed_and_counted)
{
    struct door d;
    int silent = open("/dev/null", O_WRONLY);
    int fd;
    char byte;

    logger_init(silent, LOGGER_INFO);
    door_init(&d, 0);
    d.acceptor.on_refused = on_refused;
    fd = connect_to(&d);
    uv_run(&d.loop, UV_RUN_ONCE);
    acceptor_refuse(&d.acceptor, d.accepted[--d.count]);
    tap_equal(d.refused, 1);
    tap_equal(recv(fd, &byte, 1, 0), 0);
    logger_init(STDERR_FILENO, LOGGER_INFO);
    close(silent);
    close(fd);
    door_done(&d);
}

TAP_MAIN()

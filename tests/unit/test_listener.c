/* Listening sockets share a port among themselves and with nobody else. */
#include "src/io/listener.h"

#include "tests/lib/tap.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct listener_address address_of(const char *host, uint16_t port)
{
    struct listener_address address = {.port = port};

    snprintf(address.host, sizeof(address.host), "%s", host);
    return address;
}

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        close(fds[i]);
    }
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in at;
    socklen_t len = sizeof(at);

    tap_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

/* A connected socket, or -1. */
static int connect_to(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    tap_check(fd >= 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

TAP_CASE(port_0_finds_a_free_port_and_tells_it)
{
    struct listener_address address = address_of("127.0.0.1", 0);
    int fds[1];
    int fd;

    tap_equal(listener_open(&address, fds, 1, NULL), 0);
    tap_check(address.port != 0);
    tap_equal(port_of(fds[0]), address.port);
    fd = connect_to(address.port);
    tap_check(fd >= 0);
    close(fd);
    close_all(fds, 1);
}

TAP_CASE(all_sockets_have_the_same_port_and_do_not_block)
{
    struct listener_address address = address_of("127.0.0.1", 0);
    int fds[4];

    tap_equal(listener_open(&address, fds, 4, NULL), 0);
    for (int i = 0; i < 4; i++) {
        tap_equal(port_of(fds[i]), address.port);
        tap_check((fcntl(fds[i], F_GETFL) & O_NONBLOCK) != 0);
        tap_check((fcntl(fds[i], F_GETFD) & FD_CLOEXEC) != 0);
    }
    close_all(fds, 4);
}

TAP_CASE(every_connection_reaches_one_of_the_sockets)
{
    enum { SOCKETS = 3, CONNECTIONS = 60 };
    struct listener_address address = address_of("127.0.0.1", 0);
    int fds[SOCKETS];
    int clients[CONNECTIONS];
    int accepted = 0;

    tap_equal(listener_open(&address, fds, SOCKETS, NULL), 0);
    for (int i = 0; i < CONNECTIONS; i++) {
        clients[i] = connect_to(address.port);
        tap_check(clients[i] >= 0);
    }
    for (int i = 0; i < SOCKETS; i++) {
        int fd;

        while ((fd = accept(fds[i], NULL, NULL)) >= 0) {
            accepted++;
            close(fd);
        }
    }
    tap_equal(accepted, CONNECTIONS);
    close_all(clients, CONNECTIONS);
    close_all(fds, SOCKETS);
}

TAP_CASE(a_port_that_listens_already_is_busy_also_when_it_would_be_shared)
{
    struct listener_address first = address_of("127.0.0.1", 0);
    struct listener_address second;
    struct why why = {{0}};
    char part[32];
    int fds[2];
    int other[2] = {-1, -1};

    tap_equal(listener_open(&first, fds, 2, NULL), 0);
    second = first;
    tap_equal(listener_open(&second, other, 2, &why), RC_BUSY);
    snprintf(part, sizeof(part), "127.0.0.1 port %u", first.port);
    tap_check(strstr(why.text, part) != NULL);
    tap_equal(other[0], -1);
    close_all(fds, 2);
    /* And is free again afterwards. */
    tap_equal(listener_open(&second, other, 2, NULL), 0);
    tap_equal(second.port, first.port);
    close_all(other, 2);
}

TAP_CASE(a_name_is_resolved)
{
    struct listener_address address = address_of("localhost", 0);
    int fds[1];

    tap_equal(listener_open(&address, fds, 1, NULL), 0);
    tap_check(address.port != 0);
    close_all(fds, 1);
}

TAP_CASE(an_address_of_version_6_is_taken_where_there_is_any)
{
    struct listener_address address = address_of("::1", 0);
    struct why why = {{0}};
    int fds[2];
    int rc = listener_open(&address, fds, 2, &why);

    if (rc != 0) {
        printf("# left out: %s\n", why.text);
        return;
    }
    tap_check(address.port != 0);
    close_all(fds, 2);
}

TAP_CASE(what_is_no_host_is_told_in_a_sentence)
{
    struct listener_address address = address_of("not a host", 0);
    struct why why = {{0}};
    int fds[1] = {-1};

    tap_equal(listener_open(&address, fds, 1, &why), RC_NOT_FOUND);
    tap_check(strstr(why.text, "cannot listen on 'not a host': ") != NULL);
    tap_equal(fds[0], -1);
}

TAP_CASE(an_address_of_another_machine_is_an_error)
{
    struct listener_address address = address_of("192.0.2.1", 0);
    struct why why = {{0}};
    int fds[1];

    tap_equal(listener_open(&address, fds, 1, &why), RC_IO);
    tap_check(strstr(why.text, "192.0.2.1 port 0") != NULL);
}

static int next_fd(void)
{
    int fd = dup(STDERR_FILENO);

    close(fd);
    return fd;
}

TAP_CASE(when_one_socket_cannot_be_opened_none_stays_open)
{
    struct listener_address address = address_of("127.0.0.1", 0);
    struct rlimit limit;
    struct rlimit few;
    struct why why = {{0}};
    int fds[4];
    int before = next_fd();
    int rc;

    tap_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = (rlim_t)before + 2;
    tap_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    rc = listener_open(&address, fds, 4, &why);
    tap_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);

    tap_equal(rc, RC_IO);
    tap_check(why.text[0] != '\0');
    tap_equal(next_fd(), before);
}

TAP_CASE(a_url_has_brackets_where_its_host_has_colons)
{
    struct listener_address address = address_of("::1", 8443);
    char url[LISTENER_URL_BYTES_MAX];

    listener_url(&address, "https", url);
    tap_equal_text(bytes_text(url), "https://[::1]:8443");
    address = address_of("127.0.0.1", 80);
    listener_url(&address, "http", url);
    tap_equal_text(bytes_text(url), "http://127.0.0.1:80");
}

TAP_MAIN()

/* Opening the listening sockets of all shards. */
#include "src/io/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

static int describe(struct why *why, const struct listener_address *address)
{
    enum rc rc = errno == EADDRINUSE ? RC_BUSY
                 : errno == EACCES   ? RC_DENIED
                                     : RC_IO;

    return why_set(why,
                   rc,
                   "cannot listen on %s port %u: %s",
                   address->host,
                   address->port,
                   strerror(errno));
}

static int resolve(const struct listener_address *address,
                   struct sockaddr_storage *ret,
                   socklen_t *ret_len,
                   struct why *why)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char port[8];
    int error;

    (void)snprintf(port, sizeof(port), "%u", address->port);
    error = getaddrinfo(address->host, port, &hints, &found);
    if (error != 0) {
        return why_set(why,
                       RC_NOT_FOUND,
                       "cannot listen on '%s': %s",
                       address->host,
                       gai_strerror(error));
    }
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    *ret_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

/* -1 with errno. */
static int open_one(const struct sockaddr_storage *at,
                    socklen_t at_len,
                    bool share)
{
    int fd =
        socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    int error;

    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (share) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    }
    if (bind(fd, (const struct sockaddr *)at, at_len) == 0 &&
        listen(fd, BACKLOG) == 0) {
        return fd;
    }
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);

    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        return 0;
    }
    return ntohs(at.ss_family == AF_INET6
                     ? ((struct sockaddr_in6 *)&at)->sin6_port
                     : ((struct sockaddr_in *)&at)->sin_port);
}

void listener_url(const struct listener_address *address,
                  const char *scheme,
                  char ret[LISTENER_URL_BYTES_MAX])
{
    bool six = strchr(address->host, ':') != NULL;

    (void)snprintf(ret,
                   LISTENER_URL_BYTES_MAX,
                   six ? "%s://[%s]:%u" : "%s://%s:%u",
                   scheme,
                   address->host,
                   address->port);
}

int listener_open(struct listener_address *address,
                  int *ret_fds,
                  unsigned count,
                  struct why *why)
{
    struct sockaddr_storage at;
    socklen_t at_len;
    int rc = resolve(address, &at, &at_len, why);
    int probe;

    if (rc != 0) {
        return rc;
    }
    /* Shared ports are for our shards alone: a second weir on the same port
     * must fail, not take half of the connections. */
    probe = open_one(&at, at_len, false);
    if (probe < 0) {
        return describe(why, address);
    }
    if (address->port == 0) {
        address->port = port_of(probe);
        rc = resolve(address, &at, &at_len, why);
    }
    close(probe);
    for (unsigned i = 0; rc == 0 && i < count; i++) {
        ret_fds[i] = open_one(&at, at_len, true);
        if (ret_fds[i] < 0) {
            rc = describe(why, address);
            while (i-- > 0) {
                close(ret_fds[i]);
                ret_fds[i] = -1;
            }
        }
    }
    return rc;
}

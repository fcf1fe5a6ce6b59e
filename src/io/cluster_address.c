/* IPv4 is kept as IPv6 with this prefix (RFC 4291, 2.5.5.2). */
#include "src/io/cluster_address.h"

#include "base/rc.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

struct gossip_address cluster_address_of(const struct sockaddr *from)
{
    struct gossip_address ret = {.port = 0};

    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, from, sizeof(in));
        memcpy(ret.ip, mapped, sizeof(mapped));
        memcpy(ret.ip + sizeof(mapped), &in.sin_addr, 4);
        ret.port = ntohs(in.sin_port);
    } else if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in;

        memcpy(&in, from, sizeof(in));
        memcpy(ret.ip, &in.sin6_addr, 16);
        ret.port = ntohs(in.sin6_port);
    }
    return ret;
}

static bool is_mapped(const struct gossip_address *address)
{
    return memcmp(address->ip, mapped, sizeof(mapped)) == 0;
}

socklen_t cluster_address_to(const struct gossip_address *address,
                             struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (is_mapped(address)) {
        struct sockaddr_in in = {.sin_family = AF_INET,
                                 .sin_port = htons(address->port)};

        memcpy(&in.sin_addr, address->ip + sizeof(mapped), 4);
        memcpy(ret, &in, sizeof(in));
        return sizeof(in);
    } else {
        struct sockaddr_in6 in = {.sin6_family = AF_INET6,
                                  .sin6_port = htons(address->port)};

        memcpy(&in.sin6_addr, address->ip, 16);
        memcpy(ret, &in, sizeof(in));
        return sizeof(in);
    }
}

void cluster_address_print(const struct gossip_address *address,
                           char ret[CLUSTER_ADDRESS_TEXT_BYTES])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    bool four = is_mapped(address);

    (void)inet_ntop(four ? AF_INET : AF_INET6,
                    four ? address->ip + sizeof(mapped) : address->ip,
                    ip,
                    sizeof(ip));
    (void)snprintf(ret,
                   CLUSTER_ADDRESS_TEXT_BYTES,
                   four ? "%s:%u" : "[%s]:%u",
                   ip,
                   address->port);
}

static bool is_wildcard(const struct gossip_address *address)
{
    static const uint8_t zero[16];

    return memcmp(address->ip, zero, 16) == 0 ||
           (is_mapped(address) &&
            memcmp(address->ip + sizeof(mapped), zero, 4) == 0);
}

int cluster_address_find(const struct listener_address *listen,
                         const struct listener_address *advertise,
                         struct gossip_address *ret,
                         struct why *why)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_DGRAM};
    bool own = advertise->host[0] == '\0';
    const char *host = own ? listen->host : advertise->host;
    struct addrinfo *found;
    int error = getaddrinfo(host, NULL, &hints, &found);

    if (error != 0) {
        return why_set(why,
                       RC_NOT_FOUND,
                       "the cluster's address '%s': %s",
                       host,
                       gai_strerror(error));
    }
    *ret = cluster_address_of(found->ai_addr);
    freeaddrinfo(found);
    ret->port = !own && advertise->port != 0 ? advertise->port : listen->port;
    if (is_wildcard(ret)) {
        return why_set(why,
                       RC_MALFORMED,
                       "the others cannot reach this node at '%s': listen "
                       "at an address of its own, or set cluster.advertise",
                       host);
    }
    return 0;
}

/* Between the system's addresses and gossip's. */
#ifndef IO_CLUSTER_ADDRESS_H
#define IO_CLUSTER_ADDRESS_H

#include "proto/gossip.h"
#include "src/io/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define CLUSTER_ADDRESS_TEXT_BYTES 64

/* Zeroed when it is neither IPv4 nor IPv6. */
struct gossip_address cluster_address_of(const struct sockaddr *from);

/* IPv4 as IPv4, so that it can be sent to from an IPv4 socket. Returns the
 * length. */
socklen_t cluster_address_to(const struct gossip_address *address,
                             struct sockaddr_storage *ret);

/* Where the others reach us: `advertise`, or `listen` when its host is "". The
 * port is always that of `listen`, unless another is advertised. RC_NOT_FOUND,
 * RC_MALFORMED (a wildcard address reaches nobody), with a sentence. */
int cluster_address_find(const struct listener_address *listen,
                         const struct listener_address *advertise,
                         struct gossip_address *ret,
                         struct why *why);

/* "192.0.2.1:7946", "[2001:db8::1]:7946" */
void cluster_address_print(const struct gossip_address *address,
                           char ret[CLUSTER_ADDRESS_TEXT_BYTES]);

#endif

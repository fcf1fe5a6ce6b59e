/* Listening sockets: one a shard on the same address, between which the kernel
 * spreads connections (SO_REUSEPORT). */
#ifndef IO_LISTENER_H
#define IO_LISTENER_H

#include "base/why.h"

#include <stdint.h>

struct listener_address {
    char host[256]; /* a name or an IP address, no brackets */
    uint16_t port;  /* 0: any, which listener_open() fills in */
};

/* "https://[::1]:8443" */
#define LISTENER_URL_BYTES_MAX (256 + 32)
void listener_url(const struct listener_address *address,
                  const char *scheme,
                  char ret[LISTENER_URL_BYTES_MAX]);

/* Open `count` listening sockets on one address. RC_BUSY: another process has
 * it, also one that would share it. RC_DENIED, RC_NOT_FOUND, RC_IO. */
int listener_open(struct listener_address *address,
                  int *ret_fds,
                  unsigned count,
                  struct why *why);

#endif

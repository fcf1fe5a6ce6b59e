/* HOST:PORT, as a listener is told where to listen; an IPv6 address stands in
 * brackets: [::1]:8080. */
#ifndef SRC_ADDRESS_H
#define SRC_ADDRESS_H

#include "base/bytes.h"
#include "base/why.h"
#include "src/io/listener.h"

#define ADDRESS_HOST_BYTES_MAX 255
#define ADDRESS_TEXT_BYTES_MAX (ADDRESS_HOST_BYTES_MAX + 9)

struct address {
    char host[ADDRESS_HOST_BYTES_MAX + 1]; /* no brackets; "": none */
    uint16_t port;                         /* 0: any that is free */
};

/* RC_MALFORMED with a sentence about the part that is wrong. */
int address_parse(struct bytes text, struct address *ret, struct why *why);

void address_print(const struct address *address,
                   char ret[ADDRESS_TEXT_BYTES_MAX]);

/* The same for src/io, which is below. */
struct listener_address address_listener(const struct address *address);

#endif

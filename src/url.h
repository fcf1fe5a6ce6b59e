/* The address of a weir server, as its clients' commands take it:
 * SCHEME://HOST[:PORT][/], SCHEME one of http, https, ws, wss; the paths that
 * AWS's clients are given ("/event", "/event/realtime") may stand behind. */
#ifndef SRC_URL_H
#define SRC_URL_H

#include "base/bytes.h"
#include "base/why.h"

#define URL_HOST_BYTES_MAX 255

struct url {
    bool tls;
    bool host_is_ipv6; /* written in brackets where a port may follow */
    uint16_t port;
    char host[URL_HOST_BYTES_MAX + 1]; /* no brackets */
};

/* 0, or RC_MALFORMED with a sentence that names the part that is wrong. */
int url_parse(const char *text, struct url *ret, struct why *why);

/* "HOST" or "HOST:PORT" when the port is not the scheme's own, with brackets
 * around an IPv6 address: the value of a Host field. */
#define URL_AUTHORITY_BYTES_MAX (URL_HOST_BYTES_MAX + 9)
void url_authority(const struct url *url, char out[URL_AUTHORITY_BYTES_MAX]);

#endif

/* The port is what stands behind the last colon outside of brackets. */
#include "src/address.h"

#include "base/check.h"
#include "base/text.h"

#include <stdio.h>

static const char host_bytes[] = "abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
static const char ipv6_bytes[] = "abcdefABCDEF0123456789:.";

static bool made_of(struct bytes text, const char *allowed)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == 0 || strchr(allowed, text.data[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* Split "host:port" or "[host]:port"; false: no colon where it must be. */
static bool split(struct bytes text,
                  struct bytes *ret_host,
                  struct bytes *ret_port)
{
    bool bracket = text.len > 0 && text.data[0] == '[';
    char end = bracket ? ']' : ':';
    struct bytes host;

    if (bracket) {
        text = bytes_from(text, 1);
    }
    if (memchr(text.data, end, text.len) == NULL || text.data[0] == end) {
        return false;
    }
    check(bytes_split(&text, end, &host));
    if (bracket) {
        if (text.len == 0 || text.data[0] != ':') {
            return false;
        }
        text = bytes_from(text, 1);
    }
    *ret_host = host;
    *ret_port = text;
    return made_of(host, bracket ? ipv6_bytes : host_bytes);
}

int address_parse(struct bytes text, struct address *ret, struct why *why)
{
    struct bytes host;
    struct bytes port;
    uint64_t number;

    if (text.len == 0 || !split(text, &host, &port)) {
        return why_set(why,
                       RC_MALFORMED,
                       "expects HOST:PORT, such as 127.0.0.1:8080, "
                       "0.0.0.0:8080 or [::]:8080");
    }
    if (host.len > ADDRESS_HOST_BYTES_MAX) {
        return why_set(why, RC_MALFORMED, "the host is too long");
    }
    if (!text_decimal(port, &number) || number > UINT16_MAX) {
        return why_set(
            why, RC_MALFORMED, "the port must be a number from 0 to 65535");
    }
    memset(ret, 0, sizeof(*ret));
    memcpy(ret->host, host.data, host.len);
    ret->port = (uint16_t)number;
    return 0;
}

void address_print(const struct address *address,
                   char ret[ADDRESS_TEXT_BYTES_MAX])
{
    bool bracket = strchr(address->host, ':') != NULL;

    snprintf(ret,
             ADDRESS_TEXT_BYTES_MAX,
             "%s%s%s:%u",
             bracket ? "[" : "",
             address->host,
             bracket ? "]" : "",
             address->port);
}

struct listener_address address_listener(const struct address *address)
{
    struct listener_address ret = {.port = address->port};

    (void)snprintf(ret.host, sizeof(ret.host), "%s", address->host);
    return ret;
}

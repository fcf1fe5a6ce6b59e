/* Takes an address apart from left to right, each part with its own refusal. */
#include "src/url.h"

#include "base/check.h"
#include "base/text.h"

#include <stdio.h>

#define PORT_HTTP 80
#define PORT_HTTPS 443

static bool scheme_take(struct bytes *rest, struct url *ret)
{
    static const struct {
        struct bytes prefix;
        bool tls;
    } schemes[] = {
        {BYTES_LITERAL("http://"), false},
        {BYTES_LITERAL("https://"), true},
        {BYTES_LITERAL("ws://"), false},
        {BYTES_LITERAL("wss://"), true},
    };

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (bytes_starts_with(*rest, schemes[i].prefix)) {
            *rest = bytes_from(*rest, schemes[i].prefix.len);
            ret->tls = schemes[i].tls;
            ret->port = schemes[i].tls ? PORT_HTTPS : PORT_HTTP;
            return true;
        }
    }
    return false;
}

static bool host_byte_valid(uint8_t c, bool ipv6)
{
    bool digit = c >= '0' && c <= '9';
    bool lower = c >= 'a' && c <= 'z';
    bool upper = c >= 'A' && c <= 'Z';

    if (ipv6) {
        return digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
               c == ':' || c == '.';
    }
    return digit || lower || upper || c == '-' || c == '.' || c == '_';
}

/* Splits "host", "host:port" or "[address]:port"; `ret_port` has no data when
 * there is no colon. */
static bool authority_split(struct bytes text,
                            struct bytes *ret_host,
                            struct bytes *ret_port)
{
    const uint8_t *end;

    *ret_port = bytes_of(NULL, 0);
    if (text.len > 0 && text.data[0] == '[') {
        end = memchr(text.data, ']', text.len);
        if (end == NULL) {
            return false;
        }
        *ret_host = bytes_of(text.data + 1, (size_t)(end - text.data) - 1);
        text = bytes_from(text, ret_host->len + 2);
        if (text.len > 0 && text.data[0] != ':') {
            return false;
        }
    } else {
        end = memchr(text.data, ':', text.len);
        *ret_host =
            end == NULL ? text : bytes_of(text.data, (size_t)(end - text.data));
        text = bytes_from(text, ret_host->len);
    }
    if (text.len > 0) {
        *ret_port = bytes_from(text, 1);
    }
    return true;
}

static int host_parse(struct bytes host, struct url *ret, struct why *why)
{
    if (host.len == 0) {
        return why_set(why, RC_MALFORMED, "the host is missing");
    }
    if (host.len > URL_HOST_BYTES_MAX) {
        return why_set(why,
                       RC_MALFORMED,
                       "the host is longer than %d characters",
                       URL_HOST_BYTES_MAX);
    }
    for (size_t i = 0; i < host.len; i++) {
        if (!host_byte_valid(host.data[i], ret->host_is_ipv6)) {
            return why_set(why,
                           RC_MALFORMED,
                           "the host '%.*s' has a character that no host has",
                           (int)host.len,
                           (const char *)host.data);
        }
    }
    memcpy(ret->host, host.data, host.len);
    ret->host[host.len] = '\0';
    return 0;
}

static int port_parse(struct bytes port, struct url *ret, struct why *why)
{
    uint64_t number;

    if (port.data == NULL) {
        return 0;
    }
    if (!text_decimal(port, &number) || number == 0 || number > UINT16_MAX) {
        return why_set(why,
                       RC_MALFORMED,
                       "the port '%.*s' is not a number from 1 to 65535",
                       (int)port.len,
                       (const char *)port.data);
    }
    ret->port = (uint16_t)number;
    return 0;
}

static bool path_known(struct bytes path)
{
    return path.len == 0 || bytes_equal_text(path, "/") ||
           bytes_equal_text(path, "/event") ||
           bytes_equal_text(path, "/event/realtime");
}

static int parse(struct bytes rest, struct url *ret, struct why *why)
{
    struct bytes authority, host, port;
    const uint8_t *slash;
    int rc;

    if (!scheme_take(&rest, ret)) {
        return why_set(why,
                       RC_MALFORMED,
                       "it must begin with http://, https://, ws:// or wss://");
    }
    slash = rest.len == 0 ? NULL : memchr(rest.data, '/', rest.len);
    authority =
        slash == NULL ? rest : bytes_of(rest.data, (size_t)(slash - rest.data));
    rest = bytes_from(rest, authority.len);
    if (!path_known(rest)) {
        return why_set(why,
                       RC_MALFORMED,
                       "nothing may follow the host and port but /event, not "
                       "'%.*s'",
                       (int)rest.len,
                       (const char *)rest.data);
    }
    if (authority.len == 0) {
        return why_set(why, RC_MALFORMED, "the host is missing");
    }
    ret->host_is_ipv6 = authority.data[0] == '[';
    if (!authority_split(authority, &host, &port)) {
        return why_set(
            why,
            RC_MALFORMED,
            "an IPv6 address is written [ADDRESS] or [ADDRESS]:PORT");
    }
    rc = host_parse(host, ret, why);
    return rc != 0 ? rc : port_parse(port, ret, why);
}

int url_parse(const char *text, struct url *ret, struct why *why)
{
    struct url url = {0};
    int rc = parse(bytes_text(text), &url, why);

    if (rc != 0) {
        return why_wrap(why, rc, "'%s' is not a server's URL", text);
    }
    *ret = url;
    return 0;
}

void url_authority(const struct url *url, char out[URL_AUTHORITY_BYTES_MAX])
{
    const char *open = url->host_is_ipv6 ? "[" : "";
    const char *close = url->host_is_ipv6 ? "]" : "";
    bool usual = url->port == (url->tls ? PORT_HTTPS : PORT_HTTP);
    int len;

    if (usual) {
        len = snprintf(
            out, URL_AUTHORITY_BYTES_MAX, "%s%s%s", open, url->host, close);
    } else {
        len = snprintf(out,
                       URL_AUTHORITY_BYTES_MAX,
                       "%s%s%s:%u",
                       open,
                       url->host,
                       close,
                       (unsigned)url->port);
    }
    check(len > 0 && len < URL_AUTHORITY_BYTES_MAX);
}

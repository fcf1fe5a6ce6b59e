/* Responses are written in one go, in the order they are called for. */
#include "proto/http_reply.h"

#include "base/check.h"

const char *http_reply_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } table[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].status == status) {
            return table[i].phrase;
        }
    }
    return "Unknown"; /* RFC 9112, 4: clients ignore the phrase. */
}

void http_reply_begin(struct buffer *out, int status)
{
    check(status >= 100);
    check(status <= 999);
    buffer_text(out, "HTTP/1.1 ");
    buffer_decimal(out, (uint64_t)status);
    buffer_text(out, " ");
    buffer_text(out, http_reply_phrase(status));
    buffer_text(out, "\r\n");
}

void http_reply_field(struct buffer *out, const char *name, struct bytes value)
{
    size_t name_len = strlen(name);
    size_t len;
    uint8_t *at;

    /* A line end in a value would begin a field, or a body, of its own. */
    if (value.len > 0) {
        check(memchr(value.data, '\r', value.len) == NULL);
        check(memchr(value.data, '\n', value.len) == NULL);
        check(memchr(value.data, '\0', value.len) == NULL);
    }
    len = name_len + value.len + 4;
    at = buffer_reserve(out, len);
    if (at == NULL) {
        return;
    }
    memcpy(at, name, name_len);
    memcpy(at + name_len, ": ", 2);
    if (value.len > 0) {
        memcpy(at + name_len + 2, value.data, value.len);
    }
    memcpy(at + len - 2, "\r\n", 2);
    buffer_advance(out, len);
}

void http_reply_body(struct buffer *out, struct bytes body, bool head_only)
{
    buffer_text(out, "Content-Length: ");
    buffer_decimal(out, body.len);
    buffer_text(out, "\r\n");
    http_reply_end(out);
    if (!head_only) {
        buffer_append(out, body);
    }
}

void http_reply_end(struct buffer *out)
{
    buffer_text(out, "\r\n");
}

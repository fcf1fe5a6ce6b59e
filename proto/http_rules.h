/* What a request's head must obey beyond the grammar that llhttp checks, so
 * that nobody between the client and weir can read it differently (RFC
 * 9112, 11.2).
 *
 * Also holds against an llhttp that was built in its loose mode. */
#ifndef PROTO_HTTP_RULES_H
#define PROTO_HTTP_RULES_H

#include "proto/http_head.h"

#include <llhttp.h>

/* The request line, as llhttp read it. */
struct http_rules_line {
    uint32_t target; /* offsets into the head */
    uint32_t target_end;
    unsigned version_minor; /* 0 or 1 */
    bool options;           /* the method, which may have the target "*" */
};

struct http_rules {
    int status; /* 0, or what to refuse the request with: 400, 417, 501 */
    const char *reason;
    bool expects_continue;
    struct bytes path;  /* views into the head, or "/" */
    struct bytes query; /* without '?' */
};

/* The status for what llhttp itself refused: 505 for a version, 501 for a
 * method that it does not know and that may be one (RFC 9110, 9.1), 400.
 * `raw`: what has come of the head. */
int http_rules_status(llhttp_errno_t error, struct bytes raw);

/* `head` is whole, up to and with its empty line. */
void http_rules_apply(const struct http_head *head,
                      const struct http_rules_line *line,
                      struct http_rules *ret);

#endif

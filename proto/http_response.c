/* llhttp reads all of a response here, for weir's clients are not in a hurry.
 * A body that only the end of the connection would end is refused: a torn
 * answer must not pass for a whole one. */
#include "proto/http_response.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/rc.h"
#include "proto/http_head.h"

#include <llhttp.h>
#include <stdlib.h>

struct http_response {
    llhttp_t parser;
    enum { PART_HEAD, PART_BODY, PART_WHOLE, PART_FAILED } part;
    int rc;
    int status;
    struct buffer body;
    struct http_head head;
};

static struct http_response *response_of(llhttp_t *parser)
{
    check(parser->data != NULL);
    return parser->data;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct http_response *r = response_of(parser);

    if (r->part == PART_HEAD && !http_head_name(&r->head, at, len)) {
        r->rc = RC_TOO_LARGE;
        return HPE_USER;
    }
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http_response *r = response_of(parser);

    if (r->part == PART_HEAD && !http_head_value(&r->head, at, len)) {
        return HPE_USER;
    }
    return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
    http_head_value_end(&response_of(parser)->head);
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http_response *r = response_of(parser);

    buffer_append(&r->body, bytes_of(at, len));
    if (r->body.overflowed) {
        r->rc = RC_TOO_LARGE;
        return HPE_USER;
    }
    return 0;
}

static int on_pause(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t response_settings = {
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_pause,
    .on_body = on_body,
    .on_message_complete = on_pause,
};

static void response_reset(struct http_response *r)
{
    llhttp_init(&r->parser, HTTP_RESPONSE, &response_settings);
    r->parser.data = r;
    r->part = PART_HEAD;
    http_head_clear(&r->head);
    buffer_clear(&r->body);
}

struct http_response *http_response_new(size_t body_bytes_max)
{
    struct http_response *r = alloc_zero(sizeof(*r));

    buffer_init(&r->body, body_bytes_max);
    http_head_init(&r->head, HTTP_RESPONSE_HEAD_BYTES_MAX);
    response_reset(r);
    return r;
}

void http_response_free(struct http_response *r)
{
    if (r == NULL) {
        return;
    }
    http_head_done(&r->head);
    buffer_done(&r->body);
    free(r);
}

void http_response_next(struct http_response *r)
{
    check(r->part == PART_WHOLE);
    response_reset(r);
}

/* After the head: 101 and what needs the connection's end go no further. */
static int head_complete(struct http_response *r)
{
    r->status = r->parser.status_code;
    r->parser.upgrade = 0;
    if (r->status == 101) {
        r->part = PART_WHOLE;
        return RC_OK;
    }
    if (llhttp_message_needs_eof(&r->parser)) {
        return RC_MALFORMED;
    }
    r->part = PART_BODY;
    llhttp_resume(&r->parser);
    return RC_AGAIN;
}

static int message_complete(struct http_response *r)
{
    if (r->status < 200) {
        response_reset(r);
        return RC_AGAIN;
    }
    r->part = PART_WHOLE;
    return RC_OK;
}

/* Take part of `in`, up to the end of the head or of the message. */
static int response_step(struct http_response *r, struct bytes *in)
{
    size_t room = r->head.raw.cap - r->head.raw.len;
    bool in_head = r->part == PART_HEAD;
    struct bytes part = *in;
    size_t n = 0;

    if (in_head) {
        part.len = part.len < room ? part.len : room;
        http_head_feed(&r->head, part);
    }
    llhttp_errno_t error =
        llhttp_execute(&r->parser, (const char *)part.data, part.len);

    if (error != HPE_OK && error != HPE_PAUSED) {
        return r->rc != 0 ? r->rc : RC_MALFORMED;
    }
    n = part.len;
    if (error == HPE_PAUSED) {
        const char *at = llhttp_get_error_pos(&r->parser);

        n = (size_t)((const uint8_t *)at - part.data);
    }
    *in = bytes_from(*in, n);
    if (in_head) {
        http_head_keep(&r->head, n);
    }
    if (error == HPE_PAUSED) {
        return in_head ? head_complete(r) : message_complete(r);
    }
    return r->head.raw.len < r->head.raw.cap ? RC_AGAIN : RC_TOO_LARGE;
}

int http_response_receive(struct http_response *r,
                          struct bytes in,
                          size_t *ret_consumed)
{
    struct bytes rest = in;
    int rc = RC_AGAIN;

    check(r->part != PART_WHOLE);
    *ret_consumed = 0;
    if (r->part == PART_FAILED) {
        return r->rc;
    }
    /* A message without a body is complete before the next byte is read. */
    while (rc == RC_AGAIN && (rest.len > 0 || r->part == PART_BODY)) {
        size_t before = rest.len;
        int part = (int)r->part;

        rc = response_step(r, &rest);
        if (rest.len == before && (int)r->part == part) {
            break;
        }
    }
    *ret_consumed = in.len - rest.len;
    if (rc != RC_OK && rc != RC_AGAIN) {
        r->part = PART_FAILED;
        r->rc = rc;
    }
    return rc;
}

int http_response_status(const struct http_response *r)
{
    check(r->part == PART_WHOLE);
    return r->status;
}

struct bytes http_response_field(const struct http_response *r,
                                 const char *name)
{
    check(r->part == PART_WHOLE);
    return http_head_find(&r->head, name);
}

struct bytes http_response_body(const struct http_response *r)
{
    check(r->part == PART_WHOLE);
    return buffer_view(&r->body);
}

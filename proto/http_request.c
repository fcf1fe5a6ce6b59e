/* llhttp reads heads and chunked framing; a body of known length is only
 * copied. What llhttp leaves open is decided once, when the head is whole. */
#include "proto/http_request.h"

#include "base/alloc.h"
#include "base/check.h"
#include "proto/http_body.h"
#include "proto/http_head.h"
#include "proto/http_rules.h"

#include <llhttp.h>
#include <stdlib.h>

#define BODY_TOO_LARGE "the request body is too large"

_Static_assert(HTTP_REQUEST_FIELDS_MAX == HTTP_HEAD_FIELDS_MAX,
               "the head keeps the fields");

enum phase {
    PHASE_HEAD,
    PHASE_LENGTH, /* a body of known length */
    PHASE_CHUNKS,
    PHASE_READY,
    PHASE_FAILED,
};

struct http_request {
    struct http_request_limits limits;
    llhttp_t parser;
    enum phase phase;
    int status;
    const char *reason;
    uint32_t target;
    uint32_t target_end;
    struct bytes path;
    struct bytes query;
    struct http_body body;
    uint8_t last; /* the byte before the next byte of framing */
    bool keep_alive;
    bool upgrade;
    bool expects;          /* "100 Continue" */
    struct http_head head; /* last, for only its beginning is initialised */
};

static struct http_request *request_of(llhttp_t *parser)
{
    check(parser->data != NULL);
    return parser->data;
}

static void refuse(struct http_request *r, int status, const char *reason)
{
    if (r->status == 0) {
        r->status = status;
        r->reason = reason;
    }
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct http_request *r = request_of(parser);
    uint32_t start = http_head_offset(&r->head, at);

    if (r->target_end == 0) {
        r->target = start;
    }
    r->target_end = start + (uint32_t)len;
    if (r->target_end - r->target > r->limits.target_bytes_max) {
        refuse(r, 414, "the request target is too long");
        return HPE_USER;
    }
    return 0;
}

static int on_version_complete(llhttp_t *parser)
{
    if (parser->http_major != 1 || parser->http_minor > 1) {
        refuse(request_of(parser), 505, "only HTTP/1.0 and 1.1 are spoken");
        return HPE_USER;
    }
    return 0;
}

/* Trailers come through the same callbacks as fields, and are dropped. */

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct http_request *r = request_of(parser);

    if (r->phase == PHASE_HEAD && !http_head_name(&r->head, at, len)) {
        refuse(r, 431, "too many header fields");
        return HPE_USER;
    }
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http_request *r = request_of(parser);

    if (r->phase == PHASE_HEAD && !http_head_value(&r->head, at, len)) {
        refuse(r, 400, "a field has no name");
        return HPE_USER;
    }
    return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
    http_head_value_end(&request_of(parser)->head);
    return 0;
}

static int on_pause(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static int on_chunk_header(llhttp_t *parser)
{
    struct http_request *r = request_of(parser);

    if (parser->content_length > http_body_room(&r->body)) {
        refuse(r, 413, BODY_TOO_LARGE);
        return HPE_USER;
    }
    return 0;
}

static void framing_until(struct http_request *r, const uint8_t *end)
{
    const char *reason = NULL;
    int status = http_body_framing(
        &r->body, end, &r->last, r->limits.head_bytes_max, &reason);

    refuse(r, status, reason);
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http_request *r = request_of(parser);
    const uint8_t *data = (const uint8_t *)at;

    check(r->phase == PHASE_CHUNKS);
    if (r->body.framing != data) {
        framing_until(r, data);
    }
    r->body.framing = data + len;
    r->last = 0;
    http_body_add(&r->body, bytes_of(data, len));
    return r->status == 0 ? 0 : HPE_USER;
}

static const llhttp_settings_t request_settings = {
    .on_url = on_url,
    .on_version_complete = on_version_complete,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_pause,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_pause,
};

static void request_reset(struct http_request *r)
{
    llhttp_init(&r->parser, HTTP_REQUEST, &request_settings);
    r->parser.data = r;
    r->phase = PHASE_HEAD;
    r->status = 0;
    r->reason = NULL;
    r->target = 0;
    r->target_end = 0;
    r->last = 0;
}

struct http_request *http_request_new(const struct http_request_limits *limits)
{
    struct http_request *r = alloc_raw(sizeof(*r));

    check(limits->head_bytes_max > 0);
    memset(r, 0, offsetof(struct http_request, head));
    r->limits = *limits;
    http_body_init(&r->body, limits->body_bytes_max);
    memset(&r->head, 0, offsetof(struct http_head, fields));
    http_head_init(&r->head, limits->head_bytes_max);
    request_reset(r);
    return r;
}

void http_request_free(struct http_request *r)
{
    if (r == NULL) {
        return;
    }
    http_head_done(&r->head);
    http_body_done(&r->body);
    free(r);
}

void http_request_next(struct http_request *r)
{
    check(r->phase == PHASE_READY);
    http_head_clear(&r->head);
    http_body_clear(&r->body);
    request_reset(r);
}

bool http_request_begun(const struct http_request *r)
{
    return r->phase != PHASE_READY && r->head.raw.len > 0;
}

static enum http_request_event request_fail(struct http_request *r)
{
    check(r->status != 0);
    r->phase = PHASE_FAILED;
    return HTTP_REQUEST_FAILED;
}

static enum http_request_event llhttp_fail(struct http_request *r,
                                           llhttp_errno_t error)
{
    const char *reason = llhttp_get_error_reason(&r->parser);

    refuse(r,
           http_rules_status(error, buffer_view(&r->head.raw)),
           reason != NULL ? reason : "malformed");
    return request_fail(r);
}

static enum http_request_event body_begin(struct http_request *r)
{
    bool chunked = (r->parser.flags & F_CHUNKED) != 0;

    if (!http_body_begin(&r->body,
                         chunked ? NULL : &r->parser.content_length)) {
        refuse(r, 413, BODY_TOO_LARGE);
        return request_fail(r);
    }
    /* A request that asks for another protocol has its body in this one. */
    r->parser.upgrade = 0;
    if (!chunked && r->body.left == 0) {
        r->phase = PHASE_READY;
        return HTTP_REQUEST_READY;
    }
    r->upgrade = false;
    r->phase = chunked ? PHASE_CHUNKS : PHASE_LENGTH;
    if (chunked) {
        llhttp_resume(&r->parser);
    }
    return HTTP_REQUEST_BODY;
}

static enum http_request_event head_complete(struct http_request *r)
{
    struct http_rules_line line = {
        .target = r->target,
        .target_end = r->target_end,
        .version_minor = r->parser.http_minor,
        .options = r->parser.method == HTTP_OPTIONS,
    };
    struct http_rules rules;

    /* A request line without a version passes for HTTP/0.9 in llhttp, which
     * then does not call back. */
    if (on_version_complete(&r->parser) != 0) {
        return request_fail(r);
    }
    http_rules_apply(&r->head, &line, &rules);
    if (rules.status != 0) {
        refuse(r, rules.status, rules.reason);
        return request_fail(r);
    }
    r->path = rules.path;
    r->query = rules.query;
    r->keep_alive = llhttp_should_keep_alive(&r->parser) &&
                    (r->parser.flags & F_CONNECTION_CLOSE) == 0;
    r->upgrade = r->parser.method == HTTP_GET && line.version_minor == 1 &&
                 http_head_has_token(&r->head, "connection", "upgrade") &&
                 http_head_has_token(&r->head, "upgrade", "websocket");
    r->expects = rules.expects_continue;
    return body_begin(r);
}

/* How far llhttp came in `part` when it stopped. */
static size_t llhttp_position(const struct http_request *r, struct bytes part)
{
    const char *at = llhttp_get_error_pos(&r->parser);
    size_t n = (size_t)((const uint8_t *)at - part.data);

    check(n <= part.len);
    return n;
}

static enum http_request_event receive_head(struct http_request *r,
                                            struct bytes in,
                                            size_t *ret_consumed)
{
    size_t room = r->limits.head_bytes_max - r->head.raw.len;
    struct bytes part = bytes_of(in.data, in.len < room ? in.len : room);
    llhttp_errno_t error = HPE_OK;
    size_t n = part.len;

    http_head_feed(&r->head, part);
    error = llhttp_execute(&r->parser, (const char *)part.data, part.len);
    if (error != HPE_OK && error != HPE_PAUSED) {
        http_head_keep(&r->head, n);
        return llhttp_fail(r, error);
    }
    if (error == HPE_PAUSED) {
        n = llhttp_position(r, part);
    }
    http_head_keep(&r->head, n);
    *ret_consumed += n;
    const char *reason = http_head_lines(&r->last, bytes_of(part.data, n));

    if (reason != NULL) {
        refuse(r, 400, reason);
        return request_fail(r);
    }
    if (error == HPE_PAUSED) {
        return head_complete(r);
    }
    if (r->head.raw.len == r->limits.head_bytes_max) {
        refuse(r, 431, "the request head is too large");
        return request_fail(r);
    }
    return HTTP_REQUEST_MORE;
}

static enum http_request_event receive_length(struct http_request *r,
                                              struct bytes in,
                                              size_t *ret_consumed)
{
    *ret_consumed += http_body_take(&r->body, in);
    if (r->body.left > 0) {
        return HTTP_REQUEST_MORE;
    }
    r->phase = PHASE_READY;
    return HTTP_REQUEST_READY;
}

static enum http_request_event receive_chunks(struct http_request *r,
                                              struct bytes in,
                                              size_t *ret_consumed)
{
    llhttp_errno_t error = HPE_OK;
    size_t n = in.len;

    r->body.framing = in.data;
    error = llhttp_execute(&r->parser, (const char *)in.data, in.len);
    if (error != HPE_OK && error != HPE_PAUSED) {
        return llhttp_fail(r, error);
    }
    if (error == HPE_PAUSED) {
        n = llhttp_position(r, in);
    }
    framing_until(r, in.data + n);
    if (error == HPE_PAUSED && r->last != '\n') {
        refuse(r, 400, "the body does not end with an empty line");
    }
    if (r->status != 0) {
        return request_fail(r);
    }
    *ret_consumed += n;
    if (error != HPE_PAUSED) {
        return HTTP_REQUEST_MORE;
    }
    r->phase = PHASE_READY;
    return HTTP_REQUEST_READY;
}

enum http_request_event http_request_receive(struct http_request *r,
                                             struct bytes in,
                                             size_t *ret_consumed)
{
    enum http_request_event event = HTTP_REQUEST_MORE;

    check(r->phase != PHASE_READY);
    *ret_consumed = 0;
    if (r->phase == PHASE_FAILED) {
        return HTTP_REQUEST_FAILED;
    }
    if (r->phase == PHASE_HEAD && in.len > 0) {
        event = receive_head(r, in, ret_consumed);
    }
    if (event != HTTP_REQUEST_MORE || *ret_consumed == in.len) {
        return event;
    }
    in = bytes_from(in, *ret_consumed);
    return r->phase == PHASE_LENGTH ? receive_length(r, in, ret_consumed)
                                    : receive_chunks(r, in, ret_consumed);
}

int http_request_status(const struct http_request *r)
{
    check(r->phase == PHASE_FAILED);
    return r->status;
}

const char *http_request_reason(const struct http_request *r)
{
    check(r->phase == PHASE_FAILED);
    return r->reason;
}

static bool head_stands(const struct http_request *r)
{
    return r->phase != PHASE_HEAD && r->phase != PHASE_FAILED;
}

enum http_request_method http_request_method(const struct http_request *r)
{
    switch (r->parser.method) {
    case HTTP_GET:
        return HTTP_REQUEST_GET;
    case HTTP_HEAD:
        return HTTP_REQUEST_HEAD;
    case HTTP_POST:
        return HTTP_REQUEST_POST;
    case HTTP_OPTIONS:
        return HTTP_REQUEST_OPTIONS;
    default:
        return HTTP_REQUEST_OTHER;
    }
}

struct bytes http_request_path(const struct http_request *r)
{
    check(head_stands(r));
    return r->path;
}

struct bytes http_request_query(const struct http_request *r)
{
    check(head_stands(r));
    return r->query;
}

struct bytes http_request_body(const struct http_request *r)
{
    check(r->phase == PHASE_READY);
    return buffer_view(&r->body.kept);
}

bool http_request_keep_alive(const struct http_request *r)
{
    check(head_stands(r));
    return r->keep_alive;
}

bool http_request_1_0(const struct http_request *r)
{
    return r->parser.http_minor == 0;
}

bool http_request_upgrade(const struct http_request *r)
{
    check(head_stands(r));
    return r->upgrade;
}

struct bytes http_request_field(const struct http_request *r, const char *name)
{
    return http_head_find(&r->head, name);
}

size_t http_request_field_count(const struct http_request *r)
{
    check(head_stands(r));
    return r->head.field_count;
}

struct bytes http_request_field_at(const struct http_request *r,
                                   size_t index,
                                   struct bytes *ret_name)
{
    check(head_stands(r));
    return http_head_at(&r->head, index, ret_name);
}

bool http_request_expects_continue(const struct http_request *r)
{
    check(head_stands(r));
    return r->expects;
}

struct http_body *http_request_incoming(struct http_request *r)
{
    check(head_stands(r));
    return &r->body;
}

size_t http_request_held(const struct http_request *r)
{
    return sizeof(*r) + r->head.raw.capacity + r->body.kept.capacity;
}

/* HTTP requests: reading them, finding their route, answering. */
#include "src/bridge/http_api.h"

#include "base/check.h"
#include "proto/http_reply.h"
#include "proto/ws_accept.h"
#include "src/bridge/admission.h"
#include "src/bridge/cluster_api.h"
#include "src/bridge/console.h"
#include "src/bridge/event_stream.h"
#include "src/bridge/history.h"
#include "src/bridge/http_publish.h"
#include "src/bridge/upgrade.h"
#include "src/bridge/ws_session.h"

/* Headers that clients send; a browser asks before it sends them. */
#define ALLOW_HEADERS                                                   \
    "content-type,x-api-key,authorization,x-amz-date,x-amz-user-agent," \
    "x-amz-security-token,idempotency-key"

static bool origin_allowed(const struct shard *shard, struct bytes origin)
{
    for (size_t i = 0; i < shard->options.allowed_origins_count; i++) {
        struct bytes allowed = shard->options.allowed_origins[i];

        if (bytes_equal_text(allowed, "*") || bytes_equal(allowed, origin)) {
            return true;
        }
    }
    return false;
}

/* Fetch standard, "HTTP extensions": a page may read the answer when its own
 * origin is named. Keys are in headers of the page's own making, never in
 * cookies, so naming it gives nothing away. */
void http_api_cors(struct client *c, struct buffer *out)
{
    struct bytes origin = http_request_field(c->request, "origin");

    if (origin.len == 0 || !origin_allowed(c->shard, origin)) {
        return;
    }
    http_reply_field(out, "access-control-allow-origin", origin);
    http_reply_field(
        out, "access-control-expose-headers", bytes_text("x-amzn-errortype"));
    http_reply_field(out, "vary", bytes_text("origin"));
}

/* After the answer: the next request, or the end. */
static void request_done(struct client *c, struct moment now)
{
    shard_count(c->shard, http_requests, 1);
    if (!c->keep_alive || c->shard->draining || c->peer_done) {
        client_finish(c);
        client_wait_start(c, CLIENT_WAIT_CLOSE, now);
        return;
    }
    http_request_next(c->request);
    c->state = CLIENT_HTTP_IDLE;
    client_wait_stop(c);
    client_wait_start(c, CLIENT_WAIT_IDLE, now);
}

void http_api_reply(struct client *c,
                    struct moment now,
                    int status,
                    const char *content_type,
                    struct bytes body)
{
    struct buffer *out = client_output(c);

    http_reply_begin(out, status);
    if (body.len > 0) {
        http_reply_field(out, "content-type", bytes_text(content_type));
    }
    http_api_cors(c, out);
    http_reply_body(out, body, c->keep_alive, c->head_only);
    check(!out->overflowed);
    request_done(c, now);
}

/* `allow`: the methods of the path, for PROBLEM_METHOD; NULL otherwise. */
static void reply_problem(struct client *c,
                          struct moment now,
                          enum problem problem,
                          const char *allow)
{
    struct buffer *text = &c->shard->text;
    struct buffer *out = client_output(c);

    buffer_clear(text);
    answer_http_error(text, problem, NULL);
    http_reply_begin(out, problem_status(problem));
    http_reply_field(out, "content-type", bytes_text("application/json"));
    http_reply_field(
        out, "x-amzn-errortype", bytes_text(problem_name_http(problem)));
    if (allow != NULL) {
        http_reply_field(out, "allow", bytes_text(allow));
    }
    http_api_cors(c, out);
    http_reply_body(out, buffer_view(text), c->keep_alive, c->head_only);
    check(!out->overflowed);
    request_done(c, now);
}

static void preflight(struct client *c, struct moment now)
{
    struct buffer *out = client_output(c);
    struct bytes asked =
        http_request_field(c->request, "access-control-request-headers");

    http_reply_begin(out, 204);
    http_api_cors(c, out);
    http_reply_field(
        out, "access-control-allow-methods", bytes_text("GET,POST,OPTIONS"));
    http_reply_field(out,
                     "access-control-allow-headers",
                     asked.len > 0 ? asked : bytes_text(ALLOW_HEADERS));
    http_reply_field(out, "access-control-max-age", bytes_text("86400"));
    if (!c->keep_alive) {
        http_reply_field(out, "connection", bytes_text("close"));
    }
    http_reply_end(out); /* a 204 has no length (RFC 9110, 8.6) */
    check(!out->overflowed);
    request_done(c, now);
}

static enum problem realtime(struct client *c, struct moment now)
{
    struct bytes version =
        http_request_field(c->request, "sec-websocket-version");

    if (!http_request_upgrade(c->request) || !bytes_equal_text(version, "13")) {
        struct buffer *out = client_output(c);

        http_reply_begin(out, 426);
        http_reply_field(out, "upgrade", bytes_text("websocket"));
        http_reply_field(out, "connection", bytes_text("Upgrade"));
        http_reply_field(out, "sec-websocket-version", bytes_text("13"));
        http_reply_body(out,
                        bytes_text("this is a WebSocket endpoint\n"),
                        c->keep_alive,
                        c->head_only);
        request_done(c, now);
        return PROBLEM_NONE;
    }
    if (!ws_accept_key_valid(
            http_request_field(c->request, "sec-websocket-key"))) {
        c->keep_alive = false;
        http_api_reply(
            c,
            now,
            400,
            "text/plain",
            bytes_text("Sec-WebSocket-Key is not base64 of 16 bytes\n"));
        return PROBLEM_NONE;
    }
    upgrade_accept(c, now);
    return PROBLEM_NONE;
}

/* GET /metrics, for admins. */
static enum problem metrics(struct client *c, struct moment now)
{
    struct shard *shard = c->shard;
    enum problem problem = admission_admin(c, now);

    if (problem != PROBLEM_NONE) {
        return problem;
    }
    buffer_clear(&shard->text);
    metrics_print(shard->options.all_metrics,
                  shard->options.all_metrics_count,
                  &shard->text);
    http_api_reply(
        c, now, 200, "text/plain; version=0.0.4", buffer_view(&shard->text));
    return PROBLEM_NONE;
}

/* POST /event/token: the key in a form that a query may hold for a while. */
static enum problem token(struct client *c, struct moment now)
{
    struct shard *shard = c->shard;
    struct buffer *text = &shard->text;
    struct bytes key = http_request_field(c->request, "x-api-key");
    uint64_t seconds;
    uint64_t expires_s;
    enum problem problem =
        admission_authorize(shard, now, key, AUTHORITY_SUBSCRIBE, NULL);

    if (problem != PROBLEM_NONE) {
        return problem;
    }
    if (token_read_request(http_request_body(c->request), &seconds) != 0) {
        return PROBLEM_TOKEN_MALFORMED;
    }
    expires_s = now.wall_ms / 1000 + seconds;
    buffer_clear(text);
    buffer_text(text, "{\"token\":\"");
    token_seal(shard->options.token_secret, key, expires_s, text);
    buffer_text(text, "\",\"expires\":");
    buffer_decimal(text, expires_s);
    buffer_text(text, "}");
    check(!text->overflowed);
    http_api_reply(c, now, 200, "application/json", buffer_view(text));
    return PROBLEM_NONE;
}

static enum problem health(struct client *c, struct moment now)
{
    http_api_reply(
        c, now, 200, "application/json", bytes_text("{\"status\":\"ok\"}\n"));
    return PROBLEM_NONE;
}

/* Whether it was a file of the console; it is answered then. */
static bool console(struct client *c, struct moment now)
{
    struct buffer *out;
    const char *content_type;
    struct bytes body;

    if (!c->shard->options.console ||
        !console_find(http_request_path(c->request), &content_type, &body)) {
        return false;
    }
    out = client_output(c);
    http_reply_begin(out, 200);
    http_reply_field(out, "content-type", bytes_text(content_type));
    console_fields(out);
    /* A file is far longer than the request for it: who asks ahead and does
     * not read is not served any further. */
    c->keep_alive =
        c->keep_alive &&
        out->len + body.len <= c->shard->options.limits->send_buffer_max;
    http_reply_body(out, body, c->keep_alive, c->head_only);
    check(!out->overflowed);
    request_done(c, now);
    return true;
}

static const struct route {
    const char *path;
    bool post; /* rather than GET and HEAD */
    enum problem (*act)(struct client *c, struct moment now);
} routes[] = {
    {"/cluster", false, cluster_api_json},
    {"/cluster.txt", false, cluster_api_text},
    {"/cluster/forget", true, cluster_api_forget},
    {"/cluster/urls", false, cluster_api_urls},
    {"/event", true, http_publish},
    {"/event", false, history_open},
    {"/event/realtime", false, realtime},
    {"/event/stream", false, event_stream_open},
    {"/event/token", true, token},
    {"/healthz", false, health},
    {"/metrics", false, metrics},
};

static const struct route *find_route(struct bytes path, bool post)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (routes[i].post == post && bytes_equal_text(path, routes[i].path)) {
            return &routes[i];
        }
    }
    return NULL;
}

/* What the path's routes take, for the Allow field; NULL: there is none. */
static const char *methods(struct bytes path)
{
    bool get = find_route(path, false) != NULL;
    bool post = find_route(path, true) != NULL;

    if (get && post) {
        return "GET, HEAD, POST, OPTIONS";
    }
    if (post) {
        return "POST, OPTIONS";
    }
    return get ? "GET, HEAD, OPTIONS" : NULL;
}

static void route(struct client *c, struct moment now)
{
    enum http_request_method method = http_request_method(c->request);
    struct bytes path = http_request_path(c->request);
    bool post = method == HTTP_REQUEST_POST;
    bool get = method == HTTP_REQUEST_GET || method == HTTP_REQUEST_HEAD;
    enum problem problem = PROBLEM_ROUTE_UNKNOWN;
    const struct route *found;
    const char *allow = NULL;

    c->keep_alive = http_request_keep_alive(c->request);
    c->head_only = method == HTTP_REQUEST_HEAD;
    if (method == HTTP_REQUEST_OPTIONS) {
        preflight(c, now);
        return;
    }
    found = post || get ? find_route(path, post) : NULL;
    if (found != NULL) {
        problem = found->act(c, now);
    } else if (get && console(c, now)) {
        problem = PROBLEM_NONE;
    } else if ((allow = methods(path)) != NULL) {
        problem = PROBLEM_METHOD;
    }
    if (problem != PROBLEM_NONE) {
        if (post) {
            shard_count(c->shard, publishes_refused, 1);
        }
        reply_problem(c, now, problem, allow);
    }
}

/* What cannot be read cannot be skipped either: answer and close. */
static void fault(struct client *c,
                  struct moment now,
                  int status,
                  const char *reason)
{
    struct buffer *text = &c->shard->text;
    struct buffer *out = client_output(c);

    shard_count(c->shard, http_faults, 1);
    buffer_clear(text);
    buffer_text(text, "{\"errors\":[{\"errorType\":\"BadRequestException\"");
    buffer_text(text, ",\"message\":\"");
    json_escape(bytes_text(reason), text);
    buffer_text(text, "\"}]}");
    http_reply_begin(out, status);
    http_reply_field(out, "content-type", bytes_text("application/json"));
    http_reply_field(
        out, "x-amzn-errortype", bytes_text("BadRequestException"));
    http_reply_body(out, buffer_view(text), false, false);
    client_finish(c);
    client_wait_start(c, CLIENT_WAIT_CLOSE, now);
}

void http_api_timeout(struct client *client, struct moment now)
{
    shard_count(client->shard, timeouts, 1);
    if (client->request == NULL || !http_request_begun(client->request)) {
        client_abort(client);
        return;
    }
    fault(client, now, 408, "The request took too long to arrive");
}

/* Parsers are lent out while a request is being read. */
static void take_parser(struct client *c)
{
    struct shard *shard = c->shard;

    if (c->request == NULL) {
        c->request = shard->spare_request_count > 0
                         ? shard->spare_requests[--shard->spare_request_count]
                         : http_request_new(&shard->request_limits);
    }
}

static void return_parser(struct client *c)
{
    struct shard *shard = c->shard;

    if (c->request == NULL || http_request_begun(c->request)) {
        return;
    }
    if (shard->spare_request_count < SHARD_SPARE_REQUESTS_MAX) {
        shard->spare_requests[shard->spare_request_count++] = c->request;
    } else {
        http_request_free(c->request);
    }
    c->request = NULL;
}

static size_t receive_some(struct client *c, struct moment now, struct bytes in)
{
    size_t used = 0;

    take_parser(c);
    c->state = CLIENT_HTTP_READING;
    switch (http_request_receive(c->request, in, &used)) {
    case HTTP_REQUEST_MORE:
        client_wait_start(c, CLIENT_WAIT_REQUEST, now);
        break;
    case HTTP_REQUEST_CONTINUE:
        http_reply_begin(client_output(c), 100);
        http_reply_end(client_output(c));
        client_wait_start(c, CLIENT_WAIT_REQUEST, now);
        break;
    case HTTP_REQUEST_READY:
        route(c, now);
        break;
    case HTTP_REQUEST_FAILED:
        fault(c,
              now,
              http_request_status(c->request),
              http_request_reason(c->request));
        break;
    }
    return used;
}

size_t http_api_receive(struct client *client,
                        struct moment now,
                        struct bytes in)
{
    size_t used = 0;

    while (used < in.len && (client->state == CLIENT_HTTP_IDLE ||
                             client->state == CLIENT_HTTP_READING)) {
        used += receive_some(client, now, bytes_from(in, used));
    }
    if (client->state == CLIENT_HTTP_IDLE) {
        return_parser(client);
    }
    return used;
}

void http_api_finish(struct client *client,
                     struct moment now,
                     enum problem problem,
                     struct bytes json)
{
    if (problem == PROBLEM_NONE) {
        http_api_reply(client, now, 200, "application/json", json);
    } else {
        reply_problem(client, now, problem, NULL);
    }
    if (client->state == CLIENT_HTTP_IDLE && client->in.len == 0) {
        return_parser(client);
    }
}

void http_api_answer(struct client *client,
                     struct moment now,
                     const struct publish *publish)
{
    struct answer_outcome outcomes[CLIENT_MSG_EVENTS_MAX];
    struct buffer *text = &client->shard->text;

    if (client->state != CLIENT_HTTP_WAITING) {
        return;
    }
    if (publish->problem != PROBLEM_NONE) {
        reply_problem(client, now, publish->problem, NULL);
    } else {
        for (size_t i = 0; i < publish->count; i++) {
            outcomes[i] = publish->items[i].outcome;
        }
        buffer_clear(text);
        answer_publish_result(
            text, bytes_of(NULL, 0), outcomes, publish->count);
        http_api_reply(client, now, 200, "application/json", buffer_view(text));
    }
    if (client->state == CLIENT_HTTP_IDLE && client->in.len == 0) {
        return_parser(client);
    }
}

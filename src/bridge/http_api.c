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
#include "src/bridge/http_answer.h"
#include "src/bridge/http_publish.h"
#include "src/bridge/upgrade.h"
#include "src/bridge/ws_session.h"

static size_t field_count(const struct http_request *request, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < http_request_field_count(request); i++) {
        struct bytes found;

        (void)http_request_field_at(request, i, &found);
        count += bytes_equal_nocase(found, name) ? 1 : 0;
    }
    return count;
}

static enum problem realtime(struct client *c, struct moment now)
{
    struct bytes version =
        http_request_field(c->request, "sec-websocket-version");

    if (!http_request_upgrade(c->request) || !bytes_equal_text(version, "13")) {
        struct buffer *out =
            http_answer_begin(c, now, 426, HTTP_ANSWER_CACHE_NOT);

        http_reply_field(out, "upgrade", bytes_text("websocket"));
        http_reply_field(out, "connection", bytes_text("Upgrade"));
        http_reply_field(out, "sec-websocket-version", bytes_text("13"));
        http_reply_field(out, "content-type", bytes_text("text/plain"));
        http_answer_end(c, now, bytes_text("this is a WebSocket endpoint\n"));
        return PROBLEM_NONE;
    }
    /* RFC 6455, 11.3.1 and 11.3.5: neither may come twice. */
    if (field_count(c->request, "sec-websocket-key") != 1 ||
        field_count(c->request, "sec-websocket-version") != 1 ||
        !ws_accept_key_valid(
            http_request_field(c->request, "sec-websocket-key"))) {
        c->keep_alive = false;
        http_answer(c,
                    now,
                    400,
                    "text/plain",
                    bytes_text("Sec-WebSocket-Key, base64 of 16 bytes, and "
                               "Sec-WebSocket-Version are needed once each\n"));
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
    http_answer(
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
    http_answer(c, now, 200, "application/json", buffer_view(text));
    return PROBLEM_NONE;
}

static enum problem health(struct client *c, struct moment now)
{
    http_answer(
        c, now, 200, "application/json", bytes_text("{\"status\":\"ok\"}\n"));
    return PROBLEM_NONE;
}

/* The console's file of this path, where it is served. */
static bool find_file(const struct client *c,
                      const char **ret_content_type,
                      struct bytes *ret_body)
{
    return c->shard->options.console &&
           console_find(
               http_request_path(c->request), ret_content_type, ret_body);
}

/* Whether it was a file of the console; it is answered then. */
static bool console(struct client *c, struct moment now)
{
    size_t waiting = client_output(c)->len;
    const char *content_type;
    struct bytes body;
    struct buffer *out;

    if (!find_file(c, &content_type, &body)) {
        return false;
    }
    /* A file is far longer than the request for it: who asks ahead and does
     * not read is not served any further. */
    c->keep_alive =
        c->keep_alive &&
        waiting + body.len <= c->shard->options.limits->send_buffer_max;
    out = http_answer_begin(c, now, 200, CONSOLE_CACHE);
    http_reply_field(out, "content-type", bytes_text(content_type));
    console_fields(out);
    http_answer_end(c, now, body);
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

/* What may be asked at the request's path, for the Allow field; NULL: there is
 * nothing. */
static const char *methods(const struct client *c)
{
    struct bytes path = http_request_path(c->request);
    bool get = find_route(path, false) != NULL;
    bool post = find_route(path, true) != NULL;
    const char *content_type;
    struct bytes body;

    if ((get && post) || bytes_equal_text(path, "*")) {
        return "GET, HEAD, POST, OPTIONS";
    }
    if (post) {
        return "POST, OPTIONS";
    }
    return get || find_file(c, &content_type, &body) ? "GET, HEAD, OPTIONS"
                                                     : NULL;
}

/* RFC 9110, 8.4: whether the body is in a coding, none of which is known. */
static bool is_coded(const struct http_request *request)
{
    if (http_request_field(request, "content-encoding").data == NULL) {
        return false;
    }
    for (size_t i = 0; i < http_request_field_count(request); i++) {
        struct bytes name;
        struct bytes value = http_request_field_at(request, i, &name);

        if (bytes_equal_nocase(name, "content-encoding") && value.len > 0 &&
            !bytes_equal_nocase(value, "identity")) {
            return true;
        }
    }
    return false;
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
        http_answer_options(c, now, methods(c));
        return;
    }
    found = post || get ? find_route(path, post) : NULL;
    if (found != NULL && post && is_coded(c->request)) {
        problem = PROBLEM_CODING;
    } else if (found != NULL) {
        problem = found->act(c, now);
    } else if (get && console(c, now)) {
        problem = PROBLEM_NONE;
    } else if ((allow = methods(c)) != NULL) {
        problem = PROBLEM_METHOD;
    }
    if (problem != PROBLEM_NONE) {
        if (post) {
            shard_count(c->shard, publishes_refused, 1);
        }
        http_answer_problem(c, now, problem, allow);
    }
}

void http_api_timeout(struct client *client, struct moment now)
{
    shard_count(client->shard, timeouts, 1);
    if (client->request == NULL || !http_request_begun(client->request)) {
        client_abort(client);
        return;
    }
    shard_count(client->shard, http_faults, 1);
    http_answer_fault(client, now, 408, "The request took too long to arrive");
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
        shard_count(c->shard, http_faults, 1);
        http_answer_fault(c,
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

    while (used < in.len && !client->held &&
           (client->state == CLIENT_HTTP_IDLE ||
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
        http_answer(client, now, 200, "application/json", json);
    } else {
        http_answer_problem(client, now, problem, NULL);
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
        http_answer_problem(client, now, publish->problem, NULL);
    } else {
        for (size_t i = 0; i < publish->count; i++) {
            outcomes[i] = publish->items[i].outcome;
        }
        buffer_clear(text);
        answer_publish_result(
            text, bytes_of(NULL, 0), outcomes, publish->count);
        http_answer(client, now, 200, "application/json", buffer_view(text));
    }
    if (client->state == CLIENT_HTTP_IDLE && client->in.len == 0) {
        return_parser(client);
    }
}

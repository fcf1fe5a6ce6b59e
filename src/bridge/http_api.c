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
#include "src/bridge/http_token.h"
#include "src/bridge/upgrade.h"
#include "src/bridge/ws_session.h"

/* A body that nobody wants is read past, without being held, when it is no
 * longer than this: the connection can be kept then. And who has a key that is
 * good for nothing here is told what is wrong with what it says up to there. */
#define SMALL_BODY_BYTES_MAX ((size_t)16 * 1024)

/* Of a request whose body is a few words. */
#define SHORT_BODY_BYTES_MAX ((size_t)4 * 1024)

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
    if (http_answer_condition(c, now)) {
        return true;
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

static const struct http_route {
    const char *path;
    enum problem (*act)(struct client *c, struct moment now);

    /* Not NULL: POST rather than GET and HEAD. What it takes to have its body
     * read, by the head alone; `act` need not ask again. */
    enum problem (*admit)(struct client *c, struct moment now);
    size_t body_bytes_max; /* beside the setting's; 0: that alone */
} routes[] = {
    {"/cluster", cluster_api_json, NULL, 0},
    {"/cluster.txt", cluster_api_text, NULL, 0},
    {"/cluster/forget",
     cluster_api_forget,
     admission_admin,
     SHORT_BODY_BYTES_MAX},
    {"/cluster/urls", cluster_api_urls, NULL, 0},
    {"/event", http_publish, admission_publisher, 0},
    {"/event", history_open, NULL, 0},
    {"/event/realtime", realtime, NULL, 0},
    {"/event/stream", event_stream_open, NULL, 0},
    {"/event/token", http_token, http_token_admit, SHORT_BODY_BYTES_MAX},
    {"/healthz", health, NULL, 0},
    {"/metrics", metrics, NULL, 0},
};

static const struct http_route *find_route(struct bytes path, bool post)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        bool is_post = routes[i].admit != NULL;

        if (is_post == post && bytes_equal_text(path, routes[i].path)) {
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

/* What a POST is refused for by its head. */
static enum problem admit(struct client *c,
                          struct moment now,
                          const struct http_route *found)
{
    return is_coded(c->request) ? PROBLEM_CODING : found->admit(c, now);
}

/* A request whose body was another matter than its head was judged before. */
static enum problem act(struct client *c,
                        struct moment now,
                        const struct http_route *found)
{
    enum problem problem = PROBLEM_NONE;

    if (found == c->route) {
        problem = c->refusal;
    } else if (found->admit != NULL) {
        problem = admit(c, now, found);
    }
    return problem == PROBLEM_NONE ? found->act(c, now) : problem;
}

/* `whole`: with its body, without which there is no request after it. */
static void route(struct client *c, struct moment now, bool whole)
{
    enum http_request_method method = http_request_method(c->request);
    bool post = method == HTTP_REQUEST_POST;
    bool get = method == HTTP_REQUEST_GET || method == HTTP_REQUEST_HEAD;
    enum problem problem = PROBLEM_ROUTE_UNKNOWN;
    const struct http_route *found = c->route;
    const char *allow = NULL;

    c->keep_alive = whole && http_request_keep_alive(c->request);
    c->head_only = method == HTTP_REQUEST_HEAD;
    if (method == HTTP_REQUEST_OPTIONS) {
        http_answer_options(c, now, methods(c));
        return;
    }
    if (found == NULL && (post || get)) {
        found = find_route(http_request_path(c->request), post);
    }
    if (found != NULL) {
        problem = act(c, now, found);
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

/* Whether its head lets the body be held: that has somewhere to go, and its
 * sender may send it there. */
static bool wants_body(struct client *c, struct moment now)
{
    struct http_body *body = http_request_incoming(c->request);
    bool post = http_request_method(c->request) == HTTP_REQUEST_POST;

    c->route = post ? find_route(http_request_path(c->request), true) : NULL;
    if (c->route == NULL) {
        return false;
    }
    c->refusal = admit(c, now, c->route);
    if (c->refusal == PROBLEM_FORBIDDEN &&
        http_body_limit(body, SMALL_BODY_BYTES_MAX)) {
        c->refusal = PROBLEM_NONE;
    } else if (c->refusal == PROBLEM_NONE && c->route->body_bytes_max > 0 &&
               !http_body_limit(body, c->route->body_bytes_max)) {
        c->refusal = PROBLEM_BODY_TOO_LARGE;
    }
    return c->refusal == PROBLEM_NONE;
}

/* The head stands and a body follows. */
static void judge(struct client *c, struct moment now)
{
    struct http_body *body = http_request_incoming(c->request);
    bool expects = http_request_expects_continue(c->request);
    bool wanted = wants_body(c, now);

    if (wanted && expects) {
        http_reply_begin(client_output(c), 100);
        http_reply_end(client_output(c));
    } else if (!wanted && !expects &&
               http_body_within(body, SMALL_BODY_BYTES_MAX)) {
        http_body_drop(body);
    } else if (!wanted) {
        route(c, now, false);
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
    case HTTP_REQUEST_BODY:
        client_wait_start(c, CLIENT_WAIT_REQUEST, now);
        judge(c, now);
        break;
    case HTTP_REQUEST_READY:
        route(c, now, true);
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

/* Whether another request is looked at: who asks ahead and does not read has
 * the rest wait. */
static bool goes_on(const struct client *c)
{
    return (c->state == CLIENT_HTTP_IDLE || c->state == CLIENT_HTTP_READING) &&
           !c->held && c->out.len <= c->shard->options.limits->send_buffer_max;
}

size_t http_api_receive(struct client *client,
                        struct moment now,
                        struct bytes in)
{
    size_t used = 0;

    while (used < in.len && goes_on(client)) {
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

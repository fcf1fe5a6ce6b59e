/* The fields that answers begin with, and what comes after an answer. */
#include "src/bridge/http_answer.h"

#include "base/check.h"
#include "proto/answer.h"
#include "proto/http_reply.h"
#include "src/bridge/client.h"
#include "src/bridge/shard_state.h"

/* Headers that clients send; a browser asks before it sends them. */
#define ALLOW_HEADERS                                                   \
    "content-type,x-api-key,authorization,x-amz-date,x-amz-user-agent," \
    "x-amz-security-token,idempotency-key"

/* Where the key belongs. No browser knows the scheme, so none asks its user for
 * a password (RFC 9110, 11.6.1). */
#define CHALLENGE "ApiKey realm=\"weir\", field=\"x-api-key\""

/* What is repeated to the client must be plain text: a field may hold any byte
 * from 0x80 on, and one of a request that failed whatever it failed for. */
static bool plain(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] >= 0x7f) {
            return false;
        }
    }
    return text.len > 0;
}

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
static void origin_fields(struct client *c, struct buffer *out)
{
    struct bytes origin = http_request_field(c->request, "origin");

    if (c->shard->options.allowed_origins_count == 0) {
        return;
    }
    /* Also of an answer without: another page's differs from it (RFC 9110,
     * 12.5.5). */
    http_reply_field(out, "vary", bytes_text("origin"));
    if (!plain(origin) || !origin_allowed(c->shard, origin)) {
        return;
    }
    http_reply_field(out, "access-control-allow-origin", origin);
    http_reply_field(
        out, "access-control-expose-headers", bytes_text("x-amzn-errortype"));
}

/* RFC 9110, 6.6.1; printed once a second. */
static struct bytes date(struct shard *shard, struct moment now)
{
    uint64_t unix_s = now.wall_ms / 1000;

    if (shard->date_s != unix_s || shard->date[0] == 0) {
        http_date_print(unix_s, shard->date);
        shard->date_s = unix_s;
    }
    return bytes_of(shard->date, sizeof(shard->date));
}

/* RFC 9112, 9.3 and 9.6: the last answer says that it is, and one to HTTP/1.0
 * that it is not. */
static void connection_field(struct client *c, struct buffer *out)
{
    if (c->shard->draining || c->peer_done) {
        c->keep_alive = false;
    }
    if (!c->keep_alive) {
        http_reply_field(out, "Connection", bytes_text("close"));
    } else if (http_request_1_0(c->request)) {
        http_reply_field(out, "Connection", bytes_text("keep-alive"));
    }
}

struct buffer *http_answer_begin(struct client *client,
                                 struct moment now,
                                 int status,
                                 const char *cache)
{
    struct buffer *out = client_output(client);

    http_reply_begin(out, status);
    http_reply_field(out, "date", date(client->shard, now));
    http_reply_field(out, "cache-control", bytes_text(cache));
    connection_field(client, out);
    origin_fields(client, out);
    return out;
}

/* After the answer: the next request, or the end. */
static void request_done(struct client *c, struct moment now)
{
    shard_count(c->shard, http_requests, 1);
    if (!c->keep_alive) {
        client_finish(c);
        client_wait_start(c, CLIENT_WAIT_CLOSE, now);
        return;
    }
    http_request_next(c->request);
    c->route = NULL;
    c->state = CLIENT_HTTP_IDLE;
    client_wait_stop(c);
    client_wait_start(c, CLIENT_WAIT_IDLE, now);
}

void http_answer_end(struct client *client,
                     struct moment now,
                     struct bytes body)
{
    struct buffer *out = client_output(client);

    http_reply_body(out, body, client->head_only);
    check(!out->overflowed);
    request_done(client, now);
}

/* Nothing here has an entity tag or a date of its last change: a list of tags
 * never matches, "*" always does, and dates are no condition. */
bool http_answer_condition(struct client *client, struct moment now)
{
    struct bytes match = http_request_field(client->request, "if-match");
    struct bytes none = http_request_field(client->request, "if-none-match");
    enum http_request_method method = http_request_method(client->request);

    if (method != HTTP_REQUEST_GET && method != HTTP_REQUEST_HEAD) {
        return false;
    }
    if (match.data != NULL && !bytes_equal_text(match, "*")) {
        http_answer_problem(client, now, PROBLEM_CONDITION, NULL);
        return true;
    }
    if (bytes_equal_text(none, "*")) {
        http_reply_end(
            http_answer_begin(client, now, 304, HTTP_ANSWER_CACHE_NOT));
        request_done(client, now);
        return true;
    }
    return false;
}

void http_answer(struct client *client,
                 struct moment now,
                 int status,
                 const char *content_type,
                 struct bytes body)
{
    struct buffer *out;

    if (status == 200 && http_answer_condition(client, now)) {
        return;
    }
    out = http_answer_begin(client, now, status, HTTP_ANSWER_CACHE_NOT);
    if (body.len > 0) {
        http_reply_field(out, "content-type", bytes_text(content_type));
    }
    http_answer_end(client, now, body);
}

void http_answer_problem(struct client *client,
                         struct moment now,
                         enum problem problem,
                         const char *allow)
{
    struct buffer *text = &client->shard->text;
    int status = problem_status(problem);
    struct buffer *out =
        http_answer_begin(client, now, status, HTTP_ANSWER_CACHE_NOT);

    buffer_clear(text);
    answer_http_error(text, problem, NULL);
    http_reply_field(out, "content-type", bytes_text("application/json"));
    http_reply_field(
        out, "x-amzn-errortype", bytes_text(problem_name_http(problem)));
    if (status == 401) {
        http_reply_field(out, "www-authenticate", bytes_text(CHALLENGE));
    }
    if (problem == PROBLEM_CODING) { /* RFC 9110, 12.5.3 */
        http_reply_field(out, "accept-encoding", bytes_text("identity"));
    }
    if (allow != NULL) {
        http_reply_field(out, "allow", bytes_text(allow));
    }
    http_answer_end(client, now, buffer_view(text));
}

void http_answer_options(struct client *client,
                         struct moment now,
                         const char *allow)
{
    struct bytes asked =
        http_request_field(client->request, "access-control-request-headers");
    struct buffer *out =
        http_answer_begin(client, now, 204, HTTP_ANSWER_CACHE_NOT);

    if (allow != NULL) {
        http_reply_field(out, "allow", bytes_text(allow));
    }
    http_reply_field(out, "vary", bytes_text("access-control-request-headers"));
    http_reply_field(
        out, "access-control-allow-methods", bytes_text("GET,POST,OPTIONS"));
    http_reply_field(out,
                     "access-control-allow-headers",
                     plain(asked) ? asked : bytes_text(ALLOW_HEADERS));
    http_reply_field(out, "access-control-max-age", bytes_text("86400"));
    http_reply_end(out); /* a 204 has no length (RFC 9110, 8.6) */
    check(!out->overflowed);
    request_done(client, now);
}

void http_answer_fault(struct client *client,
                       struct moment now,
                       int status,
                       const char *reason)
{
    struct buffer *text = &client->shard->text;
    struct buffer *out;

    client->keep_alive = false;
    client->head_only =
        http_request_method(client->request) == HTTP_REQUEST_HEAD;
    out = http_answer_begin(client, now, status, HTTP_ANSWER_CACHE_NOT);
    buffer_clear(text);
    buffer_text(text, "{\"errors\":[{\"errorType\":\"BadRequestException\"");
    buffer_text(text, ",\"message\":\"");
    json_escape(bytes_text(reason), text);
    buffer_text(text, "\"}]}");
    http_reply_field(out, "content-type", bytes_text("application/json"));
    http_reply_field(
        out, "x-amzn-errortype", bytes_text("BadRequestException"));
    http_reply_body(out, buffer_view(text), client->head_only);
    check(!out->overflowed);
    client_finish(client);
    client_wait_start(client, CLIENT_WAIT_CLOSE, now);
}

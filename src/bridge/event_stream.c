/* A request that is answered for as long as anybody listens. */
#include "src/bridge/event_stream.h"

#include "base/check.h"
#include "proto/answer.h"
#include "proto/http_reply.h"
#include "src/bridge/admission.h"
#include "src/bridge/http_answer.h"
#include "src/bridge/http_query.h"
#include "src/bridge/replay.h"

/* A proxy that compresses or gathers would hold events back; nginx asks in
 * X-Accel-Buffering whether it may. */
#define STREAM_CACHE "no-store, no-transform"

/* What a request asks for. */
struct wish {
    struct channel_name patterns[SUBSCRIPTION_PATTERNS_MAX];
    size_t pattern_count;
    struct replay_request begin;
    struct bytes token; /* in the shard's text, as the next */
    struct bytes last_event_id;
};

/* One that comes twice is the same, however it is written. */
static bool has_pattern(const struct wish *wish,
                        const struct channel_name *pattern)
{
    struct bytes name = channel_name_view(pattern);

    for (size_t i = 0; i < wish->pattern_count; i++) {
        if (bytes_equal(channel_name_view(&wish->patterns[i]), name)) {
            return true;
        }
    }
    return false;
}

static enum problem add_channel(struct wish *wish, struct bytes value)
{
    struct channel_name pattern;

    if (channel_name_parse_pattern(value, &pattern) != 0) {
        return PROBLEM_CHANNEL_MALFORMED;
    }
    if (has_pattern(wish, &pattern)) {
        return PROBLEM_NONE;
    }
    if (wish->pattern_count == SUBSCRIPTION_PATTERNS_MAX) {
        return PROBLEM_SUBSCRIPTIONS_TOO_MANY;
    }
    wish->patterns[wish->pattern_count++] = pattern;
    return PROBLEM_NONE;
}

/* How those who stand in for EventSource call the field that they cannot send:
 * event-source-polyfill the first and, where its user says so, the second;
 * eventsource-polyfill the third. */
static bool is_last_event_id(struct bytes name)
{
    return bytes_equal_nocase(name, "lasteventid") ||
           bytes_equal_nocase(name, "last-event-id") ||
           bytes_equal_text(name, "evs_last_event_id");
}

static enum problem take(void *context, struct bytes name, struct bytes value)
{
    struct wish *wish = context;

    if (bytes_equal_text(name, "channel")) {
        return add_channel(wish, value);
    }
    if (bytes_equal_text(name, "token")) {
        wish->token = value;
    }
    if (is_last_event_id(name) && value.len > 0) {
        if (wish->last_event_id.len > 0) {
            return PROBLEM_QUERY_MALFORMED;
        }
        wish->last_event_id = value;
    }
    return PROBLEM_NONE;
}

static enum problem read_query(struct client *c, struct wish *wish)
{
    enum problem problem = http_query_read(c, &wish->begin, take, wish);

    return problem == PROBLEM_NONE && wish->pattern_count == 0
               ? PROBLEM_QUERY_MALFORMED
               : problem;
}

/* What a browser's EventSource sends when it comes back is newer than what the
 * page put into the query, and so is what a polyfill adds to it. */
static enum problem read_last_event_id(struct client *c, struct wish *wish)
{
    struct bytes id = http_request_field(c->request, "last-event-id");
    enum problem problem = PROBLEM_NONE;

    if (id.len == 0) {
        id = wish->last_event_id;
    }
    if (id.len > 0) {
        wish->begin = (struct replay_request){.kind = REPLAY_NONE};
        (void)replay_request_take(
            bytes_text("after"), id, &wish->begin, &problem);
    }
    return problem;
}

static enum problem authorize(struct client *c,
                              struct moment now,
                              const struct wish *wish)
{
    const struct shard_options *options = &c->shard->options;
    struct bytes key = http_request_field(c->request, "x-api-key");
    enum problem problem = PROBLEM_NONE;

    buffer_clear(&c->shard->scratch);
    if (wish->token.len > 0) {
        if (token_open(
                options->token_secret, wish->token, now, &c->shard->scratch) !=
            0) {
            return PROBLEM_UNAUTHORIZED;
        }
        key = buffer_view(&c->shard->scratch);
    }

    for (size_t i = 0; problem == PROBLEM_NONE && i < wish->pattern_count;
         i++) {
        problem = admission_authorize(
            c->shard, now, key, AUTHORITY_SUBSCRIBE, &wish->patterns[i]);
    }
    return problem;
}

static void schedule_keepalive(struct client *c, struct moment now)
{
    list_remove(&c->keepalive_node);
    c->keepalive_deadline_ms = now.mono_ms + EVENT_STREAM_KEEPALIVE_MS;
    list_push_back(&c->shard->stream_keepalives, &c->keepalive_node);
}

static void answer_head(struct client *c, struct moment now)
{
    struct buffer *out;

    c->keep_alive = false; /* the stream ends with the connection */
    out = http_answer_begin(c, now, 200, STREAM_CACHE);
    http_reply_field(out, "content-type", bytes_text("text/event-stream"));
    http_reply_field(out, "x-accel-buffering", bytes_text("no"));
    http_reply_end(out);
    if (!c->head_only) {
        answer_stream_alive(out); /* some hold a head back until a body comes */
    }
    check(!out->overflowed);
}

static void begin(struct client *c,
                  struct moment now,
                  const struct wish *wish,
                  const struct replay_start *start)
{
    struct shard *shard = c->shard;
    struct subscription *s = client_subscription_add(c,
                                                     bytes_of(NULL, 0),
                                                     wish->patterns,
                                                     wish->pattern_count,
                                                     start->place - 1);

    s->format = SUBSCRIPTION_STREAM;
    http_request_free(c->request);
    c->request = NULL;
    c->state = CLIENT_STREAM;
    client_wait_stop(c);
    schedule_keepalive(c, now);
    if (start->last == 0) {
        delivery_begun(shard, s, &start->at);
    }
    if (wish->begin.kind != REPLAY_NONE) {
        replay_begin(shard, s, start);
    }
}

enum problem event_stream_open(struct client *client, struct moment now)
{
    struct shard *shard = client->shard;
    struct wish wish = {.pattern_count = 0};
    struct replay_start start;
    enum problem problem = read_query(client, &wish);

    if (problem == PROBLEM_NONE) {
        problem = read_last_event_id(client, &wish);
    }
    if (problem == PROBLEM_NONE) {
        problem = authorize(client, now, &wish);
    }
    if (problem == PROBLEM_NONE) {
        problem = replay_find(
            shard, now, wish.patterns, wish.pattern_count, &wish.begin, &start);
    }
    if (problem != PROBLEM_NONE) {
        return problem;
    }
    if (http_answer_condition(client, now)) {
        return PROBLEM_NONE;
    }
    shard_count(shard, http_requests, 1);
    answer_head(client, now);
    if (client->head_only) {
        client_finish(client);
        client_wait_start(client, CLIENT_WAIT_CLOSE, now);
        return PROBLEM_NONE;
    }
    begin(client, now, &wish, &start);
    return PROBLEM_NONE;
}

void event_stream_expire(struct client *client, struct moment now)
{
    if (client->state == CLIENT_STREAM) {
        answer_stream_end(client_output(client), PROBLEM_KEY_ENDED);
        client_finish(client);
        client_wait_start(client, CLIENT_WAIT_CLOSE, now);
    }
}

void event_stream_keepalive(struct client *client, struct moment now)
{
    if (client->out.len == 0) {
        answer_stream_alive(client_output(client));
    }
    schedule_keepalive(client, now);
}

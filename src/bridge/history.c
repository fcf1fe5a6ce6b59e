/* A page of the past as one answer. */
#include "src/bridge/history.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/text.h"
#include "src/bridge/admission.h"
#include "src/bridge/http_api.h"
#include "src/bridge/http_query.h"
#include "src/bridge/receive.h"
#include "src/bridge/replay.h"

#include <stdlib.h>

/* An event's text does not grow here; its cursor and channel come with it. */
#define ITEM_BYTES_BEYOND_MAX ((size_t)4096)
#define BODY_BYTES_MAX \
    (HISTORY_BYTES_MAX + CLIENT_MSG_EVENT_BYTES_MAX + 2 * ITEM_BYTES_BEYOND_MAX)

struct wish {
    struct channel_name pattern;
    bool has_channel;
    uint64_t limit;
    uint64_t wait_s;
    struct replay_request begin;
};

static enum problem take_number(struct bytes value,
                                uint64_t least,
                                uint64_t most,
                                uint64_t *ret)
{
    return text_decimal(value, ret) && *ret >= least && *ret <= most
               ? PROBLEM_NONE
               : PROBLEM_QUERY_MALFORMED;
}

static enum problem take(void *context, struct bytes name, struct bytes value)
{
    struct wish *wish = context;

    if (bytes_equal_text(name, "channel")) {
        if (wish->has_channel) {
            return PROBLEM_QUERY_MALFORMED;
        }
        wish->has_channel = true;
        return channel_name_parse_pattern(value, &wish->pattern) == 0
                   ? PROBLEM_NONE
                   : PROBLEM_CHANNEL_MALFORMED;
    }
    if (bytes_equal_text(name, "limit")) {
        return take_number(value, 1, HISTORY_EVENTS_MAX, &wish->limit);
    }
    if (bytes_equal_text(name, "wait")) {
        return take_number(value, 0, HISTORY_WAIT_SECONDS_MAX, &wish->wait_s);
    }
    return PROBLEM_NONE;
}

static enum problem read_query(struct client *c, struct wish *wish)
{
    enum problem problem = http_query_read(c, &wish->begin, take, wish);

    if (problem == PROBLEM_NONE && !wish->has_channel) {
        return PROBLEM_QUERY_MALFORMED;
    }
    if (wish->begin.kind == REPLAY_NONE) {
        wish->begin.kind = REPLAY_ALL;
    }
    return problem;
}

/* Most wait equally long, so the place is near the end. */
static void add_by_deadline(struct shard *shard, struct history *h)
{
    struct list *before = shard->histories.prev;

    while (before != &shard->histories &&
           list_entry(before, struct history, node)->deadline_ms >
               h->deadline_ms) {
        before = before->prev;
    }
    list_push_back(before->next, &h->node);
}

static struct history *new_history(const struct wish *wish, struct moment now)
{
    struct history *h = alloc_zero(sizeof(*h));
    uint64_t wait_ms = wish->wait_s * 1000;

    list_init(&h->node);
    h->limit = wish->limit;
    if (wait_ms > HISTORY_WAIT_MS_MAX) {
        wait_ms = HISTORY_WAIT_MS_MAX;
    }
    h->deadline_ms = wait_ms > 0 ? now.mono_ms + wait_ms : 0;
    buffer_init(&h->body, BODY_BYTES_MAX);
    answer_history_begin(&h->body);
    return h;
}

void history_free(struct history *h)
{
    buffer_done(&h->body);
    free(h);
}

void history_drop(struct client *client)
{
    struct history *h = client->history;

    client->history = NULL;
    list_remove(&h->node);
    list_push_back(&client->shard->ended_histories, &h->node);
}

enum problem history_open(struct client *client, struct moment now)
{
    struct shard *shard = client->shard;
    struct bytes key = http_request_field(client->request, "x-api-key");
    struct wish wish = {.limit = HISTORY_EVENTS_INITIAL};
    struct replay_start start;
    struct subscription *s;
    enum problem problem = read_query(client, &wish);

    if (problem == PROBLEM_NONE) {
        problem = admission_authorize(
            shard, now, key, AUTHORITY_SUBSCRIBE, &wish.pattern);
    }
    if (problem == PROBLEM_NONE) {
        problem =
            replay_find(shard, now, &wish.pattern, 1, &wish.begin, &start);
    }
    if (problem != PROBLEM_NONE) {
        return problem;
    }
    s = client_subscription_add(
        client, bytes_of(NULL, 0), &wish.pattern, 1, shard->place);
    s->format = SUBSCRIPTION_HISTORY;
    client->history = new_history(&wish, now);
    client->history->subscription = s;
    (void)shard->options.lookup.vector(shard->options.lookup.context,
                                       &client->history->had);
    if (client->history->deadline_ms != 0) {
        add_by_deadline(shard, client->history);
    }
    client->state = CLIENT_HISTORY;
    client_wait_stop(client);
    replay_begin(shard, s, &start);
    return PROBLEM_NONE;
}

void history_event(struct client *client, struct bytes item)
{
    struct history *h = client->history;

    if (h->count > 0) {
        buffer_text(&h->body, ",");
    }
    buffer_append(&h->body, item);
    check(!h->body.overflowed);
    h->count++;
}

void history_gap(struct client *client, const struct answer_gap *gap)
{
    struct history *h = client->history;

    if (h->gapped) {
        h->gap.to = gap->to;
        h->gap.counted = h->gap.counted && gap->counted;
        h->gap.missed += gap->missed;
        return;
    }
    h->gapped = true;
    h->gap = *gap;
}

bool history_wants(const struct client *client)
{
    const struct history *h = client->history;

    return h->count < h->limit && h->body.len < HISTORY_BYTES_MAX;
}

bool history_lags(const struct client *client)
{
    return !vector_covers(&client->shard->vector, &client->history->had);
}

void history_room(const struct client *client,
                  uint64_t *ret_bytes,
                  uint64_t *ret_count)
{
    const struct history *h = client->history;

    check(history_wants(client));
    *ret_bytes = HISTORY_BYTES_MAX - h->body.len;
    *ret_count = h->limit - h->count;
}

/* An ordinary connection again, but for the answer. */
static void leave(struct client *c,
                  struct moment now,
                  enum problem problem,
                  struct bytes answer)
{
    client_subscription_drop(c, c->history->subscription);
    history_drop(c);
    http_api_finish(c, now, problem, answer);
    receive_later(c);
}

void history_end(struct client *client,
                 struct moment now,
                 const struct vector *at)
{
    struct history *h = client->history;

    answer_history_end(&h->body, at, h->gapped ? &h->gap : NULL);
    check(!h->body.overflowed);
    leave(client, now, PROBLEM_NONE, buffer_view(&h->body));
}

void history_fail(struct client *client,
                  struct moment now,
                  enum problem problem)
{
    leave(client, now, problem, bytes_of(NULL, 0));
}

void history_page_end(struct client *client,
                      struct moment now,
                      const struct vector *at,
                      bool live)
{
    const struct history *h = client->history;
    bool waits = h->deadline_ms != 0 && h->count == 0 && !h->gapped;

    if (!history_wants(client) || (live && !waits)) {
        history_end(client, now, at);
    }
}

void history_timeout(struct client *client, struct moment now)
{
    const struct replay *replay = client->history->subscription->replay;

    history_end(
        client, now, replay != NULL ? replay->at : &client->shard->vector);
}

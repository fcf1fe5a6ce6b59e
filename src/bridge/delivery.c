/* Noting, and rendering, who gets which event. */
#include "src/bridge/delivery.h"

#include "base/alloc.h"
#include "base/check.h"
#include "proto/ws_deflate.h"
#include "proto/ws_frame.h"
#include "src/bridge/replay.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/ws_session.h"

#include <stdlib.h>

/* An event's text may grow sixfold by escaping; a chunk, and what a client is
 * given of it, holds one event more than its bound. */
#define ARENA_BYTES_MAX ((size_t)8 << 20)

/* Of each buffer, from one chunk to the next. */
#define ARENA_KEPT_BYTES_MAX ((size_t)1 << 20)

/* A frame with a subscription's begin in front never needs more. */
#define FRAME_OVERHEAD_MAX (WS_FRAME_HEADER_MAX + WS_DEFLATE_STORED_LEN)

/* Below this a compressed frame is hardly smaller than a plain one. */
#define DEFLATE_BYTES_MIN 128

void delivery_arena_init(struct delivery_arena *a, size_t send_buffer_max)
{
    *a = (struct delivery_arena){0};
    buffer_init(&a->text, ARENA_BYTES_MAX);
    buffer_init(&a->deflated, ARENA_BYTES_MAX);
    buffer_init(&a->rendered, send_buffer_max + ARENA_BYTES_MAX);
    a->deflate = ws_deflate_new();
}

void delivery_arena_done(struct delivery_arena *a)
{
    free(a->list);
    free(a->tails);
    buffer_done(&a->text);
    buffer_done(&a->deflated);
    buffer_done(&a->rendered);
    ws_deflate_free(a->deflate);
}

void delivery_arena_clear(struct delivery_arena *a)
{
    a->count = 0;
    a->tail_count = 0;
    buffer_trim(&a->text, ARENA_KEPT_BYTES_MAX);
    buffer_trim(&a->deflated, ARENA_KEPT_BYTES_MAX);
    buffer_trim(&a->rendered, ARENA_KEPT_BYTES_MAX);
    if (a->capacity > 2 * DELIVERY_CHUNK_COUNT_MAX) {
        free(a->list);
        a->list = NULL;
        a->capacity = 0;
    }
}

/* The text of an event in one of its formats. */
static void print_tail(struct buffer *out,
                       enum subscription_format format,
                       struct bytes channel,
                       struct bytes content,
                       const struct vector *cursor)
{
    switch (format) {
    case SUBSCRIPTION_PLAIN:
        answer_data_tail(out, content);
        return;
    case SUBSCRIPTION_CURSORS:
        answer_data_tail_cursor(out, content, channel, cursor);
        return;
    case SUBSCRIPTION_STREAM:
        answer_stream_event(out, content, channel, cursor);
        return;
    case SUBSCRIPTION_HISTORY:
        answer_history_event(out, content, channel, cursor);
        return;
    case SUBSCRIPTION_FORMAT_COUNT:
        break;
    }
    check_unreachable();
}

static uint32_t add_tail(struct delivery_arena *a,
                         enum subscription_format format,
                         struct bytes channel,
                         struct bytes content,
                         const struct vector *cursor)
{
    struct delivery_tail *tail;

    if (a->tail_count == a->tail_capacity) {
        a->tail_capacity = a->tail_capacity * 2 + 64;
        a->tails =
            alloc_resize(a->tails, a->tail_capacity * sizeof(a->tails[0]));
    }
    tail = &a->tails[a->tail_count];
    *tail = (struct delivery_tail){.offset = a->text.len};
    print_tail(&a->text, format, channel, content, cursor);
    check(!a->text.overflowed);
    tail->len = a->text.len - tail->offset;
    return a->tail_count++;
}

static struct bytes tail_text(const struct delivery_arena *a,
                              const struct delivery_tail *tail)
{
    return bytes_of(a->text.data + tail->offset, tail->len);
}

static void add_note(struct delivery_arena *a,
                     struct client *c,
                     struct subscription *s,
                     uint64_t place,
                     uint32_t tail)
{
    if (a->count == a->capacity) {
        a->capacity = a->capacity * 2 + 256;
        a->list = alloc_resize(a->list, a->capacity * sizeof(a->list[0]));
    }
    a->list[a->count++] =
        (struct delivery){.subscription = s, .tail = tail, .next = 0};
    if (c->last_delivery == 0) {
        c->first_delivery = a->count;
    } else {
        a->list[c->last_delivery - 1].next = a->count;
    }
    c->last_delivery = a->count;
    s->after_place = place;
    c->delivery_bytes +=
        (uint32_t)(FRAME_OVERHEAD_MAX + s->begin_len + a->tails[tail].len);
}

/* Whether it gets events live: above its send buffer a client is only a place
 * in the log, and a page of history reads its first event from there, too. */
static bool is_live(const struct shard *shard, const struct subscription *s)
{
    const struct client *c = s->client;

    return s->format != SUBSCRIPTION_HISTORY &&
           c->out.len + c->delivery_bytes <=
               shard->options.limits->send_buffer_max;
}

static void fall_behind(struct shard *shard,
                        struct subscription *s,
                        const struct event *event)
{
    shard_count(shard, catchup_begun, s->format != SUBSCRIPTION_HISTORY);
    replay_begin_at(shard, s, event);
}

/* `tails`: of each format the event's, UINT32_MAX while there is none. From the
 * back, because one that falls behind changes places with the last live one. */
static void note_topic(struct shard *shard,
                       const struct topic *topic,
                       const struct event *event,
                       uint32_t tails[SUBSCRIPTION_FORMAT_COUNT])
{
    for (uint32_t i = topic->live_count; i-- > 0;) {
        struct subscription *s = topic->links[i]->subscription;
        struct client *c = s->client;
        uint32_t *tail = &tails[s->format];

        if (event->place <= s->after_place || !client_subscribes(c)) {
            continue;
        }
        if (!is_live(shard, s)) {
            fall_behind(shard, s, event);
            continue;
        }
        if (*tail == UINT32_MAX) {
            *tail = add_tail(&shard->deliveries,
                             s->format,
                             event->channel,
                             event->content,
                             &shard->vector);
        }
        add_note(&shard->deliveries, c, s, event->place, *tail);
        if (list_empty(&c->send_node)) {
            list_push_back(&shard->sending, &c->send_node);
        }
    }
}

/* Who began where the shard has yet to walk to began behind what is skipped
 * now, too. */
static void replay_topic(struct map_node *node, void *context)
{
    struct topic *topic = map_entry(node, struct topic, node);
    struct shard *shard = context;
    const struct replay_start start = {.place = shard->place + 1,
                                       .at = shard->vector};

    for (uint32_t i = topic->live_count; i-- > 0;) {
        struct subscription *s = topic->links[i]->subscription;

        if (client_subscribes(s->client) && s->after_place <= shard->place) {
            replay_begin(shard, s, &start);
        }
    }
}

static void replay_gone(struct map_node *node, void *context)
{
    struct shard *shard = context;

    if (event_gone_of(shard->gone, node->key)) {
        replay_topic(node, context);
    }
}

/* What stands for events that are gone: whoever may have had one is told. */
static void walk_gone(struct shard *shard, const struct event *event)
{
    shard->gone = event->channel;
    map_each(&shard->subscriptions.exact, replay_gone, shard);
    map_each(&shard->subscriptions.wildcard, replay_gone, shard);
    (void)vector_raise(&shard->vector, event->origin, event->sequence);
    shard->place = event->place;
}

void delivery_walk(struct shard *shard, const struct event *event)
{
    struct topic *topics[SUBSCRIPTION_TOPICS_MAX];
    size_t count =
        subscription_topics(&shard->subscriptions, event->channel, topics);
    uint32_t tails[SUBSCRIPTION_FORMAT_COUNT];

    check(event->place > shard->place);
    if (event->gone) {
        walk_gone(shard, event);
        return;
    }
    memset(tails, UINT8_MAX, sizeof(tails));
    shard->sequence_before = vector_get(&shard->vector, event->origin);
    (void)vector_raise(&shard->vector, event->origin, event->sequence);
    for (size_t i = 0; i < count; i++) {
        note_topic(shard, topics[i], event, tails);
    }
    shard->place = event->place;
}

static struct bytes deflated_tail(struct delivery_arena *a,
                                  struct delivery_tail *tail)
{
    if (tail->deflated_len == 0) {
        tail->deflated_offset = a->deflated.len;
        ws_deflate_tail(a->deflate, tail_text(a, tail), &a->deflated);
        check(!a->deflated.overflowed);
        tail->deflated_len = a->deflated.len - tail->deflated_offset;
    }
    return bytes_of(a->deflated.data + tail->deflated_offset,
                    tail->deflated_len);
}

/* Append one data frame. With compression, the part of its own goes in a stored
 * block and the shared part follows, compressed once for all. */
static void render_frame(struct delivery_arena *a,
                         const struct subscription *s,
                         struct delivery_tail *tail,
                         struct buffer *out)
{
    struct bytes begin = subscription_begin(s);
    struct bytes end = tail_text(a, tail);
    bool deflate =
        s->client->ws.deflate && begin.len + end.len >= DEFLATE_BYTES_MIN;
    size_t stored_len = 0;
    uint8_t *at;

    if (s->format == SUBSCRIPTION_STREAM) {
        buffer_append(out, end);
        return;
    }
    if (deflate) {
        end = deflated_tail(a, tail);
        stored_len = WS_DEFLATE_STORED_LEN;
    }
    at = buffer_reserve(out, FRAME_OVERHEAD_MAX + begin.len + end.len);
    check(at != NULL);
    size_t len = ws_frame_header(
        at, WS_FRAME_TEXT, deflate, stored_len + begin.len + end.len);
    if (deflate) {
        ws_deflate_stored(begin.len, at + len);
        len += stored_len;
    }
    memcpy(at + len, begin.data, begin.len);
    memcpy(at + len + begin.len, end.data, end.len);
    buffer_advance(out, len + begin.len + end.len);
}

static void render_notes(struct shard *shard,
                         struct client *c,
                         struct buffer *out)
{
    struct delivery_arena *a = &shard->deliveries;
    uint64_t count = 0;

    for (uint32_t i = c->first_delivery; i != 0; i = a->list[i - 1].next) {
        struct delivery *d = &a->list[i - 1];

        render_frame(a, d->subscription, &a->tails[d->tail], out);
        count++;
    }
    c->first_delivery = 0;
    c->last_delivery = 0;
    c->delivery_bytes = 0;
    shard_count(shard, deliveries, count);
}

void delivery_render(struct shard *shard, struct client *client)
{
    if (client->first_delivery != 0) {
        render_notes(shard, client, &client->out);
    }
}

struct bytes delivery_view(struct shard *shard, struct client *client)
{
    struct buffer *out = &shard->deliveries.rendered;

    check(client->out.len == 0);
    buffer_clear(out);
    render_notes(shard, client, out);
    return buffer_view(out);
}

struct delivery_mark delivery_mark(const struct delivery_arena *a)
{
    return (struct delivery_mark){.tail_count = a->tail_count,
                                  .text_len = a->text.len,
                                  .deflated_len = a->deflated.len};
}

void delivery_truncate(struct delivery_arena *a, struct delivery_mark mark)
{
    a->tail_count = mark.tail_count;
    a->text.len = mark.text_len;
    a->deflated.len = mark.deflated_len;
}

size_t delivery_page_add(struct shard *shard,
                         const struct subscription *subscription,
                         const struct vector *at,
                         const struct shard_input *in)
{
    struct delivery_arena *a = &shard->deliveries;
    uint32_t tail;

    if (!subscription_matches(
            &shard->subscriptions, subscription, in->record.channel)) {
        return 0;
    }
    tail = add_tail(a,
                    (enum subscription_format)subscription->format,
                    in->record.channel,
                    in->record.content,
                    at);
    return FRAME_OVERHEAD_MAX + subscription->begin_len + a->tails[tail].len;
}

void delivery_page_give(struct shard *shard,
                        struct subscription *subscription,
                        struct delivery_mark mark)
{
    struct delivery_arena *a = &shard->deliveries;
    struct client *c = subscription->client;

    for (uint32_t i = mark.tail_count; i < a->tail_count; i++) {
        if (subscription->format == SUBSCRIPTION_HISTORY) {
            history_event(c, tail_text(a, &a->tails[i]));
        } else {
            render_frame(a, subscription, &a->tails[i], client_output(c));
        }
    }
    shard_count(shard, deliveries, a->tail_count - mark.tail_count);
}

void delivery_skip(struct shard *shard, uint64_t origin, uint64_t sequence)
{
    map_each(&shard->subscriptions.exact, replay_topic, shard);
    map_each(&shard->subscriptions.wildcard, replay_topic, shard);
    (void)vector_raise(&shard->vector, origin, sequence);
}

void delivery_begun(struct shard *shard,
                    struct subscription *subscription,
                    const struct vector *at)
{
    struct client *c = subscription->client;

    if (subscription->format == SUBSCRIPTION_CURSORS) {
        buffer_clear(&shard->text);
        answer_subscribed(&shard->text, subscription_id(subscription), at);
        client_send_text(c, buffer_view(&shard->text));
    } else if (subscription->format == SUBSCRIPTION_STREAM) {
        answer_stream_begin(client_output(c), at);
    }
}

void delivery_gap(struct shard *shard,
                  struct subscription *subscription,
                  struct moment now,
                  const struct answer_gap *gap)
{
    struct client *c = subscription->client;
    struct buffer *text = &shard->text;

    buffer_clear(text);
    switch ((enum subscription_format)subscription->format) {
    case SUBSCRIPTION_PLAIN:
        shard_count(shard, catchup_lost, 1);
        ws_session_close(c, now, 1013, "events were missed");
        return;
    case SUBSCRIPTION_CURSORS:
        answer_gap(text, subscription_id(subscription), gap);
        client_send_text(c, buffer_view(text));
        return;
    case SUBSCRIPTION_STREAM:
        answer_stream_gap(client_output(c), gap);
        return;
    case SUBSCRIPTION_HISTORY:
        history_gap(c, gap);
        return;
    case SUBSCRIPTION_FORMAT_COUNT:
        break;
    }
    check_unreachable();
}

/* The shard's door: inputs to the clients they are for, deadlines, and what the
 * world pulls out after each turn. */
#include "src/bridge/shard.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/bridge/deadline.h"
#include "src/bridge/http_api.h"
#include "src/bridge/receive.h"
#include "src/bridge/replay.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/ws_session.h"

#include <stdlib.h>

/* /metrics and the longest answer to a publish both fit. */
#define TEXT_BYTES_MAX (256 * 1024)

/* Room for batches that wait, once none does. */
#define BATCHES_KEPT_MAX 4096

/* Of one message while it is looked at, after it. */
#define SCRATCH_KEPT_BYTES_MAX ((size_t)64 * 1024)

struct shard *shard_new(const struct shard_options *options)
{
    const struct shard_limits *limits = options->limits;
    struct shard *shard = alloc_zero(sizeof(*shard));

    shard->options = *options;
    shard->ws_pool = ws_stream_pool_new(
        WS_STREAM_SERVER, limits->message_bytes_max, options->seed);
    shard->request_limits = (struct http_request_limits){
        .target_bytes_max = limits->head_bytes_max / 2,
        .head_bytes_max = limits->head_bytes_max,
        .body_bytes_max = limits->body_bytes_max,
    };
    buffer_init(&shard->scratch,
                limits->message_bytes_max + limits->body_bytes_max +
                    CREDENTIALS_BYTES_MAX);
    buffer_init(&shard->text, TEXT_BYTES_MAX);
    shard->random = options->random_seed;
    client_table_init(&shard->clients);
    subscription_table_init(&shard->subscriptions, options->seed);
    lease_table_init(&shard->leases, options->seed);
    delivery_arena_init(&shard->deliveries, limits->send_buffer_max);
    replay_page_queue_init(&shard->pages, options->seed);
    shard->place = options->last_place;
    if (options->lookup.vector != NULL) {
        (void)options->lookup.vector(options->lookup.context, &shard->vector);
    }
    list_init(&shard->sending);
    list_init(&shard->closing);
    list_init(&shard->blocked);
    list_init(&shard->held);
    refusals_init(&shard->refusals, options->seed);
    list_init(&shard->keepalives);
    list_init(&shard->stream_keepalives);
    list_init(&shard->histories);
    list_init(&shard->publishes);
    list_init(&shard->unfinished);
    list_init(&shard->resumes);
    list_init(&shard->ended_subscriptions);
    list_init(&shard->ended_replays);
    list_init(&shard->ended_histories);
    for (int i = 0; i < CLIENT_WAIT_COUNT; i++) {
        list_init(&shard->waits[i]);
    }
    return shard;
}

static void free_ended(struct shard *shard)
{
    struct list *node;

    while ((node = list_pop_front(&shard->ended_replays)) != NULL) {
        replay_free(list_entry(node, struct replay, node));
    }
    while ((node = list_pop_front(&shard->ended_histories)) != NULL) {
        history_free(list_entry(node, struct history, node));
    }
    while ((node = list_pop_front(&shard->ended_subscriptions)) != NULL) {
        subscription_free(list_entry(node, struct subscription, client_node));
    }
}

void shard_free(struct shard *shard)
{
    struct list *node;

    if (shard == NULL) {
        return;
    }
    client_table_done(&shard->clients);
    refusals_done(&shard->refusals);
    free_ended(shard);
    while ((node = list_pop_front(&shard->publishes)) != NULL) {
        struct publish *publish = list_entry(node, struct publish, node);

        intake_release(shard->options.intake, publish->bytes);
        publish_free(publish);
    }
    for (size_t i = 0; i < shard->batch_count; i++) {
        batch_unref(shard->batches[i]);
    }
    for (size_t i = 0; i < shard->spare_request_count; i++) {
        http_request_free(shard->spare_requests[i]);
    }
    free(shard->batches);
    drain_done(&shard->drain);
    subscription_table_done(&shard->subscriptions);
    lease_table_done(&shard->leases);
    replay_page_queue_done(&shard->pages);
    delivery_arena_done(&shard->deliveries);
    buffer_done(&shard->scratch);
    buffer_done(&shard->text);
    ws_stream_pool_free(shard->ws_pool);
    free(shard);
}

static struct client *open_client(struct shard *shard,
                                  struct moment now,
                                  const struct shard_input *in)
{
    struct client *c = client_table_add(&shard->clients, shard, in->socket);

    c->address = in->address;
    client_wait_start(c, CLIENT_WAIT_REQUEST, now);
    shard_count(shard, connections_opened, 1);
    shard_count(shard, connections_open, 1);
    return c;
}

/* The one place where things that a step has ended are freed, and where it
 * begins what follows from it: everything that it called has returned. */
static void end_step(struct shard *shard, struct moment now)
{
    receive_waiting(shard, now);
    buffer_trim(&shard->scratch, SCRATCH_KEPT_BYTES_MAX);
    free_ended(shard);
}

/* A peer that has only shut its own half may still read what it is owed. */
static void end_of_input(struct client *c, bool reset)
{
    c->peer_done = true;
    if (reset || c->websocket || c->state == CLIENT_STREAM) {
        client_abort(c);
    } else if (c->state == CLIENT_HTTP_WAITING || c->state == CLIENT_HISTORY) {
        c->keep_alive = false;
    } else if (c->out.len > 0) {
        client_finish(c);
    } else {
        client_abort(c);
    }
}

static void answer(struct shard *shard,
                   struct moment now,
                   const struct publish *publish)
{
    struct client *c = client_table_find(&shard->clients, publish->client_id);

    if (c == NULL) {
        return;
    }
    if (publish->id_len > 0) {
        ws_session_answer(c, publish);
    } else {
        http_api_answer(c, now, publish);
    }
    receive_later(c);
}

static void answer_batch(struct shard *shard,
                         struct moment now,
                         struct batch *batch)
{
    struct list *mine = &batch->answers[shard->options.index];
    struct list *node;

    while ((node = list_pop_front(mine)) != NULL) {
        struct publish *publish = list_entry(node, struct publish, node);

        answer(shard, now, publish);
        publish_free(publish);
    }
}

/* Walk events until a chunk is full, answering the publishes of each batch that
 * is through. */
static void walk_chunk(struct shard *shard, struct moment now)
{
    size_t done = 0;

    while (done < shard->batch_count &&
           !delivery_arena_full(&shard->deliveries)) {
        struct batch *batch = shard->batches[done];

        if (shard->batch_event < batch->event_count) {
            delivery_walk(shard, batch->events[shard->batch_event++]);
            continue;
        }
        if (batch->skip_to > 0) {
            delivery_skip(shard, batch->origin, batch->skip_to);
        }
        if (batch->have != NULL) {
            vector_prune(&shard->vector, batch->have);
        }
        answer_batch(shard, now, batch);
        batch_unref(batch);
        shard->batch_event = 0;
        done++;
    }
    memmove(shard->batches,
            shard->batches + done,
            (shard->batch_count - done) * sizeof(shard->batches[0]));
    shard->batch_count -= done;
    if (shard->batch_count == 0 && shard->batch_capacity > BATCHES_KEPT_MAX) {
        free(shard->batches);
        shard->batches = NULL;
        shard->batch_capacity = 0;
    }
    replay_page_walked(shard);
}

static void take_batches(struct shard *shard,
                         struct batch *const *list,
                         size_t count)
{
    if (shard->batch_count + count > shard->batch_capacity) {
        shard->batch_capacity = shard->batch_count + count + 16;
        shard->batches = alloc_resize(
            shard->batches, shard->batch_capacity * sizeof(shard->batches[0]));
    }
    for (size_t i = 0; i < count; i++) {
        shard->batches[shard->batch_count++] = batch_ref(list[i]);
    }
}

uint64_t shard_deadline_ms(const struct shard *shard)
{
    uint64_t drain_ms = drain_next_ms(shard);
    uint64_t deadline_ms = deadline_next_ms(shard);

    return drain_ms < deadline_ms ? drain_ms : deadline_ms;
}

void shard_step(struct shard *shard, struct moment now, struct shard_input *in)
{
    shard->now = now;
    switch (in->kind) {
    case SHARD_INPUT_OPENED:
        in->client = open_client(shard, now, in);
        break;
    case SHARD_INPUT_BYTES:
        receive_bytes(in->client, now, in->bytes);
        break;
    case SHARD_INPUT_EOF:
        end_of_input(in->client, in->reset);
        break;
    case SHARD_INPUT_WRITABLE:
        in->client->blocked = false;
        list_remove(&in->client->write_node);
        if (!in->client->aborted) {
            (void)client_output(in->client);
        }
        break;
    case SHARD_INPUT_BATCHES:
        take_batches(shard, in->batches.list, in->batches.count);
        break;
    case SHARD_INPUT_MISSED:
        replay_page_missed(shard, in);
        return;
    case SHARD_INPUT_CORRUPT:
        replay_page_corrupt(shard);
        return;
    case SHARD_INPUT_RECORD:
        replay_page_record(shard, in);
        return;
    case SHARD_INPUT_PAGE_END:
        replay_page_end(shard, now, in);
        break;
    case SHARD_INPUT_TICK:
        drain_on(shard, now);
        deadline_expire(shard, now);
        break;
    case SHARD_INPUT_DRAIN:
        drain_begin(shard, now, in->drain_ms);
        break;
    }
    end_step(shard, now);
}

/* Once its notes are rendered and out, nothing refers to the chunk. */
static bool next_sender(struct shard *shard, struct moment now)
{
    while (list_empty(&shard->sending)) {
        delivery_arena_clear(&shard->deliveries);
        if (shard->batch_count == 0) {
            return false;
        }
        walk_chunk(shard, now);
        end_step(shard, now);
    }
    return true;
}

bool shard_next_send(struct shard *shard,
                     struct moment now,
                     struct client **ret_client,
                     void **ret_socket,
                     struct bytes *ret_bytes)
{
    while (next_sender(shard, now)) {
        struct list *node = list_pop_front(&shard->sending);
        struct client *c = list_entry(node, struct client, send_node);

        if (c->blocked || c->held) {
            delivery_render(shard, c);
            continue;
        }
        if (c->out.len > 0 || c->first_delivery == 0) {
            delivery_render(shard, c);
            *ret_bytes = buffer_view(&c->out);
        } else {
            *ret_bytes = delivery_view(shard, c);
        }
        *ret_client = c;
        *ret_socket = c->socket;
        return true;
    }
    return false;
}

/* All is out: a client that closes can go, one that replays can read on. */
static void drained(struct client *c, struct moment now)
{
    struct shard *shard = c->shard;
    size_t cap = c->out.cap;

    buffer_done(&c->out);
    buffer_init(&c->out, cap);
    if (c->state == CLIENT_CLOSING) {
        /* A WebSocket waits for the peer's close first (RFC 6455, 7.1.1). */
        if (!c->websocket || c->ws.closed) {
            list_remove(&c->close_node);
            list_push_back(&shard->closing, &c->close_node);
        }
        return;
    }
    if (c->leaving && c->state == CLIENT_WS_OPEN &&
        c->publishes_in_flight == 0) {
        drain_client(c, now);
        return;
    }
    replay_offer(c);
    receive_later(c);
}

static void sent(struct shard *shard,
                 struct moment now,
                 struct client *client,
                 size_t taken)
{
    struct buffer *rendered = &shard->deliveries.rendered;
    bool from_out = client->out.len > 0;
    struct bytes all = buffer_view(from_out ? &client->out : rendered);

    if (!from_out && rendered->len == 0) {
        drained(client, now);
        return;
    }
    check(taken <= all.len);
    if (from_out) {
        buffer_consume(&client->out, taken);
    } else {
        buffer_append(&client->out, bytes_from(all, taken));
        buffer_clear(rendered);
    }
    if (client->out.len == 0) {
        drained(client, now);
        return;
    }
    client->blocked = true;
    client->write_deadline_ms =
        now.mono_ms + shard->options.limits->write_timeout_ms;
    list_remove(&client->write_node);
    list_push_back(&shard->blocked, &client->write_node);
}

void shard_sent(struct shard *shard,
                struct moment now,
                struct client *client,
                size_t taken)
{
    sent(shard, now, client, taken);
    end_step(shard, now);
}

bool shard_next_page(struct shard *shard, struct shard_page *ret)
{
    return replay_page_next(shard, ret);
}

bool shard_page_wants(const struct shard *shard)
{
    return replay_page_wants(shard);
}

bool shard_next_close(struct shard *shard, void **ret_socket, bool *ret_half)
{
    struct list *node = list_pop_front(&shard->closing);
    struct client *c;

    if (node == NULL) {
        return false;
    }
    c = list_entry(node, struct client, close_node);
    *ret_socket = c->socket;
    *ret_half = !c->aborted && !c->peer_done && !c->half_closed;
    if (*ret_half) {
        c->half_closed = true;
        return true;
    }
    shard_count(shard, connections_open, -1);
    client_table_remove(&shard->clients, c);
    free_ended(shard);
    return true;
}

void shard_take_publishes(struct shard *shard, struct list *out)
{
    list_splice_back(out, &shard->publishes);
}

bool shard_wants_read(const struct client *client)
{
    return client_wants_read(client);
}

size_t shard_client_count(const struct shard *shard)
{
    return client_table_count(&shard->clients);
}

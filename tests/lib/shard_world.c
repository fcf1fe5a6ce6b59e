/* The world's half: what kernel, log thread and clock are to a shard. */
#include "tests/lib/shard_world.h"

#include "base/alloc.h"
#include "proto/ws_deflate.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define ORIGIN UINT64_C(0x1234)
#define SETTLE_TURNS_MAX 100000

struct shard_world_options shard_world_defaults(void)
{
    return (struct shard_world_options){
        .limits = {.head_bytes_max = 32 * 1024,
                   .body_bytes_max = 2 << 20,
                   .message_bytes_max = 8 << 20,
                   .send_buffer_max = 64 * 1024,
                   .subscriptions_max = 200,
                   .publishes_in_flight_max = 64,
                   .request_timeout_ms = 15000,
                   .idle_timeout_ms = 75000,
                   .write_timeout_ms = 30000,
                   .close_timeout_ms = 5000,
                   .keepalive_ms = 60000,
                   .connection_timeout_ms = 300000},
        .intake_bytes_max = 64 << 20,
        .unfinished_bytes_max = 64 << 20};
}

static uint64_t lookup_vector(void *context, struct vector *ret)
{
    struct shard_world *w = context;
    uint64_t floor = vector_get(&w->low, VECTOR_FLOOR);

    *ret = (struct vector){0};
    (void)vector_raise(ret, w->sequencer.origin, w->sequencer.last_stored);
    if (floor > 0) {
        (void)vector_raise(ret, VECTOR_FLOOR, floor);
    }
    return w->log_count;
}

static bool lookup_knows(void *context, uint64_t origin)
{
    return origin == VECTOR_FLOOR ||
           origin == ((struct shard_world *)context)->sequencer.origin;
}

static int lookup_vector_at(void *context, uint64_t place, struct vector *ret)
{
    struct shard_world *w = context;

    *ret = w->low;
    (void)vector_raise(ret, w->sequencer.origin, 0);
    for (uint64_t i = w->first_place; i <= place && i <= w->log_count; i++) {
        if (w->log[i - 1] != NULL) {
            (void)vector_raise(
                ret, w->log[i - 1]->origin, w->log[i - 1]->sequence);
        }
    }
    return 0;
}

static void lookup_low_water(void *context,
                             struct bytes channel,
                             struct vector *ret)
{
    (void)channel;
    *ret = ((struct shard_world *)context)->low;
}

/* The first event that the vector does not cover. */
static uint64_t lookup_seek(void *context, const struct vector *after)
{
    struct shard_world *w = context;

    for (uint64_t i = w->first_place; i <= w->log_count; i++) {
        const struct event *event = w->log[i - 1];

        if (event != NULL &&
            event->sequence > vector_get(after, event->origin)) {
            return i;
        }
    }
    return w->log_count + 1;
}

static uint64_t lookup_last(void *context, struct bytes channel, uint64_t count)
{
    struct shard_world *w = context;
    uint64_t first = 0;

    for (uint64_t i = w->log_count; i >= w->first_place && count > 0; i--) {
        if (w->log[i - 1] != NULL &&
            bytes_equal(w->log[i - 1]->channel, channel)) {
            first = i;
            count--;
        }
    }
    return first;
}

static uint64_t lookup_kept_from(void *context,
                                 const struct channel_name *patterns,
                                 size_t pattern_count)
{
    (void)context;
    (void)patterns;
    (void)pattern_count;
    return 1;
}

static bool lookup_gone(void *context,
                        struct bytes channel,
                        const struct vector *after)
{
    const struct shard_world *w = context;

    (void)channel;
    return !vector_covers(after, &w->low);
}

static void show_cluster(void *context,
                         enum shard_cluster_form form,
                         struct buffer *out)
{
    static const char *const texts[] = {
        [SHARD_CLUSTER_JSON] = "{\"members\":[]}",
        [SHARD_CLUSTER_TEXT] = "node\n",
        [SHARD_CLUSTER_URLS] = "{\"urls\":[]}",
    };

    (void)context;
    buffer_text(out, texts[form]);
}

static bool forget_member(void *context, uint64_t node)
{
    struct shard_world *w = context;

    w->forgotten = node;
    return node == SHARD_WORLD_DEAD_MEMBER;
}

static struct shard_lookup lookup(struct shard_world *w)
{
    return (struct shard_lookup){.context = w,
                                 .vector = lookup_vector,
                                 .knows = lookup_knows,
                                 .low_water = lookup_low_water,
                                 .seek = lookup_seek,
                                 .last = lookup_last,
                                 .vector_at = lookup_vector_at,
                                 .kept_from = lookup_kept_from,
                                 .gone = lookup_gone};
}

static void make_shard(struct shard_world *w)
{
    const struct shard_options options = {
        .index = 0,
        .seed = 1,
        .random_seed = 2,
        .last_place = 0,
        .limits = &w->options.limits,
        .namespaces = &w->namespaces,
        .authority = w->authority,
        .intake = &w->intake,
        .unfinished = &w->unfinished,
        .lookup = lookup(w),
        .cluster = {.context = w,
                    .show = show_cluster,
                    .forget = forget_member},
        .metrics = &w->metrics,
        .all_metrics = w->all_metrics,
        .all_metrics_count = 1,
        .clustered = w->options.clustered,
        .compression = w->options.compression,
        .allowed_origins = w->options.allowed_origins,
        .allowed_origins_count = w->options.allowed_origins_count,
        .console = w->options.console};

    w->shard = shard_new(&options);
}

struct shard_world *shard_world_new(const struct shard_world_options *options)
{
    struct shard_world *w = alloc_zero(sizeof(*w));
    uint8_t seed[32] = {7};
    uint8_t public_key[32];

    w->options = options != NULL ? *options : shard_world_defaults();
    w->now = (struct moment){.mono_ms = 1000, .wall_ms = SHARD_WORLD_WALL_MS};
    crypto_sign_seed_keypair(public_key, w->secret, seed);
    w->authority = authority_new(1);
    tap_equal(authority_trust(w->authority, public_key), 0);
    namespace_table_init(&w->namespaces, 1);
    namespace_table_add(&w->namespaces, bytes_text("default"), NULL);
    namespace_table_add(&w->namespaces, bytes_text("other"), NULL);
    w->intake.bytes_max = w->options.intake_bytes_max;
    w->unfinished.bytes_max = w->options.unfinished_bytes_max;
    w->all_metrics[0] = &w->metrics;
    list_init(&w->waiting);
    sequencer_init(&w->sequencer, ORIGIN, 0, 0);
    w->first_place = 1;
    w->page_bytes_max = (size_t)256 * 1024;
    w->pages_per_turn = 16;
    w->read_bytes_max = (size_t)64 * 1024;
    w->inflate = ws_deflate_new();
    make_shard(w);
    w->key = shard_world_key(w, "/*", "/*", false, 0);
    return w;
}

static void free_peer(struct shard_peer *p)
{
    buffer_done(&p->sent);
    buffer_done(&p->got);
    buffer_done(&p->taken);
    free(p);
}

void shard_world_free(struct shard_world *w)
{
    struct list *node;

    shard_free(w->shard);
    while ((node = list_pop_front(&w->waiting)) != NULL) {
        struct publish *publish = list_entry(node, struct publish, node);

        intake_release(&w->intake, publish->bytes);
        publish_free(publish);
    }
    for (size_t i = 0; i < w->log_count; i++) {
        event_unref(w->log[i]);
    }
    for (size_t i = 0; i < w->peer_count; i++) {
        free_peer(w->peers[i]);
    }
    for (size_t i = 0; i < w->key_count; i++) {
        free(w->keys[i]);
    }
    /* Whatever was charged has come back. */
    tap_equal(atomic_load(&w->intake.bytes), 0);
    free(w->log);
    ws_deflate_free(w->inflate);
    namespace_table_done(&w->namespaces);
    authority_free(w->authority);
    free(w);
}

static void grant(const char *text, struct channel_name *ret, size_t *ret_count)
{
    if (text != NULL) {
        tap_equal(channel_name_parse_grant(bytes_text(text), ret), 0);
        *ret_count = 1;
    }
}

const char *shard_world_key(struct shard_world *w,
                            const char *publish,
                            const char *subscribe,
                            bool admin,
                            uint64_t expires_s)
{
    struct api_key key = {.admin = admin, .expires_s = expires_s};
    struct buffer text;
    char *copy;

    snprintf(key.id, sizeof(key.id), "key-%zu", w->key_count);
    grant(publish, key.publish, &key.publish_count);
    grant(subscribe, key.subscribe, &key.subscribe_count);
    buffer_init(&text, API_KEY_TEXT_BYTES_MAX);
    authority_sign(&key, w->secret, &text);
    tap_check(!text.overflowed && w->key_count < 64);
    copy = alloc_zero(text.len + 1);
    memcpy(copy, text.data, text.len);
    buffer_done(&text);
    w->keys[w->key_count++] = copy;
    return copy;
}

void shard_world_step(struct shard_world *w, struct shard_input *in)
{
    shard_step(w->shard, w->now, in);
}

static bool read_sockets(struct shard_world *w)
{
    bool any = false;

    for (size_t i = 0; i < w->peer_count; i++) {
        struct shard_peer *p = w->peers[i];

        if (p->client != NULL && p->blocked && p->room > 0) {
            struct shard_input in = {.kind = SHARD_INPUT_WRITABLE,
                                     .client = p->client};

            p->blocked = false;
            shard_world_step(w, &in);
            any = true;
        }
        if (p->client != NULL && p->sent.len > 0 &&
            shard_wants_read(p->client)) {
            size_t len = p->sent.len < w->read_bytes_max ? p->sent.len
                                                         : w->read_bytes_max;
            struct shard_input in = {.kind = SHARD_INPUT_BYTES,
                                     .client = p->client,
                                     .bytes = bytes_of(p->sent.data, len)};

            shard_world_step(w, &in);
            buffer_consume(&p->sent, len);
            any = true;
        }
    }
    return any;
}

static bool send_all(struct shard_world *w)
{
    struct client *client;
    struct bytes bytes;
    void *socket;
    bool any = false;

    while (shard_next_send(w->shard, w->now, &client, &socket, &bytes)) {
        struct shard_peer *p = socket;
        size_t taken = bytes.len < p->room ? bytes.len : p->room;

        tap_check(p->client == client);
        tap_check(!p->closed && !p->blocked);
        tap_check(bytes.len == 0 || !p->half_closed);
        buffer_append(&p->got, bytes_of(bytes.data, taken));
        tap_check(!p->got.overflowed);
        p->room -= p->room == SIZE_MAX ? 0 : taken;
        p->blocked = taken < bytes.len;
        p->sends += bytes.len > 0;
        if (bytes.len > p->largest_send) {
            p->largest_send = bytes.len;
        }
        shard_sent(w->shard, w->now, client, taken);
        any = true;
    }
    return any;
}

static bool give_record(struct shard_world *w, const struct event *event)
{
    struct shard_input in = {.kind = SHARD_INPUT_RECORD,
                             .record = {.place = event->place,
                                        .origin = event->origin,
                                        .sequence = event->sequence,
                                        .predecessor = event->predecessor,
                                        .channel = event->channel,
                                        .content = event->content}};

    if (w->states != NULL) {
        in.record.state = (enum shard_record_state)w->states[event->place - 1];
    }
    shard_world_step(w, &in);
    return shard_page_wants(w->shard);
}

/* Whether it is lost for a page of its channel, as storage/index has it. */
static bool is_lost(const struct shard_world *w,
                    const struct shard_page *page,
                    const struct event *event)
{
    enum shard_record_state state =
        (enum shard_record_state)w->states[event->place - 1];

    if (state == SHARD_RECORD_NEVER_KEPT) {
        return event->place <= page->since;
    }
    return state != SHARD_RECORD_KEPT;
}

/* What left the window of the page's channel; returns where to read on. */
static uint64_t give_missed(struct shard_world *w,
                            const struct shard_page *page)
{
    struct vector to;
    struct shard_input in = {.kind = SHARD_INPUT_MISSED,
                             .missed = {.exact = true, .to = &to}};

    for (uint64_t place = page->from;
         place <= w->log_count && place <= page->until && w->states != NULL;
         place++) {
        const struct event *event = w->log[place - 1];

        if (event != NULL && bytes_equal(event->channel, page->channel) &&
            is_lost(w, page, event)) {
            in.missed.count +=
                vector_get(page->at, event->origin) < event->sequence;
            in.missed.place = place;
        }
    }
    if (in.missed.count > 0) {
        (void)lookup_vector_at(w, in.missed.place, &to);
        shard_world_step(w, &in);
    }
    return in.missed.place > 0 ? in.missed.place + 1 : page->from;
}

/* As src/io/log_view does: the first record always, then while the page has
 * room. */
static void read_page(struct shard_world *w, const struct shard_page *page)
{
    struct shard_input end = {.kind = SHARD_INPUT_PAGE_END};
    uint64_t place = page->from;
    size_t bytes = 0;

    end.page.failed = w->log_unreadable;
    if (page->channel.len > 0) {
        place = give_missed(w, page);
    }
    for (; !w->log_unreadable && place <= w->log_count; place++) {
        const struct event *event = w->log[place - 1];

        if (event == NULL || (page->channel.len > 0 &&
                              !bytes_equal(page->channel, event->channel))) {
            continue;
        }
        if (bytes > 0 && bytes + event->content.len > w->page_bytes_max) {
            break;
        }
        bytes += event->content.len;
        if (!give_record(w, event)) {
            place++;
            break;
        }
    }
    end.page.covered_place = place - 1;
    shard_world_step(w, &end);
    w->pages++;
}

/* The same from its place back. */
static void read_page_back(struct shard_world *w, const struct shard_page *page)
{
    struct shard_input end = {.kind = SHARD_INPUT_PAGE_END};
    size_t bytes = 0;

    end.page.failed = w->log_unreadable;
    end.page.covered_place = 1;
    for (uint64_t place = page->from;
         !w->log_unreadable && place >= w->first_place;
         place--) {
        const struct event *event = w->log[place - 1];

        if (event == NULL) {
            continue;
        }
        if (bytes > 0 && bytes + event->content.len > w->page_bytes_max) {
            break;
        }
        bytes += event->content.len;
        end.page.covered_place = place;
        if (!give_record(w, event)) {
            break;
        }
    }
    shard_world_step(w, &end);
    w->pages++;
}

static bool read_pages(struct shard_world *w)
{
    struct shard_page page;
    size_t count = 0;

    while (count < w->pages_per_turn && shard_next_page(w->shard, &page)) {
        if (page.back) {
            read_page_back(w, &page);
        } else {
            read_page(w, &page);
        }
        count++;
    }
    return count > 0;
}

static bool close_all(struct shard_world *w)
{
    void *socket;
    bool half;
    bool any = false;

    while (shard_next_close(w->shard, &socket, &half)) {
        struct shard_peer *p = socket;

        tap_check(!p->closed);
        if (half) {
            tap_check(!p->half_closed);
            p->half_closed = true;
        } else {
            p->closed = true;
            p->client = NULL;
        }
        any = true;
    }
    return any;
}

bool shard_world_outputs(struct shard_world *w)
{
    bool any = send_all(w);
    struct list publishes;

    if (read_pages(w)) {
        any = send_all(w) || any;
        any = true;
    }
    any = close_all(w) || any;
    list_init(&publishes);
    shard_take_publishes(w->shard, &publishes);
    any = any || !list_empty(&publishes);
    list_splice_back(&w->waiting, &publishes);
    return any;
}

bool shard_world_turn(struct shard_world *w)
{
    bool any = read_sockets(w);

    return shard_world_outputs(w) || any;
}

static void append(struct shard_world *w, struct event *event)
{
    if (w->log_count == w->log_capacity) {
        w->log_capacity = w->log_capacity * 2 + 64;
        w->log = alloc_resize(w->log, w->log_capacity * sizeof(w->log[0]));
    }
    event->place = w->log_count + 1;
    w->log[w->log_count++] = event_ref(event);
}

static int find_key(void *context,
                    struct bytes channel,
                    struct bytes key,
                    uint64_t *ret_origin,
                    uint64_t *ret_sequence)
{
    const struct shard_world *w = context;

    for (uint64_t n = w->first_place - 1; n < w->log_count; n++) {
        if (bytes_equal(w->log[n]->key, key) &&
            bytes_equal(w->log[n]->channel, channel)) {
            *ret_origin = w->log[n]->origin;
            *ret_sequence = w->log[n]->sequence;
            return 0;
        }
    }
    return RC_NOT_FOUND;
}

struct batch *shard_world_store(struct shard_world *w)
{
    const struct sequencer_known known = {.find = find_key, .context = w};
    struct batch *batch = batch_new(&w->intake, 2);

    sequencer_fill(&w->sequencer, w->now, &w->waiting, &known, batch);
    if (w->log_refuses) {
        batch_fail(batch, PROBLEM_STORAGE);
    } else {
        for (size_t i = 0; i < batch->event_count; i++) {
            append(w, batch->events[i]);
        }
        sequencer_stored(&w->sequencer, batch);
    }
    return batch;
}

void shard_world_give(struct shard_world *w, struct batch *batch)
{
    struct shard_input in = {.kind = SHARD_INPUT_BATCHES,
                             .batches = {.list = &batch, .count = 1}};

    shard_world_step(w, &in);
    batch_unref(batch);
}

void shard_world_commit(struct shard_world *w)
{
    shard_world_give(w, shard_world_store(w));
}

void shard_world_settle(struct shard_world *w)
{
    for (int i = 0; i < SETTLE_TURNS_MAX; i++) {
        bool any = shard_world_turn(w);

        if (!list_empty(&w->waiting)) {
            shard_world_commit(w);
        } else if (!any) {
            return;
        }
    }
    tap_fail(__FILE__, __LINE__, "the world comes to rest");
}

void shard_world_wait(struct shard_world *w, uint64_t ms)
{
    uint64_t until_ms = w->now.mono_ms + ms;

    for (;;) {
        uint64_t next_ms = shard_deadline_ms(w->shard);
        struct shard_input in = {.kind = SHARD_INPUT_TICK};

        if (next_ms > until_ms) {
            break;
        }
        if (next_ms > w->now.mono_ms) {
            w->now.wall_ms += next_ms - w->now.mono_ms;
            w->now.mono_ms = next_ms;
        }
        shard_world_step(w, &in);
        shard_world_turn(w);
        /* What is due now was done now. */
        tap_check(shard_deadline_ms(w->shard) > w->now.mono_ms);
    }
    w->now.wall_ms += until_ms - w->now.mono_ms;
    w->now.mono_ms = until_ms;
    shard_world_turn(w);
}

void shard_world_publish(struct shard_world *w,
                         const char *channel,
                         const char *content)
{
    struct publish *publish = publish_new(1, 0, bytes_of(NULL, 0));

    publish_add(publish,
                bytes_text(channel),
                bytes_text(content),
                bytes_of(NULL, 0),
                PROBLEM_NONE,
                NULL);
    tap_check(intake_charge(&w->intake, publish->bytes));
    list_push_back(&w->waiting, &publish->node);
}

void shard_world_trim(struct shard_world *w, uint64_t first_place)
{
    for (uint64_t place = 1; place < first_place; place++) {
        tap_check(place <= w->log_count);
        if (w->log[place - 1] != NULL) {
            (void)vector_raise(&w->low,
                               w->log[place - 1]->origin,
                               w->log[place - 1]->sequence);
        }
        event_unref(w->log[place - 1]);
        w->log[place - 1] = NULL;
    }
    w->first_place = first_place;
}

uint64_t shard_world_last_place(const struct shard_world *w)
{
    return w->log_count;
}

struct shard_peer *shard_world_connect(struct shard_world *w)
{
    struct shard_peer *p = alloc_zero(sizeof(*p));
    struct shard_input in = {
        .kind = SHARD_INPUT_OPENED, .socket = p, .address = w->address};

    tap_check(w->peer_count < SHARD_WORLD_PEERS_MAX);
    w->peers[w->peer_count++] = p;
    p->world = w;
    p->room = SIZE_MAX;
    buffer_init(&p->sent, SHARD_PEER_BYTES_MAX);
    buffer_init(&p->got, SHARD_PEER_BYTES_MAX);
    buffer_init(&p->taken, SHARD_PEER_BYTES_MAX);
    shard_world_step(w, &in);
    p->client = in.client;
    return p;
}

struct shard_peer *shard_world_websocket(struct shard_world *w)
{
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    shard_peer_upgrade(p,
                       NULL,
                       w->options.compression
                           ? "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                           : "");
    shard_world_turn(w);
    tap_equal(shard_peer_answer(p, head), 101);
    p->deflate = strstr(head, "permessage-deflate") != NULL;
    return p;
}

/* Whatever clients do, however little they read and whenever they go: once all
 * have gone nothing of theirs is left, in no list and no count; before that,
 * nobody who is owed an end is without a deadline. Random, from seeds. */
#include "base/splitmix.h"
#include "src/bridge/shard_state.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

#define SEEDS 150
#define STEPS 600

/* One run: a world, its draw, and keys of several kinds. */
struct run {
    struct shard_world *w;
    uint64_t draw;
    unsigned bad_count;
    const char *keys[4];
    bool drained;
};

static uint64_t below(struct run *r, uint64_t count)
{
    return splitmix_below(&r->draw, count);
}

/* The world's key with a signature that is not its own. */
static void bad_key(struct run *r, char out[API_KEY_TEXT_BYTES_MAX])
{
    static const char digits[] = "ABCDEFGHIJKLMNOP";
    size_t len = strlen(r->w->key);

    memcpy(out, r->w->key, len + 1);
    for (int i = 0; i < 5; i++) {
        out[len - 70 + (size_t)i] = digits[r->bad_count >> 4 * i & 15];
    }
    r->bad_count++;
}

static const char *some_key(struct run *r)
{
    static char bad[API_KEY_TEXT_BYTES_MAX];
    uint64_t kind = below(r, 8);

    if (kind < 2) {
        bad_key(r, bad);
        return bad;
    }
    return kind < 6 ? r->keys[kind - 2] : r->w->key;
}

static const char *some_field(struct run *r)
{
    static const char *const fields[] = {"If-None-Match: *\r\n",
                                         "Connection: close\r\n",
                                         "Expect: 100-continue\r\n"};
    uint64_t kind = below(r, 12);

    return kind < 3 ? fields[kind] : "";
}

static void ask(struct run *r, struct shard_peer *p)
{
    static const char *const lines[] = {
        "GET /event?channel=/default/a",
        "GET /event?channel=/default/*&wait=30",
        "GET /event/stream?channel=/default/a",
        "GET /event/stream?channel=/default/*&all=true",
        "HEAD /event/stream?channel=/default/a",
        "OPTIONS /event",
        "GET /healthz",
        "GET /nothing",
        "GET /metrics",
        "GET /cluster"};
    char text[2 * API_KEY_TEXT_BYTES_MAX];

    (void)snprintf(text,
                   sizeof(text),
                   "%s HTTP/1.%d\r\nHost: h\r\nx-api-key: %s\r\n%s\r\n",
                   lines[below(r, sizeof(lines) / sizeof(lines[0]))],
                   below(r, 5) != 0,
                   some_key(r),
                   some_field(r));
    shard_peer_send(p, text);
}

/* A body that comes whole, in part, or not at all. */
static void post(struct run *r, struct shard_peer *p)
{
    static const char body[] =
        "{\"channel\":\"/default/a\",\"events\":[\"1\"]}";
    bool chunked = below(r, 3) == 0;
    char text[2 * API_KEY_TEXT_BYTES_MAX];
    char framing[64];

    (void)snprintf(framing,
                   sizeof(framing),
                   "Content-Length: %zu",
                   below(r, 3) == 0 ? (size_t)below(r, 200000) : strlen(body));
    (void)snprintf(text,
                   sizeof(text),
                   "POST %s HTTP/1.1\r\nHost: h\r\nx-api-key: %s\r\n%s%s"
                   "\r\n\r\n",
                   below(r, 4) == 0 ? "/event/token" : "/event",
                   some_key(r),
                   some_field(r),
                   chunked ? "Transfer-Encoding: chunked" : framing);
    shard_peer_send(p, text);
    if (below(r, 2) == 0) {
        return;
    }
    (void)snprintf(
        text, sizeof(text), "%zx\r\n%s\r\n0\r\n\r\n", strlen(body), body);
    shard_peer_send(p, chunked ? text : body);
}

/* Ask with one of the keys in place of the world's own. */
static void upgrade(struct run *r, struct shard_peer *p)
{
    const char *own = r->w->key;

    r->w->key = some_key(r);
    shard_peer_upgrade(p, NULL, "");
    r->w->key = own;
}

/* The beginning of a message, of which nothing more comes. */
static void begin_message(struct run *r, struct shard_peer *p)
{
    uint32_t len = (uint32_t)below(r, 300000);
    uint8_t head[14] = {0x81,
                        0xff,
                        [7] = (uint8_t)(len >> 16),
                        (uint8_t)(len >> 8),
                        (uint8_t)len};

    shard_peer_send_bytes(p, bytes_of(head, sizeof(head)));
}

static void say(struct run *r, struct shard_peer *p)
{
    const char *own = r->w->key;
    const char *key = below(r, 2) == 0 ? own : some_key(r);
    char id[8];

    (void)snprintf(id, sizeof(id), "s%d", (int)below(r, 6));
    r->w->key = key;
    switch (below(r, 9)) {
    case 0:
    case 1:
        shard_peer_subscribe(
            p, id, below(r, 2) == 0 ? "/default/a" : "/default/*");
        break;
    case 2:
        shard_peer_unsubscribe(p, id);
        break;
    case 3:
        shard_peer_publish(p, id, "/default/a", "1");
        break;
    case 4:
        shard_peer_frame(p, 9, bytes_text("ping"));
        break;
    case 5:
        if (below(r, 4) == 0) {
            shard_peer_frame(p, 8, bytes_of("\x03\xe8", 2));
        }
        break;
    case 6:
        begin_message(r, p);
        break;
    case 7:
        shard_peer_say(p,
                       "{\"type\":\"connection_init\",\"authorization\":{"
                       "\"x-api-key\":\"%s\"}}",
                       key);
        break;
    default:
        shard_peer_say(p,
                       "{\"type\":\"subscribe\",\"id\":\"%s\",\"channel\":"
                       "\"/default/*\",\"replay\":{\"last\":3},"
                       "\"authorization\":{\"x-api-key\":\"%s\"}}",
                       id,
                       key);
        break;
    }
    r->w->key = own;
}

/* Far more than is answered before some of it is read, or behind something
 * whose answer may be held back. */
static void flood(struct run *r, struct shard_peer *p)
{
    if (below(r, 2) == 0) {
        ask(r, p);
    }
    for (int i = 0; i < 800; i++) {
        shard_peer_send(p, "OPTIONS /event HTTP/1.1\r\nHost: h\r\n\r\n");
    }
}

static void garbage(struct run *r, struct shard_peer *p)
{
    static uint8_t bytes[100000];

    memset(bytes, below(r, 2) == 0 ? 'x' : 0, sizeof(bytes));
    shard_peer_send_bytes(p, bytes_of(bytes, (size_t)below(r, sizeof(bytes))));
}

/* One of them does something. */
static void act(struct run *r, struct shard_peer *p)
{
    bool websocket = p->client->websocket;

    switch (below(r, 14)) {
    case 0:
        if (below(r, 3) == 0) {
            garbage(r, p);
        }
        break;
    case 1:
        shard_peer_block(p);
        break;
    case 2:
        shard_peer_allow(p,
                         below(r, 2) == 0 ? SIZE_MAX : (size_t)below(r, 3000));
        break;
    case 3:
        if (below(r, 4) == 0) {
            shard_peer_end(p, below(r, 2) == 0);
        }
        break;
    case 4:
        flood(r, p);
        break;
    case 5:
        upgrade(r, p);
        break;
    default:
        for (uint64_t n = 1 + below(r, 4); n > 0; n--) {
            if (websocket) {
                say(r, p);
            } else if (below(r, 4) == 0) {
                post(r, p);
            } else {
                ask(r, p);
            }
        }
    }
}

/* Something happens to the node. */
static void pass(struct run *r)
{
    struct shard_world *w = r->w;
    struct shard_input drain = {.kind = SHARD_INPUT_DRAIN,
                                .drain_ms = below(r, 3000)};

    switch (below(r, 12)) {
    case 0:
        shard_world_publish(w, "/default/a", "2");
        break;
    case 1:
        shard_world_commit(w);
        break;
    case 2:
        shard_world_wait(w, below(r, 1500));
        break;
    case 3:
        shard_world_wait(w, below(r, 10) == 0 ? below(r, 30000) : 0);
        break;
    case 4:
        shard_world_settle(w);
        break;
    case 5:
        if (!r->drained && below(r, 300) == 0) {
            r->drained = true;
            shard_world_step(w, &drain);
        }
        break;
    case 6:
        if (below(r, 6) == 0 && w->log_count / 2 + 1 > w->first_place) {
            shard_world_trim(w, w->log_count / 2 + 1);
        }
        break;
    case 7:
        w->log_refuses = below(r, 8) == 0;
        break;
    case 8:
        w->log_unreadable = below(r, 10) == 0;
        break;
    default:
        (void)shard_world_turn(w);
    }
}

static void begin(struct run *r, uint64_t seed)
{
    struct shard_world_options options = shard_world_defaults();
    uint64_t now_s = SHARD_WORLD_WALL_MS / 1000;

    *r = (struct run){.draw = seed};
    options.unfinished_bytes_max =
        below(r, 2) == 0 ? (size_t)20 * 1024 : (size_t)1000 * 1024;
    options.compression = below(r, 2) == 0;
    options.limits.publishes_in_flight_max = (uint16_t)(1 + below(r, 4));
    r->w = shard_world_new(&options);
    r->keys[0] = shard_world_key(r->w, NULL, "/*", false, 0);
    r->keys[1] = shard_world_key(r->w, "/*", "/*", false, now_s + 5);
    r->keys[2] = shard_world_key(r->w, "/other/x", "/*", false, now_s + 40);
    r->keys[3] = shard_world_key(r->w, "/*", "/*", true, 0);
    /* As if the address had sent many bad keys. */
    for (int n = below(r, 2) == 0 ? 2 * REFUSALS_SLOW_AFTER : 0; n > 0; n--) {
        refusals_add(&r->w->shard->refusals, &r->w->address, r->w->now);
    }
}

/* Everybody reads, and nobody says more: who is there after minutes is one who
 * may be. */
static void calm(struct run *r)
{
    struct shard_world *w = r->w;

    w->log_refuses = w->log_unreadable = false;
    for (size_t i = 0; i < w->peer_count; i++) {
        if (w->peers[i]->client != NULL) {
            shard_peer_allow(w->peers[i], SIZE_MAX);
        }
    }
    shard_world_settle(w);
    shard_world_wait(w, 300000);
    for (size_t i = 0; i < w->peer_count; i++) {
        const struct client *c = w->peers[i]->client;

        if (c != NULL) {
            tap_check(client_subscribes(c) && c->state != CLIENT_HISTORY);
            tap_check(c->ws.busy == NULL && !c->held && c->in.len == 0);
        }
    }
    tap_check(!r->drained || shard_client_count(w->shard) == 0);
}

static void nothing_is_left(struct run *r)
{
    struct shard_world *w = r->w;
    struct list *lists[] = {&w->shard->unfinished,
                            &w->shard->held,
                            &w->shard->blocked,
                            &w->shard->keepalives,
                            &w->shard->stream_keepalives,
                            &w->shard->histories,
                            &w->shard->resumes};

    for (size_t i = 0; i < w->peer_count; i++) {
        if (w->peers[i]->client != NULL) {
            shard_peer_end(w->peers[i], true);
        }
    }
    shard_world_settle(w);
    tap_equal(shard_client_count(w->shard), 0);
    tap_equal(w->shard->held_count, 0);
    tap_equal(atomic_load(&w->unfinished.bytes), 0);
    tap_equal(atomic_load(&w->intake.bytes), 0);
    tap_equal(w->metrics.unfinished_bytes, 0);
    tap_equal(w->metrics.subscriptions_open, 0);
    tap_equal(w->metrics.websockets_open, 0);
    tap_equal(w->metrics.connections_open, 0);
    tap_equal(w->shard->leases.leases.count, 0);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        tap_check(list_empty(lists[i]));
    }
}

static void run(uint64_t seed)
{
    struct run r;
    struct shard_world *w;

    begin(&r, seed);
    w = r.w;
    for (int step = 0; step < STEPS; step++) {
        size_t first = w->peer_count > 20 ? w->peer_count - 20 : 0;
        struct shard_peer *p;

        if (w->peer_count == 0 ||
            (w->peer_count < 200 && !r.drained && below(&r, 8) == 0)) {
            p = shard_world_connect(w);
            if (below(&r, 2) == 0) {
                upgrade(&r, p);
            }
        }
        p = w->peers[first + below(&r, w->peer_count - first)];
        if (p->client != NULL && !p->ended) {
            act(&r, p);
        }
        pass(&r);
    }
    calm(&r);
    nothing_is_left(&r);
    printf("# seed %llu: %zu clients, %llu requests, %llu deliveries, "
           "%llu timeouts, %llu held, %llu refused\n",
           (unsigned long long)seed,
           w->peer_count,
           (unsigned long long)w->metrics.http_requests,
           (unsigned long long)w->metrics.deliveries,
           (unsigned long long)w->metrics.timeouts,
           (unsigned long long)w->metrics.answers_held,
           (unsigned long long)w->metrics.unfinished_refused);
    shard_world_free(w);
}

TAP_CASE(once_all_have_gone_nothing_of_theirs_is_left)
{
    const char *only = getenv("SEED");

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        if (only == NULL || strtoull(only, NULL, 10) == seed) {
            run(seed);
        }
    }
}

TAP_MAIN()

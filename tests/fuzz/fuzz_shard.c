/* A shard with several clients. The input is a program: who says which piece of
 * a request or message, and when the world turns, commits, reads, lets time
 * pass. Each answer of a client that says only good pieces is one that was
 * asked for, and at the end each has come. */
#include "base/check.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

#define PEERS_MAX 8
#define PEERS_EVER_MAX 64
#define BATCHES_MAX 8
#define INTAKE_BYTES_MAX 16384
#define EVENTS_MAX 4096
#define SENT_BYTES_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum mode {
    HTTP,
    WEBSOCKET,
    STREAM,
    UNREAD, /* nobody knows what it asked for */
};

struct who {
    struct shard_peer *peer;
    enum mode mode;
    unsigned asked; /* requests without an answer */
    long owed;      /* answers to messages; below 0 when a key ended */
    bool upgrading; /* what follows is frames */
    bool left;      /* said goodbye, or was sent away */
};

struct run {
    struct bytes in;
    struct shard_world *world;
    struct who whos[PEERS_EVER_MAX];
    size_t who_count;
    struct batch *batches[BATCHES_MAX]; /* in the log, not yet told */
    size_t batch_count;
    char cursor[768];
    const char *keys[4];
    uint8_t states[EVENTS_MAX]; /* of the log's events */
    size_t stated;
    bool draining;
};

static uint8_t next(struct run *r)
{
    uint8_t value = 0;

    (void)bytes_take_u8(&r->in, &value);
    return value;
}

static size_t pick(struct run *r, size_t count)
{
    return next(r) % count;
}

/* Any that is still there, or NULL. */
static struct who *any(struct run *r)
{
    size_t from = next(r);

    for (size_t i = 0; i < r->who_count; i++) {
        struct who *w = &r->whos[(from + i) % r->who_count];

        if (w->peer->client != NULL && !w->peer->ended &&
            w->peer->sent.len < SENT_BYTES_MAX) {
            return w;
        }
    }
    return NULL;
}

static const char *channel(struct run *r)
{
    static const char *const names[] = {"/default/a",
                                        "/default/b",
                                        "/default/a/x",
                                        "/quiet/a",
                                        "/again/a",
                                        "/light/a",
                                        "/default/*",
                                        "/default/a/*",
                                        "/quiet/*",
                                        "/nowhere/a",
                                        "default"};

    return names[pick(r, sizeof(names) / sizeof(names[0]))];
}

static const char *key(struct run *r)
{
    size_t index = next(r);

    return index < 200 ? r->keys[0] : r->keys[index % 4];
}

/* Reading */

static void keep_cursor(struct run *r, const char *text, const char *member)
{
    const char *at = strstr(text, member);
    size_t len;

    if (at == NULL) {
        return;
    }
    at += strlen(member);
    len = strcspn(at, "\"\n");
    if (len < sizeof(r->cursor)) {
        memcpy(r->cursor, at, len);
        r->cursor[len] = '\0';
    }
}

static void read_answers(struct run *r, struct who *w)
{
    char head[1024];
    int status;

    while (w->mode == HTTP && (status = shard_peer_answer(w->peer, head)) > 0) {
        if (status == 100) {
            continue;
        }
        check(w->asked > 0 || status == 408);
        w->asked -= w->asked > 0;
        buffer_u8(&w->peer->taken, 0);
        keep_cursor(r, (const char *)w->peer->taken.data, "\"next\":\"");
        if (status == 101) {
            w->mode = WEBSOCKET;
            w->peer->deflate = strstr(head, "permessage-deflate") != NULL;
        } else if (strstr(head, "text/event-stream") != NULL) {
            w->mode = STREAM;
        } else if (strstr(head, "onnection: close") != NULL) {
            w->left = true;
        }
    }
}

static bool is_answer(const char *line)
{
    return strncmp(line, "{\"type\":\"subscribe_", 19) == 0 ||
           strncmp(line, "{\"type\":\"unsubscribe_", 21) == 0 ||
           strncmp(line, "{\"type\":\"publish_", 17) == 0;
}

/* Whole frames, none behind the close. */
static void read_frames(struct run *r, struct who *w)
{
    const char *lines = shard_peer_lines(w->peer);

    keep_cursor(r, lines, "\"cursor\":\"");
    while (*lines != '\0') {
        check(!w->left);
        if (strncmp(lines, "close", 5) == 0) {
            w->left = true;
            break; /* its reason may hold anything */
        }
        check(strncmp(lines, "pong", 4) == 0 ||
              strncmp(lines, "{\"type\":\"", 9) == 0);
        w->owed -= is_answer(lines);
        lines = strchr(lines, '\n') + 1;
    }
}

static void read_stream(struct run *r, struct who *w)
{
    struct bytes text = shard_peer_take(w->peer);
    char id[1024];

    if (text.len > 4 && memcmp(text.data, "id: ", 4) == 0) {
        size_t len = text.len < sizeof(id) - 1 ? text.len : sizeof(id) - 1;

        memcpy(id, text.data, len);
        id[len] = '\0';
        keep_cursor(r, id, "id: ");
    }
}

static void read_who(struct run *r, struct who *w)
{
    if (w->mode == HTTP) {
        read_answers(r, w);
    }
    if (w->mode == WEBSOCKET) {
        read_frames(r, w);
    } else if (w->mode == STREAM) {
        read_stream(r, w);
    } else if (w->mode == UNREAD) {
        (void)shard_peer_take(w->peer);
    }
}

static void read_all(struct run *r)
{
    for (size_t i = 0; i < r->who_count; i++) {
        read_who(r, &r->whos[i]);
    }
}

/* How many requests wait for their answer. */
static unsigned asked(const struct run *r)
{
    unsigned count = 0;

    for (size_t i = 0; i < r->who_count; i++) {
        count += r->whos[i].asked;
    }
    return count;
}

/* Saying */

static void say_request(struct run *r,
                        struct who *w,
                        const char *method,
                        const char *target,
                        const char *body)
{
    char text[4096];

    snprintf(text,
             sizeof(text),
             "%s %s HTTP/1.1\r\nHost: h\r\nx-api-key: %s\r\n"
             "Origin: https://page\r\nContent-Length: %zu\r\n%s\r\n%s",
             method,
             target,
             key(r),
             strlen(body),
             pick(r, 16) == 0 && body[0] != '\0' ? "Expect: 100-continue\r\n"
                                                 : "",
             body);
    shard_peer_send(w->peer, text);
    w->asked++;
}

/* What says where to begin, in a query or a message. `forms`: around a cursor,
 * behind it, others. */
static void begin(struct run *r, const char *const forms[7], char ret[1024])
{
    size_t kind = pick(r, 6);

    if (kind == 0) {
        snprintf(ret, 1024, "%s%s%s", forms[0], r->cursor, forms[1]);
    } else {
        snprintf(ret, 1024, "%s", forms[kind + 1]);
    }
}

static void say_events(struct run *r, struct who *w, const char *path)
{
    static const char *const forms[] = {"&after=",
                                        "",
                                        "&all=true",
                                        "&last=2",
                                        "&seconds=1",
                                        "",
                                        "&last=1000000"};
    static const char *const ends[] = {
        "", "&limit=1", "&wait=1", "&limit=2&wait=1", "&channel=/again/a"};
    char from[1024];
    char target[2048];

    begin(r, forms, from);
    snprintf(target,
             sizeof(target),
             "%s?channel=%s%s%s",
             path,
             channel(r),
             from,
             ends[pick(r, 5)]);
    say_request(r, w, "GET", target, "");
}

static void say_http(struct run *r, struct who *w)
{
    char body[1024];

    switch (pick(r, 8)) {
    case 0:
    case 1:
    case 2:
        say_events(r, w, "/event");
        break;
    case 3:
        say_events(r, w, "/event/stream");
        break;
    case 4:
        snprintf(body,
                 sizeof(body),
                 "{\"channel\":\"%s\",\"events\":[\"%0*u\",\"2\"]}",
                 channel(r),
                 pick(r, 2) == 0 ? 1 : 600,
                 1U);
        say_request(r, w, "POST", "/event", body);
        break;
    case 5:
        say_request(r, w, "POST", "/event/token", "{\"seconds\":1}");
        break;
    case 6:
        say_request(r, w, "GET", "/metrics", "");
        break;
    default:
        say_request(r, w, "OPTIONS", "/event", "");
        break;
    }
}

static void say_upgrade(struct run *r, struct who *w)
{
    shard_peer_upgrade(w->peer,
                       pick(r, 8) == 0 ? "Sec-WebSocket-Protocol: none" : NULL,
                       pick(r, 2) == 0
                           ? "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                           : "");
    w->asked++;
}

static void say_message(struct run *r, struct who *w)
{
    static const char *const forms[] = {",\"replay\":{\"after\":\"",
                                        "\"}",
                                        ",\"replay\":{\"all\":true}",
                                        ",\"replay\":{\"last\":2}",
                                        ",\"replay\":{\"seconds\":1}",
                                        "",
                                        ",\"cursor\":true"};
    char id[2] = {(char)('a' + pick(r, 4)), '\0'};
    char from[1024];

    w->owed++;
    switch (pick(r, 5)) {
    case 0:
    case 1:
        begin(r, forms, from);
        shard_peer_say(w->peer,
                       "{\"type\":\"subscribe\",\"id\":\"%s\",\"channel\":"
                       "\"%s\",\"authorization\":{\"x-api-key\":\"%s\"}%s}",
                       id,
                       channel(r),
                       key(r),
                       from);
        break;
    case 2:
        shard_peer_unsubscribe(w->peer, id);
        break;
    case 3:
        shard_peer_publish(w->peer, id, channel(r), "{\"n\":1}");
        break;
    default:
        w->owed--;
        shard_peer_say(w->peer, "{\"type\":\"connection_init\"}");
        break;
    }
}

static struct bytes raw(struct run *r)
{
    struct bytes taken = bytes_of(NULL, 0);
    size_t len = pick(r, 32);

    (void)bytes_take(&r->in, len < r->in.len ? len : r->in.len, &taken);
    return taken;
}

static void say_frame(struct run *r, struct who *w)
{
    static const int opcodes[] = {9, 10, 1, 2, 8};
    size_t kind = pick(r, 5);

    shard_peer_frame(
        w->peer, opcodes[kind], kind < 2 ? bytes_text("ping") : raw(r));
}

/* What no oracle follows. */
static void say_raw(struct run *r, struct who *w)
{
    static const char *const texts[] = {
        "HEAD /healthz HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /healthz HTTP/1.0\r\n\r\n",
        "POST /event HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{",
        "POST /event HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n",
        "GET / HTTP/1.1\r\nHo"};
    size_t kind = pick(r, 8);

    w->mode = UNREAD;
    if (kind < 5) {
        shard_peer_send(w->peer, texts[kind]);
    } else {
        shard_peer_send_bytes(w->peer, raw(r));
    }
}

static void say(struct run *r)
{
    struct who *w = any(r);
    size_t kind;
    bool frames;

    if (w == NULL) {
        return;
    }
    kind = pick(r, 16);
    frames = w->mode == WEBSOCKET || (w->mode == HTTP && w->upgrading);
    if (kind == 0) {
        say_raw(r, w);
    } else if (kind < 4) {
        say_upgrade(r, w);
    } else if (kind == 4) {
        say_frame(r, w);
    } else if (kind < 10) {
        say_message(r, w);
    } else {
        say_http(r, w);
    }
    if (frames != (kind >= 4 && kind < 10)) {
        w->mode = UNREAD;
    }
    w->upgrading = w->upgrading || (kind >= 1 && kind < 4);
}

/* The world */

static void connect_one(struct run *r)
{
    if (r->who_count < PEERS_EVER_MAX &&
        shard_client_count(r->world->shard) < PEERS_MAX && !r->draining) {
        r->whos[r->who_count++] =
            (struct who){.peer = shard_world_connect(r->world)};
    }
}

static void end_one(struct run *r)
{
    struct who *w = any(r);
    bool reset = pick(r, 2) == 0;

    if (w == NULL || (!reset && w->peer->sent.len > 0)) {
        return; /* an orderly end comes behind what was sent */
    }
    buffer_clear(&w->peer->sent);
    w->mode = w->mode == HTTP && !reset ? HTTP : UNREAD;
    w->left = true;
    shard_peer_end(w->peer, reset);
}

static void room(struct run *r)
{
    static const size_t rooms[] = {0, 1, 100, 5000, SIZE_MAX};
    struct who *w = any(r);

    if (w != NULL) {
        size_t bytes = rooms[pick(r, 5)];

        if (bytes == 0) {
            shard_peer_block(w->peer);
        } else {
            shard_peer_allow(w->peer, bytes);
        }
    }
}

static void store(struct run *r)
{
    struct shard_world *w = r->world;

    if (r->batch_count == BATCHES_MAX || w->log_count > EVENTS_MAX / 2) {
        return;
    }
    r->batches[r->batch_count++] = shard_world_store(w);
    for (; r->stated < w->log_count; r->stated++) {
        check(r->stated < EVENTS_MAX);
        if (memcmp(w->log[r->stated]->channel.data, "/quiet", 6) == 0) {
            r->states[r->stated] = SHARD_RECORD_NEVER_KEPT;
        }
    }
}

/* The oldest leave their windows. */
static void age(struct run *r)
{
    size_t count = pick(r, r->stated + 1);

    for (size_t i = 0; i < count; i++) {
        if (r->states[i] == SHARD_RECORD_KEPT) {
            r->states[i] = SHARD_RECORD_LEFT;
        }
    }
}

static void give(struct run *r)
{
    if (r->batch_count > 0) {
        shard_world_give(r->world, r->batches[0]);
        r->batch_count--;
        memmove(
            r->batches, r->batches + 1, r->batch_count * sizeof(r->batches[0]));
    }
}

static void let_pass(struct run *r)
{
    static const uint64_t times_ms[] = {
        1, 999, 1000, 5000, 15000, 30000, 75000, 300000};

    shard_world_wait(r->world, times_ms[pick(r, 8)]);
}

static void trim(struct run *r)
{
    struct shard_world *w = r->world;

    if (w->first_place <= w->log_count) {
        shard_world_trim(
            w, w->first_place + pick(r, w->log_count - w->first_place + 1) + 1);
    }
}

static void drain(struct run *r)
{
    struct shard_input in = {.kind = SHARD_INPUT_DRAIN,
                             .drain_ms = pick(r, 4) * 1000U};

    if (!r->draining && pick(r, 4) == 0) {
        r->draining = true;
        shard_world_step(r->world, &in);
    }
}

static void tune(struct run *r)
{
    static const size_t sizes[] = {1, 7, 100, 1000, 65536};
    struct shard_world *w = r->world;

    switch (pick(r, 4)) {
    case 0:
        w->read_bytes_max = sizes[pick(r, 5)];
        break;
    case 1:
        w->page_bytes_max = sizes[pick(r, 5)];
        break;
    case 2:
        w->pages_per_turn = pick(r, 3) + 1;
        break;
    default:
        w->log_refuses = pick(r, 4) == 0;
        w->log_unreadable = pick(r, 8) == 0;
        break;
    }
}

static void act(struct run *r)
{
    static void (*const acts[])(struct run * r) = {connect_one,
                                                   end_one,
                                                   room,
                                                   store,
                                                   give,
                                                   let_pass,
                                                   trim,
                                                   drain,
                                                   tune,
                                                   age};
    size_t kind = pick(r, 32);

    if (kind < sizeof(acts) / sizeof(acts[0])) {
        acts[kind](r);
    } else if (kind < 12) {
        if (atomic_load(&r->world->intake.bytes) < INTAKE_BYTES_MAX / 2) {
            shard_world_publish(r->world, channel(r), "\"elsewhere\"");
        }
    } else if (kind < 15) {
        (void)shard_world_turn(r->world);
    } else if (kind < 16) {
        (void)shard_world_outputs(r->world);
    } else {
        say(r);
    }
}

static void begin_world(struct run *r)
{
    struct shard_world_options options = shard_world_defaults();
    const struct namespace_rules rules[] = {{.history = false},
                                            {.history = true, .replay_s = 10}};
    const struct namespace_rules light = {.durability = NAMESPACE_MEMORY,
                                          .history = true};
    uint8_t kind = next(r);

    options.compression = (kind & 1) != 0;
    options.clustered = (kind & 2) != 0;
    options.intake_bytes_max = INTAKE_BYTES_MAX;
    if ((kind & 4) != 0) {
        options.limits.send_buffer_max = 4096;
    }
    if ((kind & 8) != 0) {
        options.limits.subscriptions_max = 2;
        options.limits.publishes_in_flight_max = 1;
    }
    r->world = shard_world_new(&options);
    r->world->states = r->states;
    namespace_table_add(&r->world->namespaces, bytes_text("quiet"), &rules[0]);
    namespace_table_add(&r->world->namespaces, bytes_text("again"), &rules[1]);
    namespace_table_add(&r->world->namespaces, bytes_text("light"), &light);
    r->keys[0] = r->world->key;
    r->keys[1] = shard_world_key(r->world, NULL, "/default/*", true, 0);
    r->keys[2] = shard_world_key(
        r->world, "/*", "/*", false, r->world->now.wall_ms / 1000 + 1);
    r->keys[3] = "none";
}

/* All that waits goes its way, and whoever is owed an answer has it. */
static void settle(struct run *r)
{
    struct shard_world *w = r->world;
    unsigned waiting;

    w->log_refuses = w->log_unreadable = false;
    w->read_bytes_max = w->page_bytes_max = (size_t)1 << 20;
    for (size_t i = 0; i < r->who_count; i++) {
        shard_peer_allow(r->whos[i].peer, SIZE_MAX);
    }
    while (r->batch_count > 0) {
        give(r);
    }
    do {
        waiting = asked(r);
        shard_world_settle(w);
        shard_world_wait(w, 1001); /* whoever waits for events */
        shard_world_settle(w);
        read_all(r);
    } while (asked(r) < waiting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct run *r = calloc(1, sizeof(*r));

    if (r == NULL) {
        return 0;
    }
    r->in = bytes_of(data, len);
    begin_world(r);
    while (r->in.len > 0) {
        act(r);
        read_all(r);
    }
    settle(r);
    for (size_t i = 0; i < r->who_count; i++) {
        struct who *w = &r->whos[i];

        if (w->peer->client != NULL && !w->left && !r->draining) {
            check(w->mode != HTTP || w->asked == 0);
            check(w->mode != WEBSOCKET || w->owed <= 0);
        }
    }
    shard_world_free(r->world);
    free(r);
    return 0;
}

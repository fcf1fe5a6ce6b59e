/* A client's side of the protocol (doc/client-protocol), and its habits. */
#include "tests/sim/cluster_client.h"

#include "base/check.h"
#include "base/event.h"
#include "base/splitmix.h"
#include "proto/client_request.h"
#include "proto/ws_frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define OUT_BYTES_MAX (64 * 1024)
#define IN_BYTES_MAX (1024 * 1024)
#define CONTENT_BYTES_MAX 1000
#define DEAF_MS (3 * WORLD_KEEPALIVE_MS) /* then the connection is no more */

/* One in so many steps. */
#define LEAVE_ONE_IN 600
#define SLOW_ONE_IN 800
#define ANEW_ONE_IN 2000

static uint64_t below(struct sim_clients *all, uint64_t bound)
{
    return splitmix_below(&all->random, bound);
}

static struct client_request_identity identity(const struct sim_client *c)
{
    return (struct client_request_identity){
        .api_key = bytes_text(c->all->world->key), .host = bytes_text("h")};
}

static void write_text(struct sim_client *c, const struct buffer *text)
{
    struct buffer frame;

    check(!text->overflowed);
    buffer_init(&frame, OUT_BYTES_MAX);
    ws_frame_append(&frame, WS_FRAME_TEXT, buffer_view(text), &c->mask);
    check(!frame.overflowed);
    world_write(c->all->world, c->socket, buffer_view(&frame));
    buffer_done(&frame);
}

static void upgrade(struct sim_client *c)
{
    const struct client_request_identity who = identity(c);
    struct buffer out;

    buffer_init(&out, OUT_BYTES_MAX);
    buffer_text(&out,
                "GET /event/realtime HTTP/1.1\r\n"
                "Host: h\r\n"
                "Connection: Upgrade\r\n"
                "Upgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-WebSocket-Protocol: ");
    client_request_subprotocols(&who, &out);
    buffer_text(&out, "\r\n\r\n");
    check(!out.overflowed);
    world_write(c->all->world, c->socket, buffer_view(&out));
    buffer_done(&out);
}

static void greet(struct sim_client *c)
{
    struct buffer out;

    buffer_init(&out, OUT_BYTES_MAX);
    client_request_connection_init(&out);
    write_text(c, &out);
    buffer_done(&out);
}

static bool is_plain(const struct sim_subscription *s)
{
    return s->begin[0] == '\0';
}

static void subscribe(struct sim_client *c, struct sim_subscription *s)
{
    const struct client_request_identity who = identity(c);
    char id[16];
    struct buffer begin;
    struct buffer out;

    s->name = ++c->names;
    s->asked = true;
    s->known = view_knows(s->view, c->node);
    snprintf(id, sizeof(id), "s%u", s->name);
    buffer_init(&begin, OUT_BYTES_MAX);
    if (!is_plain(s) && s->cursor_len > 0) {
        buffer_text(&begin, "\"replay\":{\"after\":\"");
        buffer_append(&begin, bytes_of(s->cursor, s->cursor_len));
        buffer_text(&begin, "\"}");
    } else {
        buffer_text(&begin, s->begin);
    }
    buffer_init(&out, OUT_BYTES_MAX);
    client_request_subscribe(&who,
                             bytes_text(id),
                             bytes_text(s->view->pattern),
                             buffer_view(&begin),
                             &out);
    write_text(c, &out);
    buffer_done(&begin);
    buffer_done(&out);
}

/* What begins there, of channels and of times. */
static void subscribe_anew(struct sim_client *c, struct sim_subscription *s)
{
    static const char *const patterns[] = {"/quorum/*",
                                           "/disk/*",
                                           "/memory/*",
                                           "/short/*",
                                           "/live/*",
                                           "/quorum/b/*"};
    static const struct {
        const char *text;
        enum view_begin begin;
    } begins[] = {
        {"", VIEW_PLAIN},
        {"\"cursor\":true", VIEW_CURSORS},
        {"\"cursor\":true", VIEW_CURSORS},
        {"\"replay\":{\"all\":true}", VIEW_PAST},
        {"\"replay\":{\"last\":5}", VIEW_PAST},
        {"\"replay\":{\"seconds\":3}", VIEW_PAST},
    };
    size_t count = sizeof(patterns) / sizeof(patterns[0]);
    size_t pick = below(c->all, count + WORLD_CHANNELS);
    size_t how = below(c->all, sizeof(begins) / sizeof(begins[0]));

    view_new(s->view,
             pick < count ? patterns[pick] : world_channels[pick - count],
             begins[how].begin);
    snprintf(s->begin, sizeof(s->begin), "%s", begins[how].text);
    s->cursor_len = 0;
    s->asked = false;
    s->name = 0;
}

static void unsubscribe(struct sim_client *c, struct sim_subscription *s)
{
    struct buffer out;

    buffer_init(&out, OUT_BYTES_MAX);
    buffer_printf(&out, "{\"type\":\"unsubscribe\",\"id\":\"s%u\"}", s->name);
    write_text(c, &out);
    buffer_done(&out);
}

void clients_init(struct sim_clients *all, struct world *w, struct check *c)
{
    *all = (struct sim_clients){
        .world = w, .check = c, .random = splitmix_next(&w->random)};
    check(CLIENT_COUNT * CLIENT_SUBSCRIPTIONS == CHECK_VIEWS);
    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        struct sim_client *client = &all->clients[i];

        client->all = all;
        client->index = i;
        client->mask = 1 + below(all, UINT32_MAX);
        buffer_init(&client->in, IN_BYTES_MAX);
        for (size_t k = 0; k < CLIENT_SUBSCRIPTIONS; k++) {
            struct sim_subscription *s = &client->subscriptions[k];

            s->view = &c->views[i * CLIENT_SUBSCRIPTIONS + k];
            subscribe_anew(client, s);
        }
    }
}

void clients_done(struct sim_clients *all)
{
    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        buffer_done(&all->clients[i].in);
    }
}

/* Its connection is no more. What has no key is not sent again. */
static void go_away(struct sim_client *c)
{
    struct check *check = c->all->check;

    c->state = SIM_CLIENT_AWAY;
    c->socket = NULL;
    c->next_ms = c->all->world->now_ms + 1 +
                 below(c->all, below(c->all, 2) == 0 ? 50 : 3000);
    buffer_clear(&c->in);
    for (size_t i = 0; i < CLIENT_SUBSCRIPTIONS; i++) {
        c->subscriptions[i].asked = false;
        view_off(c->subscriptions[i].view);
    }
    for (size_t i = 0; i < CLIENT_SENT_MAX; i++) {
        struct sim_sent *s = &c->sent[i];

        for (size_t k = 0; s->number > 0 && k < s->count; k++) {
            if (s->asked) {
                check_doubt(check, s->number + k);
            }
            if (!s->keyed) {
                check_give_up(check, s->number + k);
            }
        }
        s->asked = false;
        s->number = s->keyed ? s->number : 0;
    }
}

static void disconnect(struct sim_client *c, bool silent)
{
    world_disconnect(c->all->world, c->socket, silent);
    go_away(c);
}

/* The events of a publish, padded, and the keys that they always have. */
static void ask_publish(struct sim_client *c, struct sim_sent *s)
{
    const struct client_request_identity who = identity(c);
    char contents[CLIENT_MSG_EVENTS_MAX][CONTENT_BYTES_MAX];
    char keys[CLIENT_MSG_EVENTS_MAX][32];
    struct bytes texts[CLIENT_MSG_EVENTS_MAX];
    struct bytes names[CLIENT_MSG_EVENTS_MAX];
    const struct client_request_events events = {
        .texts = texts, .keys = s->keyed ? names : NULL, .count = s->count};
    char id[32];
    struct buffer out;

    for (size_t i = 0; i < s->count; i++) {
        uint64_t number = s->number + i;
        int len =
            snprintf(contents[i], sizeof(contents[i]), "%" PRIu64, number);
        size_t padding = number % 4 == 0 ? number * 7919 % 960 : 0;

        memset(contents[i] + len, ' ', padding);
        texts[i] = bytes_of(contents[i], (size_t)len + padding);
        snprintf(keys[i], sizeof(keys[i]), "k%" PRIu64, number);
        names[i] = bytes_text(keys[i]);
    }
    s->asked = true;
    snprintf(id, sizeof(id), "p%" PRIu64, s->number);
    buffer_init(&out, OUT_BYTES_MAX);
    client_request_publish(&who,
                           bytes_text(id),
                           bytes_text(world_channels[s->channel]),
                           &events,
                           &out);
    write_text(c, &out);
    buffer_done(&out);
}

static void publish_again(struct sim_client *c, struct sim_sent *s)
{
    for (size_t i = 0; i < s->count; i++) {
        check_again(c->all->check, s->number + i);
    }
    ask_publish(c, s);
}

static void publish(struct sim_client *c)
{
    for (size_t i = 0; i < CLIENT_SENT_MAX; i++) {
        struct sim_sent *s = &c->sent[i];

        if (s->number > 0) {
            continue;
        }
        s->channel = below(c->all, WORLD_CHANNELS);
        s->count = below(c->all, 2) == 0
                       ? 1
                       : 1 + below(c->all, CLIENT_MSG_EVENTS_MAX);
        s->keyed = below(c->all, 2) == 0;
        s->number =
            check_publish(c->all->check, c->connection, s->channel, s->count);
        if (s->number > 0) {
            ask_publish(c, s);
        }
        return;
    }
}

void clients_publish(struct sim_clients *all, size_t node)
{
    size_t first = below(all, CLIENT_COUNT);
    struct sim_client *any = NULL;

    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        struct sim_client *c = &all->clients[(first + i) % CLIENT_COUNT];

        if (c->state == SIM_CLIENT_OPEN) {
            any = c;
            if (c->node == node) {
                break;
            }
        }
    }
    if (any != NULL) {
        publish(any);
    }
}

/* It may ask now. */
static void open(struct sim_client *c)
{
    c->state = SIM_CLIENT_OPEN;
    for (size_t i = 0; i < CLIENT_SUBSCRIPTIONS; i++) {
        struct sim_subscription *s = &c->subscriptions[i];

        if (!is_plain(s) && s->cursor_len > 0) {
            c->all->moved++;
            c->all->behind += !vector_covers(
                &c->all->world->nodes[c->node].walked, &s->view->at);
        }
        subscribe(c, s);
    }
    for (size_t i = 0; i < CLIENT_SENT_MAX; i++) {
        if (c->sent[i].number > 0) {
            publish_again(c, &c->sent[i]);
        }
    }
}

/* The text of a member whose value has no quotes in it; else of len 0. */
static struct bytes member(struct bytes text, const char *name)
{
    char pattern[32];
    size_t len = (size_t)snprintf(pattern, sizeof(pattern), "\"%s\":", name);

    for (size_t i = 0; i + len < text.len; i++) {
        size_t begin = i + len;
        size_t end;
        bool quoted = text.data[begin] == '"';

        if (memcmp(text.data + i, pattern, len) != 0) {
            continue;
        }
        begin += quoted;
        for (end = begin; end < text.len; end++) {
            if (quoted ? text.data[end] == '"'
                       : text.data[end] == ',' || text.data[end] == '}') {
                break;
            }
        }
        return bytes_of(text.data + begin, end - begin);
    }
    return bytes_of(NULL, 0);
}

static bool is_member(struct bytes text, const char *name, const char *value)
{
    return bytes_equal(member(text, name), bytes_text(value));
}

static void wrong(struct sim_client *c, const char *what, struct bytes text)
{
    check_wrong(c->all->check,
                "client %zu: %s: %.*s",
                c->index,
                what,
                (int)(text.len < 120 ? text.len : 120),
                (const char *)text.data);
}

static void keep_cursor(struct sim_subscription *s, struct bytes cursor)
{
    s->cursor_len = cursor.len < sizeof(s->cursor) ? cursor.len : 0;
    if (s->cursor_len > 0) {
        memcpy(s->cursor, cursor.data, s->cursor_len);
    }
}

static void take_refusal(struct sim_client *c,
                         struct sim_subscription *s,
                         struct bytes text)
{
    if (!is_member(text, "errorType", "UnknownCursorError") || s->known) {
        wrong(c, "a subscribe is refused", text);
        return;
    }
    disconnect(c, false);
}

/* What is for a subscription that was given up finds none. */
static void take_for_subscription(struct sim_client *c, struct bytes text)
{
    uint64_t name = check_number(bytes_from(member(text, "id"), 1));
    struct bytes cursor = member(text, "cursor");
    struct sim_subscription *s = NULL;

    for (size_t i = 0; i < CLIENT_SUBSCRIPTIONS; i++) {
        if (c->subscriptions[i].name == name) {
            s = &c->subscriptions[i];
        }
    }
    if (s == NULL || !s->asked) {
        c->refused =
            is_member(text, "type", "subscribe_error") ? name : c->refused;
        return;
    }
    if (is_member(text, "type", "subscribe_error")) {
        take_refusal(c, s, text);
    } else if (is_member(text, "type", "subscribe_success")) {
        view_on(s->view, c->node, cursor);
        keep_cursor(s, cursor);
    } else if (is_member(text, "type", "data")) {
        view_data(
            s->view, member(text, "event"), member(text, "channel"), cursor);
        keep_cursor(s, cursor);
    } else {
        const struct view_gap gap = {.reason = member(text, "reason"),
                                     .from = member(text, "from"),
                                     .to = member(text, "to"),
                                     .missed = member(text, "missed")};

        view_gap(s->view, &gap);
        keep_cursor(s, gap.to);
    }
}

static bool parse_uuid(struct bytes text, uint8_t ret[16])
{
    size_t digits = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char *hex = "0123456789abcdef";
        const char *at = strchr(hex, text.data[i]);

        if (text.data[i] == '-') {
            continue;
        }
        if (at == NULL || *at == '\0' || digits == 32) {
            return false;
        }
        ret[digits / 2] = (uint8_t)(ret[digits / 2] << 4 | (at - hex));
        digits++;
    }
    return digits == 32;
}

static void take_identifiers(struct sim_client *c,
                             const struct sim_sent *s,
                             struct bytes text)
{
    size_t count = 0;

    for (;;) {
        struct bytes identifier = member(text, "identifier");
        uint8_t uuid[16] = {0};
        uint64_t origin;
        uint64_t sequence;

        if (identifier.len == 0) {
            break;
        }
        if (!parse_uuid(identifier, uuid) ||
            !event_from_uuid(uuid, &origin, &sequence) || count == s->count) {
            wrong(c, "not the answer to a publish", text);
            return;
        }
        check_stored_as(c->all->check, s->number + count++, origin, sequence);
        text = bytes_from(text, (size_t)(identifier.data - text.data));
    }
    if (count < s->count) {
        wrong(c, "an answer that lacks some", text);
    }
}

static void take_answer(struct sim_client *c, struct bytes text)
{
    uint64_t number = check_number(bytes_from(member(text, "id"), 1));
    bool unknown = bytes_starts_with(
        member(text, "message"), bytes_text("Too few nodes of the cluster c"));
    struct sim_sent *s = NULL;

    for (size_t i = 0; i < CLIENT_SENT_MAX; i++) {
        if (c->sent[i].number == number && c->sent[i].asked) {
            s = &c->sent[i];
        }
    }
    if (number == 0 || s == NULL) {
        wrong(c, "an answer to nothing", text);
        return;
    }
    if (is_member(text, "type", "publish_success")) {
        take_identifiers(c, s, text);
        s->number = 0;
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        if (unknown) {
            check_doubt(c->all->check, number + i);
        }
    }
    if (s->keyed && below(c->all, 2) == 0) {
        publish_again(c, s);
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        check_refused(c->all->check, number + i);
    }
    s->number = 0;
}

static void take_text(struct sim_client *c, struct bytes text)
{
    struct bytes type = member(text, "type");

    if (bytes_equal(type, bytes_text("connection_ack"))) {
        if (c->state == SIM_CLIENT_GREETS) {
            open(c);
        }
    } else if (bytes_starts_with(type, bytes_text("publish_"))) {
        take_answer(c, text);
    } else if (bytes_equal(type, bytes_text("data")) ||
               bytes_equal(type, bytes_text("gap")) ||
               bytes_starts_with(type, bytes_text("subscribe_"))) {
        take_for_subscription(c, text);
    } else if (bytes_equal(type, bytes_text("unsubscribe_error")) &&
               check_number(bytes_from(member(text, "id"), 1)) == c->refused) {
        c->refused = 0;
    } else if (!bytes_equal(type, bytes_text("ka")) &&
               !bytes_equal(type, bytes_text("unsubscribe_success"))) {
        wrong(c, "what is that", text);
    }
}

/* 1001: the node stops; 1013: events were missed, for one that knows no gaps.
 */
static void take_close(struct sim_client *c, struct bytes reason)
{
    unsigned code =
        reason.len < 2 ? 0 : (unsigned)reason.data[0] << 8 | reason.data[1];

    if (code != 1001 && code != 1013) {
        wrong(c, "is closed", bytes_from(reason, reason.len < 2 ? 0 : 2));
    }
    disconnect(c, false);
}

/* A whole frame at the begin of `in`, which is not masked; its length, or 0. */
static size_t frame_len(struct bytes in, size_t *ret_head)
{
    uint64_t len;

    if (in.len < 2) {
        return 0;
    }
    len = in.data[1];
    *ret_head = 2;
    if (len == 126 && in.len >= 4) {
        *ret_head = 4;
        len = (uint64_t)in.data[2] << 8 | in.data[3];
    } else if (len >= 126) {
        return 0; /* none is longer */
    }
    return in.len < *ret_head + len ? 0 : *ret_head + len;
}

static void take_frames(struct sim_client *c)
{
    for (;;) {
        struct bytes in = buffer_view(&c->in);
        size_t head = 0;
        size_t len = frame_len(in, &head);
        struct bytes payload = bytes_of(in.data + head, len - head);

        if (len == 0) {
            return;
        }
        if ((in.data[0] & 0x0f) == WS_FRAME_CLOSE) {
            take_close(c, payload);
        } else {
            take_text(c, payload);
        }
        if (c->socket == NULL) {
            return; /* it has gone, and its bytes with it */
        }
        buffer_consume(&c->in, len);
    }
}

static void take_head(struct sim_client *c)
{
    struct bytes in = buffer_view(&c->in);

    for (size_t i = 4; i <= in.len; i++) {
        if (memcmp(in.data + i - 4, "\r\n\r\n", 4) == 0) {
            if (!bytes_starts_with(in, bytes_text("HTTP/1.1 101 "))) {
                wrong(c, "no WebSocket", in);
            }
            buffer_consume(&c->in, i);
            c->state = SIM_CLIENT_GREETS;
            greet(c);
            return;
        }
    }
}

static bool reads(void *owner)
{
    const struct sim_client *c = owner;

    return c->slow_until_ms <= c->all->world->now_ms;
}

static void received(void *owner, struct bytes bytes)
{
    struct sim_client *c = owner;

    c->heard_ms = c->all->world->now_ms;
    buffer_append(&c->in, bytes);
    check(!c->in.overflowed);
    if (c->state == SIM_CLIENT_UPGRADES) {
        take_head(c);
    }
    if (c->state != SIM_CLIENT_UPGRADES) {
        take_frames(c);
    }
}

static void closed(void *owner)
{
    struct sim_client *c = owner;

    disconnect(c, false);
}

static void connect(struct sim_client *c)
{
    struct world *w = c->all->world;
    size_t node = below(c->all, w->count);

    c->socket = world_connect(w, node, below(c->all, WORLD_SHARDS), c);
    if (c->socket == NULL) {
        c->next_ms = w->now_ms + 1 + below(c->all, 500);
        return;
    }
    c->node = node;
    c->connection = ++c->all->connections;
    c->state = SIM_CLIENT_UPGRADES;
    c->heard_ms = w->now_ms;
    c->slow_until_ms = 0;
    upgrade(c);
}

/* What it does by itself. */
static void behave(struct sim_client *c)
{
    struct sim_clients *all = c->all;
    struct sim_subscription *s =
        &c->subscriptions[below(all, CLIENT_SUBSCRIPTIONS)];

    if (below(all, LEAVE_ONE_IN) == 0) {
        disconnect(c, below(all, 2) == 0);
    } else if (below(all, SLOW_ONE_IN) == 0) {
        c->slow_until_ms =
            all->world->now_ms + below(all, below(all, 4) == 0 ? 12000 : 2000);
    } else if (below(all, ANEW_ONE_IN) == 0 && c->state == SIM_CLIENT_OPEN) {
        unsubscribe(c, s);
        subscribe_anew(c, s);
        subscribe(c, s);
    }
}

void clients_step(struct sim_clients *all)
{
    uint64_t now_ms = all->world->now_ms;

    all->world->clients = (struct world_clients){
        .reads = reads, .received = received, .closed = closed};
    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        struct sim_client *c = &all->clients[i];

        if (all->calm) {
            c->slow_until_ms = 0;
        }
        if (c->state == SIM_CLIENT_AWAY) {
            if (now_ms >= c->next_ms) {
                connect(c);
            }
        } else if (now_ms >= c->heard_ms + DEAF_MS && reads(c)) {
            disconnect(c, true);
        } else if (!all->calm) {
            behave(c);
        }
    }
}

bool clients_wait(const struct sim_clients *all)
{
    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        for (size_t k = 0; k < CLIENT_SENT_MAX; k++) {
            if (all->clients[i].sent[k].number > 0) {
                return true;
            }
        }
    }
    return false;
}

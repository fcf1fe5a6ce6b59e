/* A message is read once, member by member in whatever order they come, and
 * judged by its type when all of them are known. */
#include "proto/client_msg.h"

#include "base/check.h"
#include "base/text.h"
#include "proto/json.h"

enum member {
    MEMBER_TYPE = 1 << 0,
    MEMBER_ID = 1 << 1,
    MEMBER_CHANNEL = 1 << 2,
    MEMBER_EVENTS = 1 << 3,
    MEMBER_AUTHORIZATION = 1 << 4,
    MEMBER_REPLAY = 1 << 5,
    MEMBER_CURSOR = 1 << 6,
    MEMBER_KEYS = 1 << 7,
    MEMBER_UNKNOWN = 0,
};

#define MEMBERS_OF_FRAME (~0U)
#define MEMBERS_OF_BODY (MEMBER_CHANNEL | MEMBER_EVENTS | MEMBER_KEYS)

static const struct {
    struct bytes name;
    enum member member;
} members[] = {
    {BYTES_LITERAL("type"), MEMBER_TYPE},
    {BYTES_LITERAL("id"), MEMBER_ID},
    {BYTES_LITERAL("channel"), MEMBER_CHANNEL},
    {BYTES_LITERAL("events"), MEMBER_EVENTS},
    {BYTES_LITERAL("authorization"), MEMBER_AUTHORIZATION},
    {BYTES_LITERAL("replay"), MEMBER_REPLAY},
    {BYTES_LITERAL("cursor"), MEMBER_CURSOR},
    {BYTES_LITERAL("idempotencyKeys"), MEMBER_KEYS},
};

static const struct {
    const char *name;
    enum client_msg_type type;
} types[] = {
    {"connection_init", CLIENT_MSG_CONNECTION_INIT},
    {"subscribe", CLIENT_MSG_SUBSCRIBE},
    {"unsubscribe", CLIENT_MSG_UNSUBSCRIBE},
    {"publish", CLIENT_MSG_PUBLISH},
    {"ka", CLIENT_MSG_KA},
};

/* One reading. The sets hold bits of enum member. */
struct reading {
    struct json json;
    struct buffer *scratch; /* with room for every string of the text */
    struct client_msg *msg;
    unsigned wanted; /* others are skipped */
    unsigned seen;
    unsigned mistyped;
    bool repeated;
    bool event_not_string;
    enum problem replay; /* what is wrong with it */
};

static enum member member_of(struct json_token name)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct bytes known = members[i].name;

        if (name.escaped ? json_equal_text(name, (const char *)known.data)
                         : bytes_equal(name.raw, known)) {
            return members[i].member;
        }
    }
    return MEMBER_UNKNOWN;
}

static enum client_msg_type type_of(struct json_token string)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (json_equal_text(string, types[i].name)) {
            return types[i].type;
        }
    }
    return CLIENT_MSG_UNKNOWN;
}

static bool is_id_byte(uint8_t byte)
{
    uint8_t letter = byte | 0x20;

    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') ||
           byte == '-' || byte == '_' || byte == '+';
}

static bool is_id(struct bytes text)
{
    if (text.len == 0 || text.len > CLIENT_MSG_ID_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_id_byte(text.data[i])) {
            return false;
        }
    }
    return true;
}

static void take_events(struct reading *r, struct json_token first)
{
    if (first.type != JSON_ARRAY_BEGIN) {
        r->mistyped |= MEMBER_EVENTS;
        (void)json_skip(&r->json, first);
        return;
    }
    for (;;) {
        struct json_token event = json_next(&r->json);

        if (event.type == JSON_ARRAY_END || event.type == JSON_INVALID) {
            return;
        }
        if (event.type != JSON_STRING) {
            r->event_not_string = true;
            (void)json_skip(&r->json, event);
        } else if (r->msg->event_count < CLIENT_MSG_EVENTS_MAX) {
            r->msg->events[r->msg->event_count] = json_text(event, r->scratch);
        }
        r->msg->event_count++;
    }
}

static void take_authorization(struct reading *r, struct json_token first)
{
    if (credentials_read(&r->json, first, r->scratch, &r->msg->authorization) !=
        0) {
        r->mistyped |= MEMBER_AUTHORIZATION;
        return;
    }
    r->msg->has_authorization = true;
}

static void take_cursor(struct reading *r, struct json_token value)
{
    r->msg->cursors = value.type == JSON_TRUE;
    if (value.type != JSON_TRUE && value.type != JSON_FALSE) {
        r->mistyped |= MEMBER_CURSOR;
        (void)json_skip(&r->json, value);
    }
}

static void take_string(struct reading *r,
                        enum member member,
                        struct json_token value)
{
    struct bytes text;

    if (value.type != JSON_STRING) {
        r->mistyped |= member;
        (void)json_skip(&r->json, value);
        return;
    }
    if (member == MEMBER_TYPE) {
        r->msg->type = type_of(value);
        return;
    }
    text = json_text(value, r->scratch);
    if (member == MEMBER_CHANNEL) {
        r->msg->channel = text;
    } else if (is_id(text)) {
        r->msg->id = text;
    }
}

static void take_member(struct reading *r, struct json_token name)
{
    enum member member = member_of(name);
    struct json_token value = json_next(&r->json);

    if ((member & r->wanted) == 0) {
        (void)json_skip(&r->json, value);
        return;
    }
    if ((member & r->seen) != 0) {
        r->repeated = true;
        (void)json_skip(&r->json, value);
        return;
    }
    r->seen |= member;
    switch (member) {
    case MEMBER_EVENTS:
        take_events(r, value);
        break;
    case MEMBER_AUTHORIZATION:
        take_authorization(r, value);
        break;
    case MEMBER_REPLAY:
        r->replay =
            replay_request_read(&r->json, value, r->scratch, &r->msg->replay);
        break;
    case MEMBER_CURSOR:
        take_cursor(r, value);
        break;
    case MEMBER_KEYS:
        (void)idempotency_read(
            &r->json, value, r->scratch, &r->msg->idempotency);
        break;
    case MEMBER_TYPE:
    case MEMBER_ID:
    case MEMBER_CHANNEL:
        take_string(r, member, value);
        break;
    case MEMBER_UNKNOWN:
        check_unreachable();
    }
}

/* Read all of `text`, which must be one object with no member repeated. */
static enum problem read_object(struct reading *r, struct bytes text)
{
    struct json_token token;

    *r->msg = (struct client_msg){.type = CLIENT_MSG_UNKNOWN};
    buffer_clear(r->scratch);
    /* What the strings stand for is no longer than the text: with room for all
     * of it, views into scratch stay where they are. */
    if (text.len > 0 && buffer_reserve(r->scratch, text.len) == NULL) {
        return PROBLEM_BODY_TOO_LARGE;
    }
    json_init(&r->json, text);
    token = json_next(&r->json);
    if (token.type != JSON_OBJECT_BEGIN) {
        return json_valid(text) ? PROBLEM_MESSAGE_MALFORMED
                                : PROBLEM_MESSAGE_NOT_JSON;
    }
    for (;;) {
        token = json_next(&r->json);
        if (token.type != JSON_STRING) {
            break;
        }
        take_member(r, token);
    }
    if (token.type != JSON_OBJECT_END || json_next(&r->json).type != JSON_END) {
        return PROBLEM_MESSAGE_NOT_JSON;
    }
    check(!r->scratch->overflowed);
    return r->repeated ? PROBLEM_MESSAGE_MALFORMED : PROBLEM_NONE;
}

static enum problem judge_events(const struct reading *r)
{
    if ((r->mistyped & MEMBER_EVENTS) != 0) {
        return PROBLEM_MESSAGE_MALFORMED;
    }
    if (r->msg->event_count == 0) {
        return PROBLEM_EVENTS_NONE;
    }
    if (r->msg->event_count > CLIENT_MSG_EVENTS_MAX) {
        return PROBLEM_EVENTS_TOO_MANY;
    }
    /* Keys that could not be read are none, which fits no events. */
    if ((r->seen & MEMBER_KEYS) != 0 &&
        r->msg->idempotency.count != r->msg->event_count) {
        return PROBLEM_KEYS_MALFORMED;
    }
    return r->event_not_string ? PROBLEM_EVENT_NOT_STRING : PROBLEM_NONE;
}

/* Whether all of `needed` came and could be used. */
static bool has(const struct reading *r, unsigned needed)
{
    return (r->seen & ~r->mistyped & needed) == needed;
}

/* What is wrong with an operation on a channel, its events aside. */
static enum problem judge_operation(const struct reading *r, unsigned needed)
{
    if (r->msg->id.len == 0) {
        return PROBLEM_ID_MALFORMED;
    }
    if (!has(r, needed) || (r->mistyped & MEMBER_AUTHORIZATION) != 0) {
        return PROBLEM_MESSAGE_MALFORMED;
    }
    return PROBLEM_NONE;
}

/* What AWS's clients send has neither. */
static enum problem judge_replay(const struct reading *r)
{
    if ((r->mistyped & MEMBER_CURSOR) != 0 ||
        (r->msg->cursors && (r->seen & MEMBER_REPLAY) != 0)) {
        return PROBLEM_REPLAY_MALFORMED;
    }
    return r->replay;
}

static enum problem judge_frame(const struct reading *r)
{
    enum problem problem = PROBLEM_NONE;

    if (!has(r, MEMBER_TYPE)) {
        return PROBLEM_MESSAGE_MALFORMED;
    }
    switch (r->msg->type) {
    case CLIENT_MSG_CONNECTION_INIT:
    case CLIENT_MSG_KA:
        break;
    case CLIENT_MSG_UNSUBSCRIBE:
        problem = judge_operation(r, MEMBER_ID);
        break;
    case CLIENT_MSG_SUBSCRIBE:
        problem = judge_operation(r, MEMBER_ID | MEMBER_CHANNEL);
        if (problem == PROBLEM_NONE) {
            problem = judge_replay(r);
        }
        break;
    case CLIENT_MSG_PUBLISH:
        problem = judge_operation(r, MEMBER_ID | MEMBER_CHANNEL);
        if (problem == PROBLEM_NONE) {
            problem = judge_events(r);
        }
        break;
    case CLIENT_MSG_UNKNOWN:
        problem = PROBLEM_TYPE_UNKNOWN;
        break;
    }
    return problem;
}

enum problem client_msg_parse(struct bytes text,
                              struct buffer *scratch,
                              struct client_msg *ret)
{
    struct reading r = {
        .scratch = scratch,
        .msg = ret,
        .wanted = MEMBERS_OF_FRAME,
    };
    enum problem problem = read_object(&r, text);

    return problem != PROBLEM_NONE ? problem : judge_frame(&r);
}

enum problem client_msg_parse_publish(struct bytes body,
                                      struct buffer *scratch,
                                      struct client_msg *ret)
{
    struct reading r = {
        .scratch = scratch,
        .msg = ret,
        .wanted = MEMBERS_OF_BODY,
    };
    enum problem problem = read_object(&r, body);

    ret->type = CLIENT_MSG_PUBLISH;
    if (problem != PROBLEM_NONE) {
        return problem;
    }
    return has(&r, MEMBER_CHANNEL) ? judge_events(&r)
                                   : PROBLEM_MESSAGE_MALFORMED;
}

enum problem client_msg_event_problem(struct bytes event)
{
    if (event.len > CLIENT_MSG_EVENT_BYTES_MAX) {
        return PROBLEM_EVENT_TOO_LARGE;
    }
    return json_valid(event) ? PROBLEM_NONE : PROBLEM_EVENT_NOT_JSON;
}

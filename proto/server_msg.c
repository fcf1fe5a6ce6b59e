/* One pass over the JSON. A table names the members of each kind of object, so
 * that the walk over an object is written once. */
#include "proto/server_msg.h"

#include "base/check.h"
#include "base/rc.h"
#include "base/text.h"
#include "proto/json.h"

struct reader {
    struct json json;
    struct buffer *scratch;
    struct server_msg *msg;
};

/* Reads the value of one known member, whose first token is `value`; false
 * when it is of the wrong kind. `target` is the structure that holds it. */
typedef bool read_value(struct reader *r,
                        struct json_token value,
                        void *target);

struct member {
    const char *name;
    read_value *read;
    size_t offset; /* in the target */
};

static void *at(void *target, size_t offset)
{
    return (char *)target + offset;
}

static bool string_keep(struct reader *r,
                        struct json_token value,
                        struct bytes *ret)
{
    size_t start = r->scratch->len;

    if (value.type != JSON_STRING) {
        return false;
    }
    /* The whole text's room was reserved, so nothing moves here. */
    json_unescape(value, r->scratch);
    *ret = bytes_from(buffer_view(r->scratch), start);
    return true;
}

static bool read_string(struct reader *r, struct json_token value, void *ret)
{
    return string_keep(r, value, ret);
}

/* Null stands for absence where a string may be missing. */
static bool read_string_or_null(struct reader *r,
                                struct json_token value,
                                void *ret)
{
    return value.type == JSON_NULL || string_keep(r, value, ret);
}

static bool read_number(struct reader *r, struct json_token value, void *ret)
{
    (void)r;
    return value.type == JSON_NUMBER && text_decimal(value.raw, ret);
}

static bool read_type(struct reader *r, struct json_token value, void *ret)
{
    static const char *const names[] = {
        [SERVER_MSG_CONNECTION_ACK] = "connection_ack",
        [SERVER_MSG_CONNECTION_ERROR] = "connection_error",
        [SERVER_MSG_KA] = "ka",
        [SERVER_MSG_SUBSCRIBE_SUCCESS] = "subscribe_success",
        [SERVER_MSG_SUBSCRIBE_ERROR] = "subscribe_error",
        [SERVER_MSG_UNSUBSCRIBE_SUCCESS] = "unsubscribe_success",
        [SERVER_MSG_UNSUBSCRIBE_ERROR] = "unsubscribe_error",
        [SERVER_MSG_PUBLISH_SUCCESS] = "publish_success",
        [SERVER_MSG_PUBLISH_ERROR] = "publish_error",
        [SERVER_MSG_DATA] = "data",
        [SERVER_MSG_BROADCAST_ERROR] = "broadcast_error",
        [SERVER_MSG_ERROR] = "error",
        [SERVER_MSG_GAP] = "gap",
    };
    enum server_msg_type *type = ret;

    (void)r;
    if (value.type != JSON_STRING) {
        return false;
    }
    *type = SERVER_MSG_OTHER;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i] != NULL && json_equal_text(value, names[i])) {
            *type = (enum server_msg_type)i;
        }
    }
    return true;
}

/* Walks over one object whose opening token was read. */
static bool read_object(struct reader *r,
                        const struct member *members,
                        void *target)
{
    for (;;) {
        struct json_token name = json_next(&r->json);
        const struct member *m = members;
        struct json_token value;

        if (name.type != JSON_STRING) {
            return name.type == JSON_OBJECT_END;
        }
        value = json_next(&r->json);
        while (m->name != NULL && !json_equal_text(name, m->name)) {
            m++;
        }
        if (m->name == NULL) {
            if (!json_skip(&r->json, value)) {
                return false;
            }
        } else if (!m->read(r, value, at(target, m->offset))) {
            return false;
        }
    }
}

static const struct member error_members[] = {
    {"errorType", read_string_or_null, offsetof(struct server_msg, error_type)},
    {"message",
     read_string_or_null,
     offsetof(struct server_msg, error_message)},
    {NULL, NULL, 0},
};

static const struct member outcome_members[] = {
    {"index", read_number, offsetof(struct server_msg_outcome, index)},
    {"identifier",
     read_string,
     offsetof(struct server_msg_outcome, identifier)},
    {"code", read_string, offsetof(struct server_msg_outcome, code)},
    {"message",
     read_string_or_null,
     offsetof(struct server_msg_outcome, message)},
    {NULL, NULL, 0},
};

static bool read_errors(struct reader *r, struct json_token value, void *ret)
{
    size_t *count = ret;
    struct server_msg ignored = {.error_count = 0};

    if (value.type != JSON_ARRAY_BEGIN) {
        return false;
    }
    for (;; (*count)++) {
        struct json_token item = json_next(&r->json);
        void *target = *count == 0 ? r->msg : &ignored;

        if (item.type != JSON_OBJECT_BEGIN) {
            return item.type == JSON_ARRAY_END;
        }
        if (!read_object(r, error_members, target)) {
            return false;
        }
    }
}

static bool read_outcomes(struct reader *r,
                          struct json_token value,
                          struct server_msg_outcome *outcomes,
                          size_t *ret_count)
{
    if (value.type != JSON_ARRAY_BEGIN) {
        return false;
    }
    for (*ret_count = 0;; (*ret_count)++) {
        struct json_token item = json_next(&r->json);

        if (item.type != JSON_OBJECT_BEGIN) {
            return item.type == JSON_ARRAY_END;
        }
        if (*ret_count == CLIENT_MSG_EVENTS_MAX ||
            !read_object(r, outcome_members, &outcomes[*ret_count])) {
            return false;
        }
    }
}

static bool read_successful(struct reader *r, struct json_token value, void *to)
{
    (void)to;
    return read_outcomes(
        r, value, r->msg->successful, &r->msg->successful_count);
}

static bool read_failed(struct reader *r, struct json_token value, void *to)
{
    (void)to;
    return read_outcomes(r, value, r->msg->failed, &r->msg->failed_count);
}

static const struct member message_members[] = {
    {"type", read_type, offsetof(struct server_msg, type)},
    {"id", read_string, offsetof(struct server_msg, id)},
    {"event", read_string, offsetof(struct server_msg, event)},
    {"channel", read_string_or_null, offsetof(struct server_msg, channel)},
    {"cursor", read_string_or_null, offsetof(struct server_msg, cursor)},
    {"reason", read_string, offsetof(struct server_msg, reason)},
    {"from", read_string, offsetof(struct server_msg, from)},
    {"to", read_string, offsetof(struct server_msg, to)},
    {"missed", read_number, offsetof(struct server_msg, missed)},
    {"connectionTimeoutMs",
     read_number,
     offsetof(struct server_msg, timeout_ms)},
    {"errors", read_errors, offsetof(struct server_msg, error_count)},
    {"successful", read_successful, 0},
    {"failed", read_failed, 0},
    {NULL, NULL, 0},
};

int server_msg_parse(struct bytes text,
                     struct buffer *scratch,
                     struct server_msg *ret)
{
    struct server_msg msg = {
        .type = SERVER_MSG_NONE,
        .missed = SERVER_MSG_MISSED_UNKNOWN,
    };
    struct reader r = {.scratch = scratch, .msg = &msg};

    check(ret != NULL);
    buffer_clear(scratch);
    if (text.len > 0 && buffer_reserve(scratch, text.len) == NULL) {
        return RC_TOO_LARGE;
    }
    json_init(&r.json, text);
    if (json_next(&r.json).type != JSON_OBJECT_BEGIN ||
        !read_object(&r, message_members, &msg) ||
        json_next(&r.json).type != JSON_END) {
        return RC_MALFORMED;
    }
    check(!scratch->overflowed);
    *ret = msg;
    return 0;
}

/* Answers are built left to right into a buffer: no tree, no copy. */
#include "proto/answer.h"

#include "base/check.h"
#include "base/text.h"
#include "proto/cursor.h"
#include "proto/json.h"

/* Open an object with its type and, when there is one, its id. */
static void begin(struct buffer *out, const char *type, struct bytes id)
{
    buffer_text(out, "{\"type\":\"");
    buffer_text(out, type);
    if (id.len > 0) {
        check(id.len <= CLIENT_MSG_ID_BYTES_MAX);
        buffer_text(out, "\",\"id\":\"");
        buffer_append(out, id);
    }
    buffer_text(out, "\"");
}

void answer_connection_ack(struct buffer *out, uint64_t timeout_ms)
{
    begin(out, "connection_ack", bytes_of(NULL, 0));
    buffer_text(out, ",\"connectionTimeoutMs\":");
    buffer_decimal(out, timeout_ms);
    buffer_text(out, "}");
}

void answer_ka(struct buffer *out)
{
    buffer_text(out, "{\"type\":\"ka\"}");
}

void answer_success(struct buffer *out, const char *type, struct bytes id)
{
    begin(out, type, id);
    buffer_text(out, "}");
}

/* The member errors with one error in it; `code` 0: without a number. */
static void errors(struct buffer *out,
                   const char *name,
                   const char *message,
                   int code)
{
    buffer_text(out, "\"errors\":[{\"errorType\":\"");
    buffer_text(out, name);
    if (message[0] != '\0') {
        buffer_text(out, "\",\"message\":\"");
        json_escape(bytes_text(message), out);
    }
    buffer_text(out, "\"");
    if (code != 0) {
        buffer_text(out, ",\"errorCode\":");
        buffer_decimal(out, (uint64_t)code);
    }
    buffer_text(out, "}]}");
}

void answer_error(struct buffer *out,
                  const char *type,
                  struct bytes id,
                  enum problem problem,
                  const char *detail)
{
    bool numbered = strcmp(type, "connection_error") == 0;

    check(problem != PROBLEM_NONE);
    begin(out, type, id);
    buffer_text(out, ",");
    errors(out,
           problem_name_ws(problem),
           detail != NULL ? detail : problem_message_ws(problem),
           numbered ? problem_status(problem) : 0);
}

void answer_http_error(struct buffer *out,
                       enum problem problem,
                       const char *detail)
{
    check(problem != PROBLEM_NONE);
    buffer_text(out, "{");
    errors(out,
           problem_name_http(problem),
           detail != NULL ? detail : problem_message_http(problem),
           0);
}

static void outcome_item(struct buffer *out,
                         const struct answer_outcome *outcome,
                         size_t index)
{
    const char *message = problem_message_http(outcome->problem);
    char identifier[TEXT_UUID_LEN];

    text_uuid(outcome->identifier, identifier);
    buffer_text(out, "{");
    if (outcome->problem != PROBLEM_NONE) {
        buffer_text(out, "\"code\":\"");
        buffer_text(out, problem_name_http(outcome->problem));
        buffer_text(out, "\",");
    }
    buffer_text(out, "\"identifier\":\"");
    buffer_append(out, bytes_of(identifier, sizeof(identifier)));
    buffer_text(out, "\",\"index\":");
    buffer_decimal(out, index);
    if (message[0] != '\0') {
        buffer_text(out, ",\"message\":\"");
        json_escape(bytes_text(message), out);
        buffer_text(out, "\"");
    }
    buffer_text(out, "}");
}

/* The outcomes that failed, or those that did not, as an array named `name`. */
static void outcome_array(struct buffer *out,
                          const char *name,
                          const struct answer_outcome *outcomes,
                          size_t count,
                          bool failed)
{
    const char *separator = "";

    buffer_text(out, "\"");
    buffer_text(out, name);
    buffer_text(out, "\":[");
    for (size_t i = 0; i < count; i++) {
        if ((outcomes[i].problem != PROBLEM_NONE) == failed) {
            buffer_text(out, separator);
            outcome_item(out, &outcomes[i], i);
            separator = ",";
        }
    }
    buffer_text(out, "]");
}

void answer_publish_result(struct buffer *out,
                           struct bytes id,
                           const struct answer_outcome *outcomes,
                           size_t count)
{
    check(count <= CLIENT_MSG_EVENTS_MAX);
    if (id.data == NULL) {
        buffer_text(out, "{");
        outcome_array(out, "failed", outcomes, count, true);
        buffer_text(out, ",");
        outcome_array(out, "successful", outcomes, count, false);
    } else {
        begin(out, "publish_success", id);
        buffer_text(out, ",");
        outcome_array(out, "successful", outcomes, count, false);
        buffer_text(out, ",");
        outcome_array(out, "failed", outcomes, count, true);
    }
    buffer_text(out, "}");
}

void answer_data_begin(struct buffer *out, struct bytes id)
{
    static const struct bytes before =
        BYTES_LITERAL("{\"type\":\"data\",\"id\":\"");
    static const struct bytes behind = BYTES_LITERAL("\",\"event\":");

    check(id.len > 0 && id.len <= CLIENT_MSG_ID_BYTES_MAX);
    buffer_append(out, before);
    buffer_append(out, id);
    buffer_append(out, behind);
}

void answer_data_tail(struct buffer *out, struct bytes event)
{
    buffer_text(out, "\"");
    json_escape(event, out);
    buffer_text(out, "\"}");
}

static void cursor_member(struct buffer *out,
                          const char *name,
                          const struct vector *cursor)
{
    buffer_text(out, ",\"");
    buffer_text(out, name);
    buffer_text(out, "\":\"");
    cursor_print(cursor, out);
    buffer_text(out, "\"");
}

/* Channel names need no escapes. */
static void channel_member(struct buffer *out, struct bytes channel)
{
    buffer_text(out, "\"channel\":\"");
    buffer_append(out, channel);
    buffer_text(out, "\"");
}

void answer_subscribed(struct buffer *out,
                       struct bytes id,
                       const struct vector *from)
{
    begin(out, "subscribe_success", id);
    cursor_member(out, "cursor", from);
    buffer_text(out, "}");
}

void answer_data_tail_cursor(struct buffer *out,
                             struct bytes event,
                             struct bytes channel,
                             const struct vector *cursor)
{
    buffer_text(out, "\"");
    json_escape(event, out);
    buffer_text(out, "\"");
    cursor_member(out, "cursor", cursor);
    buffer_text(out, ",");
    channel_member(out, channel);
    buffer_text(out, "}");
}

static void gap_members(struct buffer *out, const struct answer_gap *gap)
{
    buffer_text(out, "\"reason\":\"");
    buffer_text(out, gap->reason);
    buffer_text(out, "\"");
    cursor_member(out, "from", &gap->from);
    cursor_member(out, "to", &gap->to);
    if (gap->counted) {
        buffer_text(out, ",\"missed\":");
        buffer_decimal(out, gap->missed);
    }
}

void answer_gap(struct buffer *out,
                struct bytes id,
                const struct answer_gap *gap)
{
    begin(out, "gap", id);
    buffer_text(out, ",");
    gap_members(out, gap);
    buffer_text(out, "}");
}

static void stream_id(struct buffer *out, const struct vector *cursor)
{
    buffer_text(out, "id: ");
    cursor_print(cursor, out);
    buffer_text(out, "\n");
}

/* The event as it is, but on one line: JSON has line breaks only between its
 * tokens, where a space is as good. */
static void json_on_one_line(struct buffer *out, struct bytes event)
{
    uint8_t *at = buffer_reserve(out, event.len);

    if (at == NULL) {
        return;
    }
    for (size_t i = 0; i < event.len; i++) {
        uint8_t c = event.data[i];

        at[i] = c == '\n' || c == '\r' ? ' ' : c;
    }
    buffer_advance(out, event.len);
}

static void event_members(struct buffer *out,
                          struct bytes event,
                          struct bytes channel)
{
    buffer_text(out, "{");
    channel_member(out, channel);
    buffer_text(out, ",\"event\":");
    json_on_one_line(out, event);
}

void answer_stream_begin(struct buffer *out, const struct vector *from)
{
    stream_id(out, from);
    buffer_text(out, "\n");
}

void answer_stream_event(struct buffer *out,
                         struct bytes event,
                         struct bytes channel,
                         const struct vector *cursor)
{
    stream_id(out, cursor);
    buffer_text(out, "data: ");
    event_members(out, event, channel);
    buffer_text(out, "}\n\n");
}

void answer_stream_gap(struct buffer *out, const struct answer_gap *gap)
{
    buffer_text(out, "event: gap\n");
    stream_id(out, &gap->to);
    buffer_text(out, "data: {");
    gap_members(out, gap);
    buffer_text(out, "}\n\n");
}

void answer_stream_end(struct buffer *out, enum problem problem)
{
    buffer_text(out, "event: end\ndata: ");
    answer_http_error(out, problem, NULL);
    buffer_text(out, "\n\n");
}

void answer_stream_alive(struct buffer *out)
{
    buffer_text(out, ":\n\n");
}

void answer_history_begin(struct buffer *out)
{
    buffer_text(out, "{\"events\":[");
}

void answer_history_event(struct buffer *out,
                          struct bytes event,
                          struct bytes channel,
                          const struct vector *cursor)
{
    event_members(out, event, channel);
    cursor_member(out, "cursor", cursor);
    buffer_text(out, "}");
}

void answer_history_end(struct buffer *out,
                        const struct vector *next,
                        const struct answer_gap *gap)
{
    buffer_text(out, "]");
    cursor_member(out, "next", next);
    if (gap != NULL) {
        buffer_text(out, ",\"gap\":{");
        gap_members(out, gap);
        buffer_text(out, "}");
    }
    buffer_text(out, "}");
}

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

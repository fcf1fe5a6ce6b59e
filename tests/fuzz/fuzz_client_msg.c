/* Any text as a frame and as a body: what is let through keeps its limits, and
 * what a server answers to it is JSON. */
#include "base/check.h"
#include "proto/answer.h"
#include "proto/client_msg.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ANSWER_BYTES_MAX (1 << 24)

static void check_answers(const struct client_msg *msg, enum problem problem)
{
    struct buffer out;

    buffer_init(&out, ANSWER_BYTES_MAX);
    if (problem != PROBLEM_NONE) {
        answer_error(&out, "publish_error", msg->id, problem, NULL);
        check(json_valid(buffer_view(&out)));
        buffer_clear(&out);
        answer_http_error(&out, problem, NULL);
        check(json_valid(buffer_view(&out)));
    } else if (msg->id.len > 0 && msg->event_count > 0 &&
               client_msg_event_problem(msg->events[0]) == PROBLEM_NONE) {
        answer_data_begin(&out, msg->id);
        answer_data_tail(&out, msg->events[0]);
        check(json_valid(buffer_view(&out)));
    }
    check(!out.overflowed);
    buffer_done(&out);
}

static void check_limits(const struct client_msg *msg, enum problem problem)
{
    check(msg->id.len <= CLIENT_MSG_ID_BYTES_MAX);
    if (problem != PROBLEM_NONE) {
        return;
    }
    check(msg->type != CLIENT_MSG_UNKNOWN);
    if (msg->type != CLIENT_MSG_PUBLISH) {
        return;
    }
    check(msg->event_count >= 1);
    check(msg->event_count <= CLIENT_MSG_EVENTS_MAX);
    for (size_t i = 0; i < msg->event_count; i++) {
        (void)client_msg_event_problem(msg->events[i]);
    }
    check(msg->idempotency.count == 0 ||
          msg->idempotency.count == msg->event_count);
    for (size_t i = 0; i < msg->idempotency.count; i++) {
        check(idempotency_key_valid(msg->idempotency.keys[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes text = bytes_of(data, len);
    struct client_msg msg;
    struct buffer scratch;
    enum problem problem;

    buffer_init(&scratch, len);
    problem = client_msg_parse(text, &scratch, &msg);
    check((problem == PROBLEM_MESSAGE_NOT_JSON) == !json_valid(text));
    check_limits(&msg, problem);
    check_answers(&msg, problem);

    problem = client_msg_parse_publish(text, &scratch, &msg);
    check((problem == PROBLEM_MESSAGE_NOT_JSON) == !json_valid(text));
    check_limits(&msg, problem);
    check_answers(&msg, problem);
    buffer_done(&scratch);
    return 0;
}

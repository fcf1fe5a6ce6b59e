/* What a server answers, to the letter. */
#include "proto/answer.h"
#include "proto/client_msg.h"
#include "tests/lib/tap.h"

static struct buffer out;

static void says(const char *expected)
{
    tap_equal_text(buffer_view(&out), expected);
    buffer_done(&out);
    buffer_init(&out, 100000);
}

static void begin(void)
{
    buffer_done(&out);
    buffer_init(&out, 100000);
}

#define NO_ID bytes_of(NULL, 0)

TAP_CASE(client_msg_writes_connection_ack_and_ka)
{
    begin();
    answer_connection_ack(&out, 300000);
    says("{\"type\":\"connection_ack\",\"connectionTimeoutMs\":300000}");
    answer_ka(&out);
    says("{\"type\":\"ka\"}");
}

TAP_CASE(client_msg_writes_successes_with_their_id)
{
    begin();
    answer_success(&out, "subscribe_success", bytes_text("ee-1"));
    says("{\"type\":\"subscribe_success\",\"id\":\"ee-1\"}");
    answer_success(&out, "unsubscribe_success", bytes_text("s"));
    says("{\"type\":\"unsubscribe_success\",\"id\":\"s\"}");
}

TAP_CASE(client_msg_writes_the_number_in_connection_error_only)
{
    begin();
    answer_error(&out, "connection_error", NO_ID, PROBLEM_UNAUTHORIZED, NULL);
    says("{\"type\":\"connection_error\",\"errors\":[{\"errorType\":"
         "\"UnauthorizedException\",\"message\":\"You are not authorized to "
         "make this call.\",\"errorCode\":401}]}");
    answer_error(
        &out, "subscribe_error", bytes_text("s1"), PROBLEM_UNAUTHORIZED, NULL);
    says("{\"type\":\"subscribe_error\",\"id\":\"s1\",\"errors\":["
         "{\"errorType\":\"UnauthorizedException\",\"message\":\"You are not "
         "authorized to make this call.\"}]}");
}

TAP_CASE(client_msg_leaves_an_empty_message_out)
{
    begin();
    answer_error(&out,
                 "publish_error",
                 bytes_text("p"),
                 PROBLEM_NAMESPACE_UNKNOWN,
                 NULL);
    says("{\"type\":\"publish_error\",\"id\":\"p\",\"errors\":["
         "{\"errorType\":\"UnauthorizedException\"}]}");
    answer_http_error(&out, PROBLEM_FORBIDDEN, NULL);
    says("{\"errors\":[{\"errorType\":\"UnauthorizedException\"}]}");
}

TAP_CASE(client_msg_writes_each_transport_its_own_names)
{
    begin();
    answer_error(
        &out, "publish_error", bytes_text("p"), PROBLEM_EVENTS_TOO_MANY, NULL);
    says("{\"type\":\"publish_error\",\"id\":\"p\",\"errors\":["
         "{\"errorType\":\"InvalidInputError\",\"message\":\"input exceeded 5 "
         "event limit\"}]}");
    answer_http_error(&out, PROBLEM_EVENTS_TOO_MANY, NULL);
    says("{\"errors\":[{\"errorType\":\"BadRequestException\",\"message\":"
         "\"Input exceeded 5 event limit\"}]}");
}

TAP_CASE(client_msg_puts_a_detail_in_the_place_of_the_message_escaped)
{
    begin();
    answer_error(&out,
                 "unsubscribe_error",
                 bytes_text("s"),
                 PROBLEM_SUBSCRIPTION_UNKNOWN,
                 "Unknown operation id s");
    says("{\"type\":\"unsubscribe_error\",\"id\":\"s\",\"errors\":["
         "{\"errorType\":\"UnknownOperationError\",\"message\":\"Unknown "
         "operation id s\"}]}");
    answer_http_error(&out, PROBLEM_STORAGE, "disk \"a\"\n");
    says("{\"errors\":[{\"errorType\":\"InternalFailure\",\"message\":"
         "\"disk \\\"a\\\"\\n\"}]}");
}

TAP_CASE(client_msg_leaves_an_empty_id_out_of_an_error)
{
    begin();
    answer_error(&out, "error", NO_ID, PROBLEM_TYPE_UNKNOWN, NULL);
    says("{\"type\":\"error\",\"errors\":[{\"errorType\":"
         "\"UnsupportedOperation\",\"message\":\"Operation not supported "
         "through the realtime channel\"}]}");
}

#define UUID_1 "01020304-0506-0708-090a-0b0c0d0e0f10"
#define UUID_2 "ffffffff-ffff-ffff-ffff-ffffffffffff"

static const struct answer_outcome outcomes[] = {
    {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, PROBLEM_NONE},
    {{255,
      255,
      255,
      255,
      255,
      255,
      255,
      255,
      255,
      255,
      255,
      255,
      255,
      255,
      255,
      255},
     PROBLEM_EVENT_TOO_LARGE},
    {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, PROBLEM_NONE},
};

#define SUCCESSFUL_0 "{\"identifier\":\"" UUID_1 "\",\"index\":0}"
#define SUCCESSFUL_2 "{\"identifier\":\"" UUID_1 "\",\"index\":2}"
#define FAILED_1                                                    \
    "{\"code\":\"EventTooLargeException\",\"identifier\":\"" UUID_2 \
    "\",\"index\":1,\"message\":\"Transformed event is larger than 240KB\"}"

TAP_CASE(client_msg_writes_the_outcome_of_a_post)
{
    begin();
    answer_publish_result(&out, NO_ID, outcomes, 1);
    says("{\"failed\":[],\"successful\":[" SUCCESSFUL_0 "]}");
    answer_publish_result(&out, NO_ID, outcomes, 3);
    says("{\"failed\":[" FAILED_1 "],\"successful\":[" SUCCESSFUL_0
         "," SUCCESSFUL_2 "]}");
}

TAP_CASE(client_msg_writes_the_outcome_of_a_publish)
{
    begin();
    answer_publish_result(&out, bytes_text("p1"), outcomes, 3);
    says("{\"type\":\"publish_success\",\"id\":\"p1\",\"successful\":"
         "[" SUCCESSFUL_0 "," SUCCESSFUL_2 "],\"failed\":[" FAILED_1 "]}");
}

TAP_CASE(client_msg_writes_data_in_two_parts)
{
    begin();
    answer_data_begin(&out, bytes_text("s1"));
    says("{\"type\":\"data\",\"id\":\"s1\",\"event\":");
    answer_data_tail(&out, bytes_text("{\"some\":\"da\\nta\"}"));
    says("\"{\\\"some\\\":\\\"da\\\\nta\\\"}\"}");
}

TAP_CASE(client_msg_data_gives_the_event_back_when_it_is_read_again)
{
    struct buffer scratch;
    struct client_msg msg;
    struct bytes event = bytes_text("[\"\\u0041\xc3\xa9\",\t1]");

    begin();
    buffer_text(&out, "{\"channel\":\"/a\",\"events\":[");
    answer_data_tail(&out, event);
    out.len--;
    buffer_text(&out, "]}");
    buffer_init(&scratch, 1000);
    tap_equal(client_msg_parse_publish(buffer_view(&out), &scratch, &msg),
              PROBLEM_NONE);
    tap_check(bytes_equal(msg.events[0], event));
    buffer_done(&scratch);
}

TAP_MAIN()

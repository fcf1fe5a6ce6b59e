/* proto/server_msg: what a client makes of the frames and bodies that a server
 * of the protocol sends. */
#include "proto/server_msg.h"

#include "base/rc.h"
#include "tests/lib/tap.h"

static struct buffer scratch;
static struct server_msg msg;

static int parse(const char *text)
{
    buffer_done(&scratch);
    buffer_init(&scratch, 65536);
    return server_msg_parse(bytes_text(text), &scratch, &msg);
}

static void parsed(const char *text)
{
    tap_equal(parse(text), RC_OK);
}

static void refused(const char *text)
{
    msg.timeout_ms = 77;
    tap_equal(parse(text), RC_MALFORMED);
    tap_equal(msg.timeout_ms, 77);
}

TAP_CASE(server_msg_reads_connection_ack)
{
    parsed("{\"type\":\"connection_ack\",\"connectionTimeoutMs\":300000}");

    tap_equal(msg.type, SERVER_MSG_CONNECTION_ACK);
    tap_equal(msg.timeout_ms, 300000);
}

TAP_CASE(server_msg_knows_every_type)
{
    static const struct {
        const char *text;
        enum server_msg_type type;
    } types[] = {
        {"{}", SERVER_MSG_NONE},
        {"{\"type\":\"connection_error\"}", SERVER_MSG_CONNECTION_ERROR},
        {"{\"type\":\"ka\"}", SERVER_MSG_KA},
        {"{\"type\":\"subscribe_success\"}", SERVER_MSG_SUBSCRIBE_SUCCESS},
        {"{\"type\":\"subscribe_error\"}", SERVER_MSG_SUBSCRIBE_ERROR},
        {"{\"type\":\"unsubscribe_success\"}", SERVER_MSG_UNSUBSCRIBE_SUCCESS},
        {"{\"type\":\"unsubscribe_error\"}", SERVER_MSG_UNSUBSCRIBE_ERROR},
        {"{\"type\":\"publish_success\"}", SERVER_MSG_PUBLISH_SUCCESS},
        {"{\"type\":\"publish_error\"}", SERVER_MSG_PUBLISH_ERROR},
        {"{\"type\":\"data\"}", SERVER_MSG_DATA},
        {"{\"type\":\"broadcast_error\"}", SERVER_MSG_BROADCAST_ERROR},
        {"{\"type\":\"error\"}", SERVER_MSG_ERROR},
        {"{\"type\":\"gap\"}", SERVER_MSG_GAP},
        {"{\"type\":\"later\"}", SERVER_MSG_OTHER},
        {"{\"type\":\"\"}", SERVER_MSG_OTHER},
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        parsed(types[i].text);
        tap_equal(msg.type, types[i].type);
    }
}

TAP_CASE(server_msg_unescapes_the_event)
{
    parsed("{\"type\":\"data\",\"id\":\"s1\","
           "\"event\":\"{\\\"a\\\":\\\"\\u00e4\\\"}\"}");

    tap_equal_text(msg.id, "s1");
    tap_equal_text(msg.event, "{\"a\":\"\xc3\xa4\"}");
}

TAP_CASE(server_msg_keeps_all_strings_when_there_are_many)
{
    parsed("{\"type\":\"data\",\"id\":\"s1\",\"event\":\"1\","
           "\"cursor\":\"c-9\",\"channel\":\"/default/room\"}");

    tap_equal_text(msg.id, "s1");
    tap_equal_text(msg.event, "1");
    tap_equal_text(msg.cursor, "c-9");
    tap_equal_text(msg.channel, "/default/room");
}

TAP_CASE(server_msg_tells_an_absent_cursor_from_an_empty_one)
{
    parsed("{\"type\":\"data\",\"event\":\"1\"}");
    tap_check(msg.cursor.data == NULL);
    tap_check(msg.channel.data == NULL);

    parsed("{\"type\":\"data\",\"event\":\"1\",\"cursor\":null}");
    tap_check(msg.cursor.data == NULL);

    parsed("{\"type\":\"data\",\"event\":\"1\",\"cursor\":\"\"}");
    tap_check(msg.cursor.data != NULL);
    tap_equal(msg.cursor.len, 0);
}

TAP_CASE(server_msg_reads_where_a_subscription_starts)
{
    parsed("{\"type\":\"subscribe_success\",\"id\":\"s1\","
           "\"cursor\":\"c-1\"}");

    tap_equal_text(msg.cursor, "c-1");
}

TAP_CASE(server_msg_reads_a_gap)
{
    parsed("{\"type\":\"gap\",\"id\":\"s1\",\"reason\":\"retention\","
           "\"from\":\"c-1\",\"to\":\"c-9\",\"missed\":17}");

    tap_equal_text(msg.id, "s1");
    tap_equal_text(msg.reason, "retention");
    tap_equal_text(msg.from, "c-1");
    tap_equal_text(msg.to, "c-9");
    tap_equal(msg.missed, 17);
    tap_check(msg.cursor.data == NULL);
}

TAP_CASE(server_msg_tells_an_unknown_number_of_missed_events_from_none)
{
    parsed("{\"type\":\"gap\",\"reason\":\"slow\"}");
    tap_equal(msg.missed, SERVER_MSG_MISSED_UNKNOWN);

    parsed("{\"type\":\"gap\",\"reason\":\"slow\",\"missed\":0}");
    tap_equal(msg.missed, 0);
}

TAP_CASE(server_msg_keeps_the_first_of_many_errors)
{
    parsed("{\"type\":\"error\",\"errors\":[{\"errorType\":\"A\",\"message\":"
           "\"one\",\"errorCode\":401},{\"errorType\":\"B\"}]}");

    tap_equal(msg.error_count, 2);
    tap_equal_text(msg.error_type, "A");
    tap_equal_text(msg.error_message, "one");
}

TAP_CASE(server_msg_takes_an_error_without_a_message)
{
    parsed("{\"errors\":[{\"errorType\":\"UnauthorizedException\"}]}");

    tap_equal(msg.type, SERVER_MSG_NONE);
    tap_equal(msg.error_count, 1);
    tap_equal_text(msg.error_type, "UnauthorizedException");
    tap_equal(msg.error_message.len, 0);
}

TAP_CASE(server_msg_reads_the_outcomes_of_a_publish)
{
    parsed("{\"failed\":[{\"code\":\"EventTooLargeException\",\"identifier\":"
           "\"i0\",\"index\":0,\"message\":\"too large\"}],"
           "\"successful\":[{\"identifier\":\"i1\",\"index\":1},"
           "{\"identifier\":\"i2\",\"index\":2}]}");

    tap_equal(msg.failed_count, 1);
    tap_equal(msg.failed[0].index, 0);
    tap_equal_text(msg.failed[0].code, "EventTooLargeException");
    tap_equal_text(msg.failed[0].message, "too large");
    tap_equal(msg.successful_count, 2);
    tap_equal(msg.successful[1].index, 2);
    tap_equal_text(msg.successful[1].identifier, "i2");
    tap_check(msg.successful[1].code.data == NULL);
}

TAP_CASE(server_msg_takes_five_outcomes_and_not_six)
{
    parsed("{\"successful\":[{\"index\":0},{\"index\":1},{\"index\":2},"
           "{\"index\":3},{\"index\":4}],\"failed\":[]}");
    tap_equal(msg.successful_count, 5);

    refused("{\"successful\":[{\"index\":0},{\"index\":1},{\"index\":2},"
            "{\"index\":3},{\"index\":4},{\"index\":5}]}");
}

TAP_CASE(server_msg_passes_over_members_that_it_does_not_know)
{
    parsed("{\"new\":{\"type\":\"data\",\"deep\":[1,[2,{}]]},"
           "\"type\":\"ka\",\"more\":null}");

    tap_equal(msg.type, SERVER_MSG_KA);
}

TAP_CASE(server_msg_refuses_members_of_another_type)
{
    refused("{\"type\":5}");
    refused("{\"type\":\"data\",\"event\":[\"1\"]}");
    refused("{\"type\":\"data\",\"id\":7}");
    refused("{\"type\":\"data\",\"channel\":{}}");
    refused("{\"connectionTimeoutMs\":\"1\"}");
    refused("{\"connectionTimeoutMs\":-1}");
    refused("{\"connectionTimeoutMs\":1.5}");
    refused("{\"type\":\"gap\",\"reason\":1}");
    refused("{\"type\":\"gap\",\"from\":null}");
    refused("{\"type\":\"gap\",\"to\":[]}");
    refused("{\"type\":\"gap\",\"missed\":\"17\"}");
    refused("{\"type\":\"gap\",\"missed\":-1}");
    refused("{\"errors\":{}}");
    refused("{\"errors\":[1]}");
    refused("{\"errors\":[{\"errorType\":4}]}");
    refused("{\"successful\":1}");
    refused("{\"failed\":[[]]}");
}

TAP_CASE(server_msg_refuses_what_is_not_one_json_object)
{
    refused("");
    refused("[]");
    refused("\"ka\"");
    refused("{\"type\":\"ka\"");
    refused("{\"type\":\"ka\"}}");
    refused("{\"type\":\"ka\"} {}");
    refused("{\"type\" \"ka\"}");
    refused("{\"a\":}");
}

TAP_CASE(server_msg_refuses_more_than_its_scratch_may_hold)
{
    static const char text[] = "{\"type\":\"data\",\"event\":\"12345678\"}";

    buffer_done(&scratch);
    buffer_init(&scratch, sizeof(text) - 2);
    tap_equal(server_msg_parse(bytes_text(text), &scratch, &msg), RC_TOO_LARGE);

    buffer_done(&scratch);
    buffer_init(&scratch, sizeof(text) - 1);
    tap_equal(server_msg_parse(bytes_text(text), &scratch, &msg), RC_OK);
    tap_equal_text(msg.event, "12345678");
}

TAP_MAIN()

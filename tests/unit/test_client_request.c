/* proto/client_request: what is written is what client_msg and credentials
 * read, and stands as AWS's documentation has it. */
#include "proto/client_request.h"

#include "base/rc.h"
#include "proto/client_msg.h"
#include "tests/lib/tap.h"

static const struct client_request_identity who = {
    .api_key = BYTES_LITERAL("da2-key"),
    .host = BYTES_LITERAL("example.org"),
};
static struct buffer out;
static struct buffer scratch;
static struct client_msg msg;

static void begin(void)
{
    buffer_done(&out);
    buffer_done(&scratch);
    buffer_init(&out, 65536);
    buffer_init(&scratch, 65536);
}

static void read_back(void)
{
    tap_check(!out.overflowed);
    tap_equal(client_msg_parse(buffer_view(&out), &scratch, &msg),
              PROBLEM_NONE);
}

TAP_CASE(client_request_asks_for_a_connection)
{
    begin();
    client_request_connection_init(&out);

    read_back();
    tap_equal(msg.type, CLIENT_MSG_CONNECTION_INIT);
}

TAP_CASE(client_request_subscribes)
{
    begin();
    client_request_subscribe(&who,
                             bytes_text("s1"),
                             bytes_text("/default/*"),
                             bytes_text("\"cursor\":true"),
                             &out);

    read_back();
    tap_equal(msg.type, CLIENT_MSG_SUBSCRIBE);
    tap_equal_text(msg.id, "s1");
    tap_equal_text(msg.channel, "/default/*");
    tap_equal_text(msg.authorization.api_key, "da2-key");
}

TAP_CASE(client_request_asks_for_cursors)
{
    begin();
    client_request_subscribe(&who,
                             bytes_text("s1"),
                             bytes_text("/default/a"),
                             bytes_text("\"cursor\":true"),
                             &out);

    tap_check(memmem(out.data, out.len, "\"cursor\":true", 13) != NULL);
}

TAP_CASE(client_request_publishes_events_as_strings)
{
    const struct bytes texts[] = {
        BYTES_LITERAL("{\"a\":\"\\n\"}"),
        BYTES_LITERAL("1"),
    };
    const struct client_request_events events = {.texts = texts, .count = 2};

    begin();
    client_request_publish(
        &who, bytes_text("p1"), bytes_text("/default/a"), &events, &out);

    read_back();
    tap_equal(msg.type, CLIENT_MSG_PUBLISH);
    tap_equal_text(msg.id, "p1");
    tap_equal(msg.event_count, 2);
    tap_equal_text(msg.events[0], "{\"a\":\"\\n\"}");
    tap_equal_text(msg.events[1], "1");
}

TAP_CASE(client_request_writes_the_body_of_a_post)
{
    const struct bytes texts[] = {BYTES_LITERAL("\"x\"")};
    const struct client_request_events events = {.texts = texts, .count = 1};

    begin();
    client_request_publish_body(bytes_text("/default/a"), &events, &out);

    tap_equal_text(buffer_view(&out),
                   "{\"channel\":\"/default/a\",\"events\":[\"\\\"x\\\"\"]}");
    tap_equal(client_msg_parse_publish(buffer_view(&out), &scratch, &msg),
              PROBLEM_NONE);
    tap_equal_text(msg.events[0], "\"x\"");
}

TAP_CASE(client_request_gives_each_event_its_key)
{
    const struct bytes texts[] = {BYTES_LITERAL("1"), BYTES_LITERAL("2")};
    const struct bytes keys[] = {BYTES_LITERAL("k-1"), BYTES_LITERAL("\"2")};
    const struct client_request_events events = {
        .texts = texts, .keys = keys, .count = 2};

    begin();
    client_request_publish_body(bytes_text("/default/a"), &events, &out);

    tap_equal_text(buffer_view(&out),
                   "{\"channel\":\"/default/a\",\"events\":[\"1\",\"2\"],"
                   "\"idempotencyKeys\":[\"k-1\",\"\\\"2\"]}");
    tap_equal(client_msg_parse_publish(buffer_view(&out), &scratch, &msg),
              PROBLEM_NONE);
    tap_equal(msg.idempotency.count, 2);
    tap_equal_text(msg.idempotency.keys[1], "\"2");

    begin();
    client_request_publish(
        &who, bytes_text("p"), bytes_text("/default/a"), &events, &out);
    read_back();
    tap_equal(msg.idempotency.count, 2);
    tap_equal_text(msg.idempotency.keys[0], "k-1");
}

TAP_CASE(client_request_escapes_what_a_person_typed)
{
    const struct bytes texts[] = {BYTES_LITERAL("1")};
    const struct client_request_events events = {.texts = texts, .count = 1};

    begin();
    client_request_publish_body(bytes_text("a\"b\\"), &events, &out);

    tap_equal_text(buffer_view(&out),
                   "{\"channel\":\"a\\\"b\\\\\",\"events\":[\"1\"]}");
}

TAP_CASE(client_request_carries_the_key_in_the_subprotocol)
{
    struct credentials credentials;
    bool offered = false;

    begin();
    client_request_subprotocols(&who, &out);

    tap_equal(credentials_from_subprotocols(
                  buffer_view(&out), &scratch, &offered, &credentials),
              RC_OK);
    tap_check(offered);
    tap_equal_text(credentials.api_key, "da2-key");
}

TAP_CASE(client_request_leaves_out_a_key_that_is_not_there)
{
    const struct client_request_identity nobody = {
        .host = BYTES_LITERAL("example.org"),
    };

    begin();
    client_request_subscribe(&nobody,
                             bytes_text("s1"),
                             bytes_text("/default/a"),
                             bytes_text("\"cursor\":true"),
                             &out);

    read_back();
    tap_equal(msg.authorization.api_key.len, 0);
    tap_check(memmem(out.data, out.len, "x-api-key", 9) == NULL);
}

TAP_CASE(client_request_marks_a_buffer_that_is_too_small)
{
    buffer_done(&out);
    buffer_init(&out, 20);
    client_request_subprotocols(&who, &out);

    tap_check(out.overflowed);
}

TAP_MAIN()

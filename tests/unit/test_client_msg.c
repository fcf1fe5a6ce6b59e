/* Each message that a client sends, and each of its faults. */
#include "proto/client_msg.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>

static struct buffer scratch;
static struct client_msg msg;

/* Read a copy of exact size, so that a sanitizer sees a read past the end; it
 * lives until the next. */
static struct bytes exact(const char *text)
{
    static char *copy;
    size_t len = strlen(text);

    free(copy);
    copy = malloc(len + 1);
    memcpy(copy, text, len);
    return bytes_of(copy, len);
}

static enum problem parse(const char *text)
{
    buffer_done(&scratch);
    buffer_init(&scratch, 100000);
    return client_msg_parse(exact(text), &scratch, &msg);
}

static enum problem parse_body(const char *text)
{
    buffer_done(&scratch);
    buffer_init(&scratch, 100000);
    return client_msg_parse_publish(exact(text), &scratch, &msg);
}

#define AUTH "\"authorization\":{\"x-api-key\":\"da2-k\",\"host\":\"h:1\"}"

TAP_CASE(client_msg_reads_connection_init)
{
    tap_equal(parse("{\"type\":\"connection_init\"}"), PROBLEM_NONE);
    tap_equal(msg.type, CLIENT_MSG_CONNECTION_INIT);
    tap_equal(msg.id.len, 0);
    tap_check(!msg.has_authorization);
}

TAP_CASE(client_msg_reads_ka)
{
    tap_equal(parse(" {\"type\":\"ka\"}\n"), PROBLEM_NONE);
    tap_equal(msg.type, CLIENT_MSG_KA);
}

TAP_CASE(client_msg_reads_subscribe)
{
    tap_equal(parse("{\"type\":\"subscribe\",\"id\":\"ee849ef0-4b\","
                    "\"channel\":\"/default/room/*\"," AUTH "}"),
              PROBLEM_NONE);
    tap_equal(msg.type, CLIENT_MSG_SUBSCRIBE);
    tap_equal_text(msg.id, "ee849ef0-4b");
    tap_equal_text(msg.channel, "/default/room/*");
    tap_check(msg.has_authorization);
    tap_equal_text(msg.authorization.api_key, "da2-k");
    tap_equal(msg.event_count, 0);
}

TAP_CASE(client_msg_reads_unsubscribe)
{
    tap_equal(parse("{\"type\":\"unsubscribe\",\"id\":\"s1\"}"), PROBLEM_NONE);
    tap_equal(msg.type, CLIENT_MSG_UNSUBSCRIBE);
    tap_equal_text(msg.id, "s1");
}

TAP_CASE(client_msg_reads_publish_and_unescapes_its_events)
{
    tap_equal(parse("{\"type\":\"publish\",\"id\":\"p1\",\"channel\":\"d/r\","
                    "\"events\":[\"{\\\"a\\\":1}\",\"42\",\"\\\"\\\\u0041\\\"\""
                    "]," AUTH "}"),
              PROBLEM_NONE);
    tap_equal(msg.type, CLIENT_MSG_PUBLISH);
    tap_equal(msg.event_count, 3);
    tap_equal_text(msg.events[0], "{\"a\":1}");
    tap_equal_text(msg.events[1], "42");
    tap_equal_text(msg.events[2], "\"\\u0041\"");
    tap_equal_text(msg.channel, "d/r");
    tap_equal_text(msg.authorization.api_key, "da2-k");
}

TAP_CASE(client_msg_reads_what_aws_amplify_sends)
{
    tap_equal(parse("{\"id\":\"7f-1\",\"channel\":\"default/room\","
                    "\"events\":[\"{\\\"x\\\":1}\"],"
                    "\"authorization\":{\"x-api-key\":\"k\",\"host\":\"h\","
                    "\"x-amz-date\":\"20250101T000000Z\","
                    "\"x-amz-user-agent\":\"aws-amplify/6\"},"
                    "\"payload\":{\"events\":[\"{\\\"x\\\":1}\"],"
                    "\"channel\":\"default/room\",\"extensions\":"
                    "{\"authorization\":{\"x-api-key\":\"k\"}}},"
                    "\"type\":\"publish\"}"),
              PROBLEM_NONE);
    tap_equal(msg.type, CLIENT_MSG_PUBLISH);
    tap_equal_text(msg.id, "7f-1");
    tap_equal(msg.event_count, 1);
    tap_equal_text(msg.events[0], "{\"x\":1}");
    tap_equal_text(msg.authorization.api_key, "k");
}

TAP_CASE(client_msg_points_into_the_text_where_nothing_is_escaped)
{
    struct bytes text =
        bytes_text("{\"type\":\"publish\",\"id\":\"p1\",\"channel\":\"/a\","
                   "\"events\":[\"1234\"]}");

    buffer_clear(&scratch);
    tap_equal(client_msg_parse(text, &scratch, &msg), PROBLEM_NONE);
    tap_check(msg.id.data > text.data && msg.id.data < text.data + text.len);
    tap_check(msg.events[0].data > text.data &&
              msg.events[0].data < text.data + text.len);
    tap_equal(scratch.len, 0);
}

TAP_CASE(client_msg_keeps_all_views_when_everything_is_escaped)
{
    tap_equal(
        parse("{\"\\u0074ype\":\"publ\\u0069sh\",\"\\u0069d\":\"p\\u0031\""
              ",\"chann\\u0065l\":\"\\/a\\/b\","
              "\"authorization\":{\"x-api\\u002dkey\":\"\\u006b\"},"
              "\"events\":[\"\\u0031\",\"\\u0032\",\"\\u0033\","
              "\"[\\n\\\"\\ud83d\\ude00\\\"]\",\"\\u0035\"]}"),
        PROBLEM_NONE);
    tap_equal(msg.type, CLIENT_MSG_PUBLISH);
    tap_equal_text(msg.id, "p1");
    tap_equal_text(msg.channel, "/a/b");
    tap_equal_text(msg.authorization.api_key, "k");
    tap_equal(msg.event_count, 5);
    tap_equal_text(msg.events[0], "1");
    tap_equal_text(msg.events[3], "[\n\"\xf0\x9f\x98\x80\"]");
    tap_equal_text(msg.events[4], "5");
}

TAP_CASE(client_msg_skips_members_that_it_does_not_know)
{
    tap_equal(parse("{\"later\":true,\"type\":\"subscribe\",\"id\":\"s\","
                    "\"even\":{\"last\":50},\"channel\":\"/a\","
                    "\"even\":null,\"idempotencyKeys\":[\"a\"]}"),
              PROBLEM_NONE);
    tap_equal(msg.type, CLIENT_MSG_SUBSCRIBE);
}

TAP_CASE(client_msg_says_where_a_subscription_begins)
{
    tap_equal(parse("{\"type\":\"subscribe\",\"id\":\"s\","
                    "\"replay\":{\"last\":50},\"channel\":\"/a\"}"),
              PROBLEM_NONE);
    tap_equal(msg.replay.kind, REPLAY_LAST);
    tap_equal(msg.replay.count, 50);
    tap_check(!msg.cursors);
    tap_equal(parse("{\"type\":\"subscribe\",\"id\":\"s\","
                    "\"cursor\":true,\"channel\":\"/a\"}"),
              PROBLEM_NONE);
    tap_equal(msg.replay.kind, REPLAY_NONE);
    tap_check(msg.cursors);
}

TAP_CASE(client_msg_does_not_judge_a_replay_where_it_means_nothing)
{
    tap_equal(parse("{\"type\":\"unsubscribe\",\"id\":\"s\","
                    "\"replay\":{\"last\":-1},\"cursor\":7}"),
              PROBLEM_NONE);
}

TAP_CASE(client_msg_refuses_what_is_not_json)
{
    static const char *texts[] = {
        "",
        "{",
        "hello",
        "{\"type\":\"ka\"",
        "{\"type\":\"ka\",}",
        "{\"type\":\"ka\"}{}",
        "{\"type\":\"ka\"} x",
        "{\"type\":\"ka\",\"payload\":{]}",
        "{\"type\":\"ka\",\"authorization\":{\"a\":}}",
        "{\"type\":\"ka\",\"events\":[\"a\",]}",
        "{\"type\":\"ka\",\"events\":[",
        "{\"type\":\"ka\",\"id\":\"\xff\"}",
        "{\"type\":\"ka\",\"x\":NaN}",
        "[1,",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tap_equal(parse(texts[i]), PROBLEM_MESSAGE_NOT_JSON);
    }
}

TAP_CASE(client_msg_tells_type_and_id_that_came_before_the_fault)
{
    tap_equal(parse("{\"type\":\"publish\",\"id\":\"p9\",\"events\":[1,]}"),
              PROBLEM_MESSAGE_NOT_JSON);
    tap_equal(msg.type, CLIENT_MSG_PUBLISH);
    tap_equal_text(msg.id, "p9");
}

TAP_CASE(client_msg_refuses_json_that_is_not_an_object)
{
    tap_equal(parse("[]"), PROBLEM_MESSAGE_MALFORMED);
    tap_equal(parse("\"publish\""), PROBLEM_MESSAGE_MALFORMED);
    tap_equal(parse("null"), PROBLEM_MESSAGE_MALFORMED);
    tap_equal(parse("[{\"type\":\"ka\"}]"), PROBLEM_MESSAGE_MALFORMED);
}

TAP_CASE(client_msg_refuses_a_type_that_is_missing_or_no_string)
{
    tap_equal(parse("{}"), PROBLEM_MESSAGE_MALFORMED);
    tap_equal(parse("{\"id\":\"s\"}"), PROBLEM_MESSAGE_MALFORMED);
    tap_equal_text(msg.id, "s");
    tap_equal(parse("{\"type\":7,\"id\":\"s\"}"), PROBLEM_MESSAGE_MALFORMED);
    tap_equal(msg.type, CLIENT_MSG_UNKNOWN);
}

TAP_CASE(client_msg_tells_unknown_types_with_their_id)
{
    tap_equal(parse("{\"type\":\"start\",\"id\":\"x\"}"), PROBLEM_TYPE_UNKNOWN);
    tap_equal(msg.type, CLIENT_MSG_UNKNOWN);
    tap_equal_text(msg.id, "x");
    tap_equal(parse("{\"type\":\"Publish\"}"), PROBLEM_TYPE_UNKNOWN);
    tap_equal(parse("{\"type\":\"data\"}"), PROBLEM_TYPE_UNKNOWN);
    tap_equal(parse("{\"type\":\"\"}"), PROBLEM_TYPE_UNKNOWN);
}

TAP_CASE(client_msg_refuses_each_known_member_given_twice)
{
    static const char *texts[] = {
        "{\"type\":\"ka\",\"type\":\"ka\"}",
        "{\"type\":\"ka\",\"t\\u0079pe\":\"ka\"}",
        "{\"type\":\"ka\",\"id\":\"a\",\"id\":\"a\"}",
        "{\"type\":\"ka\",\"channel\":\"a\",\"channel\":{}}",
        "{\"type\":\"ka\",\"events\":[],\"events\":[[\"\"]]}",
        "{\"type\":\"ka\",\"authorization\":{},\"authorization\":{}}",
        "{\"type\":\"ka\",\"idempotencyKeys\":0,\"idempotencyKeys\":0}",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tap_equal(parse(texts[i]), PROBLEM_MESSAGE_MALFORMED);
        tap_equal(msg.type, CLIENT_MSG_KA);
    }
}

/* A message of each type that needs an id, with `id` as that member. */
static void id_gives(const char *id, enum problem expected)
{
    static const char *types[] = {"subscribe", "unsubscribe", "publish"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        char text[1000];

        snprintf(text,
                 sizeof(text),
                 "{\"type\":\"%s\"%s,\"channel\":\"/a\",\"events\":[\"1\"]}",
                 types[i],
                 id);
        tap_equal(parse(text), expected);
        tap_equal(msg.id.len > 0, expected == PROBLEM_NONE);
    }
}

TAP_CASE(client_msg_refuses_an_id_that_is_missing_or_no_string)
{
    id_gives("", PROBLEM_ID_MALFORMED);
    id_gives(",\"id\":null", PROBLEM_ID_MALFORMED);
    id_gives(",\"id\":1", PROBLEM_ID_MALFORMED);
    id_gives(",\"id\":{\"id\":\"a\"}", PROBLEM_ID_MALFORMED);
    id_gives(",\"id\":\"a\"", PROBLEM_NONE);
}

TAP_CASE(client_msg_takes_ids_of_1_to_128_bytes)
{
    char id[CLIENT_MSG_ID_BYTES_MAX + 20] = ",\"id\":\"";
    size_t begin = strlen(id);

    id_gives(",\"id\":\"\"", PROBLEM_ID_MALFORMED);
    memset(id + begin, 'a', CLIENT_MSG_ID_BYTES_MAX);
    strcpy(id + begin + CLIENT_MSG_ID_BYTES_MAX, "\"");
    id_gives(id, PROBLEM_NONE);
    strcpy(id + begin + CLIENT_MSG_ID_BYTES_MAX, "a\"");
    id_gives(id, PROBLEM_ID_MALFORMED);
}

TAP_CASE(client_msg_takes_ids_of_letters_digits_hyphens_and_two_more)
{
    for (unsigned i = 0x20; i < 0x7f; i++) {
        char id[] = ",\"id\":\"a?\"";
        bool good = (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z') ||
                    (i >= '0' && i <= '9') || i == '-' || i == '_' || i == '+';

        if (i != '"' && i != '\\') {
            id[strlen(id) - 2] = (char)i;
            id_gives(id, good ? PROBLEM_NONE : PROBLEM_ID_MALFORMED);
        }
    }
    id_gives(",\"id\":\"a\\n\"", PROBLEM_ID_MALFORMED);
    id_gives(",\"id\":\"a\\u0000\"", PROBLEM_ID_MALFORMED);
    id_gives(",\"id\":\"\xc3\xa9\"", PROBLEM_ID_MALFORMED);
}

TAP_CASE(client_msg_refuses_a_channel_that_is_missing_or_no_string)
{
    static const char *members[] = {"", ",\"channel\":7", ",\"channel\":null"};
    char text[200];

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        snprintf(text,
                 sizeof(text),
                 "{\"type\":\"subscribe\",\"id\":\"s\"%s}",
                 members[i]);
        tap_equal(parse(text), PROBLEM_MESSAGE_MALFORMED);
        tap_equal(msg.type, CLIENT_MSG_SUBSCRIBE);
        tap_equal_text(msg.id, "s");
        snprintf(text,
                 sizeof(text),
                 "{\"type\":\"publish\",\"id\":\"p\",\"events\":[\"1\"]%s}",
                 members[i]);
        tap_equal(parse(text), PROBLEM_MESSAGE_MALFORMED);
    }
}

TAP_CASE(client_msg_refuses_an_authorization_that_is_no_object_of_strings)
{
    static const char *values[] = {
        "null",
        "\"da2-k\"",
        "[]",
        "{\"x-api-key\":7}",
        "{\"x-api-key\":\"a\",\"X-API-Key\":\"b\"}",
    };
    char text[200];

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        snprintf(text,
                 sizeof(text),
                 "{\"type\":\"subscribe\",\"id\":\"s\",\"channel\":\"/a\","
                 "\"authorization\":%s}",
                 values[i]);
        tap_equal(parse(text), PROBLEM_MESSAGE_MALFORMED);
        tap_check(!msg.has_authorization);
        tap_equal(msg.authorization.api_key.len, 0);
    }
}

TAP_CASE(client_msg_does_not_judge_what_a_message_does_not_need)
{
    tap_equal(parse("{\"type\":\"connection_init\",\"id\":7,\"channel\":[],"
                    "\"events\":null,\"authorization\":7}"),
              PROBLEM_NONE);
    tap_equal(parse("{\"type\":\"subscribe\",\"id\":\"s\",\"channel\":\"/a\","
                    "\"events\":null}"),
              PROBLEM_NONE);
    tap_equal(parse("{\"type\":\"unsubscribe\",\"id\":\"s\",\"channel\":7}"),
              PROBLEM_NONE);
}

/* A publish with `events` as that member, over WebSocket and as a body. */
static void events_give(const char *events, enum problem expected)
{
    char text[1000];

    snprintf(text,
             sizeof(text),
             "{\"type\":\"publish\",\"id\":\"p\",\"channel\":\"/a\"%s}",
             events);
    tap_equal(parse_body(text), expected);
    tap_equal(parse(text), expected);
    tap_equal_text(msg.id, "p");
}

TAP_CASE(client_msg_takes_1_to_5_events)
{
    events_give("", PROBLEM_EVENTS_NONE);
    events_give(",\"events\":[]", PROBLEM_EVENTS_NONE);
    events_give(",\"events\":[\"1\"]", PROBLEM_NONE);
    events_give(",\"events\":[\"1\",\"2\",\"3\",\"4\",\"5\"]", PROBLEM_NONE);
    tap_equal(msg.event_count, 5);
    events_give(",\"events\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"\\n\"]",
                PROBLEM_EVENTS_TOO_MANY);
    tap_equal(msg.event_count, 6);
    tap_equal_text(msg.events[4], "5");
}

TAP_CASE(client_msg_counts_events_over_the_limit_that_are_no_strings_too)
{
    events_give(",\"events\":[1,2,3,[4],{},\"6\",\"7\"]",
                PROBLEM_EVENTS_TOO_MANY);
    tap_equal(msg.event_count, 7);
}

TAP_CASE(client_msg_refuses_events_that_are_no_array)
{
    events_give(",\"events\":\"1\"", PROBLEM_MESSAGE_MALFORMED);
    events_give(",\"events\":null", PROBLEM_MESSAGE_MALFORMED);
    events_give(",\"events\":{\"0\":\"1\"}", PROBLEM_MESSAGE_MALFORMED);
}

TAP_CASE(client_msg_refuses_an_event_that_is_no_string)
{
    events_give(",\"events\":[1]", PROBLEM_EVENT_NOT_STRING);
    events_give(",\"events\":[\"1\",{\"a\":[\"b\"]}]",
                PROBLEM_EVENT_NOT_STRING);
    events_give(",\"events\":[null,\"1\"]", PROBLEM_EVENT_NOT_STRING);
    events_give(",\"events\":[[\"1\"]]", PROBLEM_EVENT_NOT_STRING);
}

TAP_CASE(client_msg_reads_the_body_of_a_post)
{
    tap_equal(parse_body("{\"channel\":\"/default/room\",\"events\":"
                         "[\"{\\\"a\\\":1}\",\"\\\"text\\\"\",\"42\"]}"),
              PROBLEM_NONE);
    tap_equal(msg.type, CLIENT_MSG_PUBLISH);
    tap_equal(msg.id.len, 0);
    tap_equal_text(msg.channel, "/default/room");
    tap_equal(msg.event_count, 3);
    tap_equal_text(msg.events[1], "\"text\"");
}

TAP_CASE(client_msg_body_has_the_members_channel_and_events_only)
{
    tap_equal(parse_body("{\"type\":1,\"type\":2,\"id\":{},\"id\":[],"
                         "\"authorization\":0,\"authorization\":0,"
                         "\"events\":[\"1\"],\"channel\":\"/a\"}"),
              PROBLEM_NONE);
    tap_equal(msg.type, CLIENT_MSG_PUBLISH);
    tap_equal(parse_body("{\"events\":[\"1\"],\"channel\":\"/a\","
                         "\"channel\":\"/a\"}"),
              PROBLEM_MESSAGE_MALFORMED);
    tap_equal(parse_body("{\"events\":[\"1\"]}"), PROBLEM_MESSAGE_MALFORMED);
    tap_equal(parse_body("{\"events\":[\"1\"],\"channel\":1}"),
              PROBLEM_MESSAGE_MALFORMED);
    tap_equal(parse_body("{\"events\":"), PROBLEM_MESSAGE_NOT_JSON);
    tap_equal(parse_body(""), PROBLEM_MESSAGE_NOT_JSON);
    tap_equal(msg.type, CLIENT_MSG_PUBLISH);
}

TAP_CASE(client_msg_refuses_a_text_over_the_cap_of_the_scratch)
{
    struct bytes text = bytes_text("{\"type\":\"ka\"}");
    struct buffer small;

    buffer_init(&small, text.len - 1);
    tap_equal(client_msg_parse(text, &small, &msg), PROBLEM_BODY_TOO_LARGE);
    buffer_done(&small);
    buffer_init(&small, text.len);
    tap_equal(client_msg_parse(text, &small, &msg), PROBLEM_NONE);
    buffer_done(&small);
}

TAP_CASE(client_msg_event_must_be_json_of_at_most_240_kb)
{
    size_t len = CLIENT_MSG_EVENT_BYTES_MAX + 1;
    char *event = malloc(len);

    memset(event, ' ', len);
    event[0] = '1';
    tap_equal(client_msg_event_problem(bytes_of(event, len - 1)), PROBLEM_NONE);
    tap_equal(client_msg_event_problem(bytes_of(event, len)),
              PROBLEM_EVENT_TOO_LARGE);
    event[0] = ' ';
    tap_equal(client_msg_event_problem(bytes_of(event, len - 1)),
              PROBLEM_EVENT_NOT_JSON);
    tap_equal(client_msg_event_problem(bytes_of(event, 0)),
              PROBLEM_EVENT_NOT_JSON);
    tap_equal(client_msg_event_problem(bytes_text("hello")),
              PROBLEM_EVENT_NOT_JSON);
    free(event);
}

TAP_MAIN()

/* The idempotency keys of a publish, in a frame and in a body. */
#include "proto/client_msg.h"
#include "tests/lib/tap.h"

#include <stdio.h>

static struct buffer scratch;
static struct client_msg msg;

static enum problem parse(const char *text)
{
    buffer_done(&scratch);
    buffer_init(&scratch, 100000);
    return client_msg_parse(bytes_text(text), &scratch, &msg);
}

static enum problem parse_body(const char *text)
{
    buffer_done(&scratch);
    buffer_init(&scratch, 100000);
    return client_msg_parse_publish(bytes_text(text), &scratch, &msg);
}

#define PUBLISH "{\"type\":\"publish\",\"id\":\"p\",\"channel\":\"/a\","
#define TWO "\"events\":[\"1\",\"2\"]"

TAP_CASE(client_msg_reads_a_key_for_each_event)
{
    tap_equal(parse(PUBLISH TWO ",\"idempotencyKeys\":[\"a\",\"\\u0062\"]}"),
              PROBLEM_NONE);
    tap_equal(msg.idempotency.count, 2);
    tap_equal_text(msg.idempotency.keys[0], "a");
    tap_equal_text(msg.idempotency.keys[1], "b");
    tap_equal(parse(PUBLISH "\"idempotencyKeys\":[\"a\",\"a\"]," TWO "}"),
              PROBLEM_NONE);
    tap_equal(parse_body("{\"channel\":\"/a\"," TWO
                         ",\"idempotencyKeys\":[\"a\",\"b\"]}"),
              PROBLEM_NONE);
    tap_equal(msg.idempotency.count, 2);
    tap_equal(parse(PUBLISH TWO "}"), PROBLEM_NONE);
    tap_equal(msg.idempotency.count, 0);
}

TAP_CASE(client_msg_refuses_keys_that_do_not_fit_the_events)
{
    static const char *const wrong[] = {"null",
                                        "\"a\"",
                                        "[]",
                                        "[\"a\"]",
                                        "[\"a\",2]",
                                        "[\"a\",\"\"]",
                                        "[\"a\",\"b\",\"c\"]",
                                        "[\"a\",\"b c\"]"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[200];

        (void)snprintf(text,
                       sizeof(text),
                       PUBLISH TWO ",\"idempotencyKeys\":%s}",
                       wrong[i]);
        tap_equal(parse(text), PROBLEM_KEYS_MALFORMED);
        tap_equal_text(msg.id, "p");
        (void)snprintf(text,
                       sizeof(text),
                       "{\"channel\":\"/a\",\"idempotencyKeys\":%s," TWO "}",
                       wrong[i]);
        tap_equal(parse_body(text), PROBLEM_KEYS_MALFORMED);
    }
}

TAP_CASE(client_msg_does_not_judge_the_keys_of_what_publishes_nothing)
{
    tap_equal(parse("{\"type\":\"unsubscribe\",\"id\":\"s\","
                    "\"idempotencyKeys\":[\"a b\"]}"),
              PROBLEM_NONE);
}

TAP_MAIN()

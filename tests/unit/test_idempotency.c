/* Keys are read in both forms, and what is not one is refused. */
#include "proto/idempotency.h"

#include "base/rc.h"
#include "tests/lib/tap.h"

#include <stdio.h>

#define SIXTY_FOUR \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct idempotency keys;
static struct buffer scratch;

static int read_array(const char *text)
{
    struct json reader;
    int rc;

    buffer_done(&scratch);
    buffer_init(&scratch, strlen(text));
    (void)buffer_reserve(&scratch, strlen(text));
    keys = (struct idempotency){.count = 77};
    json_init(&reader, bytes_text(text));
    rc = idempotency_read(&reader, json_next(&reader), &scratch, &keys);
    tap_equal(json_next(&reader).type,
              json_valid(bytes_text(text)) ? JSON_END : JSON_INVALID);
    tap_check(rc == 0 || keys.count == 77);
    return rc;
}

static int from_field(const char *value, size_t count)
{
    buffer_done(&scratch);
    buffer_init(&scratch, 1000);
    keys = (struct idempotency){.count = 77};
    return idempotency_from_field(bytes_text(value), count, &scratch, &keys);
}

TAP_CASE(idempotency_keys_are_visible_ascii_up_to_64)
{
    tap_check(idempotency_key_valid(bytes_text("!")));
    tap_check(idempotency_key_valid(bytes_text("~/a\"b\\,")));
    tap_check(idempotency_key_valid(bytes_text(SIXTY_FOUR)));
    tap_check(!idempotency_key_valid(bytes_text("")));
    tap_check(!idempotency_key_valid(bytes_text(SIXTY_FOUR "x")));
    tap_check(!idempotency_key_valid(bytes_text("a b")));
    tap_check(!idempotency_key_valid(bytes_text("a\tb")));
    tap_check(!idempotency_key_valid(bytes_text("\x7f")));
    tap_check(!idempotency_key_valid(bytes_text("\xc3\xa9")));
    tap_check(!idempotency_key_valid(bytes_of("a\0b", 3)));
}

TAP_CASE(idempotency_read_takes_an_array_of_keys)
{
    tap_equal(read_array("[\"a\"]"), 0);
    tap_equal(keys.count, 1);
    tap_equal_text(keys.keys[0], "a");

    tap_equal(read_array("[\"a\",\"\\u0062\\/\\\"\",\"c\",\"d\",\"e\"]"), 0);
    tap_equal(keys.count, 5);
    tap_equal_text(keys.keys[1], "b/\"");
    tap_equal_text(keys.keys[4], "e");
}

TAP_CASE(idempotency_read_refuses_what_is_no_array_of_keys)
{
    static const char *const wrong[] = {"null",
                                        "\"a\"",
                                        "{\"a\":1}",
                                        "[]",
                                        "[1]",
                                        "[\"\"]",
                                        "[\"a b\"]",
                                        "[\"a\",[\"b\"]]",
                                        "[\"a\",null,\"c\"]",
                                        "[\"\\u0000\"]",
                                        "[\"\xc3\xa9\"]",
                                        "[\"" SIXTY_FOUR "x\"]",
                                        "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]",
                                        "[\"a\"",
                                        "[\"a\",",
                                        "[\"a\" 1]"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        tap_equal(read_array(wrong[i]), RC_MALFORMED);
    }
}

TAP_CASE(idempotency_from_field_numbers_the_events)
{
    tap_equal(from_field("order", 3), 0);
    tap_equal(keys.count, 3);
    tap_equal_text(keys.keys[0], "order/0");
    tap_equal_text(keys.keys[1], "order/1");
    tap_equal_text(keys.keys[2], "order/2");

    tap_equal(from_field(SIXTY_FOUR, 5), 0);
    tap_equal_text(keys.keys[4], SIXTY_FOUR "/4");
}

TAP_CASE(idempotency_from_field_refuses_what_is_no_key)
{
    tap_equal(from_field("", 1), RC_MALFORMED);
    tap_equal(from_field("a, b", 1), RC_MALFORMED);
    tap_equal(from_field(SIXTY_FOUR "x", 1), RC_MALFORMED);
    tap_equal(keys.count, 77);
}

TAP_MAIN()

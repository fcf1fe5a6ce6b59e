/* Credentials from each of their places, and what is refused there. */
#include "base/rc.h"
#include "base/text.h"
#include "proto/credentials.h"
#include "tests/lib/tap.h"

#define EVENT_WS "aws-appsync-event-ws"

static struct buffer scratch;
static struct credentials pairs;

static int from_json(const char *object)
{
    buffer_done(&scratch);
    buffer_init(&scratch, 100000);
    pairs = (struct credentials){0};
    return credentials_from_json(bytes_text(object), &scratch, &pairs);
}

TAP_CASE(credentials_from_json_finds_the_api_key)
{
    tap_equal(from_json("{\"x-api-key\":\"da2-abc\",\"host\":\"h\"}"), RC_OK);
    tap_equal_text(pairs.api_key, "da2-abc");
    tap_equal(pairs.authorization.len, 0);
}

TAP_CASE(credentials_from_json_compares_names_in_any_case)
{
    tap_equal(from_json("{\"X-Api-Key\":\"k\",\"Authorization\":\"t\"}"), 0);
    tap_equal_text(pairs.api_key, "k");
    tap_equal_text(pairs.authorization, "t");
    tap_equal(from_json("{\"X-API-KEY\":\"k\",\"authorization\":\"t\"}"), 0);
    tap_equal_text(pairs.api_key, "k");
    tap_equal_text(pairs.authorization, "t");
}

TAP_CASE(credentials_from_json_reads_names_and_values_with_escapes)
{
    tap_equal(from_json("{\"x-api\\u002dkey\":\"a\\u0062c\",\"host\":\"\\n\"}"),
              RC_OK);
    tap_equal_text(pairs.api_key, "abc");
}

TAP_CASE(credentials_from_json_keeps_several_values_with_escapes_in_place)
{
    tap_equal(from_json("{\"authorization\":\"Bearer\\u0020token\","
                        "\"x-api-key\":\"\\u006b\\u0065y\"}"),
              RC_OK);
    tap_equal_text(pairs.authorization, "Bearer token");
    tap_equal_text(pairs.api_key, "key");
}

TAP_CASE(credentials_from_json_takes_an_object_without_any)
{
    tap_equal(from_json("{}"), RC_OK);
    tap_equal(pairs.api_key.len, 0);
    tap_equal(from_json(" {\"host\":\"a\",\"host\":\"b\"} "), RC_OK);
    tap_equal(pairs.api_key.len, 0);
    tap_equal(from_json("{\"x-api-key\":\"\"}"), RC_OK);
    tap_equal(pairs.api_key.len, 0);
}

TAP_CASE(credentials_from_json_refuses_what_is_not_an_object_of_strings)
{
    tap_equal(from_json(""), RC_MALFORMED);
    tap_equal(from_json("[]"), RC_MALFORMED);
    tap_equal(from_json("\"x-api-key\""), RC_MALFORMED);
    tap_equal(from_json("null"), RC_MALFORMED);
    tap_equal(from_json("{\"x-api-key\":1}"), RC_MALFORMED);
    tap_equal(from_json("{\"host\":null}"), RC_MALFORMED);
    tap_equal(from_json("{\"host\":{\"a\":\"b\"}}"), RC_MALFORMED);
    tap_equal(from_json("{\"x-api-key\":\"k\"}x"), RC_MALFORMED);
    tap_equal(from_json("{\"x-api-key\":\"k\"}{}"), RC_MALFORMED);
    tap_equal(from_json("{\"x-api-key\":\"k\""), RC_MALFORMED);
    tap_equal(from_json("{\"x-api-key\":\"\xff\"}"), RC_MALFORMED);
}

TAP_CASE(credentials_from_json_refuses_a_credential_given_twice)
{
    tap_equal(from_json("{\"x-api-key\":\"a\",\"x-api-key\":\"a\"}"),
              RC_MALFORMED);
    tap_equal(from_json("{\"x-api-key\":\"a\",\"X-Api-Key\":\"b\"}"),
              RC_MALFORMED);
    tap_equal(from_json("{\"x-api-key\":\"\",\"x-api-key\":\"b\"}"),
              RC_MALFORMED);
    tap_equal(from_json("{\"Authorization\":\"a\",\"authorization\":\"b\"}"),
              RC_MALFORMED);
}

TAP_CASE(credentials_are_not_written_on_failure)
{
    struct credentials kept = {.api_key = bytes_text("kept")};

    tap_equal(credentials_from_json(
                  bytes_text("{\"x-api-key\":\"a\",}"), &scratch, &kept),
              RC_MALFORMED);
    tap_equal_text(kept.api_key, "kept");
}

/* {"x-api-key":"kkk..."} of exactly `len` bytes. */
static void fill_object(struct buffer *object, size_t len)
{
    buffer_init(object, len);
    buffer_text(object, "{\"x-api-key\":\"");
    while (object->len < len - 2) {
        buffer_u8(object, 'k');
    }
    buffer_text(object, "\"}");
}

static int from_object_of(size_t len)
{
    struct buffer object;
    int rc;

    buffer_done(&scratch);
    buffer_init(&scratch, 100000);
    fill_object(&object, len);
    rc = credentials_from_json(buffer_view(&object), &scratch, &pairs);
    buffer_done(&object);
    return rc;
}

TAP_CASE(credentials_from_json_takes_16384_bytes_and_refuses_one_more)
{
    tap_equal(from_object_of(CREDENTIALS_BYTES_MAX), RC_OK);
    tap_equal(from_object_of(CREDENTIALS_BYTES_MAX + 1), RC_MALFORMED);
}

static int read_inside(struct bytes text, struct json *j)
{
    json_init(j, text);
    (void)json_next(j);
    buffer_done(&scratch);
    buffer_init(&scratch, 100000);
    return credentials_read(j, json_next(j), &scratch, &pairs);
}

TAP_CASE(credentials_read_goes_on_behind_an_object_that_it_refuses)
{
    static const char *texts[] = {
        "[{\"x-api-key\":\"a\",\"x-api-key\":\"b\",\"c\":\"\\n\"},7]",
        "[{\"x-api-key\":[{}],\"d\":[]},7]",
        "[[{\"x-api-key\":\"a\"}],7]",
        "[\"x-api-key\",7]",
    };
    struct json j;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tap_equal(read_inside(bytes_text(texts[i]), &j), RC_MALFORMED);
        tap_equal(json_next(&j).type, JSON_NUMBER);
    }
    tap_equal(read_inside(bytes_text("[{\"x-api-key\":\"a\"},7]"), &j), RC_OK);
    tap_equal(json_next(&j).type, JSON_NUMBER);
}

TAP_CASE(credentials_read_leaves_the_fault_to_the_reader)
{
    struct json j;

    tap_equal(read_inside(bytes_text("[{\"x-api-key\":\"a\",},7]"), &j),
              RC_MALFORMED);
    tap_equal(json_next(&j).type, JSON_INVALID);
}

TAP_CASE(credentials_read_has_the_same_limit_inside_a_message)
{
    for (size_t over = 0; over < 2; over++) {
        struct buffer object;
        struct buffer text;
        struct json j;

        fill_object(&object, CREDENTIALS_BYTES_MAX + over);
        buffer_init(&text, 100000);
        buffer_text(&text, "[");
        buffer_append(&text, buffer_view(&object));
        buffer_text(&text, "]");
        tap_equal(read_inside(buffer_view(&text), &j),
                  over == 0 ? RC_OK : RC_MALFORMED);
        tap_equal(json_next(&j).type, JSON_ARRAY_END);
        buffer_done(&object);
        buffer_done(&text);
    }
}

static bool offered;

/* `list` with each '@' replaced by base64url of `object`. */
static int from_list(const char *list, const char *object)
{
    char encoded[1000];
    size_t len = text_base64url_len(strlen(object));
    struct buffer text;
    int rc;

    text_base64url_encode(bytes_text(object), encoded);
    buffer_init(&text, 10000);
    for (; *list != '\0'; list++) {
        if (*list == '@') {
            buffer_append(&text, bytes_of(encoded, len));
        } else {
            buffer_u8(&text, (uint8_t)*list);
        }
    }
    buffer_done(&scratch);
    buffer_init(&scratch, 100000);
    pairs = (struct credentials){0};
    rc = credentials_from_subprotocols(
        buffer_view(&text), &scratch, &offered, &pairs);
    buffer_done(&text);
    return rc;
}

#define KEY_OBJECT "{\"x-api-key\":\"da2-abc\",\"host\":\"127.0.0.1:8080\"}"

TAP_CASE(credentials_from_subprotocols_come_before_or_behind_the_protocol)
{
    tap_equal(from_list(EVENT_WS ", header-@", KEY_OBJECT), RC_OK);
    tap_check(offered);
    tap_equal_text(pairs.api_key, "da2-abc");
    tap_equal(from_list("header-@," EVENT_WS, KEY_OBJECT), RC_OK);
    tap_check(offered);
    tap_equal_text(pairs.api_key, "da2-abc");
}

TAP_CASE(credentials_from_subprotocols_may_be_absent)
{
    tap_equal(from_list(EVENT_WS, ""), RC_OK);
    tap_check(offered);
    tap_equal(pairs.api_key.len, 0);
    tap_equal(from_list("", ""), RC_OK);
    tap_check(!offered);
}

TAP_CASE(credentials_from_subprotocols_pass_over_other_protocols)
{
    tap_equal(from_list("graphql-ws , \t" EVENT_WS "\t,,mqtt", ""), RC_OK);
    tap_check(offered);
    tap_equal(from_list("graphql-ws, " EVENT_WS "x, header", ""), RC_OK);
    tap_check(!offered);
    tap_equal(from_list("AWS-APPSYNC-EVENT-WS", ""), RC_OK);
    tap_check(!offered);
}

TAP_CASE(credentials_from_subprotocols_tolerate_padding)
{
    tap_equal(from_list("header-@=," EVENT_WS, "{\"x-api-key\":\"abcd\"}"), 0);
    tap_equal_text(pairs.api_key, "abcd");
}

TAP_CASE(credentials_from_subprotocols_keep_escaped_values_in_place)
{
    tap_equal(from_list("header-@",
                        "{\"Authorization\":\"a\\u0062c\","
                        "\"x-api-key\":\"\\u006bey\",\"z\":\"\\u0000\"}"),
              RC_OK);
    tap_equal_text(pairs.authorization, "abc");
    tap_equal_text(pairs.api_key, "key");
}

TAP_CASE(credentials_from_subprotocols_refuse_what_is_not_base64url_of_pairs)
{
    tap_equal(from_list("header-", ""), RC_MALFORMED);
    tap_equal(from_list("header-@", "[]"), RC_MALFORMED);
    tap_equal(from_list("header-@", "{\"x-api-key\":1}"), RC_MALFORMED);
    tap_equal(from_list("header-@!", KEY_OBJECT), RC_MALFORMED);
    tap_equal(from_list("header-{}", ""), RC_MALFORMED);
    tap_equal(from_list("header-A", ""), RC_MALFORMED);
}

TAP_CASE(credentials_from_subprotocols_refuse_two_headers)
{
    tap_equal(from_list("header-@, header-@", KEY_OBJECT), RC_MALFORMED);
}

TAP_CASE(credentials_from_subprotocols_tell_the_offer_even_on_failure)
{
    offered = false;
    tap_equal(from_list("header-!," EVENT_WS, ""), RC_MALFORMED);
    tap_check(offered);
    tap_equal(from_list("header-!", ""), RC_MALFORMED);
    tap_check(!offered);
}

static int from_header_of(size_t object_len)
{
    struct buffer object;
    struct buffer list;
    size_t len = text_base64url_len(object_len);
    int rc;

    fill_object(&object, object_len);
    buffer_init(&list, 100000);
    buffer_text(&list, "header-");
    text_base64url_encode(buffer_view(&object),
                          (char *)buffer_reserve(&list, len));
    buffer_advance(&list, len);
    buffer_done(&scratch);
    buffer_init(&scratch, 100000);
    rc = credentials_from_subprotocols(
        buffer_view(&list), &scratch, &offered, &pairs);
    buffer_done(&object);
    buffer_done(&list);
    return rc;
}

TAP_CASE(credentials_from_subprotocols_take_16384_bytes_and_refuse_one_more)
{
    tap_equal(from_header_of(CREDENTIALS_BYTES_MAX), RC_OK);
    tap_equal(from_header_of(CREDENTIALS_BYTES_MAX + 1), RC_MALFORMED);
    tap_equal(from_header_of(3 * CREDENTIALS_BYTES_MAX), RC_MALFORMED);
}

TAP_MAIN()

/* A key survives its encodings, and every limit is kept on the way in. */
#include "base/rc.h"
#include "base/text.h"
#include "proto/api_key.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

static struct api_key made(void)
{
    struct api_key key = {
        .id = "backend-1.a_B",
        .admin = true,
        .not_before_s = 1700000000,
        .expires_s = 1800000000,
        .publish_count = 2,
        .subscribe_count = 1,
    };

    memset(key.issuer, 0xA5, sizeof(key.issuer));
    key.issuer[3] = 0;
    tap_equal(channel_name_parse_grant(bytes_text("/a/*"), &key.publish[0]), 0);
    tap_equal(channel_name_parse_grant(bytes_text("/b/c"), &key.publish[1]), 0);
    tap_equal(channel_name_parse_grant(bytes_text("/*"), &key.subscribe[0]), 0);
    return key;
}

static void check_same(const struct api_key *a, const struct api_key *b)
{
    tap_check(memcmp(a->issuer, b->issuer, sizeof(a->issuer)) == 0);
    tap_equal_text(bytes_text(a->id), b->id);
    tap_equal(a->admin, b->admin);
    tap_equal(a->not_before_s, b->not_before_s);
    tap_equal(a->expires_s, b->expires_s);
    tap_equal(a->publish_count, b->publish_count);
    tap_equal(a->subscribe_count, b->subscribe_count);
    for (size_t i = 0; i < a->publish_count; i++) {
        tap_check(bytes_equal(channel_name_view(&a->publish[i]),
                              channel_name_view(&b->publish[i])));
    }
    for (size_t i = 0; i < a->subscribe_count; i++) {
        tap_check(bytes_equal(channel_name_view(&a->subscribe[i]),
                              channel_name_view(&b->subscribe[i])));
    }
}

static int round_trip(const struct api_key *key, struct api_key *ret)
{
    struct buffer payload;
    int rc;

    buffer_init(&payload, 100000);
    api_key_encode(key, &payload);
    rc = api_key_decode(buffer_view(&payload), ret);
    buffer_done(&payload);
    return rc;
}

TAP_CASE(api_key_decode_gives_back_what_was_encoded)
{
    struct api_key key = made();
    struct api_key back;

    tap_equal(round_trip(&key, &back), RC_OK);
    check_same(&key, &back);
    tap_equal(back.publish[0].wildcard, true);
    tap_equal(back.publish[0].namespace_len, 1);
    tap_equal(back.subscribe[0].namespace_len, 0);
}

TAP_CASE(api_key_decode_gives_back_a_key_without_rights_and_times)
{
    struct api_key key = {.id = "x"};
    struct api_key back;

    tap_equal(round_trip(&key, &back), RC_OK);
    check_same(&key, &back);
}

TAP_CASE(api_key_decode_gives_back_ids_and_times_at_their_bounds)
{
    struct api_key key = {.not_before_s = UINT64_MAX, .expires_s = 1};
    struct api_key back;

    memset(key.id, 'z', API_KEY_ID_BYTES_MAX);
    tap_equal(round_trip(&key, &back), RC_OK);
    check_same(&key, &back);
}

/* Hand-made payloads: fields in protobuf's wire format. */
static struct buffer wire;

static void wire_begin(void)
{
    buffer_done(&wire);
    buffer_init(&wire, 100000);
}

static void wire_bytes(unsigned field, struct bytes value)
{
    size_t len = value.len;

    buffer_u8(&wire, (uint8_t)(field << 3 | 2));
    for (; len > 0x7f; len >>= 7) {
        buffer_u8(&wire, (uint8_t)(0x80 | len));
    }
    buffer_u8(&wire, (uint8_t)len);
    buffer_append(&wire, value);
}

static void wire_issuer(size_t len)
{
    static const uint8_t issuer[64] = {1};

    wire_bytes(1, bytes_of(issuer, len));
}

static int wire_decode(void)
{
    struct api_key key;

    return api_key_decode(buffer_view(&wire), &key);
}

static int decode_with_id(struct bytes id)
{
    wire_begin();
    wire_issuer(API_KEY_ISSUER_BYTES);
    wire_bytes(2, id);
    return wire_decode();
}

TAP_CASE(api_key_decode_refuses_ids_of_0_and_65_bytes)
{
    char id[API_KEY_ID_BYTES_MAX + 1];

    memset(id, 'a', sizeof(id));
    tap_equal(decode_with_id(bytes_of(id, 1)), RC_OK);
    tap_equal(decode_with_id(bytes_of(id, API_KEY_ID_BYTES_MAX)), RC_OK);
    tap_equal(decode_with_id(bytes_of(id, sizeof(id))), RC_MALFORMED);
    tap_equal(decode_with_id(bytes_of(id, 0)), RC_MALFORMED);
}

TAP_CASE(api_key_decode_refuses_other_characters_in_ids)
{
    for (unsigned i = 0; i < 256; i++) {
        char id[] = {'a', (char)i, 'b'};
        bool good = (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z') ||
                    (i >= '0' && i <= '9') || i == '-' || i == '_' || i == '.';

        tap_equal(decode_with_id(bytes_of(id, 3)), good ? RC_OK : RC_MALFORMED);
    }
}

TAP_CASE(api_key_decode_refuses_issuers_of_other_lengths)
{
    static const size_t lens[] = {0, 31, 33, 64};

    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        wire_begin();
        wire_issuer(lens[i]);
        wire_bytes(2, bytes_text("id"));
        tap_equal(wire_decode(), RC_MALFORMED);
    }
    wire_begin();
    wire_bytes(2, bytes_text("id"));
    tap_equal(wire_decode(), RC_MALFORMED);
}

static int decode_with_grants(unsigned field, size_t count, struct bytes grant)
{
    wire_begin();
    wire_issuer(API_KEY_ISSUER_BYTES);
    wire_bytes(2, bytes_text("id"));
    for (size_t i = 0; i < count; i++) {
        wire_bytes(field, grant);
    }
    return wire_decode();
}

TAP_CASE(api_key_decode_takes_32_patterns_for_each_right_and_refuses_33)
{
    for (unsigned field = 3; field <= 4; field++) {
        tap_equal(decode_with_grants(field, 32, bytes_text("/a/b")), RC_OK);
        tap_equal(decode_with_grants(field, 33, bytes_text("/a/b")),
                  RC_MALFORMED);
    }
}

TAP_CASE(api_key_decode_refuses_patterns_that_are_not_canonical)
{
    static const char *bad[] = {"", "a", "/a/", "*", "/a//b", "/a/*/b", "/-"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tap_equal(decode_with_grants(3, 1, bytes_text(bad[i])), RC_MALFORMED);
        tap_equal(decode_with_grants(4, 1, bytes_text(bad[i])), RC_MALFORMED);
    }
    tap_equal(decode_with_grants(3, 1, bytes_of("/a\0b", 4)), RC_MALFORMED);
    tap_equal(decode_with_grants(3, 1, bytes_text("/*")), RC_OK);
}

TAP_CASE(api_key_decode_lets_unknown_fields_be)
{
    wire_begin();
    wire_issuer(API_KEY_ISSUER_BYTES);
    wire_bytes(15, bytes_text("of a later version"));
    wire_bytes(2, bytes_text("id"));
    tap_equal(wire_decode(), RC_OK);
}

/* Protobuf has no end mark: cut between two fields, it is a shorter message.
 * Behind the id, without which there is no key, that is at six places. */
TAP_CASE(api_key_decode_refuses_every_payload_that_was_cut_inside_a_field)
{
    struct api_key key = made();
    struct buffer payload;
    size_t taken_count = 0;

    buffer_init(&payload, 1000);
    api_key_encode(&key, &payload);
    for (size_t len = 0; len < payload.len; len++) {
        struct api_key back;
        uint8_t *exact = malloc(len + 1);

        memcpy(exact, payload.data, len);
        taken_count += api_key_decode(bytes_of(exact, len), &back) == RC_OK;
        free(exact);
    }
    tap_equal(taken_count, 6);
    buffer_done(&payload);
}

TAP_CASE(api_key_decode_refuses_a_payload_over_the_limit)
{
    uint8_t *big = calloc(1, API_KEY_TEXT_BYTES_MAX + 1);
    size_t room;

    wire_begin();
    wire_issuer(API_KEY_ISSUER_BYTES);
    wire_bytes(2, bytes_text("id"));
    room = API_KEY_TEXT_BYTES_MAX - wire.len - 3;
    wire_bytes(15, bytes_of(big, room));
    tap_equal(wire.len, API_KEY_TEXT_BYTES_MAX);
    tap_equal(wire_decode(), RC_OK);
    wire_bytes(15, bytes_of(big, 0));
    tap_equal(wire_decode(), RC_MALFORMED);
    free(big);
}

TAP_CASE(api_key_decode_does_not_write_on_failure)
{
    struct api_key key = {.id = "kept"};

    tap_equal(api_key_decode(bytes_text("\x0a"), &key), RC_MALFORMED);
    tap_equal_text(bytes_text(key.id), "kept");
}

TAP_CASE(api_key_signed_bytes_are_the_context_with_its_nul_and_the_payload)
{
    struct buffer out;

    buffer_init(&out, 100);
    api_key_signed_bytes(bytes_text("PAYLOAD"), &out);
    tap_check(bytes_equal(buffer_view(&out),
                          bytes_of("weir api key 1\0PAYLOAD", 22)));
    buffer_done(&out);
}

static uint8_t signature[API_KEY_SIGNATURE_BYTES] = {9, 8, 7};

static void print(struct buffer *text, struct bytes payload)
{
    buffer_init(text, 100000);
    api_key_print(payload, signature, text);
}

TAP_CASE(api_key_parse_gives_back_what_was_printed)
{
    struct api_key_signed back;
    struct buffer text;

    print(&text, bytes_of("any\0bytes", 9));
    tap_check(bytes_starts_with(buffer_view(&text), bytes_text("weir1_")));
    tap_equal(api_key_parse(buffer_view(&text), &back), RC_OK);
    tap_check(
        bytes_equal(buffer_view(&back.payload), bytes_of("any\0bytes", 9)));
    tap_check(memcmp(back.signature, signature, sizeof(signature)) == 0);
    buffer_done(&back.payload);
    buffer_done(&text);
}

static int parse(struct bytes text)
{
    struct api_key_signed back;
    int rc = api_key_parse(text, &back);

    if (rc == RC_OK) {
        buffer_done(&back.payload);
    }
    return rc;
}

TAP_CASE(api_key_parse_refuses_other_prefixes)
{
    struct buffer text;

    print(&text, bytes_text("payload"));
    tap_equal(parse(buffer_view(&text)), RC_OK);
    tap_equal(parse(bytes_from(buffer_view(&text), 6)), RC_MALFORMED);
    text.data[4] = '2';
    tap_equal(parse(buffer_view(&text)), RC_MALFORMED);
    text.data[4] = '1';
    text.data[0] = 'W';
    tap_equal(parse(buffer_view(&text)), RC_MALFORMED);
    tap_equal(parse(bytes_text("")), RC_MALFORMED);
    tap_equal(parse(bytes_text("weir1_")), RC_MALFORMED);
    buffer_done(&text);
}

TAP_CASE(api_key_parse_refuses_characters_outside_base64url)
{
    static const char bad[] = "=+/ .\n\t!";
    struct buffer text;

    print(&text, bytes_text("payload"));
    for (size_t i = 0; i < sizeof(bad); i++) {
        uint8_t kept = text.data[20];

        text.data[20] = (uint8_t)bad[i];
        tap_equal(parse(buffer_view(&text)), RC_MALFORMED);
        text.data[20] = kept;
    }
    buffer_text(&text, "=");
    tap_equal(parse(buffer_view(&text)), RC_MALFORMED);
    buffer_done(&text);
}

/* "weir1_" and base64url of what stands in `wire`. */
static int parse_wire(void)
{
    struct buffer text;
    size_t len = text_base64url_len(wire.len);
    int rc;

    buffer_init(&text, 100000);
    buffer_text(&text, API_KEY_TEXT_PREFIX);
    text_base64url_encode(buffer_view(&wire),
                          (char *)buffer_reserve(&text, len));
    buffer_advance(&text, len);
    rc = parse(buffer_view(&text));
    buffer_done(&text);
    return rc;
}

TAP_CASE(api_key_parse_refuses_signatures_of_other_lengths)
{
    static const uint8_t longer[API_KEY_SIGNATURE_BYTES + 1];

    for (size_t len = 0; len <= sizeof(longer); len++) {
        wire_begin();
        wire_bytes(1, bytes_text("payload"));
        wire_bytes(2, bytes_of(longer, len));
        tap_equal(parse_wire(),
                  len == API_KEY_SIGNATURE_BYTES ? RC_OK : RC_MALFORMED);
    }
}

TAP_CASE(api_key_parse_refuses_a_key_without_payload)
{
    wire_begin();
    wire_bytes(2, bytes_of(signature, sizeof(signature)));
    tap_equal(parse_wire(), RC_MALFORMED);
}

TAP_CASE(api_key_parse_lets_unknown_fields_be)
{
    wire_begin();
    wire_bytes(1, bytes_text("payload"));
    wire_bytes(9, bytes_text("later"));
    wire_bytes(2, bytes_of(signature, sizeof(signature)));
    tap_equal(parse_wire(), RC_OK);
}

/* Base64 of 4 n bytes grows in steps, so the longest text is one payload. */
TAP_CASE(api_key_print_and_parse_agree_on_the_longest_text)
{
    size_t longest = 0;
    uint8_t *payload = calloc(1, API_KEY_TEXT_BYTES_MAX);

    for (size_t len = 6000; len < 6200; len++) {
        struct buffer text;

        print(&text, bytes_of(payload, len));
        if (!text.overflowed) {
            longest = len;
            tap_check(text.len <= API_KEY_TEXT_BYTES_MAX);
            tap_equal(parse(buffer_view(&text)), RC_OK);
        }
        buffer_done(&text);
    }
    tap_check(longest > 6000);
    tap_check(longest < 6199);
    free(payload);
}

TAP_CASE(api_key_parse_refuses_a_text_over_the_limit_as_too_large)
{
    struct buffer text;

    buffer_init(&text, 100000);
    buffer_text(&text, API_KEY_TEXT_PREFIX);
    while (text.len < API_KEY_TEXT_BYTES_MAX) {
        buffer_u8(&text, 'A');
    }
    tap_equal(parse(buffer_view(&text)), RC_MALFORMED);
    buffer_u8(&text, 'A');
    tap_equal(parse(buffer_view(&text)), RC_TOO_LARGE);
    buffer_done(&text);
}

TAP_MAIN()

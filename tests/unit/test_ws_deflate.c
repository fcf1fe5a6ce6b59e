/* The negotiation against offers of real clients, and both directions against
 * zlib used plainly. */
#include "proto/ws_deflate.h"

#include "base/rc.h"
#include "tests/lib/tap.h"

#include <zlib.h>

#define ANSWER                                         \
    "permessage-deflate; server_no_context_takeover; " \
    "client_no_context_takeover"

/* The answer, or "" when all offers are declined. */
static const char *answer(const char *offers)
{
    static char shown[256];
    struct buffer out;
    bool taken = false;

    buffer_init(&out, sizeof(shown) - 1);
    taken = ws_deflate_negotiate(bytes_text(offers), &out);
    tap_equal(taken, out.len > 0);
    if (out.len > 0) {
        memcpy(shown, out.data, out.len);
    }
    shown[out.len] = '\0';
    buffer_done(&out);
    return shown;
}

#define answer_is(offers, expected) \
    tap_equal_text(bytes_text(answer(offers)), (expected))

TAP_CASE(what_browsers_and_libraries_offer_is_taken)
{
    answer_is("permessage-deflate; client_max_window_bits", ANSWER);
    answer_is("permessage-deflate", ANSWER);
    answer_is("permessage-deflate; client_max_window_bits; "
              "server_max_window_bits=15",
              ANSWER "; server_max_window_bits=15");
    answer_is("permessage-deflate; server_no_context_takeover; "
              "client_no_context_takeover; client_max_window_bits=12",
              ANSWER);
    answer_is("x-webkit-deflate-frame, permessage-deflate", ANSWER);
}

TAP_CASE(spaces_case_and_quotes_do_not_matter)
{
    answer_is(" \tPerMessage-Deflate ;Client_Max_Window_Bits = \"10\" ",
              ANSWER);
    answer_is("permessage-deflate;server_max_window_bits=\"15\"",
              ANSWER "; server_max_window_bits=15");
    answer_is(", ,permessage-deflate,,", ANSWER);
}

TAP_CASE(an_offer_with_what_cannot_be_kept_is_declined)
{
    answer_is("", "");
    answer_is("permessage-bzip2", "");
    answer_is("permessage-deflate; server_max_window_bits=14", "");
    answer_is("permessage-deflate; server_max_window_bits=8", "");
    answer_is("permessage-deflate; server_max_window_bits=16", "");
    answer_is("permessage-deflate; server_max_window_bits", "");
    answer_is("permessage-deflate; server_max_window_bits=", "");
    answer_is("permessage-deflate; server_max_window_bits=015", "");
    answer_is("permessage-deflate; client_max_window_bits=7", "");
    answer_is("permessage-deflate; client_max_window_bits=16", "");
    answer_is("permessage-deflate; client_max_window_bits=", "");
    answer_is("permessage-deflate; client_max_window_bits=1x", "");
    answer_is("permessage-deflate; server_no_context_takeover=1", "");
    answer_is("permessage-deflate; client_no_context_takeover=", "");
    answer_is("permessage-deflate; mystery", "");
    answer_is("permessage-deflate; ; mystery", "");
    answer_is("permessage-deflate; =", "");
    answer_is("permessage-deflate=1", "");
}

TAP_CASE(a_repeated_parameter_declines_the_offer)
{
    answer_is("permessage-deflate; client_max_window_bits; "
              "client_max_window_bits",
              "");
    answer_is("permessage-deflate; server_max_window_bits=15; "
              "server_max_window_bits=15",
              "");
    answer_is("permessage-deflate; server_no_context_takeover; "
              "server_no_context_takeover",
              "");
    answer_is("permessage-deflate; client_no_context_takeover; "
              "client_no_context_takeover",
              "");
}

TAP_CASE(the_first_offer_that_can_be_taken_is)
{
    answer_is("permessage-deflate; server_max_window_bits=10, "
              "permessage-deflate",
              ANSWER);
    answer_is("permessage-deflate; mystery, permessage-deflate; "
              "server_max_window_bits=15",
              ANSWER "; server_max_window_bits=15");
}

TAP_CASE(an_offer_within_a_quoted_string_is_none)
{
    answer_is("foo; a=\", permessage-deflate, \"", "");
    answer_is("foo; a=\"\\\", permessage-deflate, \"", "");
    answer_is("foo; a=\"x,y\", permessage-deflate", ANSWER);
    answer_is("foo; a=\"permessage-deflate", "");
}

static int inflate_with(struct ws_deflate *d,
                        const void *data,
                        size_t len,
                        size_t bytes_max,
                        struct buffer *out)
{
    buffer_clear(out);
    return ws_deflate_inflate(d, bytes_of(data, len), bytes_max, out);
}

TAP_CASE(the_examples_of_rfc_7692_inflate)
{
    struct ws_deflate *d = ws_deflate_new();
    struct buffer out;

    buffer_init(&out, 100);
    tap_equal(inflate_with(d, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, 100, &out), 0);
    tap_equal_text(buffer_view(&out), "Hello");
    /* Stored, in two blocks, and with the last block marked. */
    tap_equal(
        inflate_with(
            d, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11, 100, &out),
        0);
    tap_equal_text(buffer_view(&out), "Hello");
    tap_equal(inflate_with(d,
                           "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07"
                           "\x00",
                           13,
                           100,
                           &out),
              0);
    tap_equal_text(buffer_view(&out), "Hello");
    tap_equal(inflate_with(d, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8, 100, &out),
              0);
    tap_equal_text(buffer_view(&out), "Hello");
    tap_equal(inflate_with(d, "\x00", 1, 100, &out), 0);
    tap_equal(out.len, 0);
    buffer_done(&out);
    ws_deflate_free(d);
}

TAP_CASE(a_message_does_not_remember_the_one_before_it)
{
    struct ws_deflate *d = ws_deflate_new();
    struct buffer out;

    /* RFC 7692, 7.2.3.2: the second message points into the first. */
    buffer_init(&out, 100);
    tap_equal(inflate_with(d, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, 100, &out), 0);
    tap_equal(inflate_with(d, "\xf2\x00\x11\x00\x00", 5, 100, &out),
              RC_MALFORMED);
    buffer_done(&out);
    ws_deflate_free(d);
}

TAP_CASE(malformed_messages_are_refused_and_leave_the_state_usable)
{
    static const struct {
        const char *data;
        size_t len;
    } table[] = {
        {"\xff\xff\xff\xff", 4},         /* a reserved kind of block */
        {"\xf2\x48\xcd", 3},             /* cut */
        {"\x00\x05\x00\xfa\xff\x48", 6}, /* stored, cut */
        {"\x00\x05\x00\x00\x00\x48", 6}, /* lengths that disagree */
        {"", 0},                         /* not even an empty block */
        {"\x03\x00\x03\x00\x03", 5},     /* nothing after a last block */
    };
    struct ws_deflate *d = ws_deflate_new();
    struct buffer out;

    buffer_init(&out, 100);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        tap_equal(inflate_with(d, table[i].data, table[i].len, 100, &out),
                  RC_MALFORMED);
        tap_equal(inflate_with(d, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, 100, &out),
                  0);
        tap_equal_text(buffer_view(&out), "Hello");
    }
    buffer_done(&out);
    ws_deflate_free(d);
}

static void fill(uint8_t *data, size_t len, bool noise)
{
    uint32_t state = 1;

    for (size_t i = 0; i < len; i++) {
        state = state * 1664525 + 1013904223;
        data[i] = noise ? (uint8_t)(state >> 24) : 'a';
    }
}

TAP_CASE(a_tail_inflates_to_what_it_was_made_of)
{
    static uint8_t data[200000];
    static const size_t lens[] = {0, 1, 2, 100, 65535, 65536, 200000};
    struct ws_deflate *d = ws_deflate_new();
    struct buffer packed;
    struct buffer out;

    buffer_init(&packed, 300000);
    buffer_init(&out, sizeof(data));
    for (size_t i = 0; i < 2 * sizeof(lens) / sizeof(lens[0]); i++) {
        size_t len = lens[i / 2];

        fill(data, len, i % 2 == 0);
        buffer_clear(&packed);
        ws_deflate_tail(d, bytes_of(data, len), &packed);
        tap_check(!packed.overflowed);
        tap_equal(inflate_with(d, packed.data, packed.len, len, &out), 0);
        tap_check(bytes_equal(buffer_view(&out), bytes_of(data, len)));
    }
    buffer_done(&packed);
    buffer_done(&out);
    ws_deflate_free(d);
}

TAP_CASE(a_message_may_inflate_to_its_limit_and_no_byte_more)
{
    static uint8_t data[100000];
    struct ws_deflate *d = ws_deflate_new();
    struct buffer packed;
    struct buffer out;

    buffer_init(&packed, 200000);
    buffer_init(&out, sizeof(data));
    for (int noise = 0; noise < 2; noise++) {
        fill(data, sizeof(data), noise != 0);
        buffer_clear(&packed);
        ws_deflate_tail(d, bytes_of(data, sizeof(data)), &packed);
        tap_equal(inflate_with(d, packed.data, packed.len, sizeof(data), &out),
                  0);
        tap_equal(
            inflate_with(d, packed.data, packed.len, sizeof(data) - 1, &out),
            RC_TOO_LARGE);
        tap_check(out.len <= sizeof(data) - 1);
        tap_equal(inflate_with(d, packed.data, packed.len, 0, &out),
                  RC_TOO_LARGE);
        tap_equal(out.len, 0);
    }
    buffer_done(&packed);
    buffer_done(&out);
    ws_deflate_free(d);
}

TAP_CASE(a_stored_beginning_and_a_shared_tail_are_one_message)
{
    static const char *const beginnings[] = {"{\"id\":\"1\",",
                                             "{\"id\":\"22\","};
    static const char tail[] = "\"event\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}";
    struct ws_deflate *d = ws_deflate_new();
    struct buffer shared;

    buffer_init(&shared, 2000);
    ws_deflate_tail(d, bytes_text(tail), &shared);
    tap_check(shared.len < sizeof(tail));
    for (size_t i = 0; i < 2; i++) {
        uint8_t message[256];
        char inflated[256];
        size_t len = strlen(beginnings[i]);
        z_stream z = {0};

        ws_deflate_stored(len, message);
        memcpy(message + 5, beginnings[i], len);
        memcpy(message + 5 + len, shared.data, shared.len);
        memcpy(message + 5 + len + shared.len, "\0\0\xff\xff", 4);
        tap_equal(inflateInit2(&z, -15), Z_OK);
        z.next_in = message;
        z.avail_in = (uInt)(5 + len + shared.len + 4);
        z.next_out = (Bytef *)inflated;
        z.avail_out = sizeof(inflated);
        tap_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
        tap_equal(z.avail_in, 0);
        tap_equal(z.total_out, len + sizeof(tail) - 1);
        tap_check(memcmp(inflated, beginnings[i], len) == 0);
        tap_check(memcmp(inflated + len, tail, sizeof(tail) - 1) == 0);
        tap_equal(inflateEnd(&z), Z_OK);
    }
    buffer_done(&shared);
    ws_deflate_free(d);
}

TAP_CASE(a_stored_block_tells_its_length_twice)
{
    uint8_t out[WS_DEFLATE_STORED_LEN];

    ws_deflate_stored(0, out);
    tap_check(memcmp(out, "\x00\x00\x00\xff\xff", 5) == 0);
    ws_deflate_stored(258, out);
    tap_check(memcmp(out, "\x00\x02\x01\xfd\xfe", 5) == 0);
    ws_deflate_stored(65535, out);
    tap_check(memcmp(out, "\x00\xff\xff\x00\x00", 5) == 0);
}

TAP_CASE(a_tail_without_room_marks_the_buffer)
{
    struct ws_deflate *d = ws_deflate_new();
    struct buffer out;

    buffer_init(&out, 10);
    ws_deflate_tail(d, bytes_text("abc"), &out);
    tap_check(out.overflowed);
    tap_equal(out.len, 0);
    buffer_done(&out);
    ws_deflate_free(d);
}

TAP_MAIN()

/* Headers on both sides of each length, and whole frames with and without a
 * mask. */
#include "proto/ws_frame.h"

#include "tests/lib/tap.h"

static void header_is(size_t payload_len, const char *expected, size_t len)
{
    uint8_t out[WS_FRAME_HEADER_MAX];

    tap_equal(ws_frame_header_len(payload_len), len);
    tap_equal(ws_frame_header(out, WS_FRAME_TEXT, false, payload_len), len);
    tap_check(bytes_equal(bytes_of(out, len), bytes_of(expected, len)));
}

TAP_CASE(a_header_has_the_shortest_form_of_its_length)
{
    header_is(0, "\x81\x00", 2);
    header_is(125, "\x81\x7d", 2);
    header_is(126, "\x81\x7e\x00\x7e", 4);
    header_is(65535, "\x81\x7e\xff\xff", 4);
    header_is(65536, "\x81\x7f\0\0\0\0\0\x01\0\0", 10);
    header_is(0x123456789a, "\x81\x7f\0\0\0\x12\x34\x56\x78\x9a", 10);
}

TAP_CASE(a_compressed_message_sets_the_first_reserved_bit)
{
    uint8_t out[WS_FRAME_HEADER_MAX];

    (void)ws_frame_header(out, WS_FRAME_TEXT, true, 1);
    tap_equal(out[0], 0xc1);
    (void)ws_frame_header(out, WS_FRAME_PONG, false, 1);
    tap_equal(out[0], 0x8a);
}

TAP_CASE(a_servers_frame_is_appended_as_it_is)
{
    struct buffer out;

    buffer_init(&out, 100);
    ws_frame_append(&out, WS_FRAME_PING, bytes_text("abc"), NULL);
    ws_frame_append(&out, WS_FRAME_CLOSE, bytes_of(NULL, 0), NULL);
    tap_equal(out.len, 7);
    tap_check(memcmp(out.data,
                     "\x89\x03"
                     "abc\x88\x00",
                     7) == 0);
    buffer_done(&out);
}

TAP_CASE(a_clients_frame_is_masked_with_a_new_mask_each_time)
{
    uint64_t state = 1;
    struct buffer out;

    buffer_init(&out, 100);
    ws_frame_append(&out, WS_FRAME_TEXT, bytes_text("abcdef"), &state);
    ws_frame_append(&out, WS_FRAME_TEXT, bytes_text("abcdef"), &state);
    tap_equal(out.len, 24);
    for (size_t frame = 0; frame < 2; frame++) {
        const uint8_t *at = out.data + frame * 12;

        tap_equal(at[0], 0x81);
        tap_equal(at[1], 0x86);
        for (size_t i = 0; i < 6; i++) {
            tap_equal(at[6 + i] ^ at[2 + i % 4], "abcdef"[i]);
        }
    }
    tap_check(memcmp(out.data + 2, out.data + 14, 4) != 0);
    buffer_done(&out);
}

TAP_CASE(a_frame_beyond_the_buffers_cap_appends_nothing)
{
    struct buffer out;

    buffer_init(&out, 5);
    ws_frame_append(&out, WS_FRAME_TEXT, bytes_text("abc"), NULL);
    tap_equal(out.len, 5);
    tap_check(!out.overflowed);
    buffer_clear(&out);
    ws_frame_append(&out, WS_FRAME_TEXT, bytes_text("abcd"), NULL);
    tap_equal(out.len, 0);
    tap_check(out.overflowed);
    buffer_done(&out);
}

TAP_MAIN()

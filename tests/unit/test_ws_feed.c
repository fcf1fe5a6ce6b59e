/* Frames of every form of length, cut anywhere: what comes out is the same
 * bytes, and never past the end of a frame. */
#include "proto/ws_feed.h"

#include "base/buffer.h"
#include "tests/lib/tap.h"

#define ROOM 4096

TAP_CASE(one_frame_is_handed_out_and_the_next_only_when_asked_again)
{
    struct ws_feed f = {.in = bytes_of("\x81\x02"
                                       "ab\x81\x01"
                                       "c",
                                       7)};

    tap_check(ws_feed_at_start(&f));
    tap_equal(ws_feed_take(&f, ROOM).len, 2);
    tap_check(!ws_feed_at_start(&f));
    tap_equal_text(ws_feed_take(&f, ROOM), "ab");
    tap_check(ws_feed_at_start(&f));
    tap_equal(f.in.len, 3);
    tap_equal(ws_feed_take(&f, ROOM).len, 2);
    tap_equal_text(ws_feed_take(&f, ROOM), "c");
    tap_equal(ws_feed_take(&f, ROOM).len, 0);
    tap_check(ws_feed_at_start(&f));
}

TAP_CASE(a_frame_without_payload_ends_with_its_header)
{
    struct ws_feed f = {.in = bytes_of("\x81\x80mask\x81", 7)};

    tap_equal(ws_feed_take(&f, ROOM).len, 6);
    tap_check(ws_feed_at_start(&f));
    tap_equal(f.in.len, 1);
}

TAP_CASE(a_header_is_held_until_it_is_whole)
{
    static const char header[] = "\x82\xff\0\0\0\0\0\x01\0\0mask";
    struct ws_feed f = {0};

    for (size_t i = 0; i < 13; i++) {
        f.in = bytes_of(header + i, 1);
        tap_equal(ws_feed_take(&f, ROOM).len, 0);
        tap_check(!ws_feed_at_start(&f));
    }
    f.in = bytes_of(header + 13, 1);
    tap_equal(ws_feed_take(&f, ROOM).len, 14);
    tap_equal(f.payload_left, 65536);
    tap_check(!ws_feed_control(&f));
}

TAP_CASE(a_control_frame_is_held_with_its_payload)
{
    struct ws_feed f = {.in = bytes_of("\x89\x83maskab", 8)};

    tap_equal(ws_feed_take(&f, ROOM).len, 0);
    tap_equal(f.in.len, 0);
    f.in = bytes_of("cd", 2);
    tap_equal(ws_feed_take(&f, ROOM).len, 9);
    tap_check(ws_feed_control(&f));
    tap_check(ws_feed_at_start(&f));
    tap_equal_text(f.in, "d");
}

TAP_CASE(a_control_frame_may_hold_125_bytes_and_longer_ones_are_passed_on)
{
    uint8_t frame[2 + 126] = {0x89, 125};
    struct ws_feed f = {.in = bytes_of(frame, 2 + 125)};

    tap_equal(ws_feed_take(&f, ROOM).len, 127);
    frame[1] = 126;
    f.in = bytes_of(frame, 2 + 126);
    frame[3] = 126;
    tap_equal(ws_feed_take(&f, ROOM).len, 4);
    tap_check(!ws_feed_at_start(&f));
}

TAP_CASE(little_room_splits_headers_and_payloads)
{
    static const char text[] = "\x81\x82mask12\x89\x01x";
    struct ws_feed f = {.in = bytes_of(text, sizeof(text) - 1)};
    struct buffer out;

    buffer_init(&out, 100);
    for (;;) {
        struct bytes taken = ws_feed_take(&f, 3);

        if (taken.len == 0) {
            break;
        }
        tap_check(taken.len <= 3);
        buffer_append(&out, taken);
    }
    tap_check(bytes_equal(buffer_view(&out), bytes_of(text, sizeof(text) - 1)));
    buffer_done(&out);
}

TAP_MAIN()

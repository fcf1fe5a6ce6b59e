/* What ends a stream, by which code, and that nothing follows. */
#include "proto/ws_stream.h"

#include "proto/ws_deflate.h"
#include "proto/ws_frame.h"
#include "tests/lib/tap.h"
#include "tests/lib/ws_bench.h"

static bool count_message(void *context,
                          enum ws_stream_kind kind,
                          struct bytes message)
{
    (void)kind;
    (void)message;
    ++*(int *)context;
    return true;
}

TAP_CASE(a_message_may_have_its_limit_and_no_byte_more)
{
    struct world w;

    world_init(&w, WS_STREAM_SERVER, false);
    put_len(&w, 0x81, MESSAGE_MAX);
    feed_both_ways(&w);
    tap_equal(w.messages.len, MESSAGE_MAX + 3);
    tap_check(!w.stream.closed);
    put_len(&w, 0x81, MESSAGE_MAX + 1);
    feed_both_ways(&w);
    tap_equal(w.stream.close_code, 1009);
    tap_equal(w.messages.len, 0);
    out_is(&w, "\x88\x02\x03\xf1");
    world_done(&w);
}

TAP_CASE(the_limit_counts_all_fragments_of_a_message)
{
    struct world w;

    world_init(&w, WS_STREAM_SERVER, false);
    put_len(&w, 0x01, MESSAGE_MAX - 1);
    put_len(&w, 0x80, 1);
    feed_both_ways(&w);
    tap_equal(w.messages.len, MESSAGE_MAX + 3);
    tap_check(!w.stream.closed);
    buffer_clear(&w.messages);
    put_len(&w, 0x01, MESSAGE_MAX - 1);
    put_len(&w, 0x89, 100);
    put_len(&w, 0x00, 1);
    put_len(&w, 0x80, 1);
    feed_both_ways(&w);
    tap_equal(w.stream.close_code, 1009);
    tap_equal(w.messages.len, 0);
    world_done(&w);
}

TAP_CASE(a_message_too_large_is_refused_at_the_first_byte_of_its_payload)
{
    struct world w;

    world_init(&w, WS_STREAM_SERVER, false);
    put_raw(&w, "\x81\xff\0\0\0\x7f\xff\xff\xff\xff" MASK "x", 15);
    (void)receive(&w, buffer_view(&w.in));
    tap_equal(w.stream.close_code, 1009);
    world_done(&w);
}

TAP_CASE(a_server_refuses_frames_without_a_mask_and_a_client_those_with_one)
{
    tap_equal(server_code("\x81\x81" ZERO "a"), 0);
    tap_equal(server_code("\x81\x01"
                          "a"),
              1002);
    tap_equal(server_code("\x89\x00"), 1002);
    tap_equal(client_code("\x81\x01"
                          "a"),
              0);
    tap_equal(client_code("\x81\x81" ZERO "a"), 1002);
    tap_equal(client_code("\x89\x80" ZERO), 1002);
}

TAP_CASE(reserved_opcodes_are_refused)
{
    tap_equal(server_code("\x83\x80" ZERO), 1002);
    tap_equal(server_code("\x84\x80" ZERO), 1002);
    tap_equal(server_code("\x87\x80" ZERO), 1002);
    tap_equal(server_code("\x8b\x80" ZERO), 1002);
    tap_equal(server_code("\x8f\x80" ZERO), 1002);
    tap_equal(server_code("\x01\x80" ZERO "\x8b\x80" ZERO), 1002);
    tap_equal(server_code("\x01\x80" ZERO "\x83\x80" ZERO), 1002);
}

TAP_CASE(reserved_bits_are_refused_but_the_first_where_deflate_was_agreed)
{
    tap_equal(server_code("\xc1\x81" ZERO "a"), 1002);
    tap_equal(server_code("\xa1\x81" ZERO "a"), 1002);
    tap_equal(server_code("\x91\x81" ZERO "a"), 1002);
    tap_equal(deflate_code("\xc1\x87" ZERO "\xf2\x48\xcd\xc9\xc9\x07\x00"), 0);
    tap_equal(deflate_code("\xa1\x81" ZERO "a"), 1002);
    tap_equal(deflate_code("\x91\x81" ZERO "a"), 1002);
    tap_equal(deflate_code("\xe1\x81" ZERO "\x00"), 1002);
    tap_equal(deflate_code("\xc9\x80" ZERO), 1002);
    tap_equal(deflate_code("\xc8\x80" ZERO), 1002);
    tap_equal(deflate_code("\x41\x81" ZERO "\xf2\xc0\x80" ZERO), 1002);
}

TAP_CASE(fragments_out_of_order_are_refused)
{
    tap_equal(server_code("\x80\x80" ZERO), 1002);
    tap_equal(server_code("\x00\x80" ZERO), 1002);
    tap_equal(server_code("\x01\x80" ZERO "\x81\x80" ZERO), 1002);
    tap_equal(server_code("\x01\x80" ZERO "\x02\x80" ZERO), 1002);
    tap_equal(server_code("\x01\x80" ZERO "\x80\x80" ZERO "\x80\x80" ZERO),
              1002);
}

TAP_CASE(control_frames_are_final_and_short)
{
    tap_equal(server_code("\x09\x80" ZERO), 1002);
    tap_equal(server_code("\x08\x80" ZERO), 1002);
    tap_equal(server_code("\x89\xfe\x00\x7e" ZERO), 1002);
    tap_equal(server_code("\x88\xfe\x00\x7e" ZERO), 1002);
    tap_equal(server_code("\x89\xff\0\0\0\0\0\x01\0\0" ZERO), 1002);
}

TAP_CASE(a_length_is_in_its_shortest_form)
{
    tap_equal(server_code("\x81\xfe\x00\x7d" ZERO "x"), 1002);
    tap_equal(server_code("\x81\xfe\x00\x7e" ZERO "x"), 0);
    tap_equal(server_code("\x81\xff\0\0\0\0\0\0\xff\xff" ZERO "x"), 1002);
    tap_equal(server_code("\x81\xff\0\0\0\0\0\x01\0\0" ZERO "x"), 1009);
    tap_equal(server_code("\x81\xff\x80\0\0\0\0\x01\0\0" ZERO "x"), 1002);
    tap_equal(server_code("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" ZERO "x"),
              1009);
}

TAP_CASE(text_that_is_not_utf_8_ends_with_1007)
{
    tap_equal(server_code("\x81\x81" ZERO "\xff"), 1007);
    tap_equal(server_code("\x81\x81" ZERO "\xc3"), 1007);
    tap_equal(server_code("\x81\x82" ZERO "\xc0\x80"), 1007);
    tap_equal(server_code("\x81\x83" ZERO "\xed\xa0\x80"), 1007);
    tap_equal(server_code("\x81\x84" ZERO "\xf4\x90\x80\x80"), 1007);
    tap_equal(server_code("\x81\x84" ZERO "\xf4\x8f\xbf\xbf"), 0);
    tap_equal(server_code("\x01\x81" ZERO "\xc3\x80\x81" ZERO "a"), 1007);
    tap_equal(server_code("\x82\x81" ZERO "\xff"), 0);
}

TAP_CASE(a_close_is_answered_with_its_code)
{
    tap_equal(server_code("\x88\x80" ZERO), 1005);
    tap_equal(server_code("\x88\x82" ZERO "\x03\xe8"), 1000);
    tap_equal(server_code("\x88\x82" ZERO "\x03\xe9"), 1001);
    tap_equal(server_code("\x88\x82" ZERO "\x0b\xb8"), 3000);
    tap_equal(server_code("\x88\x82" ZERO "\x13\x87"), 4999);
}

TAP_CASE(a_malformed_close_is_answered_with_1002_or_1007)
{
    tap_equal(server_code("\x88\x81" ZERO "\x03"), 1002);
    tap_equal(server_code("\x88\x82" ZERO "\x00\x00"), 1002);
    tap_equal(server_code("\x88\x82" ZERO "\x03\xe7"), 1002); /* 999 */
    tap_equal(server_code("\x88\x82" ZERO "\x03\xec"), 1002); /* 1004 */
    tap_equal(server_code("\x88\x82" ZERO "\x03\xed"), 1002); /* 1005 */
    tap_equal(server_code("\x88\x82" ZERO "\x03\xee"), 1002); /* 1006 */
    tap_equal(server_code("\x88\x82" ZERO "\x03\xf7"), 1002); /* 1015 */
    tap_equal(server_code("\x88\x82" ZERO "\x07\xd0"), 1002); /* 2000 */
    tap_equal(server_code("\x88\x82" ZERO "\x13\x88"), 1002); /* 5000 */
    tap_equal(server_code("\x88\x83" ZERO "\x03\xe8\xff"), 1007);
}

TAP_CASE(a_close_reason_in_utf_8_may_be_cut_anywhere)
{
    struct world w;

    world_init(&w, WS_STREAM_SERVER, false);
    put_text(&w, 0x88, "\x03\xe8\xe2\x82\xac\xe2\x82\xac");
    feed_both_ways(&w);
    tap_equal(w.stream.close_code, 1000);
    tap_check(memcmp(w.out.data + 2, "\x03\xe8", 2) == 0);
    world_done(&w);
}

TAP_CASE(nothing_after_a_close_is_read_or_answered)
{
    struct world w;

    world_init(&w, WS_STREAM_SERVER, false);
    put_text(&w, 0x81, "a");
    put_text(&w, 0x88, "\x03\xe8");
    put_text(&w, 0x81, "b");
    put_text(&w, 0x89, "c");
    feed_both_ways(&w);
    messages_are(&w, "t:a;");
    out_is(&w, "\x88\x02\x03\xe8");
    ws_stream_close(&w.stream, w.pool, 1000, bytes_text(""), &w.out);
    ws_stream_send_text(&w.stream, w.pool, bytes_text("x"), &w.out);
    tap_equal(w.out.len, 4);
    world_done(&w);
}

TAP_CASE(our_close_is_sent_once_and_the_peers_is_awaited)
{
    struct world w;

    world_init(&w, WS_STREAM_SERVER, false);
    ws_stream_close(&w.stream, w.pool, 1001, bytes_text("bye"), &w.out);
    ws_stream_close(&w.stream, w.pool, 1002, bytes_text(""), &w.out);
    out_is(&w,
           "\x88\x05\x03\xe9"
           "bye");
    tap_check(w.stream.close_sent);
    tap_check(!w.stream.closed);
    put_text(&w, 0x81, "a");
    put_text(&w, 0x89, "no pong");
    put_text(&w, 0x88, "\x03\xe9");
    (void)receive(&w, buffer_view(&w.in));
    messages_are(&w, "t:a;");
    tap_equal(w.out.len, 7);
    tap_check(w.stream.closed);
    tap_equal(w.stream.close_code, 1001);
    world_done(&w);
}

TAP_CASE(a_fault_after_our_close_is_not_answered_again)
{
    struct world w;

    world_init(&w, WS_STREAM_SERVER, false);
    ws_stream_close(&w.stream, w.pool, 1005, bytes_text(""), &w.out);
    out_is(&w, "\x88\x00");
    put_raw(&w,
            "\x81\x01"
            "a",
            3);
    (void)receive(&w, buffer_view(&w.in));
    tap_check(w.stream.closed);
    tap_equal(w.stream.close_code, 1002);
    tap_equal(w.out.len, 2);
    world_done(&w);
}

TAP_CASE(a_close_from_within_a_message_keeps_pongs_back)
{
    struct world w;

    world_init(&w, WS_STREAM_SERVER, false);
    w.close_on_message = true;
    put_text(&w, 0x89, "p");
    put_text(&w, 0x81, "a");
    put_text(&w, 0x89, "q");
    (void)receive(&w, buffer_view(&w.in));
    out_is(&w,
           "\x88\x05\x03\xe8"
           "bye");
    tap_check(w.stream.busy == NULL);
    world_done(&w);
}

TAP_CASE(what_is_dropped_is_not_kept_or_told_and_the_close_is_awaited)
{
    static uint8_t part[100000];
    struct ws_stream_pool *pool =
        ws_stream_pool_new(WS_STREAM_SERVER, 1 << 20, 1);
    struct ws_stream s;
    struct buffer out;
    struct buffer in;
    int messages = 0;

    buffer_init(&out, 1000);
    buffer_init(&in, 1 << 20);
    ws_stream_init(&s, false);
    ws_frame_append(
        &in, WS_FRAME_TEXT, bytes_of(part, sizeof(part)), &(uint64_t){7});
    in.len--;
    (void)ws_stream_receive(
        &s, pool, buffer_view(&in), &out, count_message, &messages);
    tap_check(ws_stream_held(&s) >= sizeof(part));

    ws_stream_close(&s, pool, 1000, bytes_of(NULL, 0), &out);
    ws_stream_drop(&s);
    tap_check(ws_stream_held(&s) < 20000);
    (void)ws_stream_receive(&s,
                            pool,
                            bytes_of(in.data + in.len, 1),
                            &out,
                            count_message,
                            &messages);
    tap_equal(messages, 0);
    tap_check(!ws_stream_unfinished(&s));

    in.len -= 999;
    (void)ws_stream_receive(
        &s, pool, buffer_view(&in), &out, count_message, &messages);
    tap_check(ws_stream_unfinished(&s));
    tap_check(ws_stream_held(&s) < 20000);
    tap_check(!s.closed);
    buffer_clear(&out);
    (void)ws_stream_receive(&s,
                            pool,
                            bytes_of(in.data + in.len, 1000 - 1),
                            &out,
                            count_message,
                            &messages);
    (void)ws_stream_receive(&s,
                            pool,
                            bytes_of("\0\x88\x80\0\0\0\0", 7),
                            &out,
                            count_message,
                            &messages);
    tap_check(s.closed);
    tap_equal(messages, 0);
    ws_stream_done(&s, pool);
    ws_stream_pool_free(pool);
    buffer_done(&in);
    buffer_done(&out);
}

TAP_CASE(a_small_message_that_inflates_beyond_the_limit_ends_with_1009)
{
    static uint8_t zeros[MESSAGE_MAX + 1];
    struct ws_deflate *d = ws_deflate_new();
    struct buffer packed;

    memset(zeros, '0', sizeof(zeros));
    buffer_init(&packed, 10000);
    for (size_t over = 0; over < 2; over++) {
        struct world w;

        world_init(&w, WS_STREAM_SERVER, true);
        buffer_clear(&packed);
        ws_deflate_tail(d, bytes_of(zeros, MESSAGE_MAX + over), &packed);
        put(&w, 0xc1, buffer_view(&packed));
        feed_both_ways(&w);
        tap_equal(w.messages.len, over == 0 ? MESSAGE_MAX + 3 : 0);
        tap_equal(w.stream.close_code, over == 0 ? 0 : 1009);
        world_done(&w);
    }
    buffer_done(&packed);
    ws_deflate_free(d);
}

TAP_MAIN()

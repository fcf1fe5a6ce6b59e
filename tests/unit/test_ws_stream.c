/* What is delivered, what is answered, and when a context is held. */
#include "proto/ws_stream.h"

#include "proto/ws_deflate.h"
#include "proto/ws_frame.h"
#include "tests/lib/tap.h"
#include "tests/lib/ws_bench.h"

TAP_CASE(whole_messages_are_delivered_and_leave_the_stream_idle)
{
    struct world w;

    world_init(&w, WS_STREAM_SERVER, false);
    put_text(&w, 0x81, "abc");
    put_text(&w, 0x82, "\xff\xfe");
    put_text(&w, 0x81, "");
    put_text(&w, 0x81, "d\xc3\xa4");
    feed_both_ways(&w);
    messages_are(&w, "t:abc;b:\xff\xfe;t:;t:d\xc3\xa4;");
    tap_check(w.stream.busy == NULL);
    tap_check(!w.stream.closed);
    tap_equal(w.out.len, 0);
    world_done(&w);
}

TAP_CASE(a_stream_is_busy_only_in_the_midst_of_a_message)
{
    struct world w;

    world_init(&w, WS_STREAM_SERVER, false);
    tap_check(w.stream.busy == NULL);
    put_text(&w, 0x81, "abc");
    for (size_t i = 0; i < w.in.len; i++) {
        (void)receive(&w, bytes_of(w.in.data + i, 1));
        tap_equal(w.stream.busy != NULL, i + 1 < w.in.len);
    }
    buffer_clear(&w.in);
    put_text(&w, 0x01, "ab");
    (void)receive(&w, buffer_view(&w.in));
    tap_check(w.stream.busy != NULL);
    buffer_clear(&w.in);
    put_text(&w, 0x80, "c");
    (void)receive(&w, buffer_view(&w.in));
    tap_check(w.stream.busy == NULL);
    messages_are(&w, "t:abc;t:abc;");
    world_done(&w);
}

TAP_CASE(a_context_serves_one_stream_after_another)
{
    struct world w;
    struct ws_stream other;
    struct ws_stream_busy *first;

    world_init(&w, WS_STREAM_SERVER, false);
    ws_stream_init(&other, false);
    put_text(&w, 0x81, "abc");
    (void)receive(&w, bytes_of(w.in.data, 3));
    first = w.stream.busy;
    (void)receive(&w, bytes_of(w.in.data + 3, w.in.len - 3));
    (void)ws_stream_receive(
        &other, w.pool, bytes_of(w.in.data, 3), &w.out, on_message, &w);
    tap_check(other.busy == first);
    (void)receive(&w, bytes_of(w.in.data, 3));
    tap_check(w.stream.busy != first);
    ws_stream_done(&other, w.pool);
    world_done(&w);
}

TAP_CASE(fragments_are_joined_and_control_frames_between_them_answered)
{
    struct world w;

    world_init(&w, WS_STREAM_SERVER, false);
    put_text(&w, 0x01, "a\xc3");
    put_text(&w, 0x89, "ping");
    put_text(&w, 0x00, "");
    put_text(&w, 0x8a, "pong");
    put_text(&w, 0x00, "\xa4");
    put_text(&w, 0x80, "b");
    put_text(&w, 0x02, "");
    put_text(&w, 0x80, "c");
    feed_both_ways(&w);
    messages_are(&w,
                 "p:pong;t:a\xc3\xa4"
                 "b;b:c;");
    out_is(&w, "\x8a\x04ping");
    tap_check(w.stream.busy == NULL);
    world_done(&w);
}

TAP_CASE(a_ping_is_answered_with_its_payload)
{
    struct world w;
    char longest[126];

    world_init(&w, WS_STREAM_SERVER, false);
    put_text(&w, 0x89, "");
    memset(longest, 'x', 125);
    longest[125] = '\0';
    put_text(&w, 0x89, longest);
    feed_both_ways(&w);
    tap_equal(w.out.len, 2 + 127);
    tap_check(memcmp(w.out.data, "\x8a\x00\x8a\x7dxxx", 7) == 0);
    tap_check(w.stream.busy == NULL);
    world_done(&w);
}

TAP_CASE(a_stop_leaves_the_rest_for_later)
{
    struct world w;
    size_t n = 0;

    world_init(&w, WS_STREAM_SERVER, false);
    put_text(&w, 0x81, "one");
    put_text(&w, 0x81, "two");
    put_text(&w, 0x81, "three");
    w.stop_after = 1;
    n = receive(&w, buffer_view(&w.in));
    tap_equal(n, 9);
    tap_check(w.stream.busy == NULL);
    messages_are(&w, "t:one;");
    w.stop_after = 1;
    n += receive(&w, bytes_from(buffer_view(&w.in), n));
    tap_equal(n, 18);
    w.stop_after = -1;
    n += receive(&w, bytes_from(buffer_view(&w.in), n));
    tap_equal(n, w.in.len);
    messages_are(&w, "t:one;t:two;t:three;");
    world_done(&w);
}

TAP_CASE(a_stop_at_a_pong_between_fragments_loses_nothing)
{
    struct world w;
    size_t n = 0;

    world_init(&w, WS_STREAM_SERVER, false);
    put_text(&w, 0x01, "a");
    put_text(&w, 0x8a, "p");
    put_text(&w, 0x80, "b");
    w.stop_after = 1;
    n = receive(&w, buffer_view(&w.in));
    tap_equal(n, 14);
    tap_check(w.stream.busy != NULL);
    w.stop_after = -1;
    (void)receive(&w, bytes_from(buffer_view(&w.in), n));
    messages_are(&w, "p:p;t:ab;");
    tap_check(w.stream.busy == NULL);
    world_done(&w);
}

TAP_CASE(large_messages_come_through_in_pieces_of_any_size)
{
    struct world w;
    struct ws_stream_pool *pool;
    size_t sizes[] = {1, 3, 4095, 4096, 4097, 9000, 70000};

    world_init(&w, WS_STREAM_SERVER, false);
    pool = ws_stream_pool_new(WS_STREAM_SERVER, 1 << 20, 1);
    put_len(&w, 0x01, 65535);
    put_len(&w, 0x80, 20000);
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct bytes rest = buffer_view(&w.in);

        buffer_clear(&w.messages);
        while (rest.len > 0) {
            size_t n = rest.len < sizes[s] ? rest.len : sizes[s];
            size_t taken = ws_stream_receive(&w.stream,
                                             pool,
                                             bytes_of(rest.data, n),
                                             &w.out,
                                             on_message,
                                             &w);

            tap_equal(taken, n);
            rest = bytes_from(rest, n);
        }
        tap_equal(w.messages.len, 85535 + 3);
        tap_equal(w.messages.data[85535 + 1], 'x');
        tap_check(w.stream.busy == NULL);
    }
    ws_stream_pool_free(pool);
    world_done(&w);
}

TAP_CASE(a_deflated_message_is_inflated_and_checked)
{
    struct world w;

    world_init(&w, WS_STREAM_SERVER, true);
    put(&w, 0xc1, bytes_of("\xf2\x48\xcd\xc9\xc9\x07\x00", 7));
    put_text(&w, 0x81, "plain");
    put(&w, 0x41, bytes_of("\xf2\x48\xcd", 3));
    put_text(&w, 0x89, "p");
    put(&w, 0x80, bytes_of("\xc9\xc9\x07\x00", 4));
    put(&w, 0xc2, bytes_of("\x00\x01\x00\xfe\xff\xff\x00", 7));
    feed_both_ways(&w);
    messages_are(&w, "t:Hello;t:plain;t:Hello;b:\xff;");
    out_is(&w, "\x8a\x01p");
    tap_check(w.stream.busy == NULL);
    world_done(&w);
    /* Stored: a byte that is not UTF-8; then what is not deflate at all. */
    tap_equal(deflate_code("\xc1\x87" ZERO "\x00\x01\x00\xfe\xff\xff\x00"),
              1007);
    tap_equal(deflate_code("\xc1\x83" ZERO "\xff\xff\xff"), 1007);
}

TAP_CASE(a_client_reads_what_the_fan_out_compresses_once)
{
    static const char beginning[] = "{\"type\":\"data\",\"id\":\"7\",";
    static const char tail[] = "\"event\":\"{\\\"a\\\":1,\\\"b\\\":1}\"}";
    struct ws_deflate *d = ws_deflate_new();
    uint8_t header[WS_FRAME_HEADER_MAX];
    uint8_t stored[WS_DEFLATE_STORED_LEN];
    struct buffer shared;
    struct world w;
    size_t payload_len = 0;

    world_init(&w, WS_STREAM_CLIENT, true);
    buffer_init(&shared, 5000);
    ws_deflate_tail(d, bytes_text(tail), &shared);
    payload_len = sizeof(stored) + sizeof(beginning) - 1 + shared.len;
    put_raw(
        &w, header, ws_frame_header(header, WS_FRAME_TEXT, true, payload_len));
    ws_deflate_stored(sizeof(beginning) - 1, stored);
    put_raw(&w, stored, sizeof(stored));
    put_raw(&w, beginning, sizeof(beginning) - 1);
    put_raw(&w, shared.data, shared.len);
    feed_both_ways(&w);
    messages_are(&w,
                 "t:{\"type\":\"data\",\"id\":\"7\","
                 "\"event\":\"{\\\"a\\\":1,\\\"b\\\":1}\"};");
    buffer_done(&shared);
    ws_deflate_free(d);
    world_done(&w);
}

TAP_CASE(a_clients_frames_are_masked_and_a_server_reads_them)
{
    struct world client;
    struct world server;

    world_init(&client, WS_STREAM_CLIENT, false);
    world_init(&server, WS_STREAM_SERVER, false);
    ws_stream_send_text(
        &client.stream, client.pool, bytes_text("hello"), &client.out);
    (void)receive(&client, bytes_of("\x89\x01p", 3));
    (void)receive(&client, bytes_of("\x88\x02\x03\xe8", 4));
    (void)receive(&server, buffer_view(&client.out));
    messages_are(&server, "t:hello;p:p;");
    tap_equal(server.stream.close_code, 1000);
    tap_check(memmem(client.out.data, client.out.len, "hello", 5) == NULL);
    world_done(&client);
    world_done(&server);
}

static bool take(void *context, enum ws_stream_kind kind, struct bytes message)
{
    (void)context;
    (void)kind;
    (void)message;
    return true;
}

/* Whether what is unfinished after these bytes, sent without masks, began
 * within them. */
static bool renewed(struct ws_stream *s,
                    struct ws_stream_pool *pool,
                    struct bytes in)
{
    struct buffer out;

    buffer_init(&out, 1000);
    tap_equal(ws_stream_receive(s, pool, in, &out, take, NULL), in.len);
    tap_check(ws_stream_unfinished(s));
    buffer_done(&out);
    return s->renewed;
}

TAP_CASE(what_is_unfinished_is_told_from_what_was_before)
{
#define BYTES(text) bytes_of(text, sizeof(text) - 1)
    struct ws_stream_pool *pool = ws_stream_pool_new(WS_STREAM_CLIENT, 1000, 1);
    struct ws_stream s;

    ws_stream_init(&s, false);
    tap_check(!ws_stream_unfinished(&s));
    tap_check(renewed(&s, pool, BYTES("\x81"))); /* half a header */
    tap_check(!renewed(&s,
                       pool,
                       BYTES("\x03"
                             "a"))); /* of "abc" */
    tap_check(!renewed(&s, pool, BYTES("b")));
    tap_check(renewed(&s,
                      pool,
                      BYTES("c\x01\x02"
                            "d")));                    /* the next */
    tap_check(!renewed(&s, pool, BYTES("e")));         /* and more of it */
    tap_check(!renewed(&s, pool, BYTES("\x8a\x02x"))); /* half a pong */
    tap_check(!renewed(&s, pool, BYTES("y\x8a\x00")));
    tap_check(!renewed(&s, pool, BYTES("\x80\x01")));
    tap_check(renewed(&s, pool, BYTES("f\x8a\x01"))); /* between messages */
    tap_check(renewed(&s, pool, BYTES("x\x8a\x01")));
    ws_stream_done(&s, pool);
    ws_stream_pool_free(pool);
#undef BYTES
}

TAP_MAIN()

/* src/bench_frames: frames come out whole however they arrive, and what the
 * generator sends is what a server reads. */
#include "src/bench_frames.h"

#include "proto/ws_frame.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

struct seen {
    size_t count;
    unsigned opcode;
    struct buffer all; /* payloads, each with a '|' behind */
};

static struct bench_frames frames;
static struct seen seen;
static struct buffer wire;

static void begin(void)
{
    bench_frames_done(&frames);
    bench_frames_init(&frames);
    buffer_done(&seen.all);
    buffer_init(&seen.all, 4 * BENCH_FRAMES_BYTES_MAX);
    seen.count = 0;
    buffer_done(&wire);
    buffer_init(&wire, 4 * BENCH_FRAMES_BYTES_MAX);
}

static void add(unsigned opcode, size_t len)
{
    uint8_t header[WS_FRAME_HEADER_MAX];

    buffer_append(
        &wire,
        bytes_of(
            header,
            ws_frame_header(header, (enum ws_frame_opcode)opcode, false, len)));
    for (size_t i = 0; i < len; i++) {
        buffer_u8(&wire, (uint8_t)('a' + i % 26));
    }
}

static void on_frame(void *context, unsigned opcode, struct bytes payload)
{
    tap_check(context == &seen);
    seen.count++;
    seen.opcode = opcode;
    buffer_append(&seen.all, payload);
    buffer_u8(&seen.all, '|');
}

static int receive(struct bytes in)
{
    return bench_frames_receive(&frames, in, on_frame, &seen);
}

TAP_CASE(bench_frames_splits_what_comes_together)
{
    begin();
    add(WS_FRAME_TEXT, 3);
    add(WS_FRAME_PING, 0);
    add(WS_FRAME_TEXT, 2);

    tap_equal(receive(buffer_view(&wire)), RC_OK);
    tap_equal(seen.count, 3);
    tap_equal_text(buffer_view(&seen.all), "abc||ab|");
    tap_equal(frames.partial.len, 0);
}

TAP_CASE(bench_frames_tells_the_opcode)
{
    begin();
    add(WS_FRAME_CLOSE, 2);

    tap_equal(receive(buffer_view(&wire)), RC_OK);
    tap_equal(seen.opcode, WS_FRAME_CLOSE);
}

TAP_CASE(bench_frames_reads_every_form_of_length)
{
    static const size_t lengths[] = {0, 125, 126, 127, 65535, 65536, 70000};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        begin();
        add(WS_FRAME_TEXT, lengths[i]);
        tap_equal(receive(buffer_view(&wire)), RC_OK);
        tap_equal(seen.count, 1);
        tap_equal(seen.all.len, lengths[i] + 1);
    }
}

TAP_CASE(bench_frames_puts_frames_together_that_come_byte_by_byte)
{
    begin();
    add(WS_FRAME_TEXT, 3);
    add(WS_FRAME_TEXT, 200);
    add(WS_FRAME_TEXT, 1);

    for (size_t i = 0; i < wire.len; i++) {
        tap_equal(receive(bytes_of(wire.data + i, 1)), RC_OK);
    }
    tap_equal(seen.count, 3);
    tap_equal(seen.all.len, 3 + 200 + 1 + 3);
    tap_equal(frames.partial.len, 0);
    tap_check(frames.partial.data == NULL);
}

TAP_CASE(bench_frames_cut_anywhere_come_out_the_same)
{
    begin();
    add(WS_FRAME_TEXT, 130);
    add(WS_FRAME_TEXT, 5);

    for (size_t cut = 0; cut <= wire.len; cut++) {
        seen.count = 0;
        buffer_clear(&seen.all);
        tap_equal(receive(bytes_of(wire.data, cut)), RC_OK);
        tap_equal(receive(bytes_of(wire.data + cut, wire.len - cut)), RC_OK);
        tap_equal(seen.count, 2);
        tap_equal(seen.all.len, 137);
    }
}

TAP_CASE(bench_frames_refuses_what_it_does_not_read)
{
    static const uint8_t fragment[] = {0x01, 0x00};
    static const uint8_t compressed[] = {0xc1, 0x00};
    static const uint8_t masked[] = {0x81, 0x80, 0, 0, 0, 0};

    begin();
    tap_equal(receive(bytes_of(fragment, sizeof(fragment))), RC_MALFORMED);
    begin();
    tap_equal(receive(bytes_of(compressed, sizeof(compressed))), RC_MALFORMED);
    begin();
    tap_equal(receive(bytes_of(masked, sizeof(masked))), RC_MALFORMED);
}

TAP_CASE(bench_frames_refuses_a_frame_over_its_bound)
{
    uint8_t header[WS_FRAME_HEADER_MAX];
    size_t len = ws_frame_header(
        header, WS_FRAME_TEXT, false, BENCH_FRAMES_BYTES_MAX + 1);

    begin();
    tap_equal(receive(bytes_of(header, len)), RC_MALFORMED);

    begin();
    add(WS_FRAME_TEXT, BENCH_FRAMES_BYTES_MAX);
    tap_equal(receive(bytes_of(wire.data, wire.len - 1)), RC_OK);
    tap_equal(receive(bytes_of(wire.data + wire.len - 1, 1)), RC_OK);
    tap_equal(seen.count, 1);
}

TAP_CASE(bench_frames_writes_masked_frames)
{
    static const char text[] = "hello";
    const uint8_t *key;

    begin();
    bench_frames_write(WS_FRAME_TEXT, bytes_text(text), 0x01020304, &wire);

    tap_equal(wire.len, 2 + 4 + 5);
    tap_equal(wire.data[0], 0x81);
    tap_equal(wire.data[1], 0x80 | 5);
    key = wire.data + 2;
    for (size_t i = 0; i < 5; i++) {
        tap_equal(wire.data[6 + i] ^ key[i % 4], text[i]);
    }
}

TAP_CASE(bench_frames_writes_long_and_empty_frames)
{
    struct buffer payload;

    buffer_init(&payload, 70000);
    tap_check(buffer_reserve(&payload, 70000) != NULL);
    memset(payload.data, 'x', 70000);
    buffer_advance(&payload, 70000);
    begin();
    bench_frames_write(WS_FRAME_TEXT, buffer_view(&payload), 7, &wire);
    tap_equal(wire.len, 10 + 4 + 70000);
    tap_equal(wire.data[1], 0x80 | 127);

    begin();
    bench_frames_write(WS_FRAME_PONG, bytes_of(NULL, 0), 7, &wire);
    tap_equal(wire.len, 6);
    buffer_done(&payload);
}

TAP_MAIN()

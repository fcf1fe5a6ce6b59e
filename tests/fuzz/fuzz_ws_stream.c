/* Any bytes as frames; the first byte picks the role, deflate, the size of the
 * pieces and when to stop. Whole, in pieces and with stops, the same messages
 * come out and the stream ends the same way. */
#include "proto/ws_stream.h"

#include "base/check.h"
#include "base/text.h"

#define MESSAGE_BYTES_MAX 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct run {
    struct ws_stream stream;
    struct buffer seen;
    bool stops; /* after each message */
};

static bool on_message(void *context,
                       enum ws_stream_kind kind,
                       struct bytes message)
{
    struct run *run = context;

    check(message.len <= MESSAGE_BYTES_MAX);
    check(kind != WS_STREAM_TEXT || text_utf8_valid(message));
    buffer_u8(&run->seen, (uint8_t)kind);
    buffer_u32(&run->seen, (uint32_t)message.len);
    buffer_append(&run->seen, message);
    return !run->stops;
}

static void run_stream(struct run *run,
                       uint8_t options,
                       struct bytes in,
                       size_t piece)
{
    enum ws_stream_role role =
        (options & 1) != 0 ? WS_STREAM_CLIENT : WS_STREAM_SERVER;
    struct ws_stream_pool *pool =
        ws_stream_pool_new(role, MESSAGE_BYTES_MAX, 1);
    struct buffer out;

    buffer_init(&run->seen, 1 << 26);
    buffer_init(&out, 1 << 24);
    ws_stream_init(&run->stream, (options & 2) != 0);
    while (in.len > 0 && !run->stream.closed) {
        size_t n = in.len < piece ? in.len : piece;
        size_t consumed = ws_stream_receive(
            &run->stream, pool, bytes_of(in.data, n), &out, on_message, run);

        check(consumed > 0);
        check(consumed == n || run->stops || run->stream.closed);
        in = bytes_from(in, consumed);
    }
    check(!run->stream.closed || run->stream.close_sent);
    check(!run->stream.closed || run->stream.busy == NULL);
    check(!run->stream.closed || out.len >= 2);
    ws_stream_done(&run->stream, pool);
    ws_stream_pool_free(pool);
    buffer_done(&out);
}

static void compare(const struct run *a, const struct run *b)
{
    check(bytes_equal(buffer_view(&a->seen), buffer_view(&b->seen)));
    check(a->stream.closed == b->stream.closed);
    check(a->stream.close_code == b->stream.close_code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct run whole = {.stops = false};
    struct run pieces = {.stops = false};
    struct run stops = {.stops = true};
    struct bytes in = bytes_of(data, len);
    uint8_t options = 0;

    if (!bytes_take_u8(&in, &options)) {
        return 0;
    }
    run_stream(&whole, options, in, SIZE_MAX);
    run_stream(&pieces, options, in, 1 + (options >> 2) % 16);
    run_stream(&stops, options, in, 64);
    compare(&whole, &pieces);
    compare(&whole, &stops);
    buffer_done(&whole.seen);
    buffer_done(&pieces.seen);
    buffer_done(&stops.seen);
    return 0;
}

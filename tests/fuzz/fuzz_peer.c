/* Any bytes as frames: what is read can be written again and then reads the
 * same, and the reader of EVENTS reads what protobuf-c reads. */
#include "proto/peer.h"

#include "base/check.h"
#include "proto/pack.h"
#include "proto/peer.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_events(const struct peer_frame *frame, struct bytes bytes)
{
    struct bytes body = bytes_from(bytes, PEER_HEAD_BYTES);
    struct peer_events events = frame->events;
    Weir__PeerEvents *message =
        (Weir__PeerEvents *)pack_read(&weir__peer_events__descriptor, body);
    struct bytes record;
    size_t count = 0;

    check(message != NULL);
    check(message->origin == events.origin);
    check(message->n_records == events.count);
    while (peer_events_next(&events, &record)) {
        check(record.data >= body.data);
        check(record.data + record.len <= body.data + body.len);
        check(bytes_equal(record, pack_view(message->records[count])));
        count++;
    }
    check(count == frame->events.count);
    pack_free(&message->base);
}

static void check_control(const struct peer_frame *frame)
{
    struct peer_frame again;
    struct buffer first;
    struct buffer second;
    struct bytes rest;

    buffer_init(&first, PEER_FRAME_BYTES_MAX);
    buffer_init(&second, PEER_FRAME_BYTES_MAX);
    peer_encode(frame, &first);
    check(!first.overflowed);
    rest = buffer_view(&first);
    check(peer_decode(&rest, &again) == 0);
    check(rest.len == 0);
    check(again.kind == frame->kind);
    peer_encode(&again, &second);
    check(bytes_equal(buffer_view(&first), buffer_view(&second)));
    peer_frame_done(&again);
    buffer_done(&first);
    buffer_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes rest = bytes_of(data, len);
    struct bytes before = rest;
    static struct peer_frame frame;

    while (peer_decode(&rest, &frame) == 0) {
        struct bytes bytes = bytes_of(before.data, before.len - rest.len);

        check(bytes.len >= PEER_HEAD_BYTES);
        if (frame.kind == PEER_EVENTS || frame.kind == PEER_FETCHED) {
            check_events(&frame, bytes);
        }
        if (frame.kind != PEER_EVENTS && frame.kind != PEER_SKIPPED) {
            check_control(&frame);
        }
        peer_frame_done(&frame);
        before = rest;
    }
    check(rest.len == before.len);
    return 0;
}

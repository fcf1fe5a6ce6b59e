/* The reader and writer of EVENTS are protobuf's, by hand: what one writes the
 * other reads. */
#include "proto/peer_events.h"

#include "base/event.h"
#include "proto/pack.h"
#include "proto/peer.h"
#include "proto/peer.pb-c.h"
#include "tests/lib/tap.h"

static struct buffer out;
static struct peer_events_writer writer;

static void begin(uint64_t origin, size_t cap)
{
    buffer_done(&out);
    buffer_init(&out, cap);
    peer_events_begin(&writer, origin, &out);
}

static bool add(const char *record)
{
    uint8_t *room = peer_events_add(&writer, strlen(record));

    if (room != NULL) {
        memcpy(room, record, strlen(record));
    }
    return room != NULL;
}

static struct bytes body(void)
{
    return bytes_from(buffer_view(&out), PEER_HEAD_BYTES);
}

TAP_CASE(records_come_back_in_order_where_they_stand)
{
    struct bytes rest;
    struct bytes record;
    struct peer_frame frame;

    begin(EVENT_ORIGIN_MAX, 1000);
    tap_check(add("one") && add("2") && add("three"));
    peer_events_end(&writer);
    rest = buffer_view(&out);
    tap_equal(peer_decode(&rest, &frame), 0);
    tap_equal(rest.len, 0);
    tap_equal(frame.kind, PEER_EVENTS);
    tap_check(frame.events.origin == EVENT_ORIGIN_MAX);
    tap_equal(frame.events.count, 3);
    tap_check(peer_events_next(&frame.events, &record));
    tap_equal_text(record, "one");
    tap_check(record.data > out.data && record.data < out.data + out.len);
    tap_check(peer_events_next(&frame.events, &record));
    tap_equal_text(record, "2");
    tap_check(peer_events_next(&frame.events, &record));
    tap_equal_text(record, "three");
    tap_check(!peer_events_next(&frame.events, &record));
    peer_frame_done(&frame);
}

TAP_CASE(protobuf_c_reads_what_is_written)
{
    Weir__PeerEvents *message;

    begin(7, 100000);
    for (size_t len = 1; len <= 300; len++) {
        uint8_t *room = peer_events_add(&writer, len);

        tap_check(room != NULL);
        memset(room, (int)len, len);
    }
    peer_events_end(&writer);
    message =
        (Weir__PeerEvents *)pack_read(&weir__peer_events__descriptor, body());
    tap_check(message != NULL);
    tap_equal(message->origin, 7);
    tap_equal(message->n_records, 300);
    for (size_t i = 0; i < 300; i++) {
        tap_equal(message->records[i].len, i + 1);
        tap_equal(message->records[i].data[i], (uint8_t)(i + 1));
    }
    pack_free(&message->base);
}

TAP_CASE(what_protobuf_c_writes_is_read)
{
    ProtobufCBinaryData records[2] = {pack_field("one", 3),
                                      pack_field("two", 3)};
    Weir__PeerEvents message = WEIR__PEER_EVENTS__INIT;
    struct peer_events events;
    struct bytes record;

    message.origin = 5;
    message.n_records = 2;
    message.records = records;
    buffer_done(&out);
    buffer_init(&out, 100);
    pack_append(&message.base, &out);
    tap_check(peer_events_read(buffer_view(&out), &events));
    tap_equal(events.origin, 5);
    tap_equal(events.count, 2);
    tap_check(peer_events_next(&events, &record));
    tap_equal_text(record, "one");
    tap_check(peer_events_next(&events, &record));
    tap_equal_text(record, "two");
    tap_check(!peer_events_next(&events, &record));
}

static bool read(const char *bytes, size_t len, struct peer_events *ret)
{
    return peer_events_read(bytes_of(bytes, len), ret);
}

#define READ(literal) read(literal, sizeof(literal) - 1, &events)
#define ORIGIN "\x09\1\0\0\0\0\0\0\0"
#define RECORD "\x12\1r"

TAP_CASE(fields_may_come_in_any_order_and_unknown_ones_are_skipped)
{
    struct peer_events events;
    struct bytes record;

    tap_check(READ("\x18\xff\1" RECORD "\x22\2xx" ORIGIN
                   "\x2d\1\2\3\4\x31\1\2\3\4\5\6\7\x8" RECORD));
    tap_equal(events.origin, 1);
    tap_equal(events.count, 2);
    tap_check(peer_events_next(&events, &record));
    tap_equal_text(record, "r");
    tap_check(peer_events_next(&events, &record));
    tap_equal_text(record, "r");
    tap_check(!peer_events_next(&events, &record));
}

TAP_CASE(what_is_not_whole_is_malformed)
{
    static const char whole[] = ORIGIN RECORD;
    struct peer_events events;

    tap_check(READ(ORIGIN RECORD));
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        bool none = len == sizeof(ORIGIN) - 1;

        tap_check(read(whole, len, &events) == none);
        tap_check(!none || events.count == 0);
    }
}

TAP_CASE(what_is_not_protobuf_is_malformed)
{
    struct peer_events events;

    /* Groups, field 0, a tag and a length without end, a length beyond. */
    tap_check(!READ(ORIGIN RECORD "\x1b"));
    tap_check(!READ(ORIGIN RECORD "\x1c"));
    tap_check(!READ(ORIGIN RECORD "\x1e"));
    tap_check(!READ(ORIGIN RECORD "\x02\1r"));
    tap_check(!READ(ORIGIN RECORD "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
    tap_check(!READ(ORIGIN "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1r"));
    tap_check(!READ(ORIGIN "\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7fr"));
    tap_check(!READ(ORIGIN "\x12\2r"));
}

TAP_CASE(a_known_field_of_another_type_is_malformed)
{
    struct peer_events events;

    tap_check(!READ(ORIGIN RECORD "\x08\1"));
    tap_check(!READ(ORIGIN RECORD "\x0a\1x"));
    tap_check(!READ(ORIGIN RECORD "\x10\1"));
    tap_check(!READ(ORIGIN RECORD "\x15\1\2\3\4"));
    tap_check(READ(ORIGIN RECORD "\x18\1"));
}

TAP_CASE(a_tag_and_a_length_are_of_at_most_five_bytes)
{
    struct peer_events events;

    tap_check(READ(ORIGIN "\x92\x80\x80\x80\0\x81\x80\x80\x80\0r"));
    tap_check(!READ(ORIGIN "\x92\x80\x80\x80\x80\0\1r"));
    tap_check(!READ(ORIGIN "\x12\x81\x80\x80\x80\x80\0r"));
}

TAP_CASE(an_empty_record_and_no_origin_are_malformed)
{
    struct peer_events events;

    tap_check(READ(ORIGIN));
    tap_check(!READ(ORIGIN "\x12\0"));
    tap_check(!READ(RECORD));
    tap_check(!READ("\x09\0\0\0\0\0\0\0\0" RECORD));
    tap_check(READ("\x09\xff\xff\xff\xff\xff\xff\xff\3" RECORD));
    tap_check(!READ("\x09\0\0\0\0\0\0\0\4" RECORD));
}

TAP_CASE(a_frame_without_records_is_taken_away)
{
    begin(1, 1000);
    peer_events_end(&writer);
    tap_equal(out.len, 0);
    buffer_text(&out, "before");
    peer_events_begin(&writer, 1, &out);
    peer_events_end(&writer);
    tap_equal_text(buffer_view(&out), "before");
}

TAP_CASE(a_record_that_finds_no_room_leaves_a_good_frame)
{
    struct peer_frame frame;
    struct bytes rest;

    begin(1, 40);
    tap_check(add("a record"));
    tap_check(!add("another record"));
    tap_check(!out.overflowed);
    peer_events_end(&writer);
    rest = buffer_view(&out);
    tap_equal(peer_decode(&rest, &frame), 0);
    tap_equal(frame.events.count, 1);
}

TAP_CASE(a_buffer_without_room_for_a_head_is_overflowed)
{
    begin(1, 5);
    tap_check(!add("r"));
    peer_events_end(&writer);
    tap_check(out.overflowed);
    tap_equal(out.len, 0);
}

TAP_CASE(a_frame_is_full_at_its_limit)
{
    struct peer_frame frame;
    struct bytes rest;
    uint8_t *room;

    begin(1, 2 * PEER_FRAME_BYTES_MAX);
    room = peer_events_add(&writer, PEER_RECORD_BYTES_MAX);
    tap_check(room != NULL);
    memset(room, 'r', PEER_RECORD_BYTES_MAX);
    tap_check(peer_events_add(&writer, 64) == NULL);
    peer_events_end(&writer);
    tap_check(out.len <= PEER_FRAME_BYTES_MAX);
    rest = buffer_view(&out);
    tap_equal(peer_decode(&rest, &frame), 0);

    begin(1, 2 * PEER_FRAME_BYTES_MAX);
    while ((room = peer_events_add(&writer, 1)) != NULL) {
        *room = 'r';
    }
    peer_events_end(&writer);
    tap_check(out.len <= PEER_FRAME_BYTES_MAX);
    tap_check(out.len > PEER_FRAME_BYTES_MAX - 64);
    rest = buffer_view(&out);
    tap_equal(peer_decode(&rest, &frame), 0);
    tap_equal(frame.events.count, writer.count);
}

TAP_MAIN()

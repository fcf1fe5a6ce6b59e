/* Frames come back as they went out; what is not known is skipped, and what is
 * over a limit or out of order is refused. */
#include "proto/peer.h"

#include "base/event.h"
#include "proto/pack.h"
#include "proto/peer.pb-c.h"
#include "tests/lib/tap.h"

static struct buffer out;

static void encode(const struct peer_frame *frame)
{
    buffer_done(&out);
    buffer_init(&out, PEER_FRAME_BYTES_MAX);
    peer_encode(frame, &out);
    tap_check(!out.overflowed);
}

/* What `frame` is after it was encoded; to be freed with peer_frame_done(). */
static struct peer_frame back(const struct peer_frame *frame)
{
    struct peer_frame ret;
    struct bytes rest;

    encode(frame);
    rest = buffer_view(&out);
    tap_equal(peer_decode(&rest, &ret), 0);
    tap_equal(rest.len, 0);
    tap_equal(ret.kind, frame->kind);
    return ret;
}

/* A frame of `kind` with this body, decoded. */
static int decode(uint8_t kind, struct bytes body, struct peer_frame *ret)
{
    struct bytes rest;

    buffer_done(&out);
    buffer_init(&out, PEER_FRAME_BYTES_MAX + 1);
    buffer_u32(&out, (uint32_t)body.len + 1);
    buffer_u8(&out, kind);
    buffer_append(&out, body);
    rest = buffer_view(&out);
    return peer_decode(&rest, ret);
}

/* A message in a frame of `kind`, decoded. */
static int decode_message(uint8_t kind, const ProtobufCMessage *message)
{
    struct peer_frame frame;
    struct buffer body;
    int rc;

    buffer_init(&body, PEER_FRAME_BYTES_MAX);
    pack_append(message, &body);
    rc = decode(kind, buffer_view(&body), &frame);
    if (rc == 0) {
        peer_frame_done(&frame);
    }
    buffer_done(&body);
    return rc;
}

static struct vector vector_of(size_t count)
{
    struct vector v = {0};

    for (size_t i = 0; i < count; i++) {
        tap_check(vector_raise(&v, EVENT_ORIGIN_MAX - i, UINT64_MAX - i));
    }
    return v;
}

static struct peer_frame hello(void)
{
    return (struct peer_frame){
        .kind = PEER_HELLO,
        .hello = {.version = 3,
                  .version_least = 2,
                  .node = EVENT_ORIGIN_MAX,
                  .run = UINT64_MAX,
                  .wall_ms = 1764000000000,
                  .features = 5,
                  .name = bytes_text("n\xc3\xb6rth"),
                  .url_count = 2,
                  .urls = {bytes_text("https://one"), bytes_text("")},
                  .have = vector_of(VECTOR_ORIGINS_MAX),
                  .low_water = vector_of(1)},
    };
}

TAP_CASE(a_hello_comes_back)
{
    struct peer_frame sent = hello();
    struct peer_frame got = back(&sent);

    tap_equal(got.hello.version, 3);
    tap_equal(got.hello.version_least, 2);
    tap_check(got.hello.node == EVENT_ORIGIN_MAX);
    tap_check(got.hello.run == UINT64_MAX);
    tap_equal(got.hello.wall_ms, 1764000000000);
    tap_equal(got.hello.features, 5);
    tap_equal_text(got.hello.name, "n\xc3\xb6rth");
    tap_equal(got.hello.url_count, 2);
    tap_equal_text(got.hello.urls[0], "https://one");
    tap_equal_text(got.hello.urls[1], "");
    tap_equal(got.hello.have.count, VECTOR_ORIGINS_MAX);
    tap_check(vector_equal(&got.hello.have, &sent.hello.have));
    tap_check(vector_equal(&got.hello.low_water, &sent.hello.low_water));
    peer_frame_done(&got);
}

TAP_CASE(vectors_come_back)
{
    struct peer_frame sent = {.kind = PEER_HAVE, .have = vector_of(3)};
    struct peer_frame got = back(&sent);

    tap_check(vector_equal(&got.have, &sent.have));
    peer_frame_done(&got);
    sent = (struct peer_frame){.kind = PEER_WANT};
    tap_check(vector_raise(&sent.want, 7, 0));
    got = back(&sent);
    tap_equal(got.want.count, 1);
    tap_check(vector_knows(&got.want, 7));
    peer_frame_done(&got);
}

TAP_CASE(origins_to_stop_come_back)
{
    struct peer_frame sent = {.kind = PEER_STOP,
                              .stop = {.count = 2, .origins = {9, 4}}};
    struct peer_frame got = back(&sent);

    tap_equal(got.stop.count, 2);
    tap_equal(got.stop.origins[0], 9);
    tap_equal(got.stop.origins[1], 4);
    peer_frame_done(&got);
}

TAP_CASE(a_gap_comes_back)
{
    struct peer_frame sent = {
        .kind = PEER_GAP, .gap = {.origin = 1, .from = 2, .to = UINT64_MAX}};
    struct peer_frame got = back(&sent);

    tap_equal(got.gap.origin, 1);
    tap_equal(got.gap.from, 2);
    tap_check(got.gap.to == UINT64_MAX);
    peer_frame_done(&got);
}

TAP_CASE(issuers_and_members_come_back)
{
    struct peer_frame sent = {.kind = PEER_ISSUERS};
    struct peer_frame got;

    sent.issuers.count = 2;
    sent.issuers.records[0] = bytes_of("\0\1", 2);
    sent.issuers.records[1] = bytes_text("record");
    got = back(&sent);
    tap_equal(got.issuers.count, 2);
    tap_check(bytes_equal(got.issuers.records[0], bytes_of("\0\1", 2)));
    tap_equal_text(got.issuers.records[1], "record");
    peer_frame_done(&got);

    sent = (struct peer_frame){.kind = PEER_MEMBERS,
                               .members = bytes_of("\0table", 6)};
    got = back(&sent);
    tap_check(bytes_equal(got.members, sent.members));
    peer_frame_done(&got);
}

TAP_CASE(pings_goodbyes_and_errors_come_back)
{
    struct peer_frame sent = {.kind = PEER_PING, .nonce = UINT64_MAX};
    struct peer_frame got = back(&sent);

    tap_check(got.nonce == UINT64_MAX);
    peer_frame_done(&got);
    sent = (struct peer_frame){.kind = PEER_PONG, .nonce = 0};
    got = back(&sent);
    tap_equal(got.nonce, 0);
    peer_frame_done(&got);
    sent = (struct peer_frame){.kind = PEER_GOODBYE,
                               .goodbye = PEER_GOODBYE_LEAVING};
    got = back(&sent);
    tap_equal(got.goodbye, PEER_GOODBYE_LEAVING);
    peer_frame_done(&got);
    sent = (struct peer_frame){
        .kind = PEER_ERROR,
        .error = {.code = 99, .text = bytes_text("no such thing")}};
    got = back(&sent);
    tap_equal(got.error.code, 99);
    tap_equal_text(got.error.text, "no such thing");
    peer_frame_done(&got);
}

TAP_CASE(a_frame_that_is_cut_anywhere_is_not_whole)
{
    struct peer_frame sent = hello();
    struct peer_frame got;

    encode(&sent);
    for (size_t len = 0; len < out.len; len++) {
        struct bytes rest = bytes_of(out.data, len);

        tap_equal(peer_decode(&rest, &got), RC_AGAIN);
        tap_equal(rest.len, len);
    }
}

TAP_CASE(frames_are_split_off_one_after_the_other)
{
    struct peer_frame sent = {.kind = PEER_PING, .nonce = 1};
    struct peer_frame got;
    struct bytes rest;

    encode(&sent);
    sent.nonce = 2;
    peer_encode(&sent, &out);
    rest = buffer_view(&out);
    for (uint64_t nonce = 1; nonce <= 2; nonce++) {
        tap_equal(peer_decode(&rest, &got), 0);
        tap_equal(got.nonce, nonce);
        peer_frame_done(&got);
    }
    tap_equal(peer_decode(&rest, &got), RC_AGAIN);
}

TAP_CASE(a_kind_that_is_not_known_is_skipped)
{
    for (unsigned kind = 0; kind <= UINT8_MAX; kind++) {
        struct peer_frame got;

        if (kind > PEER_FETCHED || kind == 0) {
            tap_equal(decode((uint8_t)kind, bytes_text("\xff?"), &got), 0);
            tap_equal(got.kind, PEER_SKIPPED);
            peer_frame_done(&got);
        }
    }
}

TAP_CASE(a_field_that_is_not_known_is_skipped)
{
    static const uint8_t body[] = {
        0x7a, 2, 'n', 'o', 9, 1, 2, 3, 4, 5, 6, 7, 8};
    struct peer_frame got;

    tap_equal(decode(PEER_PING, bytes_of(body, sizeof(body)), &got), 0);
    tap_check(got.nonce == 0x0807060504030201);
    peer_frame_done(&got);
}

TAP_CASE(what_is_not_protobuf_is_malformed_in_every_kind_that_is_known)
{
    for (uint8_t kind = PEER_HELLO; kind <= PEER_FETCHED; kind++) {
        struct peer_frame got;

        tap_equal(decode(kind, bytes_text("\xff\xff"), &got), RC_MALFORMED);
    }
}

TAP_CASE(a_head_that_promises_nothing_is_malformed)
{
    struct peer_frame got;
    struct bytes rest = bytes_of("\0\0\0\0\1", 5);

    tap_equal(peer_decode(&rest, &got), RC_MALFORMED);
}

/* Before the bytes are there. */
TAP_CASE(a_head_that_promises_too_much_is_refused)
{
    struct buffer head;

    for (unsigned kind = 0; kind <= UINT8_MAX; kind++) {
        bool control = kind != 0 && kind != PEER_EVENTS && kind < PEER_FETCHED;
        uint32_t max =
            (control ? PEER_CONTROL_BYTES_MAX : PEER_FRAME_BYTES_MAX) - 4;
        struct peer_frame got;

        for (uint32_t over = 0; over <= 1; over++) {
            struct bytes rest;

            buffer_init(&head, PEER_HEAD_BYTES);
            buffer_u32(&head, max + over);
            buffer_u8(&head, (uint8_t)kind);
            rest = buffer_view(&head);
            tap_equal(peer_decode(&rest, &got), over ? RC_TOO_LARGE : RC_AGAIN);
            buffer_done(&head);
        }
    }
}

static Weir__PeerPlace places[VECTOR_ORIGINS_MAX + 1];
static Weir__PeerPlace *place_pointers[VECTOR_ORIGINS_MAX + 1];

static int decode_vector(size_t count)
{
    Weir__PeerVector message = WEIR__PEER_VECTOR__INIT;

    message.n_places = count;
    message.places = place_pointers;
    return decode_message(PEER_HAVE, &message.base);
}

TAP_CASE(a_vector_is_in_order_and_within_its_limit)
{
    for (size_t i = 0; i <= VECTOR_ORIGINS_MAX; i++) {
        weir__peer_place__init(&places[i]);
        places[i].origin = i + 1;
        place_pointers[i] = &places[i];
    }
    tap_equal(decode_vector(VECTOR_ORIGINS_MAX), 0);
    tap_equal(decode_vector(VECTOR_ORIGINS_MAX + 1), RC_MALFORMED);
    places[1].origin = 1;
    tap_equal(decode_vector(2), RC_MALFORMED);
    places[0].origin = 2;
    tap_equal(decode_vector(2), RC_MALFORMED);
    places[0].origin = 0;
    tap_equal(decode_vector(1), RC_MALFORMED);
    places[0].origin = EVENT_ORIGIN_MAX;
    tap_equal(decode_vector(1), 0);
    places[0].origin = EVENT_ORIGIN_MAX + 1;
    tap_equal(decode_vector(1), RC_MALFORMED);
}

TAP_CASE(a_hello_without_a_version_or_a_node_is_malformed)
{
    Weir__PeerHello message = WEIR__PEER_HELLO__INIT;

    message.version = 1;
    message.version_least = 1;
    message.node = 1;
    tap_equal(decode_message(PEER_HELLO, &message.base), 0);
    message.node = 0;
    tap_equal(decode_message(PEER_HELLO, &message.base), RC_MALFORMED);
    message.node = EVENT_ORIGIN_MAX + 1;
    tap_equal(decode_message(PEER_HELLO, &message.base), RC_MALFORMED);
    message.node = 1;
    message.version_least = 2;
    tap_equal(decode_message(PEER_HELLO, &message.base), RC_MALFORMED);
    message.version_least = 0;
    tap_equal(decode_message(PEER_HELLO, &message.base), RC_MALFORMED);
}

TAP_CASE(the_texts_of_a_hello_are_bounded_utf_8)
{
    static uint8_t text[PEER_URL_BYTES_MAX + 1];
    ProtobufCBinaryData urls[PEER_URLS_MAX + 1];
    Weir__PeerHello message = WEIR__PEER_HELLO__INIT;

    memset(text, 'a', sizeof(text));
    message.version = message.version_least = 1;
    message.node = 1;
    message.urls = urls;
    for (size_t i = 0; i <= PEER_URLS_MAX; i++) {
        urls[i] = pack_field(text, PEER_URL_BYTES_MAX);
    }
    message.n_urls = PEER_URLS_MAX;
    tap_equal(decode_message(PEER_HELLO, &message.base), 0);
    message.n_urls = PEER_URLS_MAX + 1;
    tap_equal(decode_message(PEER_HELLO, &message.base), RC_MALFORMED);
    message.n_urls = 1;
    urls[0].len = PEER_URL_BYTES_MAX + 1;
    tap_equal(decode_message(PEER_HELLO, &message.base), RC_MALFORMED);
    urls[0] = pack_field("\xff", 1);
    tap_equal(decode_message(PEER_HELLO, &message.base), RC_MALFORMED);
    message.n_urls = 0;
    message.name = pack_field(text, PEER_NAME_BYTES_MAX);
    tap_equal(decode_message(PEER_HELLO, &message.base), 0);
    message.name = pack_field(text, PEER_NAME_BYTES_MAX + 1);
    tap_equal(decode_message(PEER_HELLO, &message.base), RC_MALFORMED);
}

TAP_CASE(a_gap_goes_forward)
{
    Weir__PeerGap message = WEIR__PEER_GAP__INIT;

    message.origin = 1;
    message.from = 5;
    message.to = 6;
    tap_equal(decode_message(PEER_GAP, &message.base), 0);
    message.to = 5;
    tap_equal(decode_message(PEER_GAP, &message.base), RC_MALFORMED);
    message.to = 6;
    message.origin = 0;
    tap_equal(decode_message(PEER_GAP, &message.base), RC_MALFORMED);
}

TAP_CASE(a_fetch_comes_back)
{
    struct peer_frame sent = {
        .kind = PEER_FETCH,
        .fetch = {.origin = 1, .after = 2, .until = UINT64_MAX}};
    struct peer_frame got = back(&sent);

    tap_equal(got.fetch.origin, 1);
    tap_equal(got.fetch.after, 2);
    tap_check(got.fetch.until == UINT64_MAX);
    peer_frame_done(&got);
}

TAP_CASE(a_fetch_goes_forward)
{
    Weir__PeerFetch message = WEIR__PEER_FETCH__INIT;

    message.origin = 1;
    message.after = 5;
    message.until = 6;
    tap_equal(decode_message(PEER_FETCH, &message.base), 0);
    message.until = 5;
    tap_equal(decode_message(PEER_FETCH, &message.base), RC_MALFORMED);
    message.until = 6;
    message.origin = 0;
    tap_equal(decode_message(PEER_FETCH, &message.base), RC_MALFORMED);
}

TAP_CASE(what_was_fetched_comes_back_be_it_nothing)
{
    struct peer_frame sent = {.kind = PEER_FETCHED};
    struct peer_frame got;
    struct buffer body;
    struct bytes record;

    buffer_init(&body, 64);
    peer_events_none(7, &body);
    sent.events.fields = buffer_view(&body);
    got = back(&sent);
    tap_equal(got.events.origin, 7);
    tap_equal(got.events.count, 0);
    tap_check(!peer_events_next(&got.events, &record));
    tap_equal(decode(PEER_EVENTS, buffer_view(&body), &got), RC_MALFORMED);

    buffer_append(&body, bytes_text("\x12\3one"));
    sent.events.fields = buffer_view(&body);
    got = back(&sent);
    tap_equal(got.events.count, 1);
    tap_check(peer_events_next(&got.events, &record));
    tap_equal_text(record, "one");
    buffer_done(&body);
}

TAP_CASE(issuers_are_bounded)
{
    static uint8_t record[PEER_ISSUER_BYTES_MAX + 1];
    ProtobufCBinaryData records[PEER_ISSUERS_MAX + 1];
    Weir__PeerIssuers message = WEIR__PEER_ISSUERS__INIT;

    message.records = records;
    for (size_t i = 0; i <= PEER_ISSUERS_MAX; i++) {
        records[i] = pack_field(record, PEER_ISSUER_BYTES_MAX);
    }
    message.n_records = PEER_ISSUERS_MAX;
    tap_equal(decode_message(PEER_ISSUERS, &message.base), 0);
    message.n_records = PEER_ISSUERS_MAX + 1;
    tap_equal(decode_message(PEER_ISSUERS, &message.base), RC_MALFORMED);
    message.n_records = 1;
    records[0].len = PEER_ISSUER_BYTES_MAX + 1;
    tap_equal(decode_message(PEER_ISSUERS, &message.base), RC_MALFORMED);
}

TAP_CASE(origins_to_stop_are_bounded)
{
    uint64_t origins[VECTOR_ORIGINS_MAX + 1];
    Weir__PeerStop message = WEIR__PEER_STOP__INIT;

    for (size_t i = 0; i <= VECTOR_ORIGINS_MAX; i++) {
        origins[i] = i + 1;
    }
    message.origins = origins;
    message.n_origins = VECTOR_ORIGINS_MAX;
    tap_equal(decode_message(PEER_STOP, &message.base), 0);
    message.n_origins = VECTOR_ORIGINS_MAX + 1;
    tap_equal(decode_message(PEER_STOP, &message.base), RC_MALFORMED);
    message.n_origins = 1;
    origins[0] = 0;
    tap_equal(decode_message(PEER_STOP, &message.base), RC_MALFORMED);
}

static uint32_t common(uint32_t least_a,
                       uint32_t a,
                       uint32_t least_b,
                       uint32_t b)
{
    struct peer_hello one = {.version = a, .version_least = least_a};
    struct peer_hello two = {.version = b, .version_least = least_b};

    tap_equal(peer_version_common(&one, &two), peer_version_common(&two, &one));
    return peer_version_common(&one, &two);
}

TAP_CASE(two_nodes_speak_the_highest_version_that_both_know)
{
    tap_equal(common(1, 1, 1, 1), 1);
    tap_equal(common(1, 1, 1, 3), 1);
    tap_equal(common(1, 2, 2, 3), 2);
    tap_equal(common(1, 1, 2, 3), 0);
}

TAP_MAIN()

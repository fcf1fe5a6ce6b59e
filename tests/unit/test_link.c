/* Two links fed into each other, whole and in pieces, honestly and not. */
#include "cluster/link.h"

#include "base/splitmix.h"
#include "tests/lib/tap.h"

#define PIECE_WHOLE SIZE_MAX
#define OUTPUT_MAX (1 << 20)
#define INFLIGHT_MAX (1 << 16)

static const struct link_settings settings = {
    .handshake_timeout_ms = 5000,
    .ping_interval_ms = 1000,
    .silence_timeout_ms = 3000,
    .output_bytes_max = OUTPUT_MAX,
    .inflight_bytes_max = INFLIGHT_MAX,
};
static const uint8_t psk[HANDSHAKE_PSK_BYTES] = {1, 2, 3};

/* One side, and the story of what it was handed, one letter a frame. */
struct side {
    struct link *link;
    char seen[256];
    size_t seen_len;
    size_t record_count;
    size_t record_bytes;
    int answer; /* what on_frame returns */
    enum peer_kind refuse;
};

struct world {
    struct moment now;
    struct side a; /* the initiator */
    struct side b;
    uint64_t random;
};

static int on_frame(void *context, const struct peer_frame *frame)
{
    static const char letters[] = "?HVWSEGIMPQBXFD";
    struct side *side = context;

    if (side->seen_len < sizeof(side->seen) - 1) {
        side->seen[side->seen_len++] = letters[frame->kind];
    }
    if (frame->kind == PEER_EVENTS) {
        struct peer_events events = frame->events;
        struct bytes record;

        while (peer_events_next(&events, &record)) {
            side->record_count++;
            side->record_bytes += record.len;
        }
    }
    return frame->kind == side->refuse ? side->answer : 0;
}

static struct peer_hello hello(void)
{
    return (struct peer_hello){.version = PEER_VERSION,
                               .version_least = PEER_VERSION_LEAST,
                               .node = 1,
                               .name = bytes_text("name")};
}

static struct link *link_with(enum handshake_role role,
                              const uint8_t *secret,
                              uint8_t ephemeral,
                              struct peer_hello hello)
{
    uint8_t bytes[HANDSHAKE_EPHEMERAL_BYTES];

    memset(bytes, ephemeral, sizeof(bytes));
    return link_new(role, secret, bytes, &settings, &hello, (struct moment){0});
}

static void world_init_with(struct world *w, struct peer_hello of_a)
{
    memset(w, 0, sizeof(*w));
    w->a.link = link_with(HANDSHAKE_INITIATOR, psk, 1, of_a);
    w->b.link = link_with(HANDSHAKE_RESPONDER, psk, 2, hello());
}

static void world_init(struct world *w)
{
    world_init_with(w, hello());
}

static void world_done(struct world *w)
{
    link_free(w->a.link);
    link_free(w->b.link);
}

static int feed(struct world *w, struct side *to, struct bytes bytes)
{
    return link_feed(to->link, w->now, bytes, on_frame, to);
}

/* Move up to `piece` bytes; how many were moved. */
static size_t move(struct world *w,
                   struct side *from,
                   struct side *to,
                   size_t piece)
{
    struct bytes out = link_output(from->link);
    size_t n = out.len < piece ? out.len : piece;

    if (n > 0) {
        tap_equal(feed(w, to, bytes_of(out.data, n)), 0);
        link_output_sent(from->link, n);
    }
    return n;
}

static void run(struct world *w, size_t piece)
{
    size_t moved;

    do {
        size_t ab = piece;
        size_t ba = piece;

        if (piece == 0) {
            ab = splitmix_next(&w->random) % 100 + 1;
            ba = splitmix_next(&w->random) % 100 + 1;
        }
        moved = move(w, &w->a, &w->b, ab);
        moved += move(w, &w->b, &w->a, ba);
    } while (moved > 0);
}

static void open_both(struct world *w)
{
    world_init(w);
    run(w, PIECE_WHOLE);
    tap_check(link_is_open(w->a.link) && link_is_open(w->b.link));
    tap_equal_text(bytes_text(w->a.seen), "H");
    tap_equal_text(bytes_text(w->b.seen), "H");
}

/* An EVENTS frame of `count` records of `len` bytes. */
static struct bytes events(struct buffer *frame, size_t count, size_t len)
{
    struct peer_events_writer writer;

    buffer_init(frame, PEER_FRAME_BYTES_MAX);
    peer_events_begin(&writer, 1, frame);
    for (size_t i = 0; i < count; i++) {
        uint8_t *room = peer_events_add(&writer, len);

        tap_check(room != NULL);
        memset(room, 'r', len);
    }
    peer_events_end(&writer);
    return buffer_view(frame);
}

static int send_events(struct side *from,
                       uint64_t last,
                       size_t count,
                       size_t len)
{
    struct buffer frame;
    int rc = link_send_events(from->link, 1, last, events(&frame, count, len));

    buffer_done(&frame);
    return rc;
}

static void send_have(struct side *from, uint64_t sequence)
{
    struct peer_frame have = {.kind = PEER_HAVE};

    tap_check(vector_raise(&have.have, 1, sequence));
    tap_equal(link_send(from->link, &have), 0);
}

static void talk_in_pieces(size_t piece)
{
    struct peer_frame want = {.kind = PEER_WANT};
    struct world w;

    world_init(&w);
    tap_equal(link_send(w.a.link, &want), 0);
    tap_equal(send_events(&w.b, 10, 3, 1000), 0);
    run(&w, piece);
    send_have(&w.a, 10);
    run(&w, piece);
    tap_check(link_is_open(w.a.link) && link_is_open(w.b.link));
    tap_equal(link_version(w.a.link), PEER_VERSION);
    tap_equal(link_version(w.b.link), PEER_VERSION);
    tap_equal_text(bytes_text(w.a.seen), "HE");
    tap_equal_text(bytes_text(w.b.seen), "HWV");
    tap_equal(w.a.record_count, 3);
    tap_equal(w.a.record_bytes, 3000);
    world_done(&w);
}

TAP_CASE(two_links_talk)
{
    talk_in_pieces(PIECE_WHOLE);
}

TAP_CASE(two_links_talk_byte_by_byte)
{
    talk_in_pieces(1);
}

TAP_CASE(two_links_talk_in_pieces_of_any_size)
{
    for (size_t piece = 2; piece < 70; piece++) {
        talk_in_pieces(piece);
    }
    for (int i = 0; i < 50; i++) {
        talk_in_pieces(0);
    }
}

TAP_CASE(nothing_that_was_said_can_be_read_on_the_way)
{
    static const char word[] = "in confidence";
    struct peer_frame members = {.kind = PEER_MEMBERS,
                                 .members = bytes_text(word)};
    struct bytes out;
    struct world w;

    open_both(&w);
    tap_equal(link_send(w.a.link, &members), 0);
    out = link_output(w.a.link);
    tap_check(out.len > sizeof(word));
    tap_check(memmem(out.data, out.len, word, sizeof(word) - 1) == NULL);
    world_done(&w);
}

/* All that A says, handshake and frames, with one bit changed: B hands on
 * nothing of what was changed, and no later byte opens again. A changed length
 * may first have to be waited for. */
TAP_CASE(every_changed_bit_is_refused)
{
    static uint8_t said[4096];
    static uint8_t padding[1 << 16];
    size_t said_len = 0;
    struct bytes out;
    struct world w;

    world_init(&w);
    out = link_output(w.a.link);
    memcpy(said, out.data, said_len = out.len);
    (void)move(&w, &w.a, &w.b, PIECE_WHOLE);
    (void)move(&w, &w.b, &w.a, PIECE_WHOLE);
    out = link_output(w.a.link);
    memcpy(said + said_len, out.data, out.len);
    said_len += out.len;
    world_done(&w);

    for (size_t bit = 0; bit < 8 * said_len; bit++) {
        world_init(&w);
        said[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (feed(&w, &w.b, bytes_of(said, said_len)) == 0) {
            (void)feed(&w, &w.b, bytes_of(padding, sizeof(padding)));
        }
        tap_check(link_end(w.b.link) != LINK_OPEN);
        tap_equal_text(bytes_text(w.b.seen), "");
        tap_equal(feed(&w, &w.b, bytes_of(said, 1)), RC_CLOSED);
        said[bit / 8] ^= (uint8_t)(1 << bit % 8);
        world_done(&w);
    }
    world_init(&w);
    tap_equal(feed(&w, &w.b, bytes_of(said, said_len)), 0);
    tap_equal_text(bytes_text(w.b.seen), "H");
    world_done(&w);
}

TAP_CASE(what_is_cut_off_is_not_handed_on)
{
    struct peer_frame members = {.kind = PEER_MEMBERS,
                                 .members = bytes_text("whole or not at all")};
    struct bytes out;
    struct world w;

    open_both(&w);
    tap_equal(link_send(w.a.link, &members), 0);
    out = link_output(w.a.link);
    tap_equal(feed(&w, &w.b, bytes_of(out.data, out.len - 1)), 0);
    tap_equal_text(bytes_text(w.b.seen), "H");
    tap_equal(feed(&w, &w.b, bytes_from(out, out.len - 1)), 0);
    tap_equal_text(bytes_text(w.b.seen), "HM");
    world_done(&w);
}

TAP_CASE(chunks_that_are_left_out_doubled_or_in_another_order_are_refused)
{
    for (int fault = 0; fault < 3; fault++) {
        struct peer_frame ping = {.kind = PEER_PING};
        uint8_t first[64];
        uint8_t second[64];
        size_t first_len;
        struct bytes out;
        struct world w;

        open_both(&w);
        tap_equal(link_send(w.a.link, &ping), 0);
        out = link_output(w.a.link);
        tap_check(out.len <= sizeof(first));
        memcpy(first, out.data, first_len = out.len);
        link_output_sent(w.a.link, out.len);
        ping.nonce = 1;
        tap_equal(link_send(w.a.link, &ping), 0);
        out = link_output(w.a.link);
        memcpy(second, out.data, out.len);
        if (fault == 1) {
            tap_equal(feed(&w, &w.b, bytes_of(first, first_len)), 0);
            tap_equal(feed(&w, &w.b, bytes_of(first, first_len)), RC_CORRUPT);
        } else {
            tap_equal(feed(&w, &w.b, bytes_of(second, out.len)), RC_CORRUPT);
        }
        tap_equal(link_end(w.b.link), LINK_END_TAMPERED);
        world_done(&w);
    }
}

TAP_CASE(another_secret_ends_the_link)
{
    static const uint8_t other[HANDSHAKE_PSK_BYTES] = {9};
    struct bytes out;
    struct world w;

    world_init(&w);
    link_free(w.b.link);
    w.b.link = link_with(HANDSHAKE_RESPONDER, other, 2, hello());
    out = link_output(w.a.link);
    tap_equal(feed(&w, &w.b, out), RC_DENIED);
    tap_equal(link_end(w.b.link), LINK_END_SECRET);
    tap_equal(link_output(w.b.link).len, 0);
    world_done(&w);
}

TAP_CASE(a_foreign_protocol_ends_the_link_at_once)
{
    struct world w;

    world_init(&w);
    tap_equal(feed(&w, &w.b, bytes_text("GET / HTTP/1.1\r\n")), RC_MALFORMED);
    tap_equal(link_end(w.b.link), LINK_END_FOREIGN);
    tap_equal(feed(&w, &w.a, bytes_text("S")), RC_MALFORMED);
    tap_equal(link_end(w.a.link), LINK_END_FOREIGN);
    world_done(&w);
    world_init(&w);
    tap_equal(feed(&w, &w.b, bytes_text("weirlink\2")), RC_UNSUPPORTED);
    tap_equal(link_end(w.b.link), LINK_END_VERSION);
    world_done(&w);
}

/* All that A once said, played to a new B: it gets an answer to the handshake,
 * not a sealed byte more, and B hands on nothing. */
TAP_CASE(a_conversation_that_is_played_again_gets_nothing)
{
    uint8_t said[1024];
    size_t said_len;
    struct bytes out;
    struct world w;

    world_init(&w);
    out = link_output(w.a.link);
    memcpy(said, out.data, said_len = out.len);
    (void)move(&w, &w.a, &w.b, PIECE_WHOLE);
    (void)move(&w, &w.b, &w.a, PIECE_WHOLE);
    out = link_output(w.a.link);
    tap_check(said_len + out.len <= sizeof(said));
    memcpy(said + said_len, out.data, out.len);
    said_len += out.len;

    link_free(w.b.link);
    w.b.link = link_with(HANDSHAKE_RESPONDER, psk, 3, hello());
    tap_equal(feed(&w, &w.b, bytes_of(said, HANDSHAKE_MESSAGE_BYTES)), 0);
    tap_equal(link_output(w.b.link).len, HANDSHAKE_MESSAGE_BYTES);
    link_output_sent(w.b.link, HANDSHAKE_MESSAGE_BYTES);
    tap_equal(link_output(w.b.link).len, 0);
    tap_equal(feed(&w,
                   &w.b,
                   bytes_of(said + HANDSHAKE_MESSAGE_BYTES,
                            said_len - HANDSHAKE_MESSAGE_BYTES)),
              RC_CORRUPT);
    tap_equal(link_end(w.b.link), LINK_END_TAMPERED);
    tap_equal_text(bytes_text(w.b.seen), "");
    world_done(&w);
}

TAP_CASE(no_version_in_common_ends_both_links_with_a_sentence)
{
    struct peer_hello newer = hello();
    struct bytes out;
    struct world w;

    newer.version = newer.version_least = PEER_VERSION + 1;
    world_init_with(&w, newer);
    (void)move(&w, &w.a, &w.b, PIECE_WHOLE);
    (void)move(&w, &w.b, &w.a, PIECE_WHOLE);
    out = link_output(w.a.link);
    tap_equal(feed(&w, &w.b, out), RC_UNSUPPORTED);
    tap_equal(link_end(w.b.link), LINK_END_VERSION);
    tap_check(!link_is_open(w.b.link));
    out = link_output(w.b.link);
    tap_equal(feed(&w, &w.a, out), RC_UNSUPPORTED);
    tap_equal(link_end(w.a.link), LINK_END_VERSION);
    world_done(&w);
}

TAP_CASE(a_newer_node_that_still_speaks_our_version_is_welcome)
{
    struct peer_hello newer = hello();
    struct world w;

    newer.version = PEER_VERSION + 1;
    world_init_with(&w, newer);
    run(&w, PIECE_WHOLE);
    tap_equal(link_version(w.a.link), PEER_VERSION);
    tap_equal(link_version(w.b.link), PEER_VERSION);
    world_done(&w);
}

/* link_send_events() takes any frame: it does not look into it. */
static void send_raw(struct side *from, uint8_t kind, const char *body)
{
    struct buffer frame;

    buffer_init(&frame, 1000);
    buffer_u32(&frame, (uint32_t)strlen(body) + 1);
    buffer_u8(&frame, kind);
    buffer_text(&frame, body);
    tap_equal(link_send_events(from->link, 1, 1, buffer_view(&frame)), 0);
    buffer_done(&frame);
}

TAP_CASE(a_kind_that_is_not_known_is_counted_and_skipped)
{
    struct world w;

    open_both(&w);
    send_raw(&w.a, 200, "from the future");
    send_have(&w.a, 1);
    run(&w, PIECE_WHOLE);
    tap_equal(link_skipped_count(w.b.link), 1);
    tap_equal_text(bytes_text(w.b.seen), "HV");
    world_done(&w);
}

TAP_CASE(a_malformed_frame_ends_both_links)
{
    struct bytes out;
    struct world w;

    open_both(&w);
    send_raw(&w.a, PEER_GAP, "not protobuf");
    out = link_output(w.a.link);
    tap_equal(feed(&w, &w.b, out), RC_MALFORMED);
    tap_equal(link_end(w.b.link), LINK_END_MALFORMED);
    out = link_output(w.b.link);
    tap_equal(feed(&w, &w.a, out), RC_CLOSED);
    tap_equal(link_end(w.a.link), LINK_END_ERROR);
    tap_equal_text(bytes_text(w.a.seen), "HX");
    world_done(&w);
}

TAP_CASE(a_second_hello_is_malformed)
{
    struct buffer frame;
    struct peer_frame again = {.kind = PEER_HELLO, .hello = hello()};
    struct world w;

    open_both(&w);
    buffer_init(&frame, 1000);
    peer_encode(&again, &frame);
    tap_equal(link_send_events(w.a.link, 1, 1, buffer_view(&frame)), 0);
    tap_equal(feed(&w, &w.b, link_output(w.a.link)), RC_MALFORMED);
    tap_equal_text(bytes_text(w.b.seen), "H");
    buffer_done(&frame);
    world_done(&w);
}

TAP_CASE(a_goodbye_ends_both_links_and_what_came_before_is_handed_on)
{
    struct peer_frame goodbye = {.kind = PEER_GOODBYE};
    struct world w;

    open_both(&w);
    tap_equal(send_events(&w.a, 5, 1, 10), 0);
    tap_equal(link_send(w.a.link, &goodbye), 0);
    link_refuse(w.a.link);
    tap_equal(link_send(w.a.link, &goodbye), RC_CLOSED);
    tap_equal(feed(&w, &w.b, link_output(w.a.link)), RC_CLOSED);
    tap_equal_text(bytes_text(w.b.seen), "HEB");
    tap_equal(link_end(w.b.link), LINK_END_GOODBYE);
    tap_equal(link_end(w.a.link), LINK_END_REFUSED);
    tap_equal(link_deadline_ms(w.a.link) == MOMENT_NEVER, 1);
    world_done(&w);
}

TAP_CASE(who_refuses_a_frame_ends_the_link_with_its_own_reason)
{
    struct world w;

    open_both(&w);
    w.b.refuse = PEER_HAVE;
    w.b.answer = RC_EXISTS;
    send_have(&w.a, 1);
    tap_equal(feed(&w, &w.b, link_output(w.a.link)), RC_EXISTS);
    tap_equal(link_end(w.b.link), LINK_END_REFUSED);
    world_done(&w);
}

TAP_CASE(frames_that_wait_together_share_a_seal)
{
    struct peer_frame members = {.kind = PEER_MEMBERS};
    size_t one;
    struct world w;

    open_both(&w);
    tap_equal(link_send(w.a.link, &members), 0);
    one = link_output(w.a.link).len;
    link_output_sent(w.a.link, one);
    for (int i = 0; i < 10; i++) {
        tap_equal(link_send(w.a.link, &members), 0);
    }
    /* 19 bytes a chunk: its length and its tags. */
    tap_equal(link_output(w.a.link).len, 10 * (one - 19) + 19);
    world_done(&w);
}

TAP_CASE(a_frame_of_many_chunks_arrives_whole)
{
    struct world w;

    open_both(&w);
    tap_equal(send_events(&w.a, 9, 1, PEER_RECORD_BYTES_MAX), 0);
    run(&w, 100000);
    tap_equal_text(bytes_text(w.b.seen), "HE");
    tap_equal(w.b.record_bytes, PEER_RECORD_BYTES_MAX);
    world_done(&w);
}

TAP_CASE(events_stop_at_the_bytes_in_flight_and_go_on_when_they_are_had)
{
    uint64_t sent = 0;
    struct world w;

    open_both(&w);
    tap_equal(link_events_room(w.a.link), INFLIGHT_MAX);
    while (send_events(&w.a, sent + 1, 1, 1000) == 0) {
        sent++;
        run(&w, PIECE_WHOLE);
        tap_check(sent < 1000);
    }
    tap_equal(sent, INFLIGHT_MAX / 1000);
    tap_equal(link_events_room(w.a.link), 0);
    tap_check(link_inflight_bytes(w.a.link) >= INFLIGHT_MAX);
    tap_check(link_inflight_bytes(w.a.link) < INFLIGHT_MAX + 1100);
    /* Control frames are not held up by it. */
    send_have(&w.a, 1);

    send_have(&w.b, sent - 1);
    run(&w, PIECE_WHOLE);
    tap_check(link_inflight_bytes(w.a.link) < 1100);
    tap_equal(send_events(&w.a, sent + 1, 1, 1000), 0);
    link_inflight_forget(w.a.link, 1);
    tap_equal(link_inflight_bytes(w.a.link), 0);
    tap_equal(w.b.record_count, sent);
    world_done(&w);
}

TAP_CASE(output_is_bounded_when_the_peer_does_not_read)
{
    struct peer_frame members = {.kind = PEER_MEMBERS};
    static uint8_t table[200000];
    size_t sent = 0;
    struct world w;

    open_both(&w);
    members.members = bytes_of(table, sizeof(table));
    while (link_send(w.a.link, &members) == 0) {
        tap_check(++sent < 1000);
    }
    tap_equal(sent, (OUTPUT_MAX + PEER_FRAME_BYTES_MAX) / sizeof(table));
    tap_equal(link_events_room(w.a.link), 0);
    tap_equal(send_events(&w.a, 1, 1, 1), RC_BUSY);
    tap_equal(link_inflight_bytes(w.a.link), 0);
    /* What was refused left no trace. */
    run(&w, 1 << 20);
    tap_equal(w.b.seen_len, 1 + sent);
    tap_equal(link_send(w.a.link, &members), 0);
    run(&w, 1 << 20);
    tap_equal(w.b.seen_len, 2 + sent);
    world_done(&w);
}

/* Pings are answered into the output, and no further. */
TAP_CASE(a_flood_of_pings_is_not_answered_without_bound)
{
    struct peer_frame ping = {.kind = PEER_PING};
    struct world w;

    open_both(&w);
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 10000; i++) {
            tap_equal(link_send(w.a.link, &ping), 0);
        }
        (void)move(&w, &w.a, &w.b, PIECE_WHOLE);
    }
    tap_check(link_is_open(w.b.link));
    tap_check(link_output(w.b.link).len <
              OUTPUT_MAX + PEER_FRAME_BYTES_MAX + 10000);
    world_done(&w);
}

TAP_CASE(a_stranger_who_says_nothing_is_not_waited_for)
{
    struct world w;

    world_init(&w);
    tap_equal(link_deadline_ms(w.b.link), 5000);
    w.now.mono_ms = 4999;
    link_tick(w.b.link, w.now);
    tap_equal(link_end(w.b.link), LINK_OPEN);
    w.now.mono_ms = 5000;
    link_tick(w.b.link, w.now);
    tap_equal(link_end(w.b.link), LINK_END_HANDSHAKE);
    tap_equal(feed(&w, &w.b, link_output(w.a.link)), RC_CLOSED);
    world_done(&w);
}

TAP_CASE(a_handshake_without_a_hello_is_not_waited_for_either)
{
    struct world w;

    world_init(&w);
    (void)move(&w, &w.a, &w.b, PIECE_WHOLE);
    w.now.mono_ms = 5000;
    link_tick(w.b.link, w.now);
    tap_equal(link_end(w.b.link), LINK_END_HANDSHAKE);
    world_done(&w);
}

TAP_CASE(pings_measure_the_lag_and_keep_the_link)
{
    struct world w;

    open_both(&w);
    for (uint64_t ms = 0; ms < 20000; ms = link_deadline_ms(w.a.link)) {
        w.now.mono_ms = ms;
        link_tick(w.a.link, w.now);
        (void)move(&w, &w.a, &w.b, PIECE_WHOLE);
        w.now.mono_ms += 40;
        (void)move(&w, &w.b, &w.a, PIECE_WHOLE);
        tap_check(link_is_open(w.a.link));
        tap_equal(link_lag_ms(w.a.link), 40);
        tap_equal(link_deadline_ms(w.a.link), ms + 1000);
    }
    tap_equal_text(bytes_text(w.a.seen), "H");
    world_done(&w);
}

TAP_CASE(a_silent_peer_is_dead)
{
    struct world w;

    open_both(&w);
    for (w.now.mono_ms = 0; link_is_open(w.a.link);) {
        link_tick(w.a.link, w.now);
        if (link_is_open(w.a.link)) {
            w.now.mono_ms = link_deadline_ms(w.a.link);
        }
    }
    tap_equal(w.now.mono_ms, 3000);
    tap_equal(link_end(w.a.link), LINK_END_SILENT);
    world_done(&w);
}

TAP_CASE(each_end_has_a_label_and_a_sentence)
{
    for (enum link_end end = LINK_OPEN; end <= LINK_END_GOODBYE; end++) {
        tap_check(strlen(link_end_label(end)) > 0);
        tap_check(strchr(link_end_label(end), ' ') == NULL);
        tap_check(strlen(link_end_text(end)) > 0);
    }
    link_free(NULL);
}

TAP_MAIN()

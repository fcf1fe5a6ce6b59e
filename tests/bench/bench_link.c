/* What an event costs on a link between two nodes, in CPU of each side, beside
 * two floors: secretstream alone on the same bytes, and protobuf-c as the
 * reader and writer of the same frames. Rounds alternate between the sides,
 * because a processor's speed drifts.
 *
 * Instructions instead of time: valgrind --tool=callgrind
 * --toggle-collect=NAME bench_link frames, NAME being one of write_own,
 * read_own, write_generated and read_generated, each called for FRAMES_BATCHES
 * batches of 256 events. */
#include "cluster/link.h"

#include "base/check.h"
#include "cluster/sealed_stream.h"
#include "proto/pack.h"
#include "proto/peer.pb-c.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EVENT_BYTES 200
#define BATCH_MAX 256
#define ROUNDS 9
#define ROUND_EVENTS 65536
#define FRAMES_BATCHES 100
#define HANDSHAKES 2000

static uint8_t record[EVENT_BYTES];
static struct buffer wire;
static uint64_t sequence;
static size_t records_seen;
static uint64_t bytes_seen;

static double now_ns(void)
{
    struct timespec now;

    check(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

__attribute__((noinline)) static void write_own(size_t count,
                                                struct buffer *out)
{
    struct peer_events_writer w;

    peer_events_begin(&w, 1, out);
    for (size_t i = 0; i < count; i++) {
        uint8_t *room = peer_events_add(&w, sizeof(record));

        check(room != NULL);
        memcpy(room, record, sizeof(record));
    }
    peer_events_end(&w);
}

__attribute__((noinline)) static void read_own(struct bytes body)
{
    struct peer_events events;
    struct bytes one;

    check(peer_events_read(body, &events));
    while (peer_events_next(&events, &one)) {
        records_seen++;
        bytes_seen += one.data[0];
    }
}

__attribute__((noinline)) static void write_generated(size_t count,
                                                      struct buffer *out)
{
    Weir__PeerEvents message = WEIR__PEER_EVENTS__INIT;
    ProtobufCBinaryData fields[BATCH_MAX];

    for (size_t i = 0; i < count; i++) {
        fields[i] = pack_field(record, sizeof(record));
    }
    message.origin = 1;
    message.n_records = count;
    message.records = fields;
    pack_append(&message.base, out);
}

__attribute__((noinline)) static void read_generated(struct bytes body)
{
    Weir__PeerEvents *message =
        (Weir__PeerEvents *)pack_read(&weir__peer_events__descriptor, body);

    check(message != NULL);
    for (size_t i = 0; i < message->n_records; i++) {
        records_seen++;
        bytes_seen += message->records[i].data[0];
    }
    pack_free(&message->base);
}

static struct link *link_of(enum handshake_role role)
{
    static const struct link_settings settings = {
        .handshake_timeout_ms = 1000,
        .ping_interval_ms = 1000,
        .silence_timeout_ms = 3000,
        .output_bytes_max = 1 << 20,
        .inflight_bytes_max = 1 << 30,
    };
    static const uint8_t psk[HANDSHAKE_PSK_BYTES] = {7};
    uint8_t ephemeral[HANDSHAKE_EPHEMERAL_BYTES] = {(uint8_t)(role + 1)};
    struct peer_hello hello = {.version = PEER_VERSION,
                               .version_least = PEER_VERSION_LEAST,
                               .node = role + 1u};

    return link_new(
        role, psk, ephemeral, &settings, &hello, (struct moment){0});
}

static int on_frame(void *context, const struct peer_frame *frame)
{
    (void)context;
    if (frame->kind == PEER_EVENTS) {
        struct peer_events events = frame->events;
        struct bytes one;

        while (peer_events_next(&events, &one)) {
            records_seen++;
            bytes_seen += one.data[0];
        }
    }
    return 0;
}

static void pass(struct link *from, struct link *to)
{
    struct bytes out = link_output(from);

    check(link_feed(to, (struct moment){0}, out, on_frame, NULL) == 0);
    link_output_sent(from, out.len);
}

/* Each batch leaves by itself, as after a commit. */
static double send_round(struct link *from, size_t batch)
{
    struct buffer frame;
    double begin = now_ns();

    buffer_init(&frame, PEER_FRAME_BYTES_MAX);
    for (size_t n = 0; n < ROUND_EVENTS; n += batch) {
        struct bytes out;

        buffer_clear(&frame);
        write_own(batch, &frame);
        sequence += batch;
        check(link_send_events(from, 1, sequence, buffer_view(&frame)) == 0);
        out = link_output(from);
        buffer_append(&wire, out);
        link_output_sent(from, out.len);
    }
    buffer_done(&frame);
    return (now_ns() - begin) / ROUND_EVENTS;
}

/* One read for each batch. */
static double receive_round(struct link *to, size_t batch)
{
    size_t piece = wire.len / (ROUND_EVENTS / batch);
    struct bytes rest = buffer_view(&wire);
    double begin = now_ns();

    while (rest.len > 0) {
        struct bytes some;

        check(bytes_take(&rest, piece, &some));
        check(link_feed(to, (struct moment){0}, some, on_frame, NULL) == 0);
    }
    return (now_ns() - begin) / ROUND_EVENTS;
}

/* The same chunks, of bytes that are there already. */
static void floor_round(size_t chunk, double *ret_seal, double *ret_open)
{
    struct handshake_keys keys = {.send = {1}, .receive = {1}};
    static uint8_t plain[UINT16_MAX];
    struct sealed_stream stream;
    struct bytes rest;
    struct buffer opened;
    double begin;

    sealed_stream_init(&stream, &keys);
    buffer_init(&opened, UINT16_MAX);
    buffer_clear(&wire);
    begin = now_ns();
    for (size_t n = 0; n < ROUND_EVENTS * EVENT_BYTES; n += chunk) {
        sealed_stream_seal(&stream, bytes_of(plain, chunk), &wire);
    }
    *ret_seal = (now_ns() - begin) / ROUND_EVENTS;
    rest = buffer_view(&wire);
    begin = now_ns();
    while (rest.len > 0) {
        buffer_clear(&opened);
        check(sealed_stream_open(&stream, &rest, &opened) == 0);
    }
    *ret_open = (now_ns() - begin) / ROUND_EVENTS;
    buffer_done(&opened);
    sealed_stream_done(&stream);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(values[0]), compare);
    return values[ROUNDS / 2];
}

static void print_side(const char *side,
                       size_t batch,
                       double link,
                       double floor)
{
    printf("%-8s batches of %3zu  %7.1f ns an event  %5.2f ns a byte  "
           "secretstream alone %7.1f ns  ratio %.2f\n",
           side,
           batch,
           link,
           link / EVENT_BYTES,
           floor,
           link / floor);
}

static void measure_link(size_t batch)
{
    struct link *from = link_of(HANDSHAKE_INITIATOR);
    struct link *to = link_of(HANDSHAKE_RESPONDER);
    struct peer_frame have = {.kind = PEER_HAVE,
                              .have = {.count = 1, .entries = {{.origin = 1}}}};
    size_t chunk = batch * EVENT_BYTES;
    double sent[ROUNDS];
    double received[ROUNDS];
    double seal[ROUNDS];
    double open[ROUNDS];

    for (int i = 0; i < 2; i++) {
        pass(from, to);
        pass(to, from);
    }
    check(link_is_open(from) && link_is_open(to));
    for (size_t i = 0; i < ROUNDS; i++) {
        buffer_clear(&wire);
        sent[i] = send_round(from, batch);
        received[i] = receive_round(to, batch);
        have.have.entries[0].sequence = sequence;
        check(link_send(to, &have) == 0);
        pass(to, from);
        check(link_inflight_bytes(from) == 0);
        floor_round(chunk, &seal[i], &open[i]);
    }
    check(records_seen == ROUNDS * ROUND_EVENTS);
    records_seen = 0;
    print_side("send", batch, median(sent), median(seal));
    print_side("receive", batch, median(received), median(open));
    link_free(from);
    link_free(to);
}

/* Garbage, and a message made with another secret, cost a responder the same:
 * up to the first tag. */
static void measure_handshake(void)
{
    static const uint8_t psk[2][HANDSHAKE_PSK_BYTES] = {{7}, {8}};
    static const uint8_t ephemeral[HANDSHAKE_EPHEMERAL_BYTES] = {1};
    uint8_t message[HANDSHAKE_MESSAGE_BYTES];
    uint8_t answer[HANDSHAKE_MESSAGE_BYTES];
    double us[2];

    for (size_t same = 0; same < 2; same++) {
        struct handshake_keys keys;
        struct handshake h;
        double begin;

        handshake_init(&h, HANDSHAKE_INITIATOR, psk[same], ephemeral);
        handshake_begin(&h, message);
        begin = now_ns();
        for (size_t i = 0; i < HANDSHAKES; i++) {
            handshake_init(&h, HANDSHAKE_RESPONDER, psk[1], ephemeral);
            check(handshake_answer(&h, message, answer, &keys) ==
                  (same ? 0 : RC_DENIED));
            handshake_done(&h);
        }
        us[same] = (now_ns() - begin) / HANDSHAKES / 1000;
    }
    printf("a responder's handshake: %.1f us, %.1f us when the secret is "
           "another\n",
           us[1],
           us[0]);
}

static void print_frames(const char *what, double *own, double *generated)
{
    printf("%-8s %7.1f ns an event  protobuf-c %7.1f ns  ratio %.2f\n",
           what,
           median(own),
           median(generated),
           own[ROUNDS / 2] / generated[ROUNDS / 2]);
}

static double frames_round(void (*write)(size_t, struct buffer *))
{
    double begin = now_ns();

    for (size_t n = 0; n < FRAMES_BATCHES; n++) {
        buffer_clear(&wire);
        write(BATCH_MAX, &wire);
    }
    return (now_ns() - begin) / (FRAMES_BATCHES * BATCH_MAX);
}

static double body_round(void (*read)(struct bytes), struct bytes body)
{
    double begin = now_ns();

    for (size_t n = 0; n < FRAMES_BATCHES; n++) {
        read(body);
    }
    return (now_ns() - begin) / (FRAMES_BATCHES * BATCH_MAX);
}

static void measure_frames(size_t rounds)
{
    double own_write[ROUNDS];
    double own_read[ROUNDS];
    double generated_write[ROUNDS];
    double generated_read[ROUNDS];

    for (size_t i = 0; i < rounds; i++) {
        generated_write[i] = frames_round(write_generated);
        generated_read[i] = body_round(read_generated, buffer_view(&wire));
        own_read[i] = body_round(read_own, buffer_view(&wire));
        own_write[i] = frames_round(write_own);
    }
    check(records_seen == rounds * FRAMES_BATCHES * BATCH_MAX * 2);
    records_seen = 0;
    if (rounds == ROUNDS) {
        print_frames("write", own_write, generated_write);
        print_frames("read", own_read, generated_read);
    }
}

int main(int argc, char **argv)
{
    check(sodium_init() >= 0); /* picks the processor's own instructions */
    buffer_init(&wire, 1 << 26);
    memset(record, 'r', sizeof(record));
    if (argc > 1 && strcmp(argv[1], "frames") == 0) {
        measure_frames(1);
    } else {
        measure_link(1);
        measure_link(16);
        measure_link(256);
        measure_frames(ROUNDS);
        measure_handshake();
    }
    buffer_done(&wire);
    check(bytes_seen > 0);
    return 0;
}

/* Answers over HTTP come in the order of the requests; over WebSocket in any,
 * so there a publish's id is its sequence. */
#include "src/bench_publisher.h"

#include "base/alloc.h"
#include "base/check.h"
#include "proto/http_response.h"
#include "proto/ws_frame.h"
#include "src/bench_channel.h"
#include "src/bench_event.h"
#include "src/bench_frames.h"
#include "src/say.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define ID_DIGITS 12
#define ID_BLANK "p000000000000"
#define REQUEST_BYTES_MAX (4 * BENCH_EVENT_BYTES_MAX)
#define OUT_BYTES_MAX (8 * 1024 * 1024)
#define ANSWER_BYTES_MAX 65536
#define MASK_FACTOR                                          \
    UINT64_C(2654435761) /* any odd number spreads the masks \
                          */

/* A request with the places where its digits go. */
struct request {
    struct buffer text;
    size_t event;
    size_t channel;
    size_t id; /* WebSocket only */
};

struct bench_publisher {
    struct bench_run *run;
    const struct bench_publisher_events *events;
    void *context;
    uint32_t index;
    enum bench_settings_transport transport;
    struct ws_client *client;  /* WebSocket; NULL once it closed */
    struct outbound *outbound; /* HTTP; NULL once it closed */
    struct http_response *response;
    struct bench_frames frames;
    struct request request;
    struct buffer out;
    uint64_t sequence;
    uint64_t outstanding;
    uint64_t answered; /* HTTP: the sequence that is answered next */
    uint64_t sent_ns[BENCH_SETTINGS_WINDOW_MAX]; /* by sequence */
};

static bool is_ws(const struct bench_publisher *p)
{
    return p->transport == BENCH_SETTINGS_WS;
}

static size_t place_of(const struct buffer *text, const char *part, size_t skip)
{
    const uint8_t *found = memmem(text->data, text->len, part, strlen(part));

    check(found != NULL);
    return (size_t)(found - text->data) + skip;
}

static void request_nchan(struct bench_publisher *p,
                          struct bytes channel,
                          struct bytes event)
{
    struct buffer *text = &p->request.text;

    buffer_text(text, "POST /pub?id=");
    buffer_append(text, channel);
    buffer_printf(text,
                  " HTTP/1.1\r\nhost: %s\r\ncontent-length: %zu\r\n\r\n",
                  p->run->settings->client->authority,
                  event.len);
    buffer_append(text, event);
}

static void request_http(struct bench_publisher *p,
                         struct bytes channel,
                         struct bytes event)
{
    struct http_client_options options =
        client_http_options(p->run->settings->client);
    const struct client_request_events events = {.texts = &event, .count = 1};
    struct buffer body;

    buffer_init(&body, REQUEST_BYTES_MAX);
    client_request_publish_body(channel, &events, &body);
    http_client_request(&options, buffer_view(&body), &p->request.text);
    buffer_done(&body);
}

static void request_ws(struct bench_publisher *p,
                       struct bytes channel,
                       struct bytes event)
{
    struct ws_client_options options =
        client_ws_options(p->run->settings->client);
    const struct client_request_events events = {.texts = &event, .count = 1};

    client_request_publish(
        &options.who, bytes_text(ID_BLANK), channel, &events, &p->request.text);
}

static void request_prepare(struct bench_publisher *p)
{
    struct request *request = &p->request;
    char channel[BENCH_CHANNEL_BYTES_MAX];
    struct buffer event;
    size_t digits;

    buffer_init(&event, REQUEST_BYTES_MAX);
    buffer_init(&request->text, REQUEST_BYTES_MAX);
    bench_event_blank(
        (size_t)p->run->settings->size, /* escaped= */ false, &event, &digits);
    bench_channel_name(p->run->settings->channel, 0, channel);
    switch (p->transport) {
    case BENCH_SETTINGS_HTTP:
        request_http(p, bytes_text(channel), buffer_view(&event));
        break;
    case BENCH_SETTINGS_NCHAN:
        request_nchan(p, bytes_text(channel), buffer_view(&event));
        break;
    case BENCH_SETTINGS_WS:
        request_ws(p, bytes_text(channel), buffer_view(&event));
        request->id = place_of(&request->text, ID_BLANK, 1);
        break;
    }
    check(!request->text.overflowed);
    request->channel = place_of(
        &request->text, channel, strlen(channel) - BENCH_CHANNEL_DIGITS);
    request->event = place_of(
        &request->text,
        p->transport == BENCH_SETTINGS_NCHAN ? "weir\":\"" : "weir\\\":\\\"",
        p->transport == BENCH_SETTINGS_NCHAN ? 7 : 9);
    buffer_done(&event);
}

/* The id of a publish: twelve decimal digits of its sequence. */
static void id_write(uint64_t sequence, uint8_t *digits)
{
    for (size_t i = ID_DIGITS; i > 0; i--) {
        digits[i - 1] = (uint8_t)('0' + sequence % 10);
        sequence /= 10;
    }
}

static bool id_read(struct bytes text, uint64_t *ret)
{
    static const char begin[] = "\"id\":\"p";
    const size_t begin_len = sizeof(begin) - 1;
    const uint8_t *found = memmem(text.data, text.len, begin, begin_len);
    uint64_t sequence = 0;

    if (found == NULL ||
        (size_t)(found - text.data) + begin_len + ID_DIGITS > text.len) {
        return false;
    }
    for (size_t i = 0; i < ID_DIGITS; i++) {
        sequence = sequence * 10 + (uint64_t)(found[begin_len + i] - '0');
    }
    *ret = sequence;
    return true;
}

/* `said` is the server's whole answer; the first refusal is told. */
static void answer(struct bench_publisher *p,
                   uint64_t sequence,
                   bool ok,
                   struct bytes said)
{
    if (p->outstanding == 0 || sequence >= p->sequence) {
        p->run->report->faults.foreign++;
        return;
    }
    p->outstanding--;
    if (!ok && p->run->report->faults.refused++ == 0) {
        say_line("weir",
                 "a publish was refused: %.*s",
                 (int)(said.len < BENCH_RUN_QUOTED_BYTES_MAX
                           ? said.len
                           : BENCH_RUN_QUOTED_BYTES_MAX),
                 (const char *)said.data);
    }
    p->events->answered(
        p->context, p, p->sent_ns[sequence % BENCH_SETTINGS_WINDOW_MAX], ok);
}

static bool holds(struct bytes text, const char *part)
{
    return text.len > 0 &&
           memmem(text.data, text.len, part, strlen(part)) != NULL;
}

static void on_frame(void *context, unsigned opcode, struct bytes payload)
{
    struct bench_publisher *p = context;
    uint64_t sequence;

    if (opcode == WS_FRAME_PING) {
        bench_frames_write(WS_FRAME_PONG, payload, 0, &p->out);
    } else if (opcode == WS_FRAME_TEXT && id_read(payload, &sequence)) {
        answer(p,
               sequence,
               holds(payload, "\"publish_success\"") &&
                   holds(payload, "\"failed\":[]"),
               payload);
    } else if (opcode == WS_FRAME_TEXT && !holds(payload, "\"ka\"")) {
        p->run->report->faults.foreign++;
    }
}

static void ws_received(void *context, struct bytes bytes)
{
    struct bench_publisher *p = context;

    if (bench_frames_receive(&p->frames, bytes, on_frame, p) != 0) {
        p->run->report->faults.foreign++;
    }
    p->events->read(p->context, p);
}

static void ready(void *context)
{
    struct bench_publisher *p = context;

    p->events->ready(p->context, p);
}

static void closed(void *context, int rc, const struct why *why)
{
    struct bench_publisher *p = context;

    p->client = NULL;
    p->outbound = NULL;
    bench_run_lost(p->run, rc, why);
}

static bool http_ok(const struct bench_publisher *p)
{
    int status = http_response_status(p->response);

    if (p->transport == BENCH_SETTINGS_NCHAN) {
        return status >= 200 && status < 300;
    }
    return status == 200 &&
           holds(http_response_body(p->response), "\"failed\":[]");
}

static void http_received(void *context, struct bytes bytes)
{
    struct bench_publisher *p = context;

    while (bytes.len > 0) {
        size_t consumed = 0;
        int rc = http_response_receive(p->response, bytes, &consumed);

        bytes = bytes_from(bytes, consumed);
        if (rc == RC_AGAIN) {
            break;
        }
        if (rc != 0) {
            struct why why;

            rc = why_set(&why, rc, "the server's answer is not HTTP");
            bench_run_fail(p->run, rc, &why);
            return;
        }
        answer(p, p->answered++, http_ok(p), http_response_body(p->response));
        http_response_next(p->response);
    }
    p->events->read(p->context, p);
}

static const struct ws_client_events ws_events = {
    .opened = ready,
    .received = ws_received,
    .closed = closed,
};

static const struct outbound_events http_events = {
    .opened = ready,
    .received = http_received,
    .closed = closed,
};

struct bench_publisher *bench_publisher_open(
    struct bench_run *run,
    uint32_t index,
    enum bench_settings_transport transport,
    const struct bench_publisher_events *events,
    void *context)
{
    struct bench_publisher *p = alloc_zero(sizeof(*p));

    p->run = run;
    p->index = index;
    p->transport = transport;
    p->events = events;
    p->context = context;
    buffer_init(&p->out, OUT_BYTES_MAX);
    bench_frames_init(&p->frames);
    request_prepare(p);
    run->report->connections++;
    if (is_ws(p)) {
        struct ws_client_options options =
            client_ws_options(run->settings->client);

        p->client = ws_client_open(&run->loop, &options, &ws_events, p);
    } else {
        struct http_client_options options =
            client_http_options(run->settings->client);

        p->response = http_response_new(ANSWER_BYTES_MAX);
        p->outbound =
            outbound_open(&run->loop, &options.target, &http_events, p);
    }
    return p;
}

bool bench_publisher_free_slot(const struct bench_publisher *p)
{
    return (p->client != NULL || p->outbound != NULL) &&
           p->outstanding < BENCH_SETTINGS_WINDOW_MAX &&
           p->out.len + p->request.text.len + WS_FRAME_HEADER_MAX + 4 <=
               OUT_BYTES_MAX;
}

void bench_publisher_publish(struct bench_publisher *p,
                             size_t channel,
                             uint64_t sent_ns)
{
    struct bench_event event = {
        .publisher = bench_publisher_tag(p),
        .sequence = p->sequence,
        .sent_ns = sent_ns,
    };
    uint8_t *text = p->request.text.data;

    check(bench_publisher_free_slot(p));
    bench_event_write(&event, text + p->request.event);
    bench_channel_digits(channel, text + p->request.channel);
    if (is_ws(p)) {
        id_write(p->sequence, text + p->request.id);
        bench_frames_write(WS_FRAME_TEXT,
                           buffer_view(&p->request.text),
                           (uint32_t)(p->sequence * MASK_FACTOR),
                           &p->out);
    } else {
        buffer_append(&p->out, buffer_view(&p->request.text));
    }
    p->sent_ns[p->sequence % BENCH_SETTINGS_WINDOW_MAX] = sent_ns;
    p->sequence++;
    p->outstanding++;
}

void bench_publisher_flush(struct bench_publisher *p)
{
    struct bytes out = buffer_view(&p->out);

    if (out.len == 0) {
        return;
    }
    if (p->client != NULL) {
        check(ws_client_send_frames(p->client, out) == 0);
    } else if (p->outbound != NULL) {
        check(outbound_send(p->outbound, out) == 0);
    }
    buffer_clear(&p->out);
}

uint32_t bench_publisher_index(const struct bench_publisher *p)
{
    return p->index;
}

uint32_t bench_publisher_tag(const struct bench_publisher *p)
{
    static uint32_t process;

    if (process == 0) {
        process = 1 + randombytes_uniform(UINT16_MAX);
    }
    return process << BENCH_PUBLISHER_INDEX_BITS | p->index;
}

uint32_t bench_publisher_tag_index(uint32_t tag)
{
    return tag & ((UINT32_C(1) << BENCH_PUBLISHER_INDEX_BITS) - 1);
}

uint64_t bench_publisher_sequence(const struct bench_publisher *p)
{
    return p->sequence;
}

uint64_t bench_publisher_outstanding(const struct bench_publisher *p)
{
    return p->outstanding;
}

void bench_publisher_close(struct bench_publisher *p)
{
    if (p->client != NULL) {
        ws_client_close(p->client);
        p->client = NULL;
    }
    if (p->outbound != NULL) {
        outbound_close(p->outbound);
        p->outbound = NULL;
    }
}

void bench_publisher_free(struct bench_publisher *p)
{
    if (p == NULL) {
        return;
    }
    http_response_free(p->response);
    bench_frames_done(&p->frames);
    buffer_done(&p->request.text);
    buffer_done(&p->out);
    free(p);
}

/* Reads frames itself, so that a delivery costs the generator a tenth of what
 * it costs the server. */
#include "src/bench_crowd.h"

#include "base/alloc.h"
#include "base/check.h"
#include "proto/ws_frame.h"
#include "src/bench_channel.h"
#include "src/bench_frames.h"

#include <stdlib.h>

#define REQUEST_BYTES_MAX 65536

struct subscriber {
    struct bench_crowd *crowd;
    struct ws_client *client; /* NULL: not opened, or closed */
    struct bench_frames frames;
    size_t hint; /* for bench_event_read() */
    bool subscribed;
};

struct bench_crowd {
    struct bench_run *run;
    const struct bench_crowd_events *events;
    void *context;
    struct subscriber *subscribers;
    size_t count;
    size_t channels;
    const char *begin; /* NULL: nothing */
    size_t opened;     /* begun to open */
    size_t subscribed;
};

static void open_next(struct bench_crowd *crowd);

static bool holds(struct bytes text, const char *part)
{
    return text.len > 0 &&
           memmem(text.data, text.len, part, strlen(part)) != NULL;
}

/* A frame that is no event of ours. */
static void other_frame(struct subscriber *s, struct bytes text)
{
    struct bench_crowd *crowd = s->crowd;
    struct why why;
    int rc;

    if (!s->subscribed && holds(text, "\"subscribe_success\"")) {
        s->subscribed = true;
        crowd->subscribed++;
        if (crowd->subscribed == crowd->count) {
            crowd->events->ready(crowd->context);
        } else {
            open_next(crowd);
        }
    } else if (holds(text, "\"errors\"")) {
        rc = why_set(&why,
                     RC_DENIED,
                     "the server refused a subscription: %.*s",
                     (int)(text.len < BENCH_RUN_QUOTED_BYTES_MAX
                               ? text.len
                               : BENCH_RUN_QUOTED_BYTES_MAX),
                     (const char *)text.data);
        bench_run_fail(crowd->run, rc, &why);
    } else if (!holds(text, "\"ka\"") &&
               !(crowd->begin != NULL && holds(text, "ubscribe_success\""))) {
        crowd->run->report->faults.foreign++;
    }
}

static void answer_ping(struct subscriber *s, struct bytes payload)
{
    struct buffer out;

    buffer_init(&out, REQUEST_BYTES_MAX);
    bench_frames_write(WS_FRAME_PONG, payload, 0, &out);
    (void)ws_client_send_frames(s->client, buffer_view(&out));
    buffer_done(&out);
}

static void on_frame(void *context, unsigned opcode, struct bytes payload)
{
    struct subscriber *s = context;
    struct bench_crowd *crowd = s->crowd;
    struct bench_event event;

    if (s->client == NULL) {
        return; /* the run was given up by a frame before this one */
    }
    if (opcode == WS_FRAME_PING) {
        answer_ping(s, payload);
    } else if (opcode == WS_FRAME_TEXT) {
        if (!s->subscribed || !bench_event_read(payload, &s->hint, &event)) {
            other_frame(s, payload);
            return;
        }
        if (bench_run_measuring(crowd->run)) {
            crowd->run->report->frames++;
        }
        crowd->events->event(
            crowd->context, (size_t)(s - crowd->subscribers), &event);
    }
}

static void on_received(void *context, struct bytes bytes)
{
    struct subscriber *s = context;
    struct bench_crowd *crowd = s->crowd;
    uint64_t frames = crowd->run->report->frames;
    struct why why;

    if (bench_frames_receive(&s->frames, bytes, on_frame, s) != 0) {
        int rc = why_set(&why,
                         RC_MALFORMED,
                         "the server sent a frame that is fragmented, "
                         "compressed or masked");

        bench_run_fail(crowd->run, rc, &why);
        return;
    }
    if (s->client != NULL) {
        crowd->run->report->reads += crowd->run->report->frames > frames;
        crowd->events->read(crowd->context);
    }
}

static void subscribe(struct subscriber *s)
{
    struct bench_crowd *crowd = s->crowd;
    struct ws_client_options options =
        client_ws_options(crowd->run->settings->client);
    char channel[BENCH_CHANNEL_BYTES_MAX];
    struct buffer text;

    bench_channel_name(crowd->run->settings->channel,
                       (size_t)(s - crowd->subscribers) % crowd->channels,
                       channel);
    buffer_init(&text, REQUEST_BYTES_MAX);
    client_request_subscribe(
        &options.who,
        bytes_text("s1"),
        bytes_text(channel),
        bytes_text(crowd->begin == NULL ? "" : crowd->begin),
        &text);
    (void)ws_client_send(s->client, buffer_view(&text));
    buffer_done(&text);
}

static void on_opened(void *context)
{
    subscribe(context);
}

void bench_crowd_begin(struct bench_crowd *crowd, const char *begin)
{
    crowd->begin = begin;
}

void bench_crowd_again(struct bench_crowd *crowd, size_t index)
{
    struct subscriber *s = &crowd->subscribers[index];

    (void)ws_client_send(
        s->client, bytes_text("{\"type\":\"unsubscribe\",\"id\":\"s1\"}"));
    subscribe(s);
}

static void on_closed(void *context, int rc, const struct why *why)
{
    struct subscriber *s = context;

    s->client = NULL;
    bench_run_lost(s->crowd->run, rc, why);
}

static const struct ws_client_events client_events = {
    .opened = on_opened,
    .received = on_received,
    .closed = on_closed,
};

static void open_next(struct bench_crowd *crowd)
{
    struct ws_client_options options =
        client_ws_options(crowd->run->settings->client);
    struct subscriber *s;

    if (crowd->opened == crowd->count ||
        crowd->run->phase != BENCH_RUN_OPENING) {
        return;
    }
    s = &crowd->subscribers[crowd->opened++];
    s->client = ws_client_open(&crowd->run->loop, &options, &client_events, s);
    crowd->run->report->connections++;
}

struct bench_crowd *bench_crowd_new(struct bench_run *run,
                                    size_t subscribers,
                                    size_t channels,
                                    const struct bench_crowd_events *events,
                                    void *context)
{
    struct bench_crowd *crowd = alloc_zero(sizeof(*crowd));

    check(subscribers > 0 && channels > 0);
    crowd->run = run;
    crowd->events = events;
    crowd->context = context;
    crowd->count = subscribers;
    crowd->channels = channels;
    crowd->subscribers = alloc_zero(subscribers * sizeof(struct subscriber));
    for (size_t i = 0; i < subscribers; i++) {
        crowd->subscribers[i].crowd = crowd;
        bench_frames_init(&crowd->subscribers[i].frames);
    }
    return crowd;
}

void bench_crowd_open(struct bench_crowd *crowd)
{
    for (size_t i = 0; i < BENCH_CROWD_OPENING_MAX; i++) {
        open_next(crowd);
    }
}

void bench_crowd_close(struct bench_crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++) {
        struct subscriber *s = &crowd->subscribers[i];

        if (s->client != NULL) {
            ws_client_close(s->client);
            s->client = NULL;
        }
    }
}

void bench_crowd_free(struct bench_crowd *crowd)
{
    if (crowd == NULL) {
        return;
    }
    for (size_t i = 0; i < crowd->count; i++) {
        bench_frames_done(&crowd->subscribers[i].frames);
    }
    free(crowd->subscribers);
    free(crowd);
}

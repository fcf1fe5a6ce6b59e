/* A closed loop: each publisher has `window` publishes without an answer.
 * Publisher p sends its n-th event to channel (p + n) modulo the channels, so
 * a channel's subscriber knows which of its events come next. */
#include "src/bench_publish.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/bench_crowd.h"
#include "src/bench_publisher.h"

#include <stdlib.h>

struct publish {
    struct bench_run run;
    const struct bench_settings *settings;
    struct bench_report *report;
    struct bench_crowd *crowd; /* NULL: nobody subscribes */
    struct bench_publisher **publishers;
    uint64_t *next; /* by channel and publisher: the sequence awaited */
    size_t ready;
    uint64_t received;
};

static void pump(struct publish *s, struct bench_publisher *p)
{
    if (!bench_run_publishing(&s->run)) {
        return;
    }
    while (bench_publisher_free_slot(p) &&
           bench_publisher_outstanding(p) < s->settings->window) {
        uint64_t sequence = bench_publisher_sequence(p);
        uint64_t channel =
            (bench_publisher_index(p) + sequence) % s->settings->channels;

        bench_publisher_publish(p, (size_t)channel, uv_hrtime());
    }
    bench_publisher_flush(p);
}

static void on_answered(void *context,
                        struct bench_publisher *p,
                        uint64_t sent_ns,
                        bool ok)
{
    struct publish *s = context;

    (void)p;
    if (ok && bench_run_measuring(&s->run)) {
        s->report->publishes++;
        histogram_add(&s->report->latency_ns, uv_hrtime() - sent_ns);
    }
}

static void on_answers_read(void *context, struct bench_publisher *p)
{
    pump(context, p);
}

static void on_publisher_ready(void *context, struct bench_publisher *p)
{
    struct publish *s = context;

    (void)p;
    s->ready++;
    if (s->ready == s->settings->connections) {
        bench_run_ready(&s->run);
    }
}

static const struct bench_publisher_events publisher_events = {
    .ready = on_publisher_ready,
    .answered = on_answered,
    .read = on_answers_read,
};

static void open_publishers(void *context)
{
    struct publish *s = context;

    for (size_t i = 0; i < s->settings->connections; i++) {
        s->publishers[i] = bench_publisher_open(
            &s->run, (uint32_t)i, s->settings->transport, &publisher_events, s);
    }
}

/* Which publisher of this run sent an event; false when none did. */
static bool publisher_find(const struct publish *s,
                           const struct bench_event *event,
                           size_t *ret)
{
    size_t index = bench_publisher_tag_index(event->publisher);

    if (index >= s->settings->connections ||
        bench_publisher_tag(s->publishers[index]) != event->publisher) {
        return false;
    }
    *ret = index;
    return true;
}

static void on_event(void *context,
                     size_t channel,
                     const struct bench_event *event)
{
    struct publish *s = context;
    struct bench_report_faults *faults = &s->report->faults;
    uint64_t channels = s->settings->channels;
    uint64_t *next;
    size_t index;

    if (!publisher_find(s, event, &index) ||
        (index + event->sequence) % channels != channel) {
        faults->foreign++;
        return;
    }
    next = &s->next[channel * s->settings->connections + index];
    if (event->sequence < *next) {
        faults->repeats++;
        return;
    }
    faults->gaps += (event->sequence - *next) / channels;
    *next = event->sequence + channels;
    s->received++;
    if (bench_run_measuring(&s->run)) {
        s->report->deliveries++;
    }
}

static void on_read(void *context)
{
    (void)context;
}

static const struct bench_crowd_events crowd_events = {
    .ready = open_publishers,
    .event = on_event,
    .read = on_read,
};

static void load_open(void *context)
{
    struct publish *s = context;
    size_t channels = (size_t)s->settings->channels;

    if (!s->settings->subscribed) {
        open_publishers(s);
        return;
    }
    s->crowd = bench_crowd_new(&s->run, channels, channels, &crowd_events, s);
    bench_crowd_open(s->crowd);
}

static void load_start(void *context)
{
    struct publish *s = context;

    for (size_t i = 0; i < s->settings->connections; i++) {
        pump(s, s->publishers[i]);
    }
}

/* What was published and not answered, or not delivered. */
static uint64_t missing(const struct publish *s)
{
    uint64_t published = 0;
    uint64_t outstanding = 0;

    for (size_t i = 0; i < s->settings->connections; i++) {
        if (s->publishers[i] != NULL) {
            published += bench_publisher_sequence(s->publishers[i]);
            outstanding += bench_publisher_outstanding(s->publishers[i]);
        }
    }
    return s->crowd == NULL ? outstanding
                            : outstanding + published - s->received;
}

static bool load_settled(void *context)
{
    return missing(context) == 0;
}

static void load_close(void *context)
{
    struct publish *s = context;

    s->report->faults.missing = missing(s);
    for (size_t i = 0; i < s->settings->connections; i++) {
        if (s->publishers[i] != NULL) {
            bench_publisher_close(s->publishers[i]);
        }
    }
    if (s->crowd != NULL) {
        bench_crowd_close(s->crowd);
    }
}

/* The first sequence of each publisher that falls on each channel. */
static uint64_t *next_new(const struct bench_settings *settings)
{
    uint64_t channels = settings->channels;
    uint64_t publishers = settings->connections;
    uint64_t *next =
        alloc_zero((size_t)(channels * publishers) * sizeof(uint64_t));

    for (uint64_t c = 0; c < channels; c++) {
        for (uint64_t p = 0; p < publishers; p++) {
            next[c * publishers + p] = (c + channels - p % channels) % channels;
        }
    }
    return next;
}

int bench_publish(const struct bench_settings *settings,
                  struct bench_report *report,
                  struct why *why)
{
    struct publish *s = alloc_zero(sizeof(*s));
    const struct bench_load load = {
        .open = load_open,
        .start = load_start,
        .settled = load_settled,
        .close = load_close,
        .context = s,
    };
    int rc;

    s->settings = settings;
    s->report = report;
    s->next = settings->subscribed ? next_new(settings) : NULL;
    s->publishers = alloc_zero((size_t)settings->connections *
                               sizeof(struct bench_publisher *));
    rc = bench_run(&s->run, settings, &load, report, why);
    bench_crowd_free(s->crowd);
    for (size_t i = 0; i < settings->connections; i++) {
        bench_publisher_free(s->publishers[i]);
    }
    free(s->publishers);
    free(s->next);
    free(s);
    return rc;
}

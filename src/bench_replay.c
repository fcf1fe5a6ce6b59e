/* First publishes the events, then opens the subscribers. Each asks for the
 * last events of the channel, and once it has all of them, asks again. */
#include "src/bench_replay.h"

#include "base/alloc.h"
#include "src/bench_crowd.h"
#include "src/bench_publisher.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct replay {
    struct bench_run run;
    const struct bench_settings *settings;
    struct bench_report *report;
    struct bench_crowd *crowd;
    struct bench_publisher *publisher;
    char begin[64];
    uint64_t *next; /* the sequence that each subscriber awaits */
    size_t done;    /* subscribers that have all, and ask no more */
    bool opened;    /* the subscribers */
};

static void on_event(void *context,
                     size_t index,
                     const struct bench_event *event)
{
    struct replay *r = context;
    struct bench_report_faults *faults = &r->report->faults;

    if (event->publisher != bench_publisher_tag(r->publisher)) {
        faults->foreign++;
        return;
    }
    if (event->sequence < r->next[index]) {
        faults->repeats++;
        return;
    }
    faults->gaps += event->sequence - r->next[index];
    r->next[index] = event->sequence + 1;
    if (bench_run_measuring(&r->run)) {
        r->report->deliveries++;
    }
    if (r->next[index] < r->settings->events) {
        return;
    }
    if (r->run.phase < BENCH_RUN_SETTLING) {
        r->next[index] = 0;
        bench_crowd_again(r->crowd, index);
    } else {
        r->done++;
    }
}

static void ignore(void *context)
{
    (void)context;
}

static void on_crowd_ready(void *context)
{
    struct replay *r = context;

    bench_run_ready(&r->run);
}

static const struct bench_crowd_events crowd_events = {
    .ready = on_crowd_ready,
    .event = on_event,
    .read = ignore,
};

static void pump(struct replay *r)
{
    while (bench_publisher_sequence(r->publisher) < r->settings->events &&
           bench_publisher_outstanding(r->publisher) < r->settings->window &&
           bench_publisher_free_slot(r->publisher)) {
        bench_publisher_publish(r->publisher, 0, uv_hrtime());
    }
    bench_publisher_flush(r->publisher);
}

static void on_publisher_ready(void *context, struct bench_publisher *p)
{
    (void)p;
    pump(context);
}

static void on_answered(void *context,
                        struct bench_publisher *p,
                        uint64_t sent_ns,
                        bool ok)
{
    struct replay *r = context;
    struct why why;

    (void)p;
    (void)sent_ns;
    if (!ok) {
        bench_run_fail(&r->run,
                       why_set(&why, RC_DENIED, "the server refused an event"),
                       &why);
    }
}

static void on_answers_read(void *context, struct bench_publisher *p)
{
    struct replay *r = context;

    if (r->run.phase != BENCH_RUN_OPENING) {
        return;
    }
    pump(r);
    if (!r->opened && bench_publisher_outstanding(p) == 0 &&
        bench_publisher_sequence(p) == r->settings->events) {
        r->opened = true;
        bench_crowd_open(r->crowd);
    }
}

static const struct bench_publisher_events publisher_events = {
    .ready = on_publisher_ready,
    .answered = on_answered,
    .read = on_answers_read,
};

static void load_open(void *context)
{
    struct replay *r = context;

    r->crowd = bench_crowd_new(
        &r->run, (size_t)r->settings->connections, 1, &crowd_events, r);
    bench_crowd_begin(r->crowd, r->begin);
    r->publisher = bench_publisher_open(
        &r->run, 0, r->settings->transport, &publisher_events, r);
}

static bool load_settled(void *context)
{
    const struct replay *r = context;

    return r->done == r->settings->connections;
}

static void load_close(void *context)
{
    struct replay *r = context;

    for (uint64_t i = 0; r->opened && i < r->settings->connections; i++) {
        r->report->faults.missing += r->settings->events - r->next[i];
    }
    if (r->publisher != NULL) {
        bench_publisher_close(r->publisher);
    }
    if (r->crowd != NULL) {
        bench_crowd_close(r->crowd);
    }
}

int bench_replay(const struct bench_settings *settings,
                 struct bench_report *report,
                 struct why *why)
{
    struct replay *r = alloc_zero(sizeof(*r));
    const struct bench_load load = {
        .open = load_open,
        .start = ignore,
        .settled = load_settled,
        .close = load_close,
        .context = r,
    };
    int rc;

    r->settings = settings;
    r->report = report;
    (void)snprintf(r->begin,
                   sizeof(r->begin),
                   "\"replay\":{\"last\":%" PRIu64 "}",
                   settings->events);
    r->next = alloc_zero((size_t)settings->connections * sizeof(uint64_t));
    rc = bench_run(&r->run, settings, &load, report, why);
    bench_crowd_free(r->crowd);
    bench_publisher_free(r->publisher);
    free(r->next);
    free(r);
    return rc;
}

/* Nothing is sent while memory and CPU time are looked at; the events that
 * prove the connections alive are published afterwards. */
#include "src/bench_idle.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/bench_crowd.h"
#include "src/bench_publisher.h"

#include <stdlib.h>

#define PROOF_WINDOW 64 /* publishes without an answer */

struct idle {
    struct bench_run run;
    const struct bench_settings *settings;
    struct bench_report *report;
    struct bench_crowd *crowd;
    struct bench_publisher *publisher;
    bool *arrived; /* by connection */
    uint64_t received;
    bool proving;
};

static void pump(struct idle *s)
{
    while (s->proving && bench_publisher_free_slot(s->publisher) &&
           bench_publisher_outstanding(s->publisher) < PROOF_WINDOW &&
           bench_publisher_sequence(s->publisher) < s->settings->connections) {
        bench_publisher_publish(s->publisher,
                                (size_t)bench_publisher_sequence(s->publisher),
                                uv_hrtime());
    }
    bench_publisher_flush(s->publisher);
}

static void on_event(void *context,
                     size_t index,
                     const struct bench_event *event)
{
    struct idle *s = context;
    struct bench_report_faults *faults = &s->report->faults;

    if (event->publisher != bench_publisher_tag(s->publisher) ||
        event->sequence != index) {
        faults->foreign++;
    } else if (s->arrived[index]) {
        faults->repeats++;
    } else {
        s->arrived[index] = true;
        s->received++;
    }
}

static void on_read(void *context)
{
    (void)context;
}

static void on_answered(void *context,
                        struct bench_publisher *p,
                        uint64_t sent_ns,
                        bool ok)
{
    (void)context;
    (void)p;
    (void)sent_ns;
    (void)ok;
}

static void on_answers_read(void *context, struct bench_publisher *p)
{
    (void)p;
    pump(context);
}

static void on_crowd_ready(void *context)
{
    struct idle *s = context;

    bench_run_ready(&s->run);
}

static const struct bench_crowd_events crowd_events = {
    .ready = on_crowd_ready,
    .event = on_event,
    .read = on_read,
};

static void on_publisher_ready(void *context, struct bench_publisher *p)
{
    struct idle *s = context;

    (void)p;
    bench_crowd_open(s->crowd);
}

static const struct bench_publisher_events publisher_events = {
    .ready = on_publisher_ready,
    .answered = on_answered,
    .read = on_answers_read,
};

static void load_open(void *context)
{
    struct idle *s = context;
    size_t connections = (size_t)s->settings->connections;

    s->crowd =
        bench_crowd_new(&s->run, connections, connections, &crowd_events, s);
    s->publisher = bench_publisher_open(
        &s->run, 0, BENCH_SETTINGS_WS, &publisher_events, s);
}

static void load_start(void *context)
{
    (void)context;
}

static bool load_settled(void *context)
{
    struct idle *s = context;

    if (!s->proving) {
        s->proving = true;
        pump(s);
    }
    return s->received == s->settings->connections &&
           bench_publisher_outstanding(s->publisher) == 0;
}

static void load_close(void *context)
{
    struct idle *s = context;

    s->report->faults.missing = s->settings->connections - s->received;
    if (s->publisher != NULL) {
        bench_publisher_close(s->publisher);
        bench_crowd_close(s->crowd);
    }
}

int bench_idle(const struct bench_settings *settings,
               struct bench_report *report,
               struct why *why)
{
    struct idle *s = alloc_zero(sizeof(*s));
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
    s->arrived = alloc_zero((size_t)settings->connections * sizeof(bool));
    rc = bench_run(&s->run, settings, &load, report, why);
    bench_crowd_free(s->crowd);
    bench_publisher_free(s->publisher);
    free(s->arrived);
    free(s);
    return rc;
}

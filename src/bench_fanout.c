/* Publishes either as fast as `window` events under way end to end allow, which
 * are counted in deliveries, or by a fixed schedule; then latency counts from
 * the scheduled time, so that a stall is not hidden by the publisher waiting
 * for it to end. */
#include "src/bench_fanout.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/bench_crowd.h"
#include "src/bench_publisher.h"

#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

struct fanout {
    struct bench_run run;
    const struct bench_settings *settings;
    struct bench_report *report;
    struct bench_crowd *crowd;
    struct bench_publisher *publisher;
    uint64_t *next; /* the sequence that each subscriber awaits */
    uint64_t received;
    uint64_t begin_ns; /* of the schedule */
    uint64_t scheduled;
    uv_poll_t clock; /* milliseconds, uv_timer_t's, are too coarse */
    int clock_fd;
};

static bool window_open(const struct fanout *f)
{
    uint64_t subscribers = f->settings->connections;
    uint64_t sent = bench_publisher_sequence(f->publisher);

    return bench_publisher_free_slot(f->publisher) &&
           sent * subscribers - f->received <=
               (f->settings->window - 1) * subscribers;
}

static void pump(struct fanout *f)
{
    if (f->settings->rate > 0 || !bench_run_publishing(&f->run)) {
        return;
    }
    while (window_open(f)) {
        bench_publisher_publish(f->publisher, 0, uv_hrtime());
    }
    bench_publisher_flush(f->publisher);
}

static uint64_t schedule_ns(const struct fanout *f, uint64_t number)
{
    return f->begin_ns + number * NS_PER_S / f->settings->rate;
}

static void clock_set(struct fanout *f)
{
    uint64_t at_ns = schedule_ns(f, f->scheduled);
    struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(at_ns / NS_PER_S),
                     .tv_nsec = (long)(at_ns % NS_PER_S)},
    };

    check(timerfd_settime(f->clock_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
}

static void on_clock(uv_poll_t *clock, int status, int events)
{
    struct fanout *f = clock->data;
    uint64_t now_ns = uv_hrtime();
    uint64_t expirations;

    (void)status;
    (void)events;
    (void)!read(f->clock_fd, &expirations, sizeof(expirations));
    if (!bench_run_publishing(&f->run)) {
        return;
    }
    while (schedule_ns(f, f->scheduled) <= now_ns &&
           bench_publisher_free_slot(f->publisher)) {
        bench_publisher_publish(f->publisher, 0, schedule_ns(f, f->scheduled));
        f->scheduled++;
    }
    bench_publisher_flush(f->publisher);
    clock_set(f);
}

static void on_event(void *context,
                     size_t index,
                     const struct bench_event *event)
{
    struct fanout *f = context;
    struct bench_report_faults *faults = &f->report->faults;
    uint64_t now_ns = uv_hrtime();

    if (event->publisher != bench_publisher_tag(f->publisher)) {
        faults->foreign++;
        return;
    }
    if (event->sequence < f->next[index]) {
        faults->repeats++;
        return;
    }
    faults->gaps += event->sequence - f->next[index];
    f->next[index] = event->sequence + 1;
    f->received++;
    if (bench_run_measuring(&f->run)) {
        f->report->deliveries++;
        histogram_add(&f->report->latency_ns,
                      now_ns > event->sent_ns ? now_ns - event->sent_ns : 0);
    }
}

static void on_read(void *context)
{
    pump(context);
}

static void on_answered(void *context,
                        struct bench_publisher *p,
                        uint64_t sent_ns,
                        bool ok)
{
    struct fanout *f = context;

    (void)p;
    (void)sent_ns;
    if (ok && bench_run_measuring(&f->run)) {
        f->report->publishes++;
    }
}

static void on_answers_read(void *context, struct bench_publisher *p)
{
    (void)p;
    pump(context);
}

static void on_publisher_ready(void *context, struct bench_publisher *p)
{
    struct fanout *f = context;

    (void)p;
    bench_run_ready(&f->run);
}

static const struct bench_publisher_events publisher_events = {
    .ready = on_publisher_ready,
    .answered = on_answered,
    .read = on_answers_read,
};

static void on_crowd_ready(void *context)
{
    struct fanout *f = context;

    f->publisher = bench_publisher_open(
        &f->run, 0, f->settings->transport, &publisher_events, f);
}

static const struct bench_crowd_events crowd_events = {
    .ready = on_crowd_ready,
    .event = on_event,
    .read = on_read,
};

static void load_open(void *context)
{
    struct fanout *f = context;

    f->crowd = bench_crowd_new(
        &f->run, (size_t)f->settings->connections, 1, &crowd_events, f);
    bench_crowd_open(f->crowd);
}

static void load_start(void *context)
{
    struct fanout *f = context;

    if (f->settings->rate == 0) {
        pump(f);
        return;
    }
    f->begin_ns = uv_hrtime();
    f->clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    check(f->clock_fd >= 0);
    check(uv_poll_init(&f->run.loop, &f->clock, f->clock_fd) == 0);
    f->clock.data = f;
    check(uv_poll_start(&f->clock, UV_READABLE, on_clock) == 0);
    clock_set(f);
}

static uint64_t missing(const struct fanout *f)
{
    return bench_publisher_sequence(f->publisher) * f->settings->connections -
           f->received;
}

static bool load_settled(void *context)
{
    struct fanout *f = context;

    return missing(f) == 0 && bench_publisher_outstanding(f->publisher) == 0;
}

static void load_close(void *context)
{
    struct fanout *f = context;

    if (f->clock_fd >= 0) {
        uv_close((uv_handle_t *)&f->clock, NULL);
        (void)close(f->clock_fd);
        f->clock_fd = -1;
    }
    if (f->publisher != NULL) {
        f->report->faults.missing = missing(f);
        f->report->faults.missing += bench_publisher_outstanding(f->publisher);
        bench_publisher_close(f->publisher);
    }
    if (f->crowd != NULL) {
        bench_crowd_close(f->crowd);
    }
}

int bench_fanout(const struct bench_settings *settings,
                 struct bench_report *report,
                 struct why *why)
{
    struct fanout *f = alloc_zero(sizeof(*f));
    const struct bench_load load = {
        .open = load_open,
        .start = load_start,
        .settled = load_settled,
        .close = load_close,
        .context = f,
    };
    int rc;

    f->settings = settings;
    f->report = report;
    f->clock_fd = -1;
    f->next = alloc_zero((size_t)settings->connections * sizeof(uint64_t));
    rc = bench_run(&f->run, settings, &load, report, why);
    bench_crowd_free(f->crowd);
    bench_publisher_free(f->publisher);
    free(f->next);
    free(f);
    return rc;
}

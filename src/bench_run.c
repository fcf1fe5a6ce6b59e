/* One timer moves the run from phase to phase. */
#include "src/bench_run.h"

#include "base/check.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define SETTLE_POLL_MS 20
#define PROGRESS_MS 250
#define NS_PER_S 1e9

static void on_timer(uv_timer_t *timer);

static double generator_cpu_s(void)
{
    struct rusage usage;

    check(getrusage(RUSAGE_SELF, &usage) == 0);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void sample(struct bench_run *run, struct bench_server_sample *ret)
{
    struct why why;
    int rc;

    if (run->settings->server_pid == 0 || run->phase == BENCH_RUN_CLOSING) {
        return;
    }
    rc = bench_server_sample((unsigned)run->settings->server_pid, ret, &why);
    if (rc != 0) {
        bench_run_fail(run, rc, &why);
    }
}

static void enter(struct bench_run *run,
                  enum bench_run_phase phase,
                  uint64_t ms)
{
    if (run->phase == BENCH_RUN_CLOSING) {
        return;
    }
    run->phase = phase;
    run->phase_ns = uv_hrtime();
    check(uv_timer_start(&run->timer, on_timer, ms, 0) == 0);
}

static void close_all(struct bench_run *run)
{
    check(run->phase != BENCH_RUN_CLOSING);
    run->phase = BENCH_RUN_CLOSING;
    uv_close((uv_handle_t *)&run->timer, NULL);
    uv_close((uv_handle_t *)&run->progress, NULL);
    run->load->close(run->load->context);
}

void bench_run_fail(struct bench_run *run, int rc, const struct why *why)
{
    check(rc != 0);
    if (run->phase == BENCH_RUN_CLOSING) {
        return;
    }
    run->rc = rc;
    run->why = *why;
    close_all(run);
}

void bench_run_lost(struct bench_run *run, int rc, const struct why *why)
{
    if (run->phase == BENCH_RUN_OPENING) {
        bench_run_fail(run, rc, why);
    } else if (run->phase != BENCH_RUN_CLOSING) {
        run->report->faults.closed++;
    }
}

void bench_run_ready(struct bench_run *run)
{
    struct bench_report *r = run->report;

    if (run->phase != BENCH_RUN_OPENING) {
        return;
    }
    r->connect_seconds = (double)(uv_hrtime() - run->phase_ns) / NS_PER_S;
    sample(run, &r->ready);
    enter(run, BENCH_RUN_WARMING, run->settings->warmup * 1000);
    if (run->phase == BENCH_RUN_WARMING) {
        run->load->start(run->load->context);
    }
}

static void measure_begin(struct bench_run *run)
{
    enter(run, BENCH_RUN_MEASURING, run->settings->seconds * 1000);
    run->generator_cpu_s = generator_cpu_s();
    sample(run, &run->report->first);
}

static void measure_end(struct bench_run *run)
{
    struct bench_report *r = run->report;

    r->seconds = (double)(uv_hrtime() - run->phase_ns) / NS_PER_S;
    r->generator_cpu_s = generator_cpu_s() - run->generator_cpu_s;
    sample(run, &r->last);
    enter(run, BENCH_RUN_SETTLING, SETTLE_POLL_MS);
}

static void settle(struct bench_run *run)
{
    uint64_t waited_ms = (uv_hrtime() - run->phase_ns) / 1000000;

    if (run->load->settled(run->load->context) ||
        waited_ms > BENCH_RUN_SETTLE_MS_MAX) {
        close_all(run);
    } else {
        check(uv_timer_start(&run->timer, on_timer, SETTLE_POLL_MS, 0) == 0);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct bench_run *run = timer->data;
    struct why why;
    int rc;

    switch (run->phase) {
    case BENCH_RUN_OPENING:
        rc = why_set(&why,
                     RC_EXPIRED,
                     "not all connections were open within %d s",
                     BENCH_RUN_OPEN_MS_MAX / 1000);
        bench_run_fail(run, rc, &why);
        break;
    case BENCH_RUN_WARMING:
        measure_begin(run);
        break;
    case BENCH_RUN_MEASURING:
        measure_end(run);
        break;
    case BENCH_RUN_SETTLING:
        settle(run);
        break;
    case BENCH_RUN_CLOSING:
        check_unreachable();
    }
}

static void on_progress(uv_timer_t *timer)
{
    static const char *const names[] = {
        [BENCH_RUN_OPENING] = "opening connections",
        [BENCH_RUN_WARMING] = "warming up",
        [BENCH_RUN_MEASURING] = "measuring",
        [BENCH_RUN_SETTLING] = "waiting for the last events",
        [BENCH_RUN_CLOSING] = "closing",
    };
    struct bench_run *run = timer->data;

    (void)fprintf(stderr,
                  "\r\033[Kweir bench: %s, %.0f s, %llu publishes",
                  names[run->phase],
                  (double)(uv_hrtime() - run->phase_ns) / NS_PER_S,
                  (unsigned long long)run->report->publishes);
}

int bench_run(struct bench_run *run,
              const struct bench_settings *settings,
              const struct bench_load *load,
              struct bench_report *report,
              struct why *why)
{
    bool terminal = isatty(STDERR_FILENO) == 1;

    run->settings = settings;
    run->load = load;
    run->report = report;
    run->rc = 0;
    check(uv_loop_init(&run->loop) == 0);
    check(uv_timer_init(&run->loop, &run->timer) == 0);
    check(uv_timer_init(&run->loop, &run->progress) == 0);
    run->timer.data = run;
    run->progress.data = run;
    report->has_server = settings->server_pid != 0;
    run->phase = BENCH_RUN_OPENING;
    sample(run, &report->idle);
    enter(run, BENCH_RUN_OPENING, BENCH_RUN_OPEN_MS_MAX);
    if (terminal) {
        (void)uv_timer_start(
            &run->progress, on_progress, PROGRESS_MS, PROGRESS_MS);
    }
    if (run->phase == BENCH_RUN_OPENING) {
        load->open(load->context);
    }
    (void)uv_run(&run->loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&run->loop) == 0);
    if (terminal) {
        (void)fputs("\r\033[K", stderr);
    }
    if (run->rc != 0) {
        *why = run->why;
    }
    return run->rc;
}

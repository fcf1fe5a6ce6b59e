/* The course of one measurement, the same in every mode: open all connections,
 * warm up, measure, stop publishing, wait for what is under way, close. */
#ifndef SRC_BENCH_RUN_H
#define SRC_BENCH_RUN_H

#include "src/bench_report.h"
#include "src/bench_settings.h"

#include <uv.h>

#define BENCH_RUN_SETTLE_MS_MAX 10000  /* for what is under way at the end */
#define BENCH_RUN_OPEN_MS_MAX 120000   /* for all connections together */
#define BENCH_RUN_QUOTED_BYTES_MAX 200 /* of a refusal, in our sentence */

/* What a mode does when its time has come. */
struct bench_load {
    void (*open)(void *context);    /* begin to open connections */
    void (*start)(void *context);   /* all are open: begin to publish */
    bool (*settled)(void *context); /* nothing is under way any more */
    void (*close)(void *context);   /* end all connections */
    void *context;
};

enum bench_run_phase {
    BENCH_RUN_OPENING,
    BENCH_RUN_WARMING,
    BENCH_RUN_MEASURING,
    BENCH_RUN_SETTLING,
    BENCH_RUN_CLOSING,
};

struct bench_run {
    uv_loop_t loop;
    const struct bench_settings *settings;
    const struct bench_load *load;
    struct bench_report *report;
    enum bench_run_phase phase;
    struct why why; /* of `rc` */
    int rc;
    /* private */
    uv_timer_t timer;
    uv_timer_t progress;
    uint64_t phase_ns; /* when it began */
    double generator_cpu_s;
};

/* Run to the end. 0, also when the report has faults; else what kept it from
 * measuring anything. */
int bench_run(struct bench_run *run,
              const struct bench_settings *settings,
              const struct bench_load *load,
              struct bench_report *report,
              struct why *why);

/* All connections are open and subscribed. */
void bench_run_ready(struct bench_run *run);

/* Give up: the sentence is bench_run()'s. */
void bench_run_fail(struct bench_run *run, int rc, const struct why *why);

/* A connection ended by itself: fatal while they open, later a fault. */
void bench_run_lost(struct bench_run *run, int rc, const struct why *why);

/* Whether the load is to publish, and whether what happens now counts. */
static inline bool bench_run_publishing(const struct bench_run *run)
{
    return run->phase == BENCH_RUN_WARMING || run->phase == BENCH_RUN_MEASURING;
}

static inline bool bench_run_measuring(const struct bench_run *run)
{
    return run->phase == BENCH_RUN_MEASURING;
}

#endif

/* What a run of `weir bench` found out, and its printed form: a line for each
 * figure, or one JSON object. */
#ifndef SRC_BENCH_REPORT_H
#define SRC_BENCH_REPORT_H

#include "base/buffer.h"
#include "base/histogram.h"
#include "src/bench_server.h"
#include "src/bench_settings.h"

/* What must not happen; any of it makes the run a failure. */
struct bench_report_faults {
    uint64_t missing; /* published and acknowledged, never delivered */
    uint64_t gaps;    /* events passed over when a later one came */
    uint64_t
        repeats; /* came not after the last one: doubled, or out of order */
    uint64_t foreign; /* of another run or channel, or not readable */
    uint64_t refused; /* answered by an error */
    uint64_t closed;  /* connections that ended */
};

struct bench_report {
    /* In the measured time. */
    double seconds;
    uint64_t publishes; /* answered */
    uint64_t deliveries;
    uint64_t frames; /* of events, and the reads that brought them */
    uint64_t reads;
    double generator_cpu_s;
    struct histogram latency_ns;

    /* Of the whole run. */
    struct bench_report_faults faults;

    /* Of the server, when it may be looked at. */
    bool has_server;
    struct bench_server_sample idle;  /* before the first connection */
    struct bench_server_sample ready; /* all are connected and subscribed */
    struct bench_server_sample first; /* the measured time begins */
    struct bench_server_sample last;  /* and ends */
    uint64_t connections;             /* opened by this run */
    double connect_seconds;
};

bool bench_report_faulty(const struct bench_report *r);

void bench_report_text(const struct bench_settings *settings,
                       const struct bench_report *r,
                       struct buffer *out);
void bench_report_json(const struct bench_settings *settings,
                       const struct bench_report *r,
                       struct buffer *out);

#endif

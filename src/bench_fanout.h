/* One publisher, many subscribers of one channel: what a delivery costs, how
 * long it takes, and whether each arrives once and in order. */
#ifndef SRC_BENCH_FANOUT_H
#define SRC_BENCH_FANOUT_H

#include "src/bench_report.h"

/* As bench_run(). */
int bench_fanout(const struct bench_settings *settings,
                 struct bench_report *report,
                 struct why *why);

#endif

/* Many subscribed connections on which nothing happens: the memory that each
 * takes, and at the end one event for each, to show that all still work. */
#ifndef SRC_BENCH_IDLE_H
#define SRC_BENCH_IDLE_H

#include "src/bench_report.h"

/* As bench_run(). */
int bench_idle(const struct bench_settings *settings,
               struct bench_report *report,
               struct why *why);

#endif

/* Many publishers over many channels: what an acknowledged publish costs and
 * how long it takes; with subscribers, whether each event arrives once and in
 * the order of its publisher. */
#ifndef SRC_BENCH_PUBLISH_H
#define SRC_BENCH_PUBLISH_H

#include "src/bench_report.h"

/* As bench_run(). */
int bench_publish(const struct bench_settings *settings,
                  struct bench_report *report,
                  struct why *why);

#endif

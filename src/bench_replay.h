/* Subscribers that read the same events from the log again and again: what a
 * replayed event costs, beside one that is delivered live. */
#ifndef SRC_BENCH_REPLAY_H
#define SRC_BENCH_REPLAY_H

#include "src/bench_report.h"

/* As bench_run(). */
int bench_replay(const struct bench_settings *settings,
                 struct bench_report *report,
                 struct why *why);

#endif

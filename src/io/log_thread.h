/* The log thread: the only writer of the log. Everything that waits for it
 * becomes one transaction and one sync (group commit without a timer), then it
 * reports to the hub. Between commits it trims the window in small steps. */
#ifndef IO_LOG_THREAD_H
#define IO_LOG_THREAD_H

#include "src/bridge/batch.h"
#include "src/bridge/metrics.h"
#include "src/io/mailbox.h"
#include "storage/log.h"

struct log_thread;

struct log_thread_options {
    struct log *log;
    struct mailbox *hub;
    struct metrics *metrics;
    uint64_t age_max_ms; /* of events in the window; 0: no limit */
    uint64_t last_sequence;
};

struct log_thread *log_thread_start(const struct log_thread_options *options);

/* Hand over a batch with its reference. */
void log_thread_append(struct log_thread *t, struct batch *batch);

/* Finish everything that waits, then end. Frees. */
void log_thread_stop(struct log_thread *t);

#endif

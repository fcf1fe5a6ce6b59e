/* What a peer sent to make a hole in the log good, on its way to the log
 * thread. */
#ifndef IO_LOG_MEND_H
#define IO_LOG_MEND_H

#include "base/list.h"
#include "proto/peer_events.h"
#include "storage/log_repair.h"

struct log_mend {
    struct list node;
    struct log_hole hole;
    struct peer_events events; /* of the copy below */
    uint8_t body[];
};

/* Copies `events`; NULL: none are needed. To be freed. */
struct log_mend *log_mend_new(const struct log_hole *hole,
                              const struct peer_events *events);

/* Do it, in the log thread, and say so: how many records are whole again or
 * were cleared away, or as log_repair(). */
int log_mend_run(struct log *log, const struct log_mend *m, struct why *why);

#endif

/* Visiting the events of a log on disk whose node may run, append and trim
 * beside. Lines are printed between the log's read transactions, never inside
 * one: standard output may wait for its reader, and the node can reuse nothing
 * that a transaction may still look at. */
#ifndef SRC_LOG_WALK_H
#define SRC_LOG_WALK_H

#include "base/buffer.h"
#include "storage/log.h"

struct log_walk {
    struct log *log; /* borrowed */
    bool print;      /* a line of JSON for each event, on standard output */
    bool content;    /* with what was published */
    uint64_t left;   /* stops after so many events */
    uint64_t count;  /* events visited */

    /* Private. */
    uint64_t first; /* place of the page's first event; 0: none */
    uint64_t place; /* of the last event */
    struct buffer page;
};

void log_walk_init(struct log_walk *w, struct log *log, uint64_t left);
void log_walk_done(struct log_walk *w);

/* Visit all events, or those of `channel` when its len is not 0; of these the
 * last `left`. Says on standard error which places the node trimmed before they
 * were read. RC_IO: the log cannot be read, or standard output not written;
 * RC_CLOSED: the reader of standard output went away. */
int log_walk_events(struct log_walk *w, struct bytes channel, struct why *why);

#endif

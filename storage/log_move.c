/* Events that take a new place, because others were shown before them. */
#include "storage/log_private.h"

#include "base/check.h"

int log_move(struct log *log,
             struct event *const *events,
             size_t count,
             struct why *why)
{
    int rc;

    check(!log->read_only && count > 0);
    rc = log_append_store(log, events, count, true, why);
    if (rc != 0) {
        return rc;
    }
    log_seek_rewind(log, events[0]);
    for (size_t n = 0; n < count; n++) {
        struct event *event = events[n];

        index_remove(
            log->index, event->channel, event->place, record_len(event));
        log_find_forget(log, event->channel, event->key, event->place);
    }
    log_append_settle(log, events, count);
    return 0;
}

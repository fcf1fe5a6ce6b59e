/* From frames to records, and a line for people. */
#include "src/io/log_mend.h"

#include "base/alloc.h"
#include "src/io/logger.h"

#include <stdlib.h>

struct log_mend *log_mend_new(const struct log_hole *hole,
                              const struct peer_events *events)
{
    size_t len = events == NULL ? 0 : events->fields.len;
    struct log_mend *m = alloc_zero(sizeof(*m) + len);

    m->hole = *hole;
    if (events != NULL) {
        memcpy(m->body, events->fields.data, len);
        m->events = *events;
        m->events.fields = bytes_of(m->body, len);
    }
    return m;
}

int log_mend_run(struct log *log, const struct log_mend *m, struct why *why)
{
    struct peer_events rest = m->events;
    struct bytes *records = alloc_raw((rest.count + 1) * sizeof(*records));
    size_t count = 0;
    int repaired;

    while (peer_events_next(&rest, &records[count])) {
        count++;
    }
    repaired = log_repair(log, &m->hole, records, count, why);
    free(records);
    if (repaired < 0) {
        logger_line(LOGGER_ERROR, "log.unrepaired", "reason=\"%s\"", why->text);
    }
    if (repaired > 0) {
        logger_line(LOGGER_INFO,
                    "log.repaired",
                    "records=%d origin=%016llx after=%016llx until=%016llx "
                    "by=%s",
                    repaired,
                    (unsigned long long)m->hole.origin,
                    (unsigned long long)m->hole.after,
                    (unsigned long long)m->hole.until,
                    m->hole.whole_place == 0 ? "peer" : "replication");
    }
    return repaired;
}

/* From records to events. */
#include "src/io/peer_batch.h"

#include "storage/record.h"

static struct event *event_of(struct bytes bytes, uint64_t origin)
{
    struct record record;
    struct event *event;

    if (record_decode(bytes, &record) != 0 || record.origin != origin) {
        return NULL;
    }
    event = event_new_keyed(record.channel, record.content, record.key);
    event->origin = record.origin;
    event->sequence = record.sequence;
    event->predecessor = record.predecessor;
    event->gone = record.gone;
    return event;
}

struct batch *peer_batch_new(struct intake *intake,
                             uint32_t shard_count,
                             const struct peer_events *events)
{
    struct batch *batch = batch_new(intake, shard_count);
    struct peer_events rest = *events;
    struct bytes bytes;

    batch->origin = events->origin;
    while (peer_events_next(&rest, &bytes)) {
        struct event *event = event_of(bytes, events->origin);

        if (event == NULL) {
            batch_unref(batch);
            return NULL;
        }
        batch_add_event(batch, event);
        batch->bytes += sizeof(*event) + bytes.len;
        intake_add(intake, sizeof(*event) + bytes.len);
    }
    if (!batch_chained(batch)) {
        batch_unref(batch);
        return NULL;
    }
    return batch;
}

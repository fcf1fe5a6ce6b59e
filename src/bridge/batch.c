/* Batches of events with the publishes that wait for them. */
#include "src/bridge/batch.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

/* What an event takes in the log besides its texts, at most. */
#define RECORD_EXTRA_BYTES 48

struct batch *batch_new(struct intake *intake, uint32_t shard_count)
{
    struct batch *batch =
        alloc_zero(sizeof(*batch) + shard_count * sizeof(batch->answers[0]));

    check(shard_count > 0);
    atomic_init(&batch->refs, 1);
    list_init(&batch->node);
    batch->intake = intake;
    batch->shard_count = shard_count;
    for (uint32_t i = 0; i < shard_count; i++) {
        list_init(&batch->answers[i]);
    }
    return batch;
}

struct batch *batch_new_skip(struct intake *intake,
                             uint32_t shard_count,
                             uint64_t origin,
                             uint64_t from,
                             uint64_t to)
{
    struct batch *batch = batch_new(intake, shard_count);

    check(from < to);
    batch->origin = origin;
    batch->skip_from = from;
    batch->skip_to = to;
    return batch;
}

struct batch *batch_new_fork(struct intake *intake,
                             uint32_t shard_count,
                             uint64_t origin,
                             uint64_t from,
                             uint64_t to)
{
    struct batch *batch = batch_new_skip(intake, shard_count, origin, from, to);

    batch->forked = true;
    return batch;
}

struct batch *batch_new_prune(struct intake *intake,
                              uint32_t shard_count,
                              const struct vector *have)
{
    struct batch *batch = batch_new(intake, shard_count);

    batch->have = vector_compact(have);
    return batch;
}

struct batch *batch_ref(struct batch *batch)
{
    atomic_fetch_add_explicit(&batch->refs, 1, memory_order_relaxed);
    return batch;
}

static void free_answers(struct list *answers)
{
    struct list *node;

    while ((node = list_pop_front(answers)) != NULL) {
        publish_free(list_entry(node, struct publish, node));
    }
}

void batch_unref(struct batch *batch)
{
    if (batch == NULL ||
        atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (uint32_t i = 0; i < batch->shard_count; i++) {
        free_answers(&batch->answers[i]);
    }
    for (size_t i = 0; i < batch->event_count; i++) {
        event_unref(batch->events[i]);
    }
    intake_release(batch->intake, batch->bytes);
    free(batch->events);
    free(batch->have);
    free(batch);
}

void batch_unref_all(struct list *batches)
{
    struct list *node;

    while ((node = list_pop_front(batches)) != NULL) {
        batch_unref(list_entry(node, struct batch, node));
    }
}

void batch_discharge(struct batch *batch)
{
    check(batch->discharged == 0);
    intake_release(batch->intake, batch->bytes);
    batch->discharged = batch->bytes;
    batch->bytes = 0;
}

void batch_charge(struct batch *batch)
{
    check(batch->bytes == 0);
    intake_add(batch->intake, batch->discharged);
    batch->bytes = batch->discharged;
    batch->discharged = 0;
}

bool batch_full(const struct batch *batch)
{
    return batch->event_count > BATCH_EVENTS_MAX - CLIENT_MSG_EVENTS_MAX ||
           batch->bytes > BATCH_BYTES_MAX - PUBLISH_BYTES_MAX;
}

static size_t record_bytes_of(const struct event *event)
{
    return RECORD_EXTRA_BYTES + event->channel.len + event->content.len +
           event->key.len;
}

void batch_add_event(struct batch *batch, struct event *event)
{
    if (batch->event_count == batch->event_capacity) {
        batch->event_capacity = batch->event_capacity * 2 + 16;
        batch->events = alloc_resize(
            batch->events, batch->event_capacity * sizeof(batch->events[0]));
    }
    batch->events[batch->event_count++] = event;
    batch->record_bytes += record_bytes_of(event);
}

void batch_drop_until(struct batch *batch, uint64_t sequence)
{
    size_t drop = 0;

    while (drop < batch->event_count &&
           batch->events[drop]->sequence <= sequence) {
        batch->record_bytes -= record_bytes_of(batch->events[drop]);
        event_unref(batch->events[drop]);
        drop++;
    }
    if (drop < batch->event_count && batch->events[drop]->gone &&
        batch->events[drop]->predecessor < sequence) {
        batch->events[drop]->predecessor = sequence;
    }
    if (drop > 0) {
        batch->event_count -= drop;
        memmove(batch->events,
                batch->events + drop,
                batch->event_count * sizeof(batch->events[0]));
    }
}

bool batch_chained(const struct batch *batch)
{
    for (size_t i = 0; i < batch->event_count; i++) {
        const struct event *event = batch->events[i];

        if (event->origin != batch->origin ||
            event->sequence <= event->predecessor ||
            (i > 0 && (event->predecessor > batch->events[i - 1]->sequence ||
                       event->sequence <= batch->events[i - 1]->sequence))) {
            return false;
        }
    }
    return true;
}

void batch_take_answers(struct batch *batch, struct batch *from)
{
    check(batch->shard_count == from->shard_count);
    for (uint32_t i = 0; i < batch->shard_count; i++) {
        list_splice_back(&batch->answers[i], &from->answers[i]);
    }
}

void batch_add(struct batch *batch, struct publish *publish)
{
    check(publish->shard < batch->shard_count);
    for (size_t i = 0; i < publish->count; i++) {
        if (publish->items[i].event != NULL) {
            batch_add_event(batch, event_ref(publish->items[i].event));
        }
    }
    batch->bytes += publish->bytes;
    batch->memory_count += publish->durability == NAMESPACE_MEMORY;
    list_push_back(&batch->answers[publish->shard], &publish->node);
}

static size_t count_events(const struct publish *publish)
{
    size_t count = 0;

    for (size_t i = 0; i < publish->count; i++) {
        count += publish->items[i].event != NULL;
    }
    return count;
}

/* The bytes stay charged to the batch that has the events. */
struct batch *batch_split_memory(struct batch *batch, size_t *ret_events)
{
    struct batch *memory;

    *ret_events = 0;
    if (batch->memory_count == 0) {
        return NULL;
    }
    memory = batch_new(batch->intake, batch->shard_count);
    for (uint32_t i = 0; i < batch->shard_count; i++) {
        list_each_safe(node, &batch->answers[i])
        {
            struct publish *publish = list_entry(node, struct publish, node);

            if (publish->durability == NAMESPACE_MEMORY) {
                *ret_events += count_events(publish);
                list_remove(&publish->node);
                list_push_back(&memory->answers[i], &publish->node);
            }
        }
    }
    batch->memory_count = 0;
    return memory;
}

void batch_fail(struct batch *batch, enum problem problem)
{
    for (uint32_t i = 0; i < batch->shard_count; i++) {
        list_each(node, &batch->answers[i])
        {
            list_entry(node, struct publish, node)->problem = problem;
        }
    }
    for (size_t i = 0; i < batch->event_count; i++) {
        event_unref(batch->events[i]);
    }
    batch->event_count = 0;
}

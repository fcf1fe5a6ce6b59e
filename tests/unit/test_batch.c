/* A batch counts its holders, sorts its answers by shard, and gives back what
 * it was charged when the last lets go. */
#include "src/bridge/batch.h"
#include "storage/log.h"
#include "tests/lib/tap.h"

#include <stdlib.h>
#include <string.h>

static struct intake intake = {.bytes_max = SIZE_MAX};

static size_t charged(void)
{
    return atomic_load(&intake.bytes);
}

/* A charged publish of `count` events with `len` bytes each. */
static struct publish *publish_of(uint32_t shard, size_t count, size_t len)
{
    struct publish *p = publish_new(shard, 1, bytes_text("id"));
    char *content = malloc(len);

    memset(content, '1', len);
    for (size_t i = 0; i < count; i++) {
        publish_add(p,
                    bytes_text("/default/a"),
                    bytes_of(content, len),
                    bytes_of(NULL, 0),
                    PROBLEM_NONE,
                    NULL);
    }
    free(content);
    tap_check(intake_charge(&intake, p->bytes));
    return p;
}

static size_t length(const struct list *head)
{
    size_t count = 0;

    list_each(node, head)
    {
        count++;
    }
    return count;
}

TAP_CASE(publishes_are_sorted_by_the_shard_that_answers_in_their_order)
{
    struct batch *batch = batch_new(&intake, 3);
    struct publish *first = publish_of(2, 1, 1);
    struct publish *second = publish_of(0, 1, 1);
    struct publish *third = publish_of(2, 1, 1);

    batch_add(batch, first);
    batch_add(batch, second);
    batch_add(batch, third);

    tap_equal(length(&batch->answers[0]), 1);
    tap_equal(length(&batch->answers[1]), 0);
    tap_equal(length(&batch->answers[2]), 2);
    tap_check(batch->answers[2].next == &first->node);
    tap_check(batch->answers[2].prev == &third->node);
    batch_unref(batch);
}

TAP_CASE(events_stand_in_the_order_they_were_added)
{
    struct batch *batch = batch_new(&intake, 1);

    for (size_t i = 1; i <= 40; i++) {
        batch_add(batch, publish_of(0, 2, i));
    }

    tap_equal(batch->event_count, 80);
    for (size_t i = 0; i < 80; i++) {
        tap_equal(batch->events[i]->content.len, i / 2 + 1);
    }
    batch_unref(batch);
}

TAP_CASE(refused_events_are_not_among_the_batchs)
{
    struct batch *batch = batch_new(&intake, 1);
    struct publish *p = publish_of(0, 1, 1);
    static const uint8_t identifier[16] = {1};

    publish_add(p,
                bytes_text("/default/a"),
                bytes_text("2"),
                bytes_of(NULL, 0),
                PROBLEM_EVENT_TOO_LARGE,
                identifier);
    batch_add(batch, p);

    tap_equal(batch->event_count, 1);
    batch_unref(batch);
}

TAP_CASE(the_intake_is_charged_until_the_last_holder_lets_go)
{
    struct batch *batch = batch_new(&intake, 1);

    batch_add(batch, publish_of(0, 1, 100));
    tap_check(charged() > 100);
    tap_equal(batch->bytes, charged());
    tap_check(batch_ref(batch) == batch);
    batch_unref(batch);
    tap_check(charged() > 100);
    batch_unref(batch);
    tap_equal(charged(), 0);
}

TAP_CASE(answers_that_nobody_took_go_with_the_batch)
{
    struct batch *batch = batch_new(&intake, 2);
    struct publish *taken = publish_of(0, 1, 1);

    batch_add(batch, taken);
    batch_add(batch, publish_of(1, 1, 1));
    tap_check(list_pop_front(&batch->answers[0]) == &taken->node);
    batch_unref(batch);

    /* What was taken out is the taker's, with its events. */
    tap_equal_text(taken->items[0].event->content, "1");
    publish_free(taken);
    tap_equal(charged(), 0);
}

TAP_CASE(letting_go_of_no_batch_does_nothing)
{
    size_t before = charged();

    batch_unref(NULL);
    tap_equal(charged(), before);
}

TAP_CASE(a_batch_is_full_when_a_whole_publish_more_might_not_fit)
{
    struct batch *batch = batch_new(&intake, 1);

    while (batch->event_count + 2 * CLIENT_MSG_EVENTS_MAX <= BATCH_EVENTS_MAX) {
        tap_check(!batch_full(batch));
        batch_add(batch, publish_of(0, CLIENT_MSG_EVENTS_MAX, 1));
    }
    while (batch->event_count + CLIENT_MSG_EVENTS_MAX <= BATCH_EVENTS_MAX) {
        tap_check(!batch_full(batch));
        batch_add(batch, publish_of(0, 1, 1));
    }
    tap_check(batch_full(batch));
    tap_equal(batch->event_count, BATCH_EVENTS_MAX - CLIENT_MSG_EVENTS_MAX + 1);
    batch_unref(batch);
}

TAP_CASE(two_full_batches_of_the_largest_events_fit_one_append_of_the_log)
{
    struct batch *batch = batch_new(&intake, 1);
    size_t records = 0;

    while (!batch_full(batch)) {
        batch_add(
            batch,
            publish_of(0, CLIENT_MSG_EVENTS_MAX, CLIENT_MSG_EVENT_BYTES_MAX));
    }
    for (size_t i = 0; i < batch->event_count; i++) {
        records += RECORD_OVERHEAD_BYTES + batch->events[i]->channel.len +
                   batch->events[i]->content.len;
    }

    /* With what peers sent: the last of theirs may pass the bound. */
    tap_check(2 * records + BATCH_FOREIGN_BYTES_MAX + LOG_RECORD_BYTES_MAX <=
              LOG_BATCH_BYTES_MAX);
    /* Nor is it much smaller than it could be. */
    tap_check(records > BATCH_BYTES_MAX / 4 * 3);
    batch_unref(batch);
}

/* Else a peer's smallest events do not fit the append that they are put into.
 */
TAP_CASE(records_take_no_more_in_the_log_than_their_batch_says)
{
    struct batch *batch = batch_new(&intake, 1);
    size_t record_bytes = 0;

    for (int i = 0; i < 100; i++) {
        struct event *event = event_new_keyed(
            bytes_text("/a"), bytes_text("1"), bytes_text("key"));

        record_bytes +=
            RECORD_OVERHEAD_BYTES + strlen("/a1") + 1 + strlen("key");
        batch_add_event(batch, event);
        event->sequence = (uint64_t)i + 1;
        tap_check(batch->record_bytes >= record_bytes);
    }
    batch_drop_until(batch, 100);
    tap_equal(batch->record_bytes, 0);
    batch_unref(batch);
}

TAP_CASE(a_batch_that_the_log_refused_has_no_events_and_its_answers_say_why)
{
    struct batch *batch = batch_new(&intake, 2);
    struct publish *first = publish_of(0, 2, 10);
    struct publish *second = publish_of(1, 1, 10);
    size_t before;

    batch_add(batch, first);
    batch_add(batch, second);
    before = charged();
    batch_fail(batch, PROBLEM_STORAGE);

    tap_equal(batch->event_count, 0);
    tap_equal(first->problem, PROBLEM_STORAGE);
    tap_equal(second->problem, PROBLEM_STORAGE);
    tap_equal(charged(), before);
    batch_unref(batch);
    tap_equal(charged(), 0);
}

TAP_CASE(publishes_that_need_no_disk_are_split_off_in_order)
{
    struct batch *batch = batch_new(&intake, 2);
    struct publish *publishes[4];
    struct batch *memory;
    size_t events;

    for (size_t i = 0; i < 4; i++) {
        publishes[i] = publish_of(i % 2, i + 1, 10);
        publishes[i]->durability = i > 0 ? NAMESPACE_MEMORY : NAMESPACE_DISK;
        batch_add(batch, publishes[i]);
    }
    memory = batch_split_memory(batch, &events);
    tap_equal(events, 2 + 3 + 4);
    tap_equal(memory->event_count, 0);
    tap_equal(batch->event_count, 10);
    tap_check(batch->answers[0].next == &publishes[0]->node);
    tap_check(batch->answers[0].prev == &publishes[0]->node);
    tap_check(list_empty(&batch->answers[1]));
    tap_check(memory->answers[0].next == &publishes[2]->node);
    tap_check(memory->answers[1].next == &publishes[1]->node);
    tap_check(memory->answers[1].prev == &publishes[3]->node);
    tap_check(batch_split_memory(batch, &events) == NULL);
    batch_unref(memory);
    batch_unref(batch);
    tap_equal(charged(), 0);
}

TAP_MAIN()

/* Every event gets a name of its own and its place in the order, also when the
 * clock stands, goes back, or the log refuses. */
#include "base/rc.h"
#include "src/bridge/sequencer.h"
#include "tests/lib/tap.h"

#define ORIGIN UINT64_C(0xabc)
#define WALL_MS UINT64_C(1700000000000)
#define STORED_ORIGIN UINT64_C(0xdef)
#define STORED_SEQUENCE UINT64_C(4711)

static struct intake intake = {.bytes_max = SIZE_MAX};

struct line {
    struct sequencer sequencer;
    struct list waiting;
};

static void line_init(struct line *l, uint64_t last_sequence)
{
    sequencer_init(&l->sequencer, ORIGIN, last_sequence, 0);
    list_init(&l->waiting);
}

/* Queue a publish of `good` events behind `bad` refused ones. */
static struct publish *put(struct line *l, int bad, int good)
{
    static const uint8_t identifier[16] = {9};
    struct publish *p = publish_new(0, 1, bytes_text("id"));

    for (int i = 0; i < bad + good; i++) {
        publish_add(p,
                    bytes_text("/default/a"),
                    bytes_text("1"),
                    bytes_of(NULL, 0),
                    i < bad ? PROBLEM_EVENT_TOO_LARGE : PROBLEM_NONE,
                    identifier);
    }
    tap_check(intake_charge(&intake, p->bytes));
    list_push_back(&l->waiting, &p->node);
    return p;
}

/* Queue a publish of events with these keys. */
static struct publish *put_keyed(struct line *l,
                                 const char *channel,
                                 const char *const *keys,
                                 size_t count)
{
    struct publish *p = publish_new(0, 1, bytes_text("id"));

    for (size_t i = 0; i < count; i++) {
        publish_add(p,
                    bytes_text(channel),
                    bytes_text("1"),
                    bytes_text(keys[i]),
                    PROBLEM_NONE,
                    NULL);
    }
    tap_check(intake_charge(&intake, p->bytes));
    list_push_back(&l->waiting, &p->node);
    return p;
}

/* The log has "/default/a" with "stored" and cannot read "unreadable". */
static int find(void *context,
                struct bytes channel,
                struct bytes key,
                uint64_t *ret_origin,
                uint64_t *ret_sequence)
{
    (void)context;
    if (bytes_equal_text(key, "unreadable")) {
        return RC_IO;
    }
    if (!bytes_equal_text(key, "stored") ||
        !bytes_equal_text(channel, "/default/a")) {
        return RC_NOT_FOUND;
    }
    *ret_origin = STORED_ORIGIN;
    *ret_sequence = STORED_SEQUENCE;
    return 0;
}

static const struct sequencer_known known = {.seed = 1, .find = find};

static size_t length(const struct list *head)
{
    size_t count = 0;

    list_each(node, head)
    {
        count++;
    }
    return count;
}

static bool is_named(const struct publish *p,
                     size_t item,
                     uint64_t origin,
                     uint64_t sequence)
{
    uint8_t identifier[16];

    event_uuid(origin, sequence, identifier);
    return memcmp(p->items[item].outcome.identifier, identifier, 16) == 0;
}

static struct batch *fill(struct line *l, uint64_t wall_ms)
{
    struct batch *batch = batch_new(&intake, 1);

    sequencer_fill(&l->sequencer,
                   (struct moment){.wall_ms = wall_ms},
                   &l->waiting,
                   &known,
                   batch);
    return batch;
}

TAP_CASE(an_event_is_named_by_origin_and_clock)
{
    struct line l;
    struct publish *p;
    struct batch *batch;
    uint64_t origin;
    uint64_t sequence;

    line_init(&l, 0);
    p = put(&l, 0, 1);
    batch = fill(&l, WALL_MS);

    tap_equal(batch->event_count, 1);
    tap_equal(batch->events[0]->origin, ORIGIN);
    tap_equal(event_sequence_ms(batch->events[0]->sequence), WALL_MS);
    tap_check(
        event_from_uuid(p->items[0].outcome.identifier, &origin, &sequence));
    tap_equal(origin, ORIGIN);
    tap_equal(sequence, batch->events[0]->sequence);
    batch_unref(batch);
}

TAP_CASE(events_are_in_the_order_of_their_publishes_and_each_names_the_last)
{
    struct line l;
    struct batch *batch;

    line_init(&l, 5);
    (void)put(&l, 0, 2);
    (void)put(&l, 0, 3);
    batch = fill(&l, WALL_MS);

    tap_equal(batch->event_count, 5);
    tap_equal(batch->events[0]->predecessor, 5);
    for (size_t i = 1; i < batch->event_count; i++) {
        tap_equal(batch->events[i]->predecessor,
                  batch->events[i - 1]->sequence);
        tap_check(batch->events[i]->sequence > batch->events[i - 1]->sequence);
    }
    batch_unref(batch);
}

TAP_CASE(a_clock_that_goes_back_repeats_no_sequence)
{
    struct line l;
    struct batch *first;
    struct batch *second;

    line_init(&l, 0);
    (void)put(&l, 0, 1);
    first = fill(&l, WALL_MS);
    sequencer_stored(&l.sequencer, first);
    (void)put(&l, 0, 1);
    second = fill(&l, WALL_MS - 60000);

    tap_equal(second->events[0]->sequence, first->events[0]->sequence + 1);
    batch_unref(first);
    batch_unref(second);
}

TAP_CASE(a_node_that_starts_again_goes_on_behind_its_last_sequence)
{
    uint64_t last = event_sequence_next(0, WALL_MS + 5000);
    struct line l;
    struct batch *batch;

    line_init(&l, last);
    (void)put(&l, 0, 1);
    batch = fill(&l, WALL_MS);

    tap_equal(batch->events[0]->sequence, last + 1);
    tap_equal(batch->events[0]->predecessor, last);
    batch_unref(batch);
}

TAP_CASE(refused_events_take_no_place_in_the_order)
{
    struct line l;
    struct publish *p;
    struct batch *batch;

    line_init(&l, 0);
    p = put(&l, 2, 2);
    batch = fill(&l, WALL_MS);

    tap_equal(batch->event_count, 2);
    tap_equal(p->items[0].outcome.identifier[0], 9);
    tap_equal(batch->events[1]->predecessor, batch->events[0]->sequence);
    batch_unref(batch);
}

TAP_CASE(a_publish_of_refused_events_only_is_still_answered)
{
    struct line l;
    struct batch *batch;

    line_init(&l, 0);
    (void)put(&l, 1, 0);
    batch = fill(&l, WALL_MS);

    tap_equal(batch->event_count, 0);
    tap_check(!list_empty(&batch->answers[0]));
    sequencer_stored(&l.sequencer, batch);
    tap_equal(l.sequencer.last_stored, 0);
    batch_unref(batch);
}

TAP_CASE(a_batch_that_the_log_refused_is_nobodys_predecessor_nor_named_again)
{
    struct line l;
    struct batch *refused;
    struct batch *stored;
    uint64_t given;

    line_init(&l, 0);
    (void)put(&l, 0, 1);
    refused = fill(&l, WALL_MS);
    given = refused->events[0]->sequence;
    batch_fail(refused, PROBLEM_STORAGE);
    (void)put(&l, 0, 1);
    stored = fill(&l, WALL_MS);

    tap_check(stored->events[0]->sequence > given);
    tap_equal(stored->events[0]->predecessor, 0);
    batch_unref(refused);
    batch_unref(stored);
}

TAP_CASE(what_was_stored_is_the_predecessor_of_the_next_batch)
{
    struct line l;
    struct batch *first;
    struct batch *second;

    line_init(&l, 0);
    (void)put(&l, 0, 3);
    first = fill(&l, WALL_MS);
    sequencer_stored(&l.sequencer, first);
    (void)put(&l, 0, 1);
    second = fill(&l, WALL_MS + 1);

    tap_equal(second->events[0]->predecessor, first->events[2]->sequence);
    tap_equal(event_sequence_ms(second->events[0]->sequence), WALL_MS + 1);
    batch_unref(first);
    batch_unref(second);
}

TAP_CASE(what_does_not_fit_a_batch_waits_for_the_next_in_its_order)
{
    enum { PUBLISHES = BATCH_EVENTS_MAX / CLIENT_MSG_EVENTS_MAX + 10 };
    struct line l;
    struct batch *first;
    struct batch *second;

    line_init(&l, 0);
    for (int i = 0; i < PUBLISHES; i++) {
        (void)put(&l, 0, CLIENT_MSG_EVENTS_MAX);
    }
    first = fill(&l, WALL_MS);
    tap_check(!list_empty(&l.waiting));
    sequencer_stored(&l.sequencer, first);
    second = fill(&l, WALL_MS);

    tap_check(first->event_count <= BATCH_EVENTS_MAX);
    tap_check(first->event_count + CLIENT_MSG_EVENTS_MAX > BATCH_EVENTS_MAX);
    tap_equal(first->event_count + second->event_count,
              PUBLISHES * CLIENT_MSG_EVENTS_MAX);
    tap_equal(second->events[0]->predecessor,
              first->events[first->event_count - 1]->sequence);
    tap_check(list_empty(&l.waiting));
    batch_unref(first);
    batch_unref(second);
    tap_equal(atomic_load(&intake.bytes), 0);
}

TAP_CASE(an_event_that_the_log_has_keeps_its_name_and_takes_no_place)
{
    static const char *const keys[] = {"new", "stored", ""};
    struct line l;
    struct publish *p;
    struct batch *batch;

    line_init(&l, 5);
    p = put_keyed(&l, "/default/a", keys, 3);
    batch = fill(&l, WALL_MS);

    tap_equal(batch->event_count, 2);
    tap_equal(batch->repeated_count, 1);
    tap_equal(p->problem, PROBLEM_NONE);
    tap_check(p->items[1].event == NULL);
    tap_equal(p->items[1].outcome.problem, PROBLEM_NONE);
    tap_check(is_named(p, 1, STORED_ORIGIN, STORED_SEQUENCE));
    tap_equal(batch->events[1]->predecessor, batch->events[0]->sequence);
    batch_unref(batch);
}

TAP_CASE(the_same_key_on_another_channel_is_another_event)
{
    static const char *const keys[] = {"stored"};
    struct line l;
    struct batch *batch;

    line_init(&l, 0);
    (void)put_keyed(&l, "/default/b", keys, 1);
    batch = fill(&l, WALL_MS);

    tap_equal(batch->event_count, 1);
    tap_equal(batch->repeated_count, 0);
    batch_unref(batch);
}

TAP_CASE(a_repeat_within_a_publish_or_a_batch_has_the_name_of_the_first)
{
    static const char *const keys[] = {"k", "l", "k"};
    struct line l;
    struct publish *first;
    struct publish *second;
    struct batch *batch;

    line_init(&l, 0);
    first = put_keyed(&l, "/default/a", keys, 3);
    (void)put(&l, 0, 1);
    second = put_keyed(&l, "/default/a", keys, 2);
    batch = fill(&l, WALL_MS);

    tap_equal(batch->event_count, 3);
    tap_equal(batch->repeated_count, 3);
    tap_check(is_named(first, 2, ORIGIN, batch->events[0]->sequence));
    tap_check(is_named(second, 0, ORIGIN, batch->events[0]->sequence));
    tap_check(is_named(second, 1, ORIGIN, batch->events[1]->sequence));
    batch_unref(batch);
}

TAP_CASE(a_repeat_fails_with_its_batch_and_is_new_in_the_next)
{
    static const char *const keys[] = {"k", "k"};
    struct line l;
    struct publish *p;
    struct batch *refused;
    struct batch *stored;

    line_init(&l, 0);
    p = put_keyed(&l, "/default/a", keys, 2);
    refused = fill(&l, WALL_MS);
    batch_fail(refused, PROBLEM_STORAGE);
    tap_equal(p->problem, PROBLEM_STORAGE);
    (void)put_keyed(&l, "/default/a", keys, 2);
    stored = fill(&l, WALL_MS);

    tap_equal(stored->event_count, 1);
    batch_unref(refused);
    batch_unref(stored);
}

TAP_CASE(a_publish_whose_keys_cannot_be_looked_up_is_refused_whole)
{
    static const char *const keys[] = {"k", "unreadable"};
    struct line l;
    struct publish *p;
    struct batch *batch;

    line_init(&l, 42);
    p = put_keyed(&l, "/default/a", keys, 2);
    (void)put_keyed(&l, "/default/a", keys, 1);
    batch = fill(&l, WALL_MS);

    tap_equal(p->problem, PROBLEM_STORAGE);
    tap_equal(batch->event_count, 1);
    tap_equal(batch->repeated_count, 0);
    tap_equal(batch->events[0]->predecessor, 42);
    tap_equal(length(&batch->answers[0]), 2);
    batch_unref(batch);
}

TAP_CASE(an_empty_list_fills_nothing)
{
    struct line l;
    struct batch *batch;

    line_init(&l, 42);
    batch = fill(&l, WALL_MS);

    tap_equal(batch->event_count, 0);
    tap_equal(l.sequencer.last_given, 42);
    batch_unref(batch);
}

TAP_CASE(no_name_is_given_that_was_reserved_before)
{
    struct line l;
    struct batch *batch;

    line_init(&l, 7);
    sequencer_init(&l.sequencer, ORIGIN, 7, (WALL_MS + 500) << 16);
    (void)put(&l, 0, 2);
    batch = fill(&l, WALL_MS);
    tap_equal(batch->events[0]->sequence, ((WALL_MS + 500) << 16) + 1);
    tap_equal(batch->events[0]->predecessor, 7);
    batch_unref(batch);
    sequencer_init(&l.sequencer, ORIGIN, (WALL_MS + 900) << 16, 7);
    (void)put(&l, 0, 1);
    batch = fill(&l, WALL_MS);
    tap_equal(batch->events[0]->sequence, ((WALL_MS + 900) << 16) + 1);
    batch_unref(batch);
}

TAP_MAIN()

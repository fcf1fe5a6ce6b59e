/* Origins of nodes that are gone for good are forgotten, and what was had of
 * them stays had. */
#include "tests/lib/log_fixture.h"

/* Ten more than are kept. */
#define NODES (VECTOR_ORIGINS_MAX / 2 + 10)

static uint64_t origin_of(uint64_t number)
{
    return 2 * (FIXTURE_ORIGIN + number);
}

static uint64_t sequence_of(uint64_t number)
{
    return number << 16;
}

/* An event of each origin, at the millisecond of its number. */
static void append(struct log *log, uint64_t first, uint64_t last)
{
    for (uint64_t n = first; n <= last; n++) {
        struct event *event = fixture_event(n, 30);
        struct why why;

        event->origin = origin_of(n);
        event->sequence = sequence_of(n);
        event->predecessor = 0;
        tap_equal(log_append(log, &event, 1, &why), 0);
        event_unref(event);
    }
}

static void trim(struct log *log, size_t count)
{
    tap_equal(log_trim(log, UINT64_MAX, count, NULL), (int)count);
}

static int prune(struct log *log, uint64_t node, uint64_t before_ms)
{
    struct why why;

    return log_prune(log, &node, 1, before_ms, &why);
}

static struct vector have(struct log *log)
{
    struct vector ret;

    log_seek_vector(log, &ret);
    return ret;
}

static bool misses(struct log *log, const struct vector *after)
{
    return log_window_gone(log, bytes_of(NULL, 0), after);
}

TAP_CASE(few_origins_are_all_kept)
{
    struct log *log = fixture_open(fixture_dir());

    append(log, 1, 10);
    trim(log, 10);
    tap_equal(prune(log, 0, 1000), 0);
    for (uint64_t n = 1; n <= 10; n++) {
        tap_equal(log_last_sequence(log, origin_of(n)), sequence_of(n));
    }
    log_close(log);
}

TAP_CASE(the_oldest_go_until_few_are_left)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct vector v;
    struct why why;

    append(log, 1, NODES);
    tap_equal(log_append_fork(log, origin_of(1), sequence_of(1), &why), 0);
    trim(log, NODES);
    tap_equal(prune(log, 0, 1000), 10);
    for (int round = 0; round < 2; round++) {
        v = have(log);
        for (uint64_t n = 1; n <= NODES; n++) {
            tap_equal(vector_knows(&v, origin_of(n)), n > 10);
            tap_check(vector_get(&v, origin_of(n)) >= sequence_of(n));
            tap_check(log_seek_knows(log, origin_of(n)));
            tap_check(log_last_sequence(log, origin_of(n)) >= sequence_of(n));
        }
        tap_equal(vector_get(&v, VECTOR_FLOOR), sequence_of(10));
        tap_check(!log_seek_knows(log, origin_of(NODES + 1)));
        log_close(log);
        log = fixture_open(dir);
    }
    log_close(log);
}

TAP_CASE(those_stay_whose_events_are_here_or_may_come)
{
    struct log *log = fixture_open(fixture_dir());
    struct vector v;

    append(log, 1, NODES);
    trim(log, 8);
    tap_equal(prune(log, origin_of(3), 7), 5);
    v = have(log);
    tap_check(!vector_knows(&v, origin_of(2)));
    tap_check(vector_knows(&v, origin_of(3))); /* a member's */
    tap_check(!vector_knows(&v, origin_of(6)));
    tap_check(vector_knows(&v, origin_of(7))); /* not long ago */
    tap_equal(prune(log, origin_of(3), 1000), 2);
    v = have(log);
    tap_check(!vector_knows(&v, origin_of(8)));
    tap_check(vector_knows(&v, origin_of(9))); /* here */
    log_close(log);
}

TAP_CASE(who_missed_their_events_is_told_and_nobody_else)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct vector all;
    struct vector pruned;
    struct vector less;

    append(log, 1, NODES);
    all = have(log);
    trim(log, NODES);
    tap_equal(prune(log, 0, 1000), 10);
    pruned = have(log);
    for (int round = 0; round < 2; round++) {
        tap_check(!misses(log, &all));
        tap_check(!misses(log, &pruned));
        less = all;
        tap_check(vector_set(&less, origin_of(4), sequence_of(4) - 1));
        tap_check(misses(log, &less));
        vector_remove(&less, origin_of(4));
        tap_check(misses(log, &less));
        log_close(log);
        log = fixture_open(dir);
    }
    log_close(log);
}

TAP_CASE(what_a_pruned_node_sends_when_it_is_back_is_taken)
{
    struct log *log = fixture_open(fixture_dir());
    struct event *event = fixture_event(1, 30);
    struct vector v;
    struct why why;

    append(log, 1, NODES);
    trim(log, NODES);
    tap_equal(prune(log, 0, 1000), 10);
    event->origin = origin_of(5);
    event->sequence = sequence_of(NODES + 1);
    event->predecessor = sequence_of(5);
    tap_equal(log_append(log, &event, 1, &why), 0);
    event_unref(event);
    v = have(log);
    tap_equal(vector_get(&v, origin_of(5)), sequence_of(NODES + 1));
    tap_check(!misses(log, &v));
    log_close(log);
}

/* Of the oldest ones it is known only that there were such. */
TAP_CASE(any_number_of_nodes_can_come_and_go)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct vector first = {0};
    struct vector v;

    for (uint64_t n = 1; n <= 400; n += 20) {
        append(log, n, n + 19);
        trim(log, 20);
        tap_check(prune(log, 0, 1000) >= 0);
        v = have(log);
        tap_check(v.count <= VECTOR_ORIGINS_MAX - 4);
        if (n == 1) {
            first = v;
        }
    }
    for (int round = 0; round < 2; round++) {
        tap_check(!misses(log, &v));
        tap_check(misses(log, &first));
        tap_check(!log_seek_knows(log, origin_of(1)));
        tap_equal(log_last_sequence(log, origin_of(1)),
                  vector_get(&v, VECTOR_FLOOR));
        log_close(log);
        log = fixture_open(dir);
    }
    log_close(log);
}

TAP_MAIN()

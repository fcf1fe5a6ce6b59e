/* Bytes in flight are what was sent less what is had, never less. */
#include "cluster/inflight.h"

#include "tests/lib/tap.h"

static void had(struct inflight *i, uint64_t origin, uint64_t sequence)
{
    struct vector v = {0};

    (void)vector_raise(&v, origin, sequence);
    inflight_had(i, &v);
}

TAP_CASE(what_is_had_is_no_longer_in_flight)
{
    struct inflight i = {0};

    tap_check(inflight_sent(&i, 1, 10, 100));
    tap_check(inflight_sent(&i, 1, 20, 50));
    tap_equal(i.bytes, 150);
    had(&i, 1, 9);
    tap_equal(i.bytes, 150);
    had(&i, 1, 10);
    tap_equal(i.bytes, 50);
    had(&i, 1, 19);
    tap_equal(i.bytes, 50);
    had(&i, 1, 21);
    tap_equal(i.bytes, 0);
    tap_equal(i.mark_count, 0);
}

TAP_CASE(origins_are_had_apart_from_each_other)
{
    struct inflight i = {0};

    tap_check(inflight_sent(&i, 1, 10, 1));
    tap_check(inflight_sent(&i, 2, 10, 2));
    tap_check(inflight_sent(&i, 1, 20, 4));
    had(&i, 2, 10);
    tap_equal(i.bytes, 5);
    had(&i, 3, 99);
    tap_equal(i.bytes, 5);
    had(&i, 1, 20);
    tap_equal(i.bytes, 0);
}

TAP_CASE(an_origin_that_is_forgotten_is_not_in_flight)
{
    struct inflight i = {0};

    tap_check(inflight_sent(&i, 1, 10, 1));
    tap_check(inflight_sent(&i, 2, UINT64_MAX, 2));
    inflight_forget(&i, 2);
    tap_equal(i.bytes, 1);
}

TAP_CASE(batches_beyond_the_marks_are_counted_until_the_last_is_had)
{
    struct inflight i = {0};

    for (uint64_t n = 1; n <= 1000; n++) {
        tap_check(inflight_sent(&i, 1, n, 1));
        tap_check(i.mark_count <= INFLIGHT_MARKS_MAX);
    }
    tap_equal(i.bytes, 1000);
    had(&i, 1, 999);
    tap_check(i.bytes > 0);
    had(&i, 1, 1000);
    tap_equal(i.bytes, 0);
}

TAP_CASE(there_is_a_mark_for_each_origin_whatever_one_of_them_sends)
{
    struct inflight i = {0};
    uint64_t origin;

    for (uint64_t n = 1; n <= 1000; n++) {
        tap_check(inflight_sent(&i, 1, n, 1));
    }
    for (origin = 2; inflight_sent(&i, origin, 1, 1); origin++) {
        tap_check(origin < 1000);
    }
    tap_check(origin > VECTOR_ORIGINS_MAX);
    tap_equal(i.bytes, 1000 + origin - 2);
    tap_check(inflight_sent(&i, 1, 1001, 1));
}

TAP_MAIN()

/* Version vectors: what is had of each origin only grows. */
#include "base/vector.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

TAP_CASE(an_absent_origin_is_had_up_to_nothing)
{
    struct vector v = {0};

    tap_equal(vector_get(&v, 7), 0);
}

TAP_CASE(an_origin_is_known_also_with_nothing_of_it)
{
    struct vector v = {0};

    tap_check(!vector_knows(&v, 7));
    tap_check(vector_raise(&v, 7, 0));
    tap_check(vector_knows(&v, 7));
    tap_check(!vector_knows(&v, 8));
}

TAP_CASE(raising_never_lowers)
{
    struct vector v = {0};

    tap_check(vector_raise(&v, 7, 10));
    tap_check(vector_raise(&v, 7, 9));
    tap_equal(vector_get(&v, 7), 10);
    tap_check(vector_raise(&v, 7, 11));
    tap_equal(vector_get(&v, 7), 11);
    tap_equal(v.count, 1);
}

TAP_CASE(entries_stay_in_order_of_their_origins)
{
    struct vector v = {0};

    tap_check(vector_raise(&v, 5, 1));
    tap_check(vector_raise(&v, 9, 2));
    tap_check(vector_raise(&v, 2, 3));
    tap_check(vector_raise(&v, 7, 4));
    tap_equal(v.count, 4);
    for (size_t i = 1; i < v.count; i++) {
        tap_check(v.entries[i - 1].origin < v.entries[i].origin);
    }
    tap_equal(vector_get(&v, 2), 3);
    tap_equal(vector_get(&v, 7), 4);
}

TAP_CASE(a_full_vector_takes_no_other_origin_but_raises_those_it_has)
{
    struct vector v = {0};

    for (uint64_t i = 1; i <= VECTOR_ORIGINS_MAX; i++) {
        tap_check(vector_raise(&v, i, 1));
    }
    tap_check(!vector_raise(&v, VECTOR_ORIGINS_MAX + 1, 1));
    tap_equal(v.count, VECTOR_ORIGINS_MAX);
    tap_check(vector_raise(&v, 3, 2));
    tap_equal(vector_get(&v, 3), 2);
}

TAP_CASE(a_vector_covers_one_that_has_nothing_more)
{
    struct vector a = {0};
    struct vector b = {0};

    tap_check(vector_covers(&a, &b));
    (void)vector_raise(&a, 1, 5);
    tap_check(vector_covers(&a, &b));
    tap_check(!vector_covers(&b, &a));
    (void)vector_raise(&b, 1, 5);
    tap_check(vector_equal(&a, &b));
    (void)vector_raise(&b, 2, 1);
    tap_check(!vector_covers(&a, &b));
    (void)vector_raise(&a, 1, 6);
    tap_check(!vector_covers(&b, &a));
    tap_check(!vector_equal(&a, &b));
}

TAP_CASE(a_merged_vector_has_the_higher_of_both)
{
    struct vector a = {0};
    struct vector b = {0};

    (void)vector_raise(&a, 1, 5);
    (void)vector_raise(&a, 2, 5);
    (void)vector_raise(&b, 2, 9);
    (void)vector_raise(&b, 3, 1);
    vector_merge(&a, &b);
    tap_equal(vector_get(&a, 1), 5);
    tap_equal(vector_get(&a, 2), 9);
    tap_equal(vector_get(&a, 3), 1);
    tap_check(vector_set(&a, 2, 4));
    tap_equal(vector_get(&a, 2), 4);
}

TAP_CASE(a_compact_one_reads_and_copies_as_the_whole)
{
    struct vector v = {0};
    struct vector copy;
    struct vector *compact;

    tap_check(vector_raise(&v, 7, 3) && vector_raise(&v, 9, 4));
    compact = vector_compact(&v);
    tap_check(vector_bytes(compact) < sizeof(v));
    tap_check(vector_equal(compact, &v));
    vector_copy(&copy, compact);
    tap_check(vector_equal(&copy, &v));
    free(compact);
}

TAP_CASE(vector_cap_lowers_what_is_beyond)
{
    struct vector v = {0};

    (void)vector_raise(&v, 1, 10);
    (void)vector_raise(&v, 2, 20);
    (void)vector_raise(&v, 3, 0);
    vector_cap(&v, 15);
    tap_equal(vector_get(&v, 1), 10);
    tap_equal(vector_get(&v, 2), 15);
    tap_equal(vector_get(&v, 3), 0);
    tap_check(vector_knows(&v, 3));
}

static struct vector floored(uint64_t floor)
{
    struct vector v = {0};

    tap_check(vector_raise(&v, VECTOR_FLOOR, floor));
    return v;
}

TAP_CASE(what_is_not_listed_is_had_up_to_the_floor)
{
    struct vector v = floored(10);

    tap_equal(vector_get(&v, 7), 10);
    tap_check(!vector_knows(&v, 7));
    tap_check(vector_raise(&v, 7, 9));
    tap_equal(vector_get(&v, 7), 10);
    tap_check(vector_raise(&v, 7, 11));
    tap_equal(vector_get(&v, 7), 11);
    tap_equal(vector_get(&v, 8), 10);
}

TAP_CASE(what_is_listed_may_be_below_the_floor)
{
    struct vector v = floored(10);
    struct vector to = {0};

    tap_check(vector_set(&v, 7, 5));
    tap_equal(vector_get(&v, 7), 5);
    vector_merge(&to, &v);
    tap_equal(vector_get(&to, 7), 5);
    tap_equal(vector_get(&to, 8), 10);
}

TAP_CASE(merging_with_a_floor_takes_nothing_away)
{
    struct vector a = floored(10);
    struct vector b = {0};

    tap_check(vector_raise(&b, 7, 5));
    vector_merge(&a, &b);
    tap_equal(vector_get(&a, 7), 10);
    vector_merge(&b, &a);
    tap_equal(vector_get(&b, 7), 5);
    tap_equal(vector_get(&b, 8), 10);
}

TAP_CASE(a_floor_need_not_be_covered)
{
    struct vector a = {0};
    struct vector b = floored(10);

    tap_check(vector_raise(&a, 7, 5));
    tap_check(vector_covers(&a, &b));
    tap_check(vector_covers(&b, &a));
    tap_check(vector_raise(&a, 7, 11));
    tap_check(!vector_covers(&b, &a));
}

TAP_CASE(limits_and_caps_hold_for_the_floor)
{
    struct vector a = floored(10);
    struct vector b = floored(8);

    tap_check(vector_raise(&a, 7, 20));
    vector_limit(&a, &b);
    tap_equal(vector_get(&a, 7), 8);
    tap_equal(vector_get(&a, 9), 8);
    vector_cap(&a, 3);
    tap_equal(vector_get(&a, 9), 3);
}

TAP_CASE(what_another_has_by_its_floor_alone_is_shed)
{
    struct vector v = {0};
    struct vector other = floored(10);

    tap_check(vector_raise(&v, 2, 5));  /* not listed there */
    tap_check(vector_raise(&v, 4, 5));  /* listed, be it lower */
    tap_check(vector_raise(&v, 6, 11)); /* above */
    tap_check(vector_set(&other, 4, 1));
    vector_shed(&v, &other);
    tap_equal(v.count, 2);
    tap_check(!vector_knows(&v, 2));
    tap_equal(vector_get(&v, 2), 0);
    vector_prune(&v, &other);
    tap_equal(vector_get(&v, 2), 10);
    tap_equal(vector_get(&v, 4), 5);
    tap_equal(vector_get(&v, 6), 11);
}

TAP_MAIN()

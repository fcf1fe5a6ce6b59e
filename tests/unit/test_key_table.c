/* The table holds what was put into it and not removed, whatever the hashes. */
#include "storage/key_table.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

static size_t find_one(const struct key_table *t,
                       uint64_t hash,
                       uint64_t *ret_place)
{
    return key_table_find(t, hash, ret_place, 1);
}

TAP_CASE(key_table_that_is_empty_has_nothing)
{
    struct key_table t = {0};
    uint64_t place;

    tap_equal(find_one(&t, 7, &place), 0);
    key_table_remove(&t, 7, 1);
    key_table_done(&t);
}

TAP_CASE(key_table_finds_what_was_added_until_it_is_removed)
{
    struct key_table t = {0};
    uint64_t place = 0;

    key_table_add(&t, 7, 1);
    key_table_add(&t, 8, 2);
    tap_equal(find_one(&t, 8, &place), 1);
    tap_equal(place, 2);
    key_table_remove(&t, 8, 2);
    tap_equal(find_one(&t, 8, &place), 0);
    tap_equal(find_one(&t, 7, &place), 1);
    tap_equal(place, 1);
    key_table_done(&t);
}

TAP_CASE(key_table_gives_every_place_of_a_hash_up_to_the_most)
{
    struct key_table t = {0};
    uint64_t places[4] = {0};

    for (uint64_t place = 1; place <= 3; place++) {
        key_table_add(&t, 7, place);
    }
    tap_equal(key_table_find(&t, 7, places, 4), 3);
    tap_equal(places[0] + places[1] + places[2], 6);
    tap_equal(key_table_find(&t, 7, places, 2), 2);
    key_table_remove(&t, 7, 2);
    tap_equal(key_table_find(&t, 7, places, 4), 2);
    tap_equal(places[0] + places[1], 4);
    key_table_done(&t);
}

TAP_CASE(key_table_removes_only_what_is_there)
{
    struct key_table t = {0};

    key_table_add(&t, 7, 1);
    key_table_remove(&t, 7, 2);
    key_table_remove(&t, 9, 9);
    tap_equal(t.count, 1);
    key_table_done(&t);
}

TAP_CASE(key_table_shrinks_when_most_has_gone)
{
    enum { COUNT = 10000 };
    struct key_table t = {0};
    size_t grown;

    for (uint64_t place = 1; place <= COUNT; place++) {
        key_table_add(&t, place * UINT64_C(0x9e3779b97f4a7c15), place);
    }
    grown = t.slot_count;
    tap_check(t.count < grown);
    for (uint64_t place = 1; place <= COUNT; place++) {
        key_table_remove(&t, place * UINT64_C(0x9e3779b97f4a7c15), place);
    }
    tap_equal(t.count, 0);
    tap_check(t.slot_count < grown / 16);
    key_table_done(&t);
}

/* A model: places[hash] is the place that has it, 0 none. Hashes are few and
 * crowd at both ends of the table, so that runs wrap around. */
TAP_CASE(key_table_agrees_with_a_model)
{
    enum { HASHES = 48, STEPS = 20000 };
    uint64_t places[HASHES] = {0};
    struct key_table t = {0};
    uint64_t next = 1;

    srand(1);
    for (int step = 0; step < STEPS; step++) {
        int n = rand() % HASHES;
        uint64_t hash = (uint64_t)(n / 4) - 6;
        uint64_t found[HASHES];
        size_t count;
        size_t wanted = 0;

        if (places[n] == 0) {
            places[n] = next++;
            key_table_add(&t, hash, places[n]);
        } else {
            key_table_remove(&t, hash, places[n]);
            places[n] = 0;
        }
        n = rand() % HASHES / 4;
        count = key_table_find(&t, (uint64_t)n - 6, found, HASHES);
        for (int i = 4 * n; i < 4 * n + 4; i++) {
            bool there = false;

            for (size_t f = 0; f < count; f++) {
                there = there || found[f] == places[i];
            }
            tap_equal(there, places[i] != 0);
            wanted += places[i] != 0;
        }
        tap_equal(count, wanted);
    }
    key_table_done(&t);
}

TAP_MAIN()

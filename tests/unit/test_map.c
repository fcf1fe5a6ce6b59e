/* The map finds what was put in and nothing else, through growth and removal,
 * whatever the seed. */
#include "base/alloc.h"
#include "base/map.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>

#define ENTRIES 1000

struct entry {
    char name[16];
    int visits;
    struct map_node node;
};

static struct entry *entry_of(struct map_node *node)
{
    return map_entry(node, struct entry, node);
}

/* A map of ENTRIES entries "key 0", "key 1", ... */
static struct entry *fill(struct map *m)
{
    struct entry *entries = alloc_zero(ENTRIES * sizeof(*entries));

    for (int i = 0; i < ENTRIES; i++) {
        snprintf(entries[i].name, sizeof(entries[i].name), "key %d", i);
        map_insert(m, &entries[i].node, bytes_text(entries[i].name));
    }
    return entries;
}

TAP_CASE(an_empty_map_finds_nothing)
{
    struct map m;

    map_init(&m, 1);
    tap_check(map_find(&m, bytes_text("key")) == NULL);
    tap_check(map_find(&m, bytes_of(NULL, 0)) == NULL);
    map_done(&m);
    map_done(NULL);
}

TAP_CASE(every_entry_is_found_through_growth)
{
    struct map m;
    struct entry *entries;

    map_init(&m, 42);
    entries = fill(&m);

    tap_equal(m.count, ENTRIES);
    for (int i = 0; i < ENTRIES; i++) {
        struct map_node *found = map_find(&m, bytes_text(entries[i].name));

        tap_check(found != NULL && entry_of(found) == &entries[i]);
    }
    tap_check(map_find(&m, bytes_text("key 1000")) == NULL);
    tap_check(map_find(&m, bytes_text("key")) == NULL);
    map_done(&m);
    free(entries);
}

TAP_CASE(a_removed_entry_is_gone_and_the_others_stay)
{
    struct map m;
    struct entry *entries;

    map_init(&m, 7);
    entries = fill(&m);
    for (int i = 0; i < ENTRIES; i += 2) {
        map_remove(&m, &entries[i].node);
    }

    tap_equal(m.count, ENTRIES / 2);
    for (int i = 0; i < ENTRIES; i++) {
        struct map_node *found = map_find(&m, bytes_text(entries[i].name));

        tap_equal(found != NULL, i % 2);
    }
    map_insert(&m, &entries[0].node, bytes_text(entries[0].name));
    tap_check(map_find(&m, bytes_text("key 0")) == &entries[0].node);
    map_done(&m);
    free(entries);
}

TAP_CASE(keys_may_hold_nul_and_be_empty)
{
    struct map m;
    struct map_node empty;
    struct map_node one;
    struct map_node two;

    map_init(&m, 1);
    map_insert(&m, &empty, bytes_of(NULL, 0));
    map_insert(&m, &one, bytes_of("a\0b", 3));
    map_insert(&m, &two, bytes_of("a\0c", 3));

    tap_check(map_find(&m, bytes_of("", 0)) == &empty);
    tap_check(map_find(&m, bytes_of("a\0b", 3)) == &one);
    tap_check(map_find(&m, bytes_of("a\0c", 3)) == &two);
    tap_check(map_find(&m, bytes_of("a", 1)) == NULL);
    map_done(&m);
}

static void visit(struct map_node *node, void *context)
{
    (void)context;
    entry_of(node)->visits++;
}

static void visit_and_remove(struct map_node *node, void *context)
{
    entry_of(node)->visits++;
    map_remove(context, node);
}

TAP_CASE(each_entry_is_visited_once)
{
    struct map m;
    struct entry *entries;

    map_init(&m, 3);
    entries = fill(&m);
    map_each(&m, visit, NULL);

    for (int i = 0; i < ENTRIES; i++) {
        tap_equal(entries[i].visits, 1);
    }
    map_done(&m);
    free(entries);
}

TAP_CASE(the_visitor_may_remove_what_it_visits)
{
    struct map m;
    struct entry *entries;

    map_init(&m, 3);
    entries = fill(&m);
    map_each(&m, visit_and_remove, &m);

    tap_equal(m.count, 0);
    for (int i = 0; i < ENTRIES; i++) {
        tap_equal(entries[i].visits, 1);
    }
    map_done(&m);
    free(entries);
}

TAP_CASE(the_seed_decides_where_a_key_goes)
{
    struct map one;
    struct map two;
    struct map_node in_one;
    struct map_node in_two;

    map_init(&one, 1);
    map_init(&two, 2);
    map_insert(&one, &in_one, bytes_text("key"));
    map_insert(&two, &in_two, bytes_text("key"));

    tap_check(in_one.hash != in_two.hash);
    map_done(&one);
    map_done(&two);
}

TAP_MAIN()

/* What is due first comes first, whatever came and went. */
#include "base/heap.h"
#include "tests/lib/tap.h"

#include <string.h>

TAP_CASE(an_empty_heap_has_no_first)
{
    struct heap h;

    heap_init(&h);
    tap_check(heap_first(&h) == NULL);
    heap_done(&h);
}

TAP_CASE(a_node_that_is_in_none_may_be_removed)
{
    struct heap h;
    struct heap_node node;

    heap_init(&h);
    heap_node_init(&node);
    heap_remove(&h, &node);
    heap_insert(&h, &node, 7);
    heap_remove(&h, &node);
    heap_remove(&h, &node);
    tap_check(heap_first(&h) == NULL);
    heap_done(&h);
}

/* The least of those that are in it, the slow way. */
static uint64_t least(const struct heap_node *nodes, size_t count)
{
    uint64_t due = UINT64_MAX;

    for (size_t i = 0; i < count; i++) {
        if (nodes[i].slot != HEAP_NO_SLOT && nodes[i].due < due) {
            due = nodes[i].due;
        }
    }
    return due;
}

TAP_CASE(the_first_is_the_least_after_any_inserts_and_removes)
{
    enum { COUNT = 100, STEPS = 20000 };
    struct heap h;
    struct heap_node nodes[COUNT];
    uint32_t random = 1;
    size_t held = 0;

    heap_init(&h);
    for (size_t i = 0; i < COUNT; i++) {
        heap_node_init(&nodes[i]);
    }
    for (int step = 0; step < STEPS; step++) {
        struct heap_node *node;

        random = random * 1664525 + 1013904223;
        node = &nodes[(random >> 16) % COUNT];
        if (node->slot == HEAP_NO_SLOT) {
            heap_insert(&h, node, (random >> 8) % 50);
            held++;
        } else {
            heap_remove(&h, node);
            held--;
        }
        tap_equal(h.count, held);
        tap_check((heap_first(&h) == NULL) == (held == 0));
        if (held > 0) {
            tap_equal(heap_first(&h)->due, least(nodes, COUNT));
        }
    }
    heap_done(&h);
}

TAP_MAIN()

/* The children of slot i are 2i + 1 and 2i + 2, and due no earlier. */
#include "base/heap.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

void heap_init(struct heap *h)
{
    *h = (struct heap){0};
}

void heap_done(struct heap *h)
{
    free(h->slots);
}

void heap_node_init(struct heap_node *node)
{
    node->slot = HEAP_NO_SLOT;
}

static void put(struct heap *h, size_t slot, struct heap_node *node)
{
    h->slots[slot] = node;
    node->slot = slot;
}

static void sift_up(struct heap *h, struct heap_node *node)
{
    size_t slot = node->slot;

    while (slot > 0 && h->slots[(slot - 1) / 2]->due > node->due) {
        put(h, slot, h->slots[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    put(h, slot, node);
}

static void sift_down(struct heap *h, struct heap_node *node)
{
    size_t slot = node->slot;

    for (;;) {
        size_t child = 2 * slot + 1;

        if (child + 1 < h->count &&
            h->slots[child + 1]->due < h->slots[child]->due) {
            child++;
        }
        if (child >= h->count || h->slots[child]->due >= node->due) {
            break;
        }
        put(h, slot, h->slots[child]);
        slot = child;
    }
    put(h, slot, node);
}

void heap_insert(struct heap *h, struct heap_node *node, uint64_t due)
{
    check(node->slot == HEAP_NO_SLOT);
    if (h->count == h->capacity) {
        h->capacity = h->capacity * 2 + 16;
        h->slots = alloc_resize(h->slots, h->capacity * sizeof(h->slots[0]));
    }
    node->due = due;
    put(h, h->count++, node);
    sift_up(h, node);
}

void heap_remove(struct heap *h, struct heap_node *node)
{
    struct heap_node *last;
    size_t slot = node->slot;

    if (slot == HEAP_NO_SLOT) {
        return;
    }
    check(slot < h->count && h->slots[slot] == node);
    node->slot = HEAP_NO_SLOT;
    last = h->slots[--h->count];
    if (last != node) {
        put(h, slot, last);
        sift_up(h, last);
        sift_down(h, last);
    }
}

struct heap_node *heap_first(const struct heap *h)
{
    return h->count > 0 ? h->slots[0] : NULL;
}

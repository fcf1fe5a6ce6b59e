/* An intrusive binary heap: of what is in it, the one that is due first. The
 * owner of a node frees it; a node is in one heap at most. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_NO_SLOT SIZE_MAX

struct heap_node {
    uint64_t due;
    size_t slot; /* HEAP_NO_SLOT: in none */
};

struct heap {
    struct heap_node **slots;
    size_t count;
    size_t capacity;
};

void heap_init(struct heap *h);
void heap_done(struct heap *h); /* what is in it is the caller's */

void heap_node_init(struct heap_node *node);
void heap_insert(struct heap *h, struct heap_node *node, uint64_t due);
void heap_remove(struct heap *h, struct heap_node *node); /* if it is in */

/* The one that is due first; NULL: empty. Of several that are due at once, any
 * of them, but the same for the same history of calls. */
struct heap_node *heap_first(const struct heap *h);

#endif

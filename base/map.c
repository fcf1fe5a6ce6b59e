/* Chains in a table that doubles when it holds as many nodes as slots; it never
 * shrinks, so removing while walking is safe. */
#include "base/map.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"

#include <stdlib.h>

#define MAP_SLOTS_MIN 16

void map_init(struct map *m, uint64_t seed)
{
    *m = (struct map){.seed = seed};
}

void map_done(struct map *m)
{
    if (m != NULL) {
        free(m->slots);
        map_init(m, m->seed);
    }
}

static struct map_node **slot_of(const struct map *m, uint64_t hash)
{
    return &m->slots[hash & (m->slot_count - 1)];
}

static struct map_node *find_hashed(const struct map *m,
                                    struct bytes key,
                                    uint64_t hash)
{
    if (m->slot_count == 0) {
        return NULL;
    }
    for (struct map_node *n = *slot_of(m, hash); n != NULL; n = n->next) {
        if (n->hash == hash && bytes_equal(n->key, key)) {
            return n;
        }
    }
    return NULL;
}

struct map_node *map_find(const struct map *m, struct bytes key)
{
    if (m->count == 0) {
        return NULL;
    }
    return find_hashed(m, key, hash_seeded(key, m->seed));
}

static void push(struct map *m, struct map_node *node)
{
    struct map_node **slot = slot_of(m, node->hash);

    node->next = *slot;
    *slot = node;
}

static void grow(struct map *m)
{
    struct map_node **old = m->slots;
    size_t old_count = m->slot_count;

    m->slot_count = old_count == 0 ? MAP_SLOTS_MIN : old_count * 2;
    m->slots = alloc_zero(m->slot_count * sizeof(struct map_node *));
    for (size_t i = 0; i < old_count; i++) {
        struct map_node *next;

        for (struct map_node *n = old[i]; n != NULL; n = next) {
            next = n->next;
            push(m, n);
        }
    }
    free(old);
}

void map_insert(struct map *m, struct map_node *node, struct bytes key)
{
    node->key = key;
    node->hash = hash_seeded(key, m->seed);
    check(find_hashed(m, key, node->hash) == NULL);

    if (m->count == m->slot_count) {
        grow(m);
    }
    push(m, node);
    m->count++;
}

void map_remove(struct map *m, struct map_node *node)
{
    struct map_node **link;

    check(m->count > 0);
    link = slot_of(m, node->hash);
    while (*link != node) {
        check(*link != NULL);
        link = &(*link)->next;
    }
    *link = node->next;
    node->next = NULL;
    m->count--;
}

void map_each(struct map *m,
              void (*visit)(struct map_node *node, void *context),
              void *context)
{
    for (size_t i = 0; i < m->slot_count; i++) {
        struct map_node *next;

        for (struct map_node *n = m->slots[i]; n != NULL; n = next) {
            next = n->next;
            visit(n, context);
        }
    }
}

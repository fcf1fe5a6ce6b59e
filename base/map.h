/* An intrusive hash map from bytes to whatever holds a `map_node`.
 *
 * The hash is keyed (SipHash) by the seed given at the start: clients choose
 * channel names and ids, and must not be able to choose collisions. The order
 * of map_each() depends on the seed and must not reach the wire. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/bytes.h"
#include "base/list.h"

struct map_node {
    struct map_node *next;
    struct bytes key; /* points into the entry; stable while it is in the map */
    uint64_t hash;
};

struct map {
    struct map_node **slots;
    size_t slot_count; /* a power of two, or 0 before the first insert */
    size_t count;
    uint64_t seed;
};

#define map_entry(node, type, member) list_entry(node, type, member)

void map_init(struct map *m, uint64_t seed);
void map_done(struct map *m); /* frees the slots; entries are the caller's */

struct map_node *map_find(const struct map *m, struct bytes key);

/* `key` must not be in the map yet. */
void map_insert(struct map *m, struct map_node *node, struct bytes key);
void map_remove(struct map *m, struct map_node *node);

/* Visit every node; the visitor may remove the node that it is given. */
void map_each(struct map *m,
              void (*visit)(struct map_node *node, void *context),
              void *context);

#endif

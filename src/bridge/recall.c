/* A map and the order of use. */
#include "src/bridge/recall.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>
#include <string.h>

struct recall_entry {
    struct map_node node;
    struct list recency;
    uint8_t hash[RECALL_HASH_BYTES];
};

void recall_init(struct recall *r, uint64_t seed, size_t count_max)
{
    check(count_max > 0);
    map_init(&r->map, seed);
    list_init(&r->recency);
    r->count_max = count_max;
}

static void forget_oldest(struct recall *r)
{
    struct list *oldest = list_pop_front(&r->recency);
    struct recall_entry *entry;

    check(oldest != NULL);
    entry = list_entry(oldest, struct recall_entry, recency);
    map_remove(&r->map, &entry->node);
    free(entry);
}

void recall_done(struct recall *r)
{
    while (!list_empty(&r->recency)) {
        forget_oldest(r);
    }
    map_done(&r->map);
}

bool recall_has(struct recall *r, const uint8_t hash[RECALL_HASH_BYTES])
{
    struct map_node *node =
        map_find(&r->map, bytes_of(hash, RECALL_HASH_BYTES));
    struct recall_entry *entry;

    if (node == NULL) {
        return false;
    }
    entry = map_entry(node, struct recall_entry, node);
    list_remove(&entry->recency);
    list_push_back(&r->recency, &entry->recency);
    return true;
}

void recall_add(struct recall *r, const uint8_t hash[RECALL_HASH_BYTES])
{
    struct recall_entry *entry;

    if (r->map.count == r->count_max) {
        forget_oldest(r);
    }
    entry = alloc_raw(sizeof(*entry));
    memcpy(entry->hash, hash, RECALL_HASH_BYTES);
    map_insert(&r->map, &entry->node, bytes_of(entry->hash, RECALL_HASH_BYTES));
    list_push_back(&r->recency, &entry->recency);
}

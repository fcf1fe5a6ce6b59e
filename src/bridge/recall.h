/* A bounded set of hashes: which of many texts were seen. The one that was
 * asked for least lately makes room. */
#ifndef BRIDGE_RECALL_H
#define BRIDGE_RECALL_H

#include "base/list.h"
#include "base/map.h"

#define RECALL_HASH_BYTES 32

struct recall {
    struct map map;
    struct list recency; /* the least recently used is first */
    size_t count_max;
};

void recall_init(struct recall *r, uint64_t seed, size_t count_max);
void recall_done(struct recall *r);

/* Whether it is there; it is the most recent then. */
bool recall_has(struct recall *r, const uint8_t hash[RECALL_HASH_BYTES]);

/* Add one that is not there. */
void recall_add(struct recall *r, const uint8_t hash[RECALL_HASH_BYTES]);

#endif

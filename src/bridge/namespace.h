/* The namespaces that exist and what each promises. Channels need no making;
 * the namespace in front must be there. */
#ifndef BRIDGE_NAMESPACE_H
#define BRIDGE_NAMESPACE_H

#include "base/map.h"

#define NAMESPACE_COUNT_MAX 1024

struct namespace_table {
    struct map by_name;
};

/* Read by all shards at once, so it does not change once it is shared. */
void namespace_table_init(struct namespace_table *t, uint64_t seed);
void namespace_table_done(struct namespace_table *t);
void namespace_table_add(struct namespace_table *t, struct bytes name);
bool namespace_table_has(const struct namespace_table *t, struct bytes name);

#endif

/* The namespaces that exist and what each promises. Channels need no making;
 * the namespace in front must be there. */
#ifndef BRIDGE_NAMESPACE_H
#define BRIDGE_NAMESPACE_H

#include "base/map.h"

#define NAMESPACE_COUNT_MAX 1024

struct namespace_table {
    struct map by_name;
};

/* What an answer to a publish means. */
enum namespace_durability {
    NAMESPACE_QUORUM, /* synced on a majority of the nodes */
    NAMESPACE_DISK,   /* synced to this node's log */
    NAMESPACE_MEMORY, /* named, in order, on its way there */
};

struct namespace_rules {
    enum namespace_durability durability;
    bool history;      /* whether its events can be had later */
    uint64_t replay_s; /* given to subscriptions that know no cursors */
};

/* Read by all shards at once, so it does not change once it is shared. */
void namespace_table_init(struct namespace_table *t, uint64_t seed);
void namespace_table_done(struct namespace_table *t);

/* `rules`: NULL, on a quorum, with history, no replay. What is there stays. */
void namespace_table_add(struct namespace_table *t,
                         struct bytes name,
                         const struct namespace_rules *rules);

/* NULL: there is no such namespace. */
const struct namespace_rules *namespace_table_find(
    const struct namespace_table *t, struct bytes name);

#endif

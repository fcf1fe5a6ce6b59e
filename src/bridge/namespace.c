/* The table of namespaces. */
#include "src/bridge/namespace.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

struct namespace
{
    struct map_node node;
    char name[];
};

void namespace_table_init(struct namespace_table *t, uint64_t seed)
{
    map_init(&t->by_name, seed);
}

static void free_namespace(struct map_node *node, void *context)
{
    struct namespace_table *t = context;

    map_remove(&t->by_name, node);
    free(map_entry(node, struct namespace, node));
}

void namespace_table_done(struct namespace_table *t)
{
    map_each(&t->by_name, free_namespace, t);
    map_done(&t->by_name);
}

void namespace_table_add(struct namespace_table *t, struct bytes name)
{
    if (namespace_table_has(t, name)) {
        return;
    }
    check(t->by_name.count < NAMESPACE_COUNT_MAX);
    struct namespace *n = alloc_raw(sizeof(*n) + name.len);
    memcpy(n->name, name.data, name.len);
    map_insert(&t->by_name, &n->node, bytes_of(n->name, name.len));
}

bool namespace_table_has(const struct namespace_table *t, struct bytes name)
{
    return map_find(&t->by_name, name) != NULL;
}

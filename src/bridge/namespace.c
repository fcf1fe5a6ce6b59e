/* The table of namespaces. */
#include "src/bridge/namespace.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

struct namespace
{
    struct map_node node;
    struct namespace_rules rules;
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

void namespace_table_add(struct namespace_table *t,
                         struct bytes name,
                         const struct namespace_rules *rules)
{
    static const struct namespace_rules initial = {.history = true};

    if (namespace_table_find(t, name) != NULL) {
        return;
    }
    check(t->by_name.count < NAMESPACE_COUNT_MAX);
    struct namespace *n = alloc_raw(sizeof(*n) + name.len);
    n->rules = rules != NULL ? *rules : initial;
    memcpy(n->name, name.data, name.len);
    map_insert(&t->by_name, &n->node, bytes_of(n->name, name.len));
}

const struct namespace_rules *namespace_table_find(
    const struct namespace_table *t, struct bytes name)
{
    struct map_node *node = map_find(&t->by_name, name);

    return node == NULL ? NULL
                        : &map_entry(node, struct namespace, node)->rules;
}

/* Leases by the names of their keys, and in the order of their ends. */
#include "src/bridge/lease.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

#define NAME_BYTES_MAX (API_KEY_ISSUER_BYTES + 8 + API_KEY_ID_BYTES_MAX)

struct lease {
    struct map_node node;
    struct heap_node end; /* due: milliseconds of wall time */
    struct list holders[LEASE_KIND_COUNT];
    uint8_t name[NAME_BYTES_MAX];
};

void lease_table_init(struct lease_table *t, uint64_t seed)
{
    map_init(&t->leases, seed);
    heap_init(&t->ends);
}

void lease_table_done(struct lease_table *t)
{
    check(t->leases.count == 0);
    map_done(&t->leases);
    heap_done(&t->ends);
}

void lease_holder_init(struct lease_holder *h)
{
    list_init(&h->node);
    h->lease = NULL;
}

/* Two keys with the same name end together and are withdrawn together. */
static struct bytes name_of(const struct api_key *key,
                            uint8_t out[NAME_BYTES_MAX])
{
    size_t id_len = strlen(key->id);

    memcpy(out, key->issuer, API_KEY_ISSUER_BYTES);
    memcpy(out + API_KEY_ISSUER_BYTES, &key->expires_s, 8);
    memcpy(out + API_KEY_ISSUER_BYTES + 8, key->id, id_len);
    return bytes_of(out, API_KEY_ISSUER_BYTES + 8 + id_len);
}

static struct lease *lease_of(struct lease_table *t, const struct api_key *key)
{
    uint8_t text[NAME_BYTES_MAX];
    struct bytes name = name_of(key, text);
    struct map_node *node = map_find(&t->leases, name);
    struct lease *lease;

    if (node != NULL) {
        return map_entry(node, struct lease, node);
    }
    lease = alloc_zero(sizeof(*lease));
    memcpy(lease->name, name.data, name.len);
    map_insert(&t->leases, &lease->node, bytes_of(lease->name, name.len));
    for (int i = 0; i < LEASE_KIND_COUNT; i++) {
        list_init(&lease->holders[i]);
    }
    heap_node_init(&lease->end);
    if (key->expires_s > 0 && key->expires_s < UINT64_MAX / 1000) {
        heap_insert(&t->ends, &lease->end, key->expires_s * 1000);
    }
    return lease;
}

void lease_release(struct lease_table *t, struct lease_holder *h)
{
    struct lease *lease = h->lease;

    if (lease == NULL) {
        return;
    }
    list_remove(&h->node);
    h->lease = NULL;
    for (int i = 0; i < LEASE_KIND_COUNT; i++) {
        if (!list_empty(&lease->holders[i])) {
            return;
        }
    }
    map_remove(&t->leases, &lease->node);
    heap_remove(&t->ends, &lease->end);
    free(lease);
}

void lease_hold(struct lease_table *t,
                struct lease_holder *h,
                enum lease_kind kind,
                const struct api_key *key)
{
    struct lease *lease = lease_of(t, key);

    if (h->lease == lease) {
        return;
    }
    lease_release(t, h);
    h->lease = lease;
    list_push_back(&lease->holders[kind], &h->node);
}

uint64_t lease_end_s(const struct lease_holder *h)
{
    return h->lease == NULL || h->lease->end.slot == HEAP_NO_SLOT
               ? UINT64_MAX
               : h->lease->end.due / 1000;
}

uint64_t lease_next_ms(const struct lease_table *t)
{
    const struct heap_node *first = heap_first(&t->ends);

    return first == NULL ? MOMENT_NEVER : first->due;
}

struct lease_holder *lease_take_ended(struct lease_table *t,
                                      struct moment now,
                                      enum lease_kind *ret_kind)
{
    struct heap_node *first = heap_first(&t->ends);
    struct lease *lease;
    int kind = 0;

    if (first == NULL || first->due > now.wall_ms) {
        return NULL;
    }
    lease = list_entry(first, struct lease, end);
    while (kind < LEASE_KIND_COUNT && list_empty(&lease->holders[kind])) {
        kind++;
    }
    check(kind < LEASE_KIND_COUNT); /* or it would not be there */
    struct lease_holder *h =
        list_entry(lease->holders[kind].next, struct lease_holder, node);
    *ret_kind = (enum lease_kind)kind;
    lease_release(t, h);
    return h;
}

/* Slots for clients. */
#include "src/bridge/client_table.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

void client_table_init(struct client_table *t)
{
    *t = (struct client_table){0};
}

void client_table_done(struct client_table *t)
{
    for (uint32_t i = 0; i < t->slot_count; i++) {
        if (t->slots[i] != NULL) {
            client_free(t->slots[i]);
        }
    }
    free(t->slots);
    free(t->uses);
    free(t->free_slots);
}

static void grow(struct client_table *t)
{
    uint32_t count = t->slot_count * 2 + 64;

    check(count > t->slot_count);
    t->slots = alloc_resize(t->slots, count * sizeof(t->slots[0]));
    t->uses = alloc_resize(t->uses, count * sizeof(t->uses[0]));
    t->free_slots =
        alloc_resize(t->free_slots, count * sizeof(t->free_slots[0]));
    for (uint32_t i = count; i-- > t->slot_count;) {
        t->slots[i] = NULL;
        t->uses[i] = 0;
        t->free_slots[t->free_slot_count++] = i;
    }
    t->slot_count = count;
}

struct client *client_table_add(struct client_table *t,
                                struct shard *shard,
                                void *socket)
{
    uint32_t slot;

    if (t->free_slot_count == 0) {
        grow(t);
    }
    slot = t->free_slots[--t->free_slot_count];
    check(t->slots[slot] == NULL);
    t->uses[slot]++;
    t->slots[slot] =
        client_new(shard, (uint64_t)t->uses[slot] << 32 | slot, socket);
    return t->slots[slot];
}

struct client *client_table_find(const struct client_table *t, uint64_t id)
{
    uint32_t slot = (uint32_t)id;

    check(slot < t->slot_count);
    return t->slots[slot] != NULL && t->slots[slot]->id == id ? t->slots[slot]
                                                              : NULL;
}

void client_table_remove(struct client_table *t, struct client *client)
{
    uint32_t slot = (uint32_t)client->id;

    check(t->slots[slot] == client);
    t->slots[slot] = NULL;
    t->free_slots[t->free_slot_count++] = slot;
    client_free(client);
}

size_t client_table_count(const struct client_table *t)
{
    return t->slot_count - t->free_slot_count;
}

/* The clients of a shard by their ids. An id is a slot and how often that slot
 * was used, so an answer for a client that has gone finds nobody. */
#ifndef BRIDGE_CLIENT_TABLE_H
#define BRIDGE_CLIENT_TABLE_H

#include "src/bridge/client.h"

struct client_table {
    struct client **slots;
    uint32_t *uses;
    uint32_t *free_slots;
    uint32_t slot_count;
    uint32_t free_slot_count;
};

void client_table_init(struct client_table *t);
void client_table_done(struct client_table *t); /* frees every client */

struct client *client_table_add(struct client_table *t,
                                struct shard *shard,
                                void *socket);
struct client *client_table_find(const struct client_table *t, uint64_t id);

/* Frees the client. */
void client_table_remove(struct client_table *t, struct client *client);

size_t client_table_count(const struct client_table *t);

#endif

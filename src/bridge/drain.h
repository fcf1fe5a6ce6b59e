/* A node that stops sends its clients away: over some time and in random order,
 * so that they do not all come to the others at once. Those that are still
 * there are served as ever, but for new subscriptions: who wants one is sent
 * away at once, to have it elsewhere. */
#ifndef BRIDGE_DRAIN_H
#define BRIDGE_DRAIN_H

#include "base/moment.h"

#include <stddef.h>
#include <stdint.h>

struct client;
struct shard;

/* No more than so much of the time is taken for each client. */
#define DRAIN_CLIENT_MS 1

struct drain {
    uint64_t *ids; /* of the clients that are to leave, in that order */
    size_t count;
    size_t next;
    uint64_t begin_ms;
    uint64_t over_ms;
};

/* Idle connections leave now, the others within `over_ms`. */
void drain_begin(struct shard *shard, struct moment now, uint64_t over_ms);
void drain_done(struct drain *drain);

/* Send away those whose time has come; when the next one's has, or
 * MOMENT_NEVER. */
void drain_on(struct shard *shard, struct moment now);
uint64_t drain_next_ms(const struct shard *shard);

/* This one leaves, as soon as it has the answers that it waits for. */
void drain_client(struct client *client, struct moment now);

#endif

/* What time does to the clients of a shard: requests that take too long, idle
 * connections, goodbyes that are not answered, keep-alives that are due, peers
 * that take nothing. */
#ifndef BRIDGE_DEADLINE_H
#define BRIDGE_DEADLINE_H

#include "base/moment.h"

struct shard;

/* The earliest of all, on the monotonic clock; MOMENT_NEVER. */
uint64_t deadline_next_ms(const struct shard *shard);

/* Act on all that have passed. */
void deadline_expire(struct shard *shard, struct moment now);

#endif

/* What a client sends is used at once, or kept while it may not be: behind a
 * request that waits for its answer, or in front of output that is not out. */
#ifndef BRIDGE_RECEIVE_H
#define BRIDGE_RECEIVE_H

#include "base/bytes.h"
#include "base/moment.h"

struct client;
struct shard;

/* Bytes from its peer, borrowed. */
void receive_bytes(struct client *client, struct moment now, struct bytes in);

/* Let what was kept be used when this step ends: what it asks for is never
 * begun inside of what answers the request before it. What the client holds is
 * settled then, too. */
void receive_later(struct client *client);

/* A client that closes: what waited is read past, what has begun is dropped. */
void receive_let_go(struct client *client);

/* The step ends: use what was kept, of all that receive_later() named. */
void receive_waiting(struct shard *shard, struct moment now);

#endif

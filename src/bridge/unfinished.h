/* The budget for what is unfinished: requests and messages of which a part has
 * come, and bytes that wait for their turn, of all clients of the node. Nobody
 * is asked how much will come; what is held is charged as it grows.
 *
 * What is small is never refused, so that ordinary clients go on beside a
 * flood: a connection may hold UNFINISHED_SMALL_BYTES beyond the budget. When
 * that is used up, the shard that finds it so refuses the newest of its larger
 * ones, so that those that began before them can end: 429 over HTTP, close 1013
 * over WebSocket.
 * One that is charged and takes nothing of what waits for it is ended after
 * limits.write_timeout (deadline.c).
 *
 * A WebSocket whose key may not publish here, and so has little to say, is
 * refused as soon as a quarter is used. */
#ifndef BRIDGE_UNFINISHED_H
#define BRIDGE_UNFINISHED_H

#include "base/moment.h"

#include <stddef.h>

struct client;

#define UNFINISHED_SMALL_BYTES ((size_t)16 * 1024)

/* What it holds may have changed: charge that. Called at the end of whatever
 * changes it; may refuse this client or another. */
void unfinished_settle(struct client *client, struct moment now);

/* It goes. */
void unfinished_release(struct client *client);

#endif

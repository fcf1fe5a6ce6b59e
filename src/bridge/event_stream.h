/* Server-Sent Events: GET /event/stream (doc/client-protocol, 3). The answer
 * has no end; it is one subscription to all channels of the query. */
#ifndef BRIDGE_EVENT_STREAM_H
#define BRIDGE_EVENT_STREAM_H

#include "base/moment.h"
#include "proto/problem.h"

struct client;

/* Between two comments that keep a quiet stream open. */
#define EVENT_STREAM_KEEPALIVE_MS 15000

/* Answer the client's request with a stream that begins where it says. */
enum problem event_stream_open(struct client *client, struct moment now);

/* The key that it was opened with has ended: say so, and end. */
void event_stream_expire(struct client *client, struct moment now);

/* Time for a comment, which is left out while older output waits. */
void event_stream_keepalive(struct client *client, struct moment now);

#endif

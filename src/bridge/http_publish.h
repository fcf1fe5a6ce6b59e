/* POST /event: one publish, answered when the log has its events. */
#ifndef BRIDGE_HTTP_PUBLISH_H
#define BRIDGE_HTTP_PUBLISH_H

#include "src/bridge/shard_state.h"

/* Queue what the client's request publishes; the client waits then. */
enum problem http_publish(struct client *client, struct moment now);

#endif

/* POST /event/token: the key in a form that a query may hold for a while. */
#ifndef BRIDGE_HTTP_TOKEN_H
#define BRIDGE_HTTP_TOKEN_H

#include "src/bridge/shard_state.h"

/* Whether the request's key is good: any may be put into a token. */
enum problem http_token_admit(struct client *client, struct moment now);

/* Answer with a token of the key, which was admitted. */
enum problem http_token(struct client *client, struct moment now);

#endif

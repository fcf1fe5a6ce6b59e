/* The query of a request for events. */
#ifndef BRIDGE_HTTP_QUERY_H
#define BRIDGE_HTTP_QUERY_H

#include "base/bytes.h"
#include "proto/problem.h"
#include "proto/replay_request.h"

struct client;

/* Read the query of the client's request: what says where to begin goes into
 * `begin`, every other parameter to `take`, which passes over those that it
 * does not know: proxies add them. Names and values are in the shard's text
 * until that is used again. PROBLEM_QUERY_MALFORMED, and what `take` says. */
enum problem http_query_read(struct client *client,
                             struct replay_request *begin,
                             enum problem (*take)(void *context,
                                                  struct bytes name,
                                                  struct bytes value),
                             void *context);

#endif

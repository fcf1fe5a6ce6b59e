/* Clients that are behind: they read the log, a page at a time, as fast as
 * their sockets drain, until they meet the place that the shard has walked to.
 * From there they are live again, with nothing missed and nothing twice: each
 * subscription knows the last place it has seen. */
#ifndef BRIDGE_CATCHUP_H
#define BRIDGE_CATCHUP_H

#include "base/bytes.h"
#include "base/moment.h"

struct shard;
struct client;

/* The client's output is drained: let it have its next page, in its turn. */
void catchup_offer(struct shard *shard, struct client *client);

/* One record of its page. */
void catchup_record(struct shard *shard,
                    struct client *client,
                    uint64_t place,
                    struct bytes channel,
                    struct bytes content);

/* Whether the client can take another record of its page. */
bool catchup_wants(const struct client *client);

/* The page is done. `first_place` is where the log begins now: a client whose
 * place has left the window cannot be served without a gap, and is closed. */
void catchup_page_end(struct shard *shard,
                      struct moment now,
                      struct client *client,
                      uint64_t first_place,
                      bool failed);

#endif

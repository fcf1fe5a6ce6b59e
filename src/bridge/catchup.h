/* Clients that are behind: they read the log, a page at a time, as fast as
 * their sockets drain, until they meet the place that the shard has walked to.
 * From there they are live again, with nothing missed and nothing twice: each
 * subscription knows the last place it has seen. */
#ifndef BRIDGE_CATCHUP_H
#define BRIDGE_CATCHUP_H

#include "base/bytes.h"
#include "base/moment.h"

struct shard;
struct shard_input;
struct shard_page;
struct client;

/* The client's output is drained: let it have its next page, in its turn. */
void catchup_offer(struct shard *shard, struct client *client);

/* Say what page the client is to read next; false when it cannot be served and
 * is closed. */
bool catchup_page(struct shard *shard,
                  struct client *client,
                  struct moment now,
                  struct shard_page *ret);

/* One record of its page. */
void catchup_record(struct shard *shard,
                    struct client *client,
                    struct moment now,
                    const struct shard_input *in);

/* Whether the client can take another record of its page. */
bool catchup_wants(const struct client *client);

/* The page is done. A client whose place has left the window cannot be served
 * without a gap: it is told of it, or closed when it knows no gaps. */
void catchup_page_end(struct shard *shard,
                      struct client *client,
                      struct moment now,
                      const struct shard_input *in);

#endif

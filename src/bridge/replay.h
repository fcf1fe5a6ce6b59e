/* A subscription that does not begin live: it reads the log from its place on,
 * a page at a time, as fast as its socket drains, until it meets the place that
 * the shard has walked to, and is live from there, with nothing missed and
 * nothing twice.
 *
 * What it can no longer have it is told: a page begins with a gap when events
 * have left the log that it has not seen, and a record whose predecessor it has
 * not seen either comes after one. A client that knows no gaps is closed. */
#ifndef BRIDGE_REPLAY_H
#define BRIDGE_REPLAY_H

#include "base/list.h"
#include "base/moment.h"
#include "base/vector.h"
#include "proto/channel_name.h"
#include "proto/replay_request.h"

struct client;
struct shard;
struct shard_input;
struct shard_page;
struct subscription;

struct replay {
    struct list node; /* in its client's list, the next to read first */
    struct subscription *subscription;
    uint64_t from_place;  /* the next to read */
    struct vector at;     /* has seen, or was told that it cannot */
    struct vector before; /* `at` when the page being read began */
};

/* Where a replay begins. */
struct replay_start {
    uint64_t place; /* the first to read */
    struct vector at;
};

/* Where a subscription to these patterns that asks for `request` begins.
 * PROBLEM_CURSOR_UNKNOWN, PROBLEM_STORAGE_READ. */
enum problem replay_find(struct shard *shard,
                         struct moment now,
                         const struct channel_name *patterns,
                         size_t pattern_count,
                         const struct replay_request *request,
                         struct replay_start *ret);

/* Not live: from there on, what the cursor does not cover. */
void replay_begin(struct shard *shard,
                  struct subscription *subscription,
                  const struct replay_start *start);
void replay_free(struct replay *replay); /* accepts NULL */

/* Say what page the client's next replay is to read. */
void replay_page(struct shard *shard,
                 struct client *client,
                 struct moment now,
                 struct shard_page *ret);

void replay_record(struct shard *shard,
                   struct client *client,
                   struct moment now,
                   const struct shard_input *in);

/* Whether the client can take another record of its page. */
bool replay_wants(const struct client *client);

void replay_page_end(struct shard *shard,
                     struct client *client,
                     struct moment now,
                     const struct shard_input *in);

#endif

/* A subscription that is not live: it begins in the past, or its client's send
 * buffer was full when an event came. It is a place in the log and a cursor,
 * and is given pages of the log (replay_page), as fast as its socket drains,
 * until it meets the place that the shard has walked to. It is live from there,
 * with nothing missed and nothing twice.
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
struct replay_page;
struct shard;
struct subscription;

struct replay {
    struct list node;      /* in its client's list, the next to read first */
    struct list wait_node; /* with those that want the same page, or that wait
                              for the shard to walk on and are in no other */
    struct subscription *subscription;
    uint64_t from_place; /* the next to read */

    /* Where nothing is kept, what comes behind it is due nevertheless;
     * REPLAY_SLOW: nothing is, it is told that it was slow. */
    uint64_t since_place;
    bool only_kept;    /* what had left its window by then is not missed */
    struct vector *at; /* compact: has seen, or was told that it cannot */
    uint64_t last;     /* not 0: it reads back first, for so many events more */
    uint64_t first_place; /* with `last`: the oldest found so far */
};

/* Where a replay begins. */
struct replay_start {
    uint64_t place; /* the first to read */
    uint64_t since_place;
    bool only_kept;
    struct vector at;
    uint64_t last; /* not 0: yet to be found, so many events back; `at` is no
                      more than what the log has let go of */
};

#define REPLAY_SLOW UINT64_MAX

/* Where a subscription to these patterns that asks for `request` begins.
 * PROBLEM_CURSOR_UNKNOWN, PROBLEM_STORAGE_READ. */
enum problem replay_find(struct shard *shard,
                         struct moment now,
                         const struct channel_name *patterns,
                         size_t pattern_count,
                         const struct replay_request *request,
                         struct replay_start *ret);

/* Not live: from there on, what the cursor does not cover. Whoever is told
 * where it begins (delivery_begun) is told now, or once that is found. */
void replay_begin(struct shard *shard,
                  struct subscription *subscription,
                  const struct replay_start *start);

/* The same from `event` on, which it has no room for, or waited for. */
struct event;
void replay_begin_at(struct shard *shard,
                     struct subscription *subscription,
                     const struct event *event);

/* It is given nothing any more, and is freed when the step ends. */
void replay_end(struct replay *replay);
void replay_free(struct replay *replay); /* one that has ended */

/* Where nothing is kept, what was there when it began is not for it, also where
 * its shard has yet to walk to it, and would give it as live: whether it waits
 * for that. */
bool replay_waits(const struct replay *replay);

/* A client whose output is out has its next replay wait for a page. */
void replay_offer(struct client *client);

/* Here is its page; `live`: with it, it meets the present. */
void replay_give(struct replay *replay,
                 const struct replay_page *page,
                 bool live,
                 struct moment now);

/* The log cannot be read. */
void replay_fail(struct replay *replay, struct moment now);

#endif

/* Subscriptions of one shard, found by channel: exact names and wildcards.
 *
 * A wildcard is kept under what its channels begin with ("/default/"), so an
 * event looks up its own name and, for each of its at most five slashes, what
 * stands before: no pattern is ever tried in vain. */
#ifndef BRIDGE_SUBSCRIPTION_H
#define BRIDGE_SUBSCRIPTION_H

#include "base/buffer.h"
#include "base/list.h"
#include "base/map.h"
#include "proto/channel_name.h"
#include "src/bridge/lease.h"

struct client;
struct replay;

/* What its events are sent as. */
enum subscription_format {
    SUBSCRIPTION_PLAIN,   /* data frames as AWS's clients know them */
    SUBSCRIPTION_CURSORS, /* data frames with cursor and channel */
    SUBSCRIPTION_STREAM,  /* Server-Sent Events */
    SUBSCRIPTION_HISTORY, /* items of a page of history */
    SUBSCRIPTION_FORMAT_COUNT,
};

/* All subscriptions to one name or pattern, the live ones first: an event walks
 * only them, so those that are not cost it nothing. */
struct topic {
    struct map_node node;
    uint32_t count;
    uint32_t live_count;
    uint32_t capacity;
    struct topic_link **links; /* otherwise in no order */
    char name[];
};

/* A subscription's place in one of its topics. */
struct topic_link {
    struct topic *topic;
    struct subscription *subscription;
    uint32_t slot; /* where the topic lists it */
};

/* A stream may have several channels and patterns. */
#define SUBSCRIPTION_PATTERNS_MAX 16

struct subscription {
    struct list client_node; /* in its client's list */
    struct client *client;
    struct lease_holder lease; /* of the key that allowed it */
    struct replay *replay;     /* NULL: live, see subscription_replay() */
    uint64_t after_place;      /* has seen, or need not see, all up to here */
    struct topic_link *links;
    char *begin; /* what its data frames begin with, the id inside it */
    uint8_t link_count;
    uint8_t format;
    uint8_t id_len;
    uint8_t begin_len;
};

struct subscription_table {
    struct map exact;
    struct map wildcard;
    size_t count;
};

void subscription_table_init(struct subscription_table *t, uint64_t seed);
void subscription_table_done(struct subscription_table *t); /* must be empty */

/* Live from this call on, for events after `after_place`. No two patterns are
 * alike. The caller links client_node. `id` is empty for one that is not a
 * WebSocket's. */
struct subscription *subscription_new(struct subscription_table *t,
                                      struct client *client,
                                      struct bytes id,
                                      const struct channel_name *patterns,
                                      size_t pattern_count,
                                      uint64_t after_place);

/* It leaves its topics and its client's list, and matches nothing any more; its
 * memory is there until subscription_free(). Its replay has ended before. */
void subscription_end(struct subscription_table *t, struct subscription *s);
void subscription_free(struct subscription *s); /* one that has ended */

/* No longer live, until it is called with NULL again. */
void subscription_replay(struct subscription *s, struct replay *replay);

struct bytes subscription_id(const struct subscription *s);
struct bytes subscription_begin(const struct subscription *s);

/* What it was made with, of one that has one pattern. */
void subscription_pattern(const struct subscription *s,
                          struct channel_name *ret);

/* The one channel it is for; len 0 when there are several, or wildcards. */
struct bytes subscription_channel(const struct subscription *s);

/* Append what tells its topics from those of others, while it is there. */
#define SUBSCRIPTION_TOPICS_BYTES_MAX \
    (SUBSCRIPTION_PATTERNS_MAX * sizeof(struct topic *))
void subscription_print_topics(const struct subscription *s,
                               struct buffer *out);

/* Whether it is for that channel. */
bool subscription_matches(const struct subscription_table *t,
                          const struct subscription *s,
                          struct bytes channel);

/* Whether it is for channels of those namespaces (event_gone_of()). */
bool subscription_in(const struct subscription *s, struct bytes gone);

/* At most this many topics can match one channel. */
#define SUBSCRIPTION_TOPICS_MAX (CHANNEL_NAME_SEGMENTS_MAX + 1)

/* The topics that match a canonical channel name; returns how many. */
size_t subscription_topics(const struct subscription_table *t,
                           struct bytes channel,
                           struct topic *ret[SUBSCRIPTION_TOPICS_MAX]);

#endif

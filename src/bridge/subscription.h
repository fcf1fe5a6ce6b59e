/* Subscriptions of one shard, found by channel: exact names and wildcards.
 *
 * A wildcard is kept under what its channels begin with ("/default/"), so an
 * event looks up its own name and, for each of its at most five slashes, what
 * stands before: no pattern is ever tried in vain. */
#ifndef BRIDGE_SUBSCRIPTION_H
#define BRIDGE_SUBSCRIPTION_H

#include "base/list.h"
#include "base/map.h"
#include "proto/channel_name.h"

struct client;

/* All subscriptions to one name or pattern. */
struct topic {
    struct map_node node;
    uint32_t count;
    uint32_t capacity;
    struct subscription **subscriptions; /* in no order */
    char name[];
};

struct subscription {
    struct list client_node; /* in its client's list */
    struct client *client;
    struct topic *topic;
    uint32_t topic_slot; /* where the topic lists it */
    uint8_t id_len;
    uint8_t begin_len;
    uint64_t after_place; /* has seen, or need not see, all up to here */
    char begin[]; /* what its data frames begin with, the id inside it */
};

struct subscription_table {
    struct map exact;
    struct map wildcard;
    size_t count;
};

void subscription_table_init(struct subscription_table *t, uint64_t seed);
void subscription_table_done(struct subscription_table *t); /* must be empty */

/* Live from this call on, for events after `after_place`. The caller links
 * client_node. */
struct subscription *subscription_new(struct subscription_table *t,
                                      struct client *client,
                                      struct bytes id,
                                      const struct channel_name *pattern,
                                      uint64_t after_place);
void subscription_free(struct subscription_table *t, struct subscription *s);

struct bytes subscription_id(const struct subscription *s);
struct bytes subscription_begin(const struct subscription *s);

/* At most this many topics can match one channel. */
#define SUBSCRIPTION_TOPICS_MAX (CHANNEL_NAME_SEGMENTS_MAX + 1)

/* The topics that match a canonical channel name; returns how many. */
size_t subscription_topics(const struct subscription_table *t,
                           struct bytes channel,
                           struct topic *ret[SUBSCRIPTION_TOPICS_MAX]);

#endif

/* One request to publish, on its way from the shard that read it to the
 * log and back to the same shard, which answers and frees it. It has one
 * owner at a time. */
#ifndef BRIDGE_PUBLISH_H
#define BRIDGE_PUBLISH_H

#include "base/event.h"
#include "base/list.h"
#include "proto/answer.h"
#include "proto/channel_name.h"
#include "proto/client_msg.h"
#include "src/bridge/namespace.h"

struct publish_item {
    struct event *event; /* NULL: refused before the log, or in it already */
    struct answer_outcome outcome;
};

struct publish {
    struct list node;
    uint32_t shard;     /* whom to answer */
    uint64_t client_id; /* and there, which connection (client_table) */
    size_t bytes;       /* charged to the intake until the batch is gone */
    enum namespace_durability durability; /* when it may be answered */
    enum problem problem; /* of the whole request; PROBLEM_NONE: see items */
    size_t count;
    struct publish_item items[CLIENT_MSG_EVENTS_MAX];
    size_t id_len; /* 0: over HTTP */
    char id[CLIENT_MSG_ID_BYTES_MAX];
};

/* What the largest is charged: more than its records in the log take. */
#define PUBLISH_BYTES_MAX                                 \
    (sizeof(struct publish) +                             \
     CLIENT_MSG_EVENTS_MAX *                              \
         (sizeof(struct event) + CHANNEL_NAME_BYTES_MAX + \
          CLIENT_MSG_EVENT_BYTES_MAX + EVENT_KEY_BYTES_MAX))

struct publish *publish_new(uint32_t shard,
                            uint64_t client_id,
                            struct bytes id);
void publish_free(struct publish *p); /* drops its events; accepts NULL */

/* Add one event; `key` with len 0: it has none. `problem` says why it will not
 * be stored, if so; then `identifier` names it in the answer. */
void publish_add(struct publish *p,
                 struct bytes channel,
                 struct bytes content,
                 struct bytes key,
                 enum problem problem,
                 const uint8_t identifier[16]);

struct bytes publish_id(const struct publish *p);

#endif

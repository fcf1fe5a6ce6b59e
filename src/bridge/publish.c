/* A publish request in transit: its events, their fates, and whom to answer. */
#include "src/bridge/publish.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

struct publish *publish_new(uint32_t shard, uint64_t client_id, struct bytes id)
{
    struct publish *p = alloc_raw(sizeof(*p));

    check(id.len <= sizeof(p->id));
    list_init(&p->node);
    p->shard = shard;
    p->client_id = client_id;
    p->bytes = sizeof(*p);
    p->problem = PROBLEM_NONE;
    p->durability = NAMESPACE_DISK;
    p->count = 0;
    p->id_len = id.len;
    if (id.len > 0) {
        memcpy(p->id, id.data, id.len);
    }
    return p;
}

void publish_free(struct publish *p)
{
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        event_unref(p->items[i].event);
    }
    free(p);
}

void publish_add(struct publish *p,
                 struct bytes channel,
                 struct bytes content,
                 struct bytes key,
                 enum problem problem,
                 const uint8_t identifier[16])
{
    struct publish_item *item = &p->items[p->count];

    check(p->count < CLIENT_MSG_EVENTS_MAX);
    item->outcome.problem = problem;
    if (problem == PROBLEM_NONE) {
        item->event = event_new_keyed(channel, content, key);
        p->bytes += sizeof(*item->event) + channel.len + content.len + key.len;
    } else {
        item->event = NULL;
        memcpy(item->outcome.identifier, identifier, 16);
    }
    p->count++;
}

struct bytes publish_id(const struct publish *p)
{
    return bytes_of(p->id, p->id_len);
}

/* One entry an event, named by key and channel together. */
#include "src/bridge/repeats.h"

#include "base/alloc.h"
#include "base/check.h"
#include "proto/channel_name.h"

#include <stdlib.h>

#define NAME_BYTES_MAX (1 + EVENT_KEY_BYTES_MAX + CHANNEL_NAME_BYTES_MAX)

struct entry {
    struct map_node node;
    const struct event *event;
    uint8_t name[];
};

/* The length in front says where the key ends and the channel begins. */
static struct bytes name_of(const struct event *event,
                            uint8_t out[NAME_BYTES_MAX])
{
    size_t key_len = event->key.len;
    size_t channel_len = event->channel.len;

    check(key_len <= EVENT_KEY_BYTES_MAX);
    check(channel_len <= CHANNEL_NAME_BYTES_MAX);
    out[0] = (uint8_t)key_len;
    memcpy(out + 1, event->key.data, key_len);
    memcpy(out + 1 + key_len, event->channel.data, channel_len);
    return bytes_of(out, 1 + key_len + channel_len);
}

void repeats_init(struct repeats *r, uint64_t seed)
{
    map_init(&r->events, seed);
}

static void free_visited(struct map_node *node, void *context)
{
    (void)context;
    free(map_entry(node, struct entry, node));
}

void repeats_done(struct repeats *r)
{
    map_each(&r->events, free_visited, NULL);
    map_done(&r->events);
}

const struct event *repeats_find(const struct repeats *r,
                                 const struct event *event)
{
    uint8_t name[NAME_BYTES_MAX];
    struct map_node *node;

    if (event->key.len == 0) {
        return NULL;
    }
    node = map_find(&r->events, name_of(event, name));
    return node == NULL ? NULL : map_entry(node, struct entry, node)->event;
}

void repeats_add(struct repeats *r, const struct event *event)
{
    struct entry *entry;
    uint8_t text[NAME_BYTES_MAX];
    struct bytes name;

    if (event->key.len == 0) {
        return;
    }
    name = name_of(event, text);
    entry = alloc_raw(sizeof(*entry) + name.len);
    entry->event = event;
    memcpy(entry->name, name.data, name.len);
    map_insert(&r->events, &entry->node, bytes_of(entry->name, name.len));
}

/* The table of subscriptions and its two indices. */
#include "src/bridge/subscription.h"

#include "base/alloc.h"
#include "base/check.h"
#include "proto/answer.h"
#include "proto/client_msg.h"

#include <stdlib.h>

void subscription_table_init(struct subscription_table *t, uint64_t seed)
{
    map_init(&t->exact, seed);
    map_init(&t->wildcard, seed);
    t->count = 0;
}

void subscription_table_done(struct subscription_table *t)
{
    check(t->count == 0);
    map_done(&t->exact);
    map_done(&t->wildcard);
}

static struct topic *topic_get(struct map *map, struct bytes name)
{
    struct map_node *node = map_find(map, name);

    if (node != NULL) {
        return map_entry(node, struct topic, node);
    }
    struct topic *topic = alloc_zero(sizeof(*topic) + name.len);
    memcpy(topic->name, name.data, name.len);
    map_insert(map, &topic->node, bytes_of(topic->name, name.len));
    return topic;
}

static void topic_add(struct topic *topic, struct subscription *s)
{
    if (topic->count == topic->capacity) {
        topic->capacity = topic->capacity == 0 ? 1 : topic->capacity * 2;
        topic->subscriptions =
            alloc_resize(topic->subscriptions,
                         topic->capacity * sizeof(topic->subscriptions[0]));
    }
    s->topic = topic;
    s->topic_slot = topic->count;
    topic->subscriptions[topic->count++] = s;
}

static void topic_drop(struct map *map, struct subscription *s)
{
    struct topic *topic = s->topic;
    struct subscription *last = topic->subscriptions[topic->count - 1];

    check(topic->subscriptions[s->topic_slot] == s);
    topic->subscriptions[s->topic_slot] = last;
    last->topic_slot = s->topic_slot;
    topic->count--;
    if (topic->count == 0) {
        map_remove(map, &topic->node);
        free(topic->subscriptions);
        free(topic);
    }
}

struct subscription *subscription_new(struct subscription_table *t,
                                      struct client *client,
                                      struct bytes id,
                                      const struct channel_name *pattern,
                                      uint64_t after_place)
{
    struct buffer begin;
    struct subscription *s;

    check(id.len > 0 && id.len <= CLIENT_MSG_ID_BYTES_MAX);
    buffer_init(&begin, UINT8_MAX);
    answer_data_begin(&begin, id);
    check(!begin.overflowed);
    s = alloc_zero(sizeof(*s) + begin.len);
    s->client = client;
    s->id_len = (uint8_t)id.len;
    s->begin_len = (uint8_t)begin.len;
    s->after_place = after_place;
    memcpy(s->begin, begin.data, begin.len);
    buffer_done(&begin);
    list_init(&s->client_node);
    topic_add(topic_get(pattern->wildcard ? &t->wildcard : &t->exact,
                        channel_name_prefix(pattern)),
              s);
    t->count++;
    return s;
}

void subscription_free(struct subscription_table *t, struct subscription *s)
{
    struct bytes name = s->topic->node.key;
    bool wildcard = name.data[name.len - 1] == '/';

    topic_drop(wildcard ? &t->wildcard : &t->exact, s);
    list_remove(&s->client_node);
    t->count--;
    free(s);
}

struct bytes subscription_id(const struct subscription *s)
{
    /* The frame begins {"type":"data","id":" and then stands the id. */
    return bytes_of(s->begin + sizeof("{\"type\":\"data\",\"id\":\"") - 1,
                    s->id_len);
}

struct bytes subscription_begin(const struct subscription *s)
{
    return bytes_of(s->begin, s->begin_len);
}

size_t subscription_topics(const struct subscription_table *t,
                           struct bytes channel,
                           struct topic *ret[SUBSCRIPTION_TOPICS_MAX])
{
    size_t count = 0;
    struct map_node *node = map_find(&t->exact, channel);

    if (node != NULL) {
        ret[count++] = map_entry(node, struct topic, node);
    }
    if (t->wildcard.count == 0) {
        return count;
    }
    for (size_t i = 1; i < channel.len; i++) {
        if (channel.data[i] != '/') {
            continue;
        }
        node = map_find(&t->wildcard, bytes_of(channel.data, i + 1));
        if (node != NULL) {
            check(count < SUBSCRIPTION_TOPICS_MAX);
            ret[count++] = map_entry(node, struct topic, node);
        }
    }
    return count;
}

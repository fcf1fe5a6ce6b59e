/* The table of subscriptions and its two indices. */
#include "src/bridge/subscription.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/event.h"
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

static void put(struct topic *topic, uint32_t slot, struct topic_link *link)
{
    topic->links[slot] = link;
    link->slot = slot;
}

static void swap(struct topic *topic, uint32_t a, uint32_t b)
{
    struct topic_link *link = topic->links[a];

    put(topic, a, topic->links[b]);
    put(topic, b, link);
}

/* To the live ones, which stand first, or to the others. */
static void move(struct topic_link *link, bool live)
{
    struct topic *topic = link->topic;

    check(live == (link->slot >= topic->live_count));
    if (live) {
        swap(topic, link->slot, topic->live_count++);
    } else {
        swap(topic, link->slot, --topic->live_count);
    }
}

static void topic_add(struct topic *topic, struct topic_link *link)
{
    if (topic->count == topic->capacity) {
        topic->capacity = topic->capacity == 0 ? 1 : topic->capacity * 2;
        topic->links = alloc_resize(topic->links,
                                    topic->capacity * sizeof(topic->links[0]));
    }
    link->topic = topic;
    put(topic, topic->count++, link);
    swap(topic, link->slot, topic->live_count++);
}

static bool is_wildcard(const struct topic *topic)
{
    struct bytes name = topic->node.key;

    return name.data[name.len - 1] == '/';
}

static void topic_drop(struct subscription_table *t, struct topic_link *link)
{
    struct topic *topic = link->topic;

    check(topic->links[link->slot] == link);
    if (link->slot < topic->live_count) {
        move(link, false);
    }
    swap(topic, link->slot, --topic->count);
    if (topic->count == 0) {
        map_remove(is_wildcard(topic) ? &t->wildcard : &t->exact, &topic->node);
        free(topic->links);
        free(topic);
    }
}

static void add_links(struct subscription_table *t,
                      struct subscription *s,
                      const struct channel_name *patterns)
{
    for (size_t i = 0; i < s->link_count; i++) {
        struct map *map = patterns[i].wildcard ? &t->wildcard : &t->exact;

        s->links[i].subscription = s;
        topic_add(topic_get(map, channel_name_prefix(&patterns[i])),
                  &s->links[i]);
    }
}

struct subscription *subscription_new(struct subscription_table *t,
                                      struct client *client,
                                      struct bytes id,
                                      const struct channel_name *patterns,
                                      size_t pattern_count,
                                      uint64_t after_place)
{
    struct buffer begin;
    struct subscription *s;
    size_t links_bytes = pattern_count * sizeof(s->links[0]);

    check(id.len <= CLIENT_MSG_ID_BYTES_MAX);
    check(pattern_count > 0 && pattern_count <= SUBSCRIPTION_PATTERNS_MAX);
    buffer_init(&begin, UINT8_MAX);
    if (id.len > 0) {
        answer_data_begin(&begin, id);
    }
    check(!begin.overflowed);
    s = alloc_zero(sizeof(*s) + links_bytes + begin.len);
    s->client = client;
    s->links = (struct topic_link *)(s + 1);
    s->begin = (char *)s->links + links_bytes;
    s->link_count = (uint8_t)pattern_count;
    s->id_len = (uint8_t)id.len;
    s->begin_len = (uint8_t)begin.len;
    s->after_place = after_place;
    if (begin.len > 0) {
        memcpy(s->begin, begin.data, begin.len);
    }
    buffer_done(&begin);
    list_init(&s->client_node);
    lease_holder_init(&s->lease);
    add_links(t, s, patterns);
    t->count++;
    return s;
}

void subscription_end(struct subscription_table *t, struct subscription *s)
{
    check(s->link_count > 0);
    for (size_t i = 0; i < s->link_count; i++) {
        topic_drop(t, &s->links[i]);
    }
    s->link_count = 0;
    list_remove(&s->client_node);
    t->count--;
}

void subscription_free(struct subscription *s)
{
    check(s->link_count == 0 && s->lease.lease == NULL);
    free(s);
}

void subscription_replay(struct subscription *s, struct replay *replay)
{
    check((s->replay == NULL) != (replay == NULL));
    s->replay = replay;
    for (size_t i = 0; i < s->link_count; i++) {
        move(&s->links[i], replay == NULL);
    }
}

struct bytes subscription_id(const struct subscription *s)
{
    /* The frame begins {"type":"data","id":" and then stands the id. */
    return s->id_len == 0
               ? bytes_of(NULL, 0)
               : bytes_of(s->begin + sizeof("{\"type\":\"data\",\"id\":\"") - 1,
                          s->id_len);
}

struct bytes subscription_begin(const struct subscription *s)
{
    return bytes_of(s->begin, s->begin_len);
}

void subscription_pattern(const struct subscription *s,
                          struct channel_name *ret)
{
    const struct topic *topic = s->links[0].topic;
    char text[CHANNEL_NAME_BYTES_MAX + 1];
    size_t len = topic->node.key.len;

    check(s->link_count == 1 && len < sizeof(text));
    memcpy(text, topic->node.key.data, len);
    if (is_wildcard(topic)) {
        text[len++] = '*';
    }
    check(channel_name_parse_pattern(bytes_of(text, len), ret) == 0);
}

struct bytes subscription_channel(const struct subscription *s)
{
    return s->link_count > 1 || is_wildcard(s->links[0].topic)
               ? bytes_of(NULL, 0)
               : s->links[0].topic->node.key;
}

void subscription_print_topics(const struct subscription *s, struct buffer *out)
{
    for (size_t i = 0; i < s->link_count; i++) {
        buffer_append(out,
                      bytes_of(&s->links[i].topic, sizeof(s->links[i].topic)));
    }
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

bool subscription_matches(const struct subscription_table *t,
                          const struct subscription *s,
                          struct bytes channel)
{
    struct topic *topics[SUBSCRIPTION_TOPICS_MAX];
    size_t count = subscription_topics(t, channel, topics);

    for (size_t i = 0; i < s->link_count; i++) {
        for (size_t n = 0; n < count; n++) {
            if (s->links[i].topic == topics[n]) {
                return true;
            }
        }
    }
    return false;
}

bool subscription_in(const struct subscription *s, struct bytes gone)
{
    for (size_t i = 0; i < s->link_count; i++) {
        if (event_gone_of(gone, s->links[i].topic->node.key)) {
            return true;
        }
    }
    return false;
}

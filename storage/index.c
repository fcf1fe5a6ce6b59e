/* The index: a map of channels, each with a ring of its places.
 *
 * A place is kept as a 32-bit distance from the channel's base, and the first
 * two stand in the entry itself, so that a million channels of one event and
 * one channel of a million events are both cheap. */
#include "storage/index.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>

#define INLINE_COUNT 2

struct index_channel {
    struct map_node node;
    uint64_t base;  /* what the distances are counted from */
    uint64_t bytes; /* of records */
    union {
        uint32_t own[INLINE_COUNT];
        uint32_t *ring;
    } distances;
    uint32_t head; /* slot of the oldest */
    uint32_t count;
    uint32_t capacity; /* INLINE_COUNT: in the entry itself */
    char name[];
};

struct index {
    pthread_mutex_t lock;
    struct map channels;
    uint64_t count;
    uint64_t bytes;
};

struct index *index_new(uint64_t seed)
{
    struct index *i = alloc_zero(sizeof(*i));

    map_init(&i->channels, seed);
    pthread_mutex_init(&i->lock, NULL);
    return i;
}

static void channel_free(struct index_channel *c)
{
    if (c->capacity > INLINE_COUNT) {
        free(c->distances.ring);
    }
    free(c);
}

static void free_visited(struct map_node *node, void *context)
{
    (void)context;
    channel_free(map_entry(node, struct index_channel, node));
}

void index_free(struct index *i)
{
    if (i == NULL) {
        return;
    }
    map_each(&i->channels, free_visited, NULL);
    map_done(&i->channels);
    pthread_mutex_destroy(&i->lock);
    free(i);
}

static uint32_t *channel_slots(struct index_channel *c)
{
    return c->capacity > INLINE_COUNT ? c->distances.ring : c->distances.own;
}

static uint32_t *channel_slot(struct index_channel *c, uint32_t position)
{
    uint64_t slot = (uint64_t)c->head + position;

    check(position < c->capacity);
    return channel_slots(c) + (slot >= c->capacity ? slot - c->capacity : slot);
}

static uint64_t channel_place(struct index_channel *c, uint32_t position)
{
    check(position < c->count);
    return c->base + *channel_slot(c, position);
}

/* Move the places, in order, to a ring of another capacity. */
static void channel_resize(struct index_channel *c, uint32_t capacity)
{
    uint32_t own[INLINE_COUNT];
    uint32_t *slots = own;

    check(capacity >= c->count && capacity >= INLINE_COUNT);
    if (capacity > INLINE_COUNT) {
        slots = alloc_raw(capacity * sizeof(*slots));
    }
    for (uint32_t n = 0; n < c->count; n++) {
        slots[n] = *channel_slot(c, n);
    }
    if (c->capacity > INLINE_COUNT) {
        free(c->distances.ring);
    }
    if (capacity > INLINE_COUNT) {
        c->distances.ring = slots;
    } else {
        memcpy(c->distances.own, own, c->count * sizeof(*own));
    }
    c->head = 0;
    c->capacity = capacity;
}

static void channel_pop(struct index *i, struct index_channel *c)
{
    check(c->count > 0);
    c->head = c->head + 1 == c->capacity ? 0 : c->head + 1;
    c->count--;
    i->count--;
    if (c->capacity > INLINE_COUNT && c->count < c->capacity / 4) {
        uint32_t half = c->capacity / 2;

        channel_resize(c, half < INLINE_COUNT ? INLINE_COUNT : half);
    }
}

/* Make `place` expressible as a distance from the base. */
static void channel_rebase(struct index *i,
                           struct index_channel *c,
                           uint64_t place)
{
    uint64_t shift;

    while (c->count > 0 && place - channel_place(c, 0) > UINT32_MAX) {
        channel_pop(i, c);
    }
    if (c->count == 0) {
        i->bytes -= c->bytes;
        c->bytes = 0;
        c->base = place;
        return;
    }
    shift = channel_place(c, 0) - c->base;
    for (uint32_t n = 0; n < c->count; n++) {
        *channel_slot(c, n) -= (uint32_t)shift;
    }
    c->base += shift;
}

static struct index_channel *channel_find(const struct index *i,
                                          struct bytes channel)
{
    struct map_node *node = map_find(&i->channels, channel);

    return node == NULL ? NULL : map_entry(node, struct index_channel, node);
}

static struct index_channel *channel_new(struct index *i,
                                         struct bytes channel,
                                         uint64_t place)
{
    struct index_channel *c = alloc_raw(sizeof(*c) + channel.len);

    memset(c, 0, sizeof(*c));
    memcpy(c->name, channel.data, channel.len);
    c->base = place;
    c->capacity = INLINE_COUNT;
    map_insert(&i->channels, &c->node, bytes_of(c->name, channel.len));
    return c;
}

void index_add(struct index *i,
               struct bytes channel,
               uint64_t place,
               uint64_t record_bytes)
{
    struct index_channel *c;

    check(channel.len > 0);
    pthread_mutex_lock(&i->lock);
    c = channel_find(i, channel);
    if (c == NULL) {
        c = channel_new(i, channel, place);
    }
    check(c->count == 0 || place > channel_place(c, c->count - 1));
    if (place - c->base > UINT32_MAX) {
        channel_rebase(i, c, place);
    }
    if (c->count == c->capacity) {
        check(c->capacity < UINT32_MAX / 2);
        channel_resize(c, c->capacity + c->capacity / 2 + 1);
    }
    c->count++;
    *channel_slot(c, c->count - 1) = (uint32_t)(place - c->base);
    c->bytes += record_bytes;
    i->count++;
    i->bytes += record_bytes;
    pthread_mutex_unlock(&i->lock);
}

static void drop_first(struct index *i,
                       struct index_channel *c,
                       uint64_t place,
                       uint64_t record_bytes)
{
    bool found = false;

    while (c->count > 0 && channel_place(c, 0) <= place) {
        found = channel_place(c, 0) == place;
        channel_pop(i, c);
    }
    if (found) {
        uint64_t less = record_bytes < c->bytes ? record_bytes : c->bytes;

        c->bytes -= less;
        i->bytes -= less;
    }
    if (c->count == 0) {
        i->bytes -= c->bytes;
        map_remove(&i->channels, &c->node);
        channel_free(c);
    }
}

void index_drop_first(struct index *i,
                      struct bytes channel,
                      uint64_t place,
                      uint64_t record_bytes)
{
    struct index_channel *c;

    pthread_mutex_lock(&i->lock);
    c = channel_find(i, channel);
    if (c != NULL) {
        drop_first(i, c, place, record_bytes);
    }
    pthread_mutex_unlock(&i->lock);
}

/* How many of the channel's places are not greater than `after`. */
static uint32_t channel_rank(struct index_channel *c, uint64_t after)
{
    uint32_t low = 0;
    uint32_t high = c->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (channel_place(c, middle) <= after) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The older ones take a step towards the gap. */
static void remove_place(struct index *i,
                         struct index_channel *c,
                         uint64_t place,
                         uint64_t record_bytes)
{
    uint32_t rank = channel_rank(c, place);

    if (rank == 0 || channel_place(c, rank - 1) != place) {
        return;
    }
    for (uint32_t n = rank - 1; n > 0; n--) {
        *channel_slot(c, n) = *channel_slot(c, n - 1);
    }
    drop_first(i, c, channel_place(c, 0), record_bytes);
}

void index_remove(struct index *i,
                  struct bytes channel,
                  uint64_t place,
                  uint64_t record_bytes)
{
    struct index_channel *c;

    pthread_mutex_lock(&i->lock);
    c = channel_find(i, channel);
    if (c != NULL) {
        remove_place(i, c, place, record_bytes);
    }
    pthread_mutex_unlock(&i->lock);
}

static size_t channel_copy(struct index_channel *c,
                           uint32_t from,
                           uint64_t *ret_places,
                           size_t max)
{
    size_t count = c->count - from;

    if (count > max) {
        count = max;
    }
    for (size_t n = 0; n < count; n++) {
        ret_places[n] = channel_place(c, from + (uint32_t)n);
    }
    return count;
}

size_t index_after(struct index *i,
                   struct bytes channel,
                   uint64_t after,
                   uint64_t *ret_places,
                   size_t max)
{
    struct index_channel *c;
    size_t count = 0;

    pthread_mutex_lock(&i->lock);
    c = channel_find(i, channel);
    if (c != NULL) {
        count = channel_copy(c, channel_rank(c, after), ret_places, max);
    }
    pthread_mutex_unlock(&i->lock);
    return count;
}

size_t index_last(struct index *i,
                  struct bytes channel,
                  uint64_t *ret_places,
                  size_t max)
{
    struct index_channel *c;
    size_t count = 0;

    pthread_mutex_lock(&i->lock);
    c = channel_find(i, channel);
    if (c != NULL) {
        uint32_t from = c->count > max ? c->count - (uint32_t)max : 0;

        count = channel_copy(c, from, ret_places, max);
    }
    pthread_mutex_unlock(&i->lock);
    return count;
}

uint64_t index_count(struct index *i)
{
    uint64_t count;

    pthread_mutex_lock(&i->lock);
    count = i->count;
    pthread_mutex_unlock(&i->lock);
    return count;
}

uint64_t index_bytes(struct index *i)
{
    uint64_t bytes;

    pthread_mutex_lock(&i->lock);
    bytes = i->bytes;
    pthread_mutex_unlock(&i->lock);
    return bytes;
}

struct index_visit {
    void (*visit)(const struct index_channel_stat *stat, void *context);
    void *context;
};

static void visit_channel(struct map_node *node, void *context)
{
    struct index_channel *c = map_entry(node, struct index_channel, node);
    const struct index_visit *v = context;
    const struct index_channel_stat stat = {
        .channel = node->key,
        .count = c->count,
        .bytes = c->bytes,
        .first_place = channel_place(c, 0),
        .last_place = channel_place(c, c->count - 1),
    };

    v->visit(&stat, v->context);
}

void index_each(struct index *i,
                void (*visit)(const struct index_channel_stat *stat,
                              void *context),
                void *context)
{
    struct index_visit v = {.visit = visit, .context = context};

    pthread_mutex_lock(&i->lock);
    map_each(&i->channels, visit_channel, &v);
    pthread_mutex_unlock(&i->lock);
}

/* The index: a map of channels, and one of the namespaces that bound their
 * windows. A channel's window is brought up to date when the channel is looked
 * at, so that time passing costs nothing for those that nobody asks for. */
#include "storage/index.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"
#include "storage/index_channel.h"

#include <stdlib.h>

struct index *index_new(uint64_t seed)
{
    struct index *i = alloc_zero(sizeof(*i));

    map_init(&i->channels, seed);
    map_init(&i->spaces, seed);
    i->seed = seed;
    pthread_mutex_init(&i->lock, NULL);
    return i;
}

static void free_channel(struct map_node *node, void *context)
{
    (void)context;
    index_channel_free(map_entry(node, struct index_channel, node));
}

static void free_space(struct map_node *node, void *context)
{
    (void)context;
    free(map_entry(node, struct index_space, node));
}

void index_free(struct index *i)
{
    if (i == NULL) {
        return;
    }
    map_each(&i->channels, free_channel, NULL);
    map_done(&i->channels);
    map_each(&i->spaces, free_space, NULL);
    map_done(&i->spaces);
    pthread_mutex_destroy(&i->lock);
    free(i);
}

/* The namespace of that name, made when it is not there yet. */
static struct index_space *find_space(struct index *i, struct bytes name)
{
    struct map_node *node;
    struct index_space *s = i->last_space;

    if (s != NULL && bytes_equal(s->node.key, name)) {
        return s;
    }
    node = map_find(&i->spaces, name);
    if (node != NULL) {
        i->last_space = map_entry(node, struct index_space, node);
        return i->last_space;
    }
    s = alloc_raw(sizeof(*s) + name.len);
    memset(s, 0, sizeof(*s));
    s->window = (struct index_window){.events_max = INDEX_UNLIMITED,
                                      .bytes_max = INDEX_UNLIMITED};
    if (name.len > 0) {
        memcpy(s->name, name.data, name.len);
    }
    map_insert(&i->spaces, &s->node, bytes_of(s->name, name.len));
    return s;
}

static bool keeps_none(const struct index_space *s)
{
    return s->window.events_max == 0 || s->window.bytes_max == 0;
}

void index_window_set(struct index *i,
                      struct bytes name_space,
                      const struct index_window *w)
{
    pthread_mutex_lock(&i->lock);
    check(i->channels.count == 0);
    find_space(i, name_space)->window = *w;
    pthread_mutex_unlock(&i->lock);
}

void index_expire_before(struct index *i,
                         struct bytes name_space,
                         uint64_t place)
{
    struct index_space *s;

    pthread_mutex_lock(&i->lock);
    s = find_space(i, name_space);
    if (s->expired_before < place) {
        s->expired_before = place;
    }
    pthread_mutex_unlock(&i->lock);
}

uint64_t index_expired_before(struct index *i, struct bytes name_space)
{
    const struct index_space *s;
    uint64_t place;

    pthread_mutex_lock(&i->lock);
    s = find_space(i, name_space);
    place = s->expired_before > s->from ? s->expired_before : s->from;
    place = keeps_none(s) ? INDEX_UNLIMITED : place;
    pthread_mutex_unlock(&i->lock);
    return place;
}

/* The namespace that `channel` names first: "a" in "/a/b/c". */
static struct bytes space_of(struct bytes channel)
{
    struct bytes name = bytes_of(NULL, 0);
    uint8_t slash;

    check(bytes_take_u8(&channel, &slash));
    (void)bytes_split(&channel, '/', &name);
    return name;
}

/* The channel with its window as it is now; NULL: unknown. */
static struct index_channel *find_channel(struct index *i, struct bytes name)
{
    struct map_node *node = map_find(&i->channels, name);
    struct index_channel *c;

    if (node == NULL) {
        return NULL;
    }
    c = map_entry(node, struct index_channel, node);
    index_channel_expire(c);
    return c;
}

/* What a channel that is not there is known by. */
static uint64_t *gone_slot(struct index *i, struct bytes channel)
{
    return &i->gone_sequences[hash_seeded(channel, i->seed) % GONE_SLOTS];
}

static void count_gone(struct index *i,
                       struct index_space *s,
                       struct index_channel_gone gone)
{
    i->count -= gone.count;
    i->bytes -= gone.bytes;
    s->bytes -= gone.bytes;
}

void index_add(struct index *i,
               struct bytes channel,
               uint64_t place,
               uint64_t record_bytes)
{
    struct index_channel *c;
    uint32_t capacity;

    check(channel.len > 0);
    pthread_mutex_lock(&i->lock);
    c = find_channel(i, channel);
    if (c == NULL) {
        c = index_channel_new(find_space(i, space_of(channel)), channel, place);
        if (i->any_gone) {
            c->gone.sequence = *gone_slot(i, channel);
        }
        map_insert(&i->channels, &c->node, bytes_of(c->name, channel.len));
        index_share_channel(i, c, true);
    }
    if (c->space->bytes == 0 || place < c->space->from) {
        c->space->from = place;
    }
    capacity = c->capacity;
    count_gone(i, c->space, index_channel_add(c, place, record_bytes));
    index_channel_expire(c);
    if (c->capacity != capacity) {
        index_share_ring(i, c, capacity);
    }
    i->count++;
    i->bytes += record_bytes;
    c->space->bytes += record_bytes;
    pthread_mutex_unlock(&i->lock);
}

static void drop_empty(struct index *i, struct index_channel *c)
{
    uint64_t *slot;

    if (c->count > 0) {
        return;
    }
    slot = gone_slot(i, c->node.key);
    *slot = *slot > c->gone.sequence ? *slot : c->gone.sequence;
    i->any_gone = true;
    index_share_channel(i, c, false);
    map_remove(&i->channels, &c->node);
    index_channel_free(c);
}

/* Take what `take` takes of a channel, and the channel when it is empty then.
 */
static void take_out(struct index *i,
                     struct bytes channel,
                     uint64_t place,
                     uint64_t record_bytes,
                     struct index_channel_gone (*take)(struct index_channel *c,
                                                       uint64_t place,
                                                       uint64_t record_bytes))
{
    struct index_channel *c;

    pthread_mutex_lock(&i->lock);
    c = find_channel(i, channel);
    if (c != NULL) {
        uint32_t capacity = c->capacity;

        count_gone(i, c->space, take(c, place, record_bytes));
        if (c->capacity != capacity) {
            index_share_ring(i, c, capacity);
        }
        drop_empty(i, c);
    }
    pthread_mutex_unlock(&i->lock);
}

void index_drop_first(struct index *i,
                      struct bytes channel,
                      uint64_t place,
                      uint64_t record_bytes)
{
    take_out(i, channel, place, record_bytes, index_channel_drop);
}

void index_leave(struct index *i,
                 struct bytes channel,
                 uint64_t origin,
                 uint64_t sequence)
{
    struct index_channel *c;

    pthread_mutex_lock(&i->lock);
    c = find_channel(i, channel);
    if (c != NULL) {
        if (c->gone.sequence == 0) {
            c->gone.origin = origin;
        } else if (c->gone.origin != origin) {
            c->gone.origin = 0;
        }
        if (c->gone.sequence < sequence) {
            c->gone.sequence = sequence;
        }
    }
    pthread_mutex_unlock(&i->lock);
}

void index_remove(struct index *i,
                  struct bytes channel,
                  uint64_t place,
                  uint64_t record_bytes)
{
    take_out(i, channel, place, record_bytes, index_channel_remove);
}

struct index_gone index_gone(struct index *i, struct bytes channel)
{
    struct index_gone gone = {0};
    const struct index_channel *c;

    pthread_mutex_lock(&i->lock);
    c = find_channel(i, channel);
    if (c != NULL) {
        gone = c->gone;
    } else {
        gone.sequence = *gone_slot(i, channel);
    }
    pthread_mutex_unlock(&i->lock);
    return gone;
}

static size_t copy_places(struct index_channel *c,
                          uint32_t from,
                          uint64_t *ret_places,
                          size_t max)
{
    size_t count = c->count - from;

    if (count > max) {
        count = max;
    }
    for (size_t n = 0; n < count; n++) {
        ret_places[n] = index_channel_place(c, from + (uint32_t)n);
    }
    return count;
}

size_t index_after(struct index *i,
                   struct bytes channel,
                   uint64_t after,
                   uint64_t *ret_places,
                   size_t max)
{
    const struct index_range range = {
        .after = after, .since = UINT64_MAX, .until = UINT64_MAX};
    struct index_lost lost;

    return index_read(i, channel, &range, ret_places, max, &lost);
}

size_t index_read(struct index *i,
                  struct bytes channel,
                  const struct index_range *range,
                  uint64_t *ret_places,
                  size_t max,
                  struct index_lost *ret_lost)
{
    struct index_channel *c;
    size_t count = 0;

    *ret_lost = (struct index_lost){0};
    pthread_mutex_lock(&i->lock);
    c = find_channel(i, channel);
    if (c != NULL) {
        uint32_t from = index_channel_rank(c, range->after);
        uint32_t head = keeps_none(c->space)
                            ? index_channel_rank(c, range->since)
                            : c->expired;
        uint32_t until = index_channel_rank(c, range->until);

        head = head < until ? head : until;
        if (from < head) {
            ret_lost->count = head - from;
            ret_lost->place = index_channel_place(c, head - 1);
            from = head;
        }
        count = copy_places(c, from, ret_places, max);
    }
    pthread_mutex_unlock(&i->lock);
    return count;
}

size_t index_on_disk(struct index *i,
                     struct bytes channel,
                     uint64_t after,
                     uint64_t *ret_places,
                     size_t max)
{
    struct index_channel *c;
    size_t count = 0;

    pthread_mutex_lock(&i->lock);
    c = find_channel(i, channel);
    if (c != NULL) {
        count = copy_places(c, index_channel_rank(c, after), ret_places, max);
    }
    pthread_mutex_unlock(&i->lock);
    return count;
}

/* Where the last `n` in the window begin. */
static uint32_t last_from(const struct index_channel *c, uint64_t n)
{
    return c->count - c->expired > n ? c->count - (uint32_t)n : c->expired;
}

size_t index_last(struct index *i,
                  struct bytes channel,
                  uint64_t *ret_places,
                  size_t max)
{
    struct index_channel *c;
    size_t count = 0;

    pthread_mutex_lock(&i->lock);
    c = find_channel(i, channel);
    if (c != NULL) {
        count = copy_places(c, last_from(c, max), ret_places, max);
    }
    pthread_mutex_unlock(&i->lock);
    return count;
}

uint64_t index_nth_last(struct index *i, struct bytes channel, uint64_t n)
{
    struct index_channel *c;
    uint64_t place = 0;

    check(n > 0);
    pthread_mutex_lock(&i->lock);
    c = find_channel(i, channel);
    if (c != NULL && c->expired < c->count) {
        place = index_channel_place(c, last_from(c, n));
    }
    pthread_mutex_unlock(&i->lock);
    return place;
}

static enum index_state state_of(struct index_channel *c,
                                 uint64_t place,
                                 uint64_t since)
{
    if (keeps_none(c->space)) {
        return INDEX_NEVER_KEPT;
    }
    if (c->expired < c->count && place >= index_channel_place(c, c->expired)) {
        return INDEX_KEPT;
    }
    return index_channel_left_by(c, place, since) ? INDEX_LEFT_BEFORE
                                                  : INDEX_LEFT;
}

enum index_state index_state(struct index *i,
                             struct bytes channel,
                             uint64_t place,
                             uint64_t since)
{
    struct index_channel *c;
    enum index_state state = INDEX_LEFT;

    check(place > 0);
    pthread_mutex_lock(&i->lock);
    c = find_channel(i, channel);
    if (c != NULL) {
        state = state_of(c, place, since);
    }
    pthread_mutex_unlock(&i->lock);
    return state;
}

static uint64_t get(struct index *i, const uint64_t *value)
{
    uint64_t ret;

    pthread_mutex_lock(&i->lock);
    ret = *value;
    pthread_mutex_unlock(&i->lock);
    return ret;
}

uint64_t index_count(struct index *i)
{
    return get(i, &i->count);
}

uint64_t index_bytes(struct index *i)
{
    return get(i, &i->bytes);
}

uint64_t index_memory(struct index *i)
{
    return get(i, &i->memory);
}

struct index_visit {
    void (*visit)(const struct index_channel_stat *stat, void *context);
    void *context;
};

static void visit_channel(struct map_node *node, void *context)
{
    struct index_channel *c = map_entry(node, struct index_channel, node);
    const struct index_visit *v = context;
    struct index_channel_stat stat = {
        .channel = node->key,
        .bytes = c->bytes,
    };

    index_channel_expire(c);
    if (c->expired == c->count) {
        return;
    }
    stat.count = c->count - c->expired;
    stat.first_place = index_channel_place(c, c->expired);
    stat.last_place = index_channel_place(c, c->count - 1);
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

/* A channel's ring. A place is kept as a 32-bit distance from the channel's
 * base and, only where the namespace limits the bytes of a channel, followed by
 * the bytes of all records before it, modulo 2^32: so the bytes between any two
 * are one subtraction. The first words stand in the entry itself, so that a
 * million channels of one event and one channel of a million events are both
 * cheap. */
#include "storage/index_channel.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

/* Words a slot. */
static uint32_t width(const struct index_channel *c)
{
    return c->space->window.bytes_max < INDEX_UNLIMITED ? 2 : 1;
}

static uint32_t own_capacity(const struct index_channel *c)
{
    return INDEX_CHANNEL_OWN_WORDS / width(c);
}

static bool has_ring(const struct index_channel *c)
{
    return c->capacity > own_capacity(c);
}

struct index_channel *index_channel_new(struct index_space *space,
                                        struct bytes name,
                                        uint64_t base)
{
    struct index_channel *c = alloc_raw(sizeof(*c) + name.len);

    memset(c, 0, sizeof(*c));
    memcpy(c->name, name.data, name.len);
    c->space = space;
    c->base = base;
    c->capacity = own_capacity(c);
    return c;
}

void index_channel_free(struct index_channel *c)
{
    if (has_ring(c)) {
        free(c->words.ring);
    }
    free(c);
}

#define BLOCK_BYTES 16 /* malloc()'s own, and its rounding */

uint64_t index_channel_memory(const struct index_channel *c, uint32_t capacity)
{
    uint64_t bytes = sizeof(*c) + c->node.key.len + BLOCK_BYTES +
                     2 * sizeof(struct map_node *);

    if (capacity > own_capacity(c)) {
        bytes += BLOCK_BYTES + (uint64_t)capacity * width(c) * sizeof(uint32_t);
    }
    return bytes;
}

static uint32_t *slot(struct index_channel *c, uint32_t position)
{
    uint64_t at = (uint64_t)c->head + position;

    check(position < c->capacity);
    if (at >= c->capacity) {
        at -= c->capacity;
    }
    return (has_ring(c) ? c->words.ring : c->words.own) + at * width(c);
}

uint64_t index_channel_place(struct index_channel *c, uint32_t position)
{
    check(position < c->count);
    return c->base + *slot(c, position);
}

/* The bytes of the records of [from, to), where they are kept. */
static uint32_t record_bytes_of(struct index_channel *c,
                                uint32_t from,
                                uint32_t to)
{
    uint32_t end = c->total;

    if (width(c) == 1) {
        return 0;
    }
    if (to < c->count) {
        end = slot(c, to)[1];
    }
    return end - slot(c, from)[1];
}

/* Move the slots, in order, to a ring of another capacity. */
static void resize(struct index_channel *c, uint32_t capacity)
{
    uint32_t own[INDEX_CHANNEL_OWN_WORDS];
    uint32_t *words = own;
    size_t slot_bytes = width(c) * sizeof(*words);
    bool ring = capacity > own_capacity(c);

    check(capacity >= c->count && capacity >= own_capacity(c));
    if (ring) {
        words = alloc_raw(capacity * slot_bytes);
    }
    for (uint32_t n = 0; n < c->count; n++) {
        memcpy(words + (size_t)n * width(c), slot(c, n), slot_bytes);
    }
    if (has_ring(c)) {
        free(c->words.ring);
    }
    if (ring) {
        c->words.ring = words;
    } else {
        memcpy(c->words.own, own, c->count * slot_bytes);
    }
    c->head = 0;
    c->capacity = capacity;
}

static void pop(struct index_channel *c, struct index_channel_gone *gone)
{
    uint32_t size;

    check(c->count > 0);
    size = record_bytes_of(c, 0, 1);
    if (c->expired > 0) {
        c->expired--;
        c->expired_bytes -= size;
    }
    c->bytes -= size;
    gone->bytes += size;
    gone->count++;
    c->head = c->head + 1 == c->capacity ? 0 : c->head + 1;
    c->count--;
    if (has_ring(c) && c->count < c->capacity / 4) {
        uint32_t half = c->capacity / 2;

        resize(c, half < own_capacity(c) ? own_capacity(c) : half);
    }
}

/* Make `place` expressible as a distance from the base. */
static void rebase(struct index_channel *c,
                   uint64_t place,
                   struct index_channel_gone *gone)
{
    uint64_t shift;

    while (c->count > 0 && place - index_channel_place(c, 0) > UINT32_MAX) {
        pop(c, gone);
    }
    if (c->count == 0) {
        gone->bytes += c->bytes;
        c->bytes = 0;
        c->base = place;
        return;
    }
    shift = index_channel_place(c, 0) - c->base;
    for (uint32_t n = 0; n < c->count; n++) {
        *slot(c, n) -= (uint32_t)shift;
    }
    c->base += shift;
}

/* Make a place before the base expressible, if that can be. */
static bool rebase_back(struct index_channel *c, uint64_t place)
{
    uint64_t shift = c->base - place;

    if (index_channel_place(c, c->count - 1) - place > UINT32_MAX) {
        return false;
    }
    for (uint32_t n = 0; n < c->count; n++) {
        *slot(c, n) += (uint32_t)shift;
    }
    c->base = place;
    return true;
}

/* Add a place that is not the newest: the newer ones move on by one, and have
 * its bytes before them. */
static struct index_channel_gone insert(struct index_channel *c,
                                        uint64_t place,
                                        uint64_t record_bytes)
{
    struct index_channel_gone gone = {0};
    uint32_t rank = index_channel_rank(c, place);
    uint32_t last = c->count;

    check(rank == 0 || place > index_channel_place(c, rank - 1));
    if (place < c->base && !rebase_back(c, place)) {
        return (struct index_channel_gone){.count = 1, .bytes = record_bytes};
    }
    gone = index_channel_add(
        c, index_channel_place(c, last - 1) + 1, record_bytes);
    for (uint32_t n = last; n > rank; n--) {
        slot(c, n)[0] = slot(c, n - 1)[0];
        if (width(c) == 2) {
            slot(c, n)[1] = slot(c, n - 1)[1] + (uint32_t)record_bytes;
        }
    }
    slot(c, rank)[0] = (uint32_t)(place - c->base);
    if (rank < c->expired) { /* the window begins behind it */
        c->expired++;
        c->expired_bytes += width(c) == 2 ? record_bytes : 0;
    }
    return gone;
}

struct index_channel_gone index_channel_add(struct index_channel *c,
                                            uint64_t place,
                                            uint64_t record_bytes)
{
    struct index_channel_gone gone = {0};
    uint32_t *added;

    if (c->count > 0 && place <= index_channel_place(c, c->count - 1)) {
        return insert(c, place, record_bytes);
    }
    if (place - c->base > UINT32_MAX) {
        rebase(c, place, &gone);
    }
    if (c->count == c->capacity) {
        check(c->capacity < UINT32_MAX / 2);
        resize(c, c->capacity + c->capacity / 2 + 1);
    }
    c->count++;
    added = slot(c, c->count - 1);
    added[0] = (uint32_t)(place - c->base);
    if (width(c) == 2) {
        check(record_bytes <= UINT32_MAX);
        added[1] = c->total;
        c->total += (uint32_t)record_bytes;
    }
    c->bytes += record_bytes;
    return gone;
}

/* Where sizes are not kept, what went had that one. */
static void settle_bytes(struct index_channel *c,
                         uint64_t record_bytes,
                         struct index_channel_gone *gone)
{
    uint64_t less = record_bytes < c->bytes ? record_bytes : c->bytes;

    if (c->count == 0) {
        less = c->bytes;
    } else if (width(c) == 2) {
        less = 0;
    }
    c->bytes -= less;
    gone->bytes += less;
}

struct index_channel_gone index_channel_drop(struct index_channel *c,
                                             uint64_t place,
                                             uint64_t record_bytes)
{
    struct index_channel_gone gone = {0};
    bool found = false;

    while (c->count > 0 && index_channel_place(c, 0) <= place) {
        found = index_channel_place(c, 0) == place;
        pop(c, &gone);
    }
    settle_bytes(c, found ? record_bytes : 0, &gone);
    return gone;
}

/* The older ones take a step towards the gap, and the first slot, which has
 * then what the gap had, is popped. */
struct index_channel_gone index_channel_remove(struct index_channel *c,
                                               uint64_t place,
                                               uint64_t record_bytes)
{
    struct index_channel_gone gone = {0};
    uint32_t rank = index_channel_rank(c, place);
    uint32_t size;

    if (rank == 0 || index_channel_place(c, rank - 1) != place) {
        return gone;
    }
    size = record_bytes_of(c, rank - 1, rank);
    for (uint32_t n = rank - 1; n > 0; n--) {
        slot(c, n)[0] = slot(c, n - 1)[0];
        if (width(c) == 2) {
            slot(c, n)[1] = slot(c, n - 1)[1] + size;
        }
    }
    if (c->expired < rank) { /* it was in the window */
        c->expired++;
        c->expired_bytes += size;
    }
    pop(c, &gone);
    settle_bytes(c, record_bytes, &gone);
    return gone;
}

static bool too_many_bytes(const struct index_channel *c)
{
    return c->expired < c->count &&
           c->bytes - c->expired_bytes > c->space->window.bytes_max;
}

void index_channel_expire(struct index_channel *c)
{
    const struct index_space *s = c->space;
    uint32_t to = c->expired;

    if (to < c->count && index_channel_place(c, to) < s->expired_before) {
        to = index_channel_rank(c, s->expired_before - 1);
    }
    if (c->count - to > s->window.events_max) {
        to = c->count - (uint32_t)s->window.events_max;
    }
    if (width(c) == 1) {
        c->expired = to;
        return;
    }
    while (c->expired < to || too_many_bytes(c)) {
        c->expired_bytes += record_bytes_of(c, c->expired, c->expired + 1);
        c->expired++;
    }
}

bool index_channel_left_by(struct index_channel *c,
                           uint64_t place,
                           uint64_t since)
{
    const struct index_window *w = &c->space->window;
    uint32_t from = index_channel_rank(c, place - 1);
    uint32_t to = index_channel_rank(c, since);

    return from < to && (to - from > w->events_max ||
                         record_bytes_of(c, from, to) > w->bytes_max);
}

uint32_t index_channel_rank(struct index_channel *c, uint64_t after)
{
    uint32_t low = 0;
    uint32_t high = c->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (index_channel_place(c, middle) <= after) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Few entries in order: found by looking at each. */
#include "base/vector.h"

#include "base/alloc.h"
#include "base/check.h"

#include <string.h>

/* Where `origin` is, or would be. */
static size_t find(const struct vector *v, uint64_t origin)
{
    size_t at = 0;

    while (at < v->count && v->entries[at].origin < origin) {
        at++;
    }
    return at;
}

static bool is_at(const struct vector *v, size_t at, uint64_t origin)
{
    return at < v->count && v->entries[at].origin == origin;
}

static uint64_t floor_of(const struct vector *v)
{
    return is_at(v, 0, VECTOR_FLOOR) ? v->entries[0].sequence : 0;
}

uint64_t vector_get(const struct vector *v, uint64_t origin)
{
    size_t at = find(v, origin);

    return is_at(v, at, origin) ? v->entries[at].sequence : floor_of(v);
}

bool vector_knows(const struct vector *v, uint64_t origin)
{
    return is_at(v, find(v, origin), origin);
}

bool vector_set(struct vector *v, uint64_t origin, uint64_t sequence)
{
    size_t at = find(v, origin);

    if (!is_at(v, at, origin)) {
        if (v->count == VECTOR_ORIGINS_MAX) {
            return false;
        }
        for (size_t i = v->count; i > at; i--) {
            v->entries[i] = v->entries[i - 1];
        }
        v->entries[at].origin = origin;
        v->count++;
    }
    v->entries[at].sequence = sequence;
    return true;
}

bool vector_raise(struct vector *v, uint64_t origin, uint64_t sequence)
{
    if (vector_knows(v, origin) ? vector_get(v, origin) >= sequence
                                : floor_of(v) > sequence) {
        return true;
    }
    return vector_set(v, origin, sequence);
}

void vector_remove(struct vector *v, uint64_t origin)
{
    size_t at = find(v, origin);

    if (!is_at(v, at, origin)) {
        return;
    }
    v->count--;
    for (; at < v->count; at++) {
        v->entries[at] = v->entries[at + 1];
    }
}

/* The floor comes last: what is listed may be below it. */
void vector_merge(struct vector *v, const struct vector *other)
{
    for (size_t i = other->count; i-- > 0;) {
        (void)vector_raise(
            v, other->entries[i].origin, other->entries[i].sequence);
    }
}

void vector_shed(struct vector *v, const struct vector *other)
{
    uint64_t floor = floor_of(other);
    size_t kept = 0;

    for (size_t i = 0; i < v->count; i++) {
        struct vector_entry e = v->entries[i];

        if (e.origin == VECTOR_FLOOR || e.sequence > floor ||
            vector_knows(other, e.origin)) {
            v->entries[kept++] = e;
        }
    }
    v->count = kept;
}

void vector_prune(struct vector *v, const struct vector *other)
{
    vector_shed(v, other);
    (void)vector_raise(v, VECTOR_FLOOR, floor_of(other));
}

void vector_limit(struct vector *v, const struct vector *other)
{
    for (size_t i = 0; i < v->count; i++) {
        uint64_t most = vector_get(other, v->entries[i].origin);

        if (v->entries[i].sequence > most) {
            v->entries[i].sequence = most;
        }
    }
}

void vector_cap(struct vector *v, uint64_t sequence)
{
    for (size_t i = 0; i < v->count; i++) {
        if (v->entries[i].sequence > sequence) {
            v->entries[i].sequence = sequence;
        }
    }
}

bool vector_covers(const struct vector *a, const struct vector *b)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct vector_entry *e = &b->entries[i];

        if (e->origin != VECTOR_FLOOR &&
            vector_get(a, e->origin) < e->sequence) {
            return false;
        }
    }
    return true;
}

bool vector_equal(const struct vector *a, const struct vector *b)
{
    return vector_covers(a, b) && vector_covers(b, a);
}

size_t vector_bytes(const struct vector *v)
{
    return offsetof(struct vector, entries) + v->count * sizeof(v->entries[0]);
}

void vector_copy(struct vector *to, const struct vector *from)
{
    memcpy(to, from, vector_bytes(from));
}

struct vector *vector_compact(const struct vector *v)
{
    struct vector *ret = alloc_raw(vector_bytes(v));

    vector_copy(ret, v);
    return ret;
}

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

uint64_t vector_get(const struct vector *v, uint64_t origin)
{
    size_t at = find(v, origin);

    return at < v->count && v->entries[at].origin == origin
               ? v->entries[at].sequence
               : 0;
}

bool vector_knows(const struct vector *v, uint64_t origin)
{
    size_t at = find(v, origin);

    return at < v->count && v->entries[at].origin == origin;
}

bool vector_raise(struct vector *v, uint64_t origin, uint64_t sequence)
{
    size_t at = find(v, origin);

    if (at < v->count && v->entries[at].origin == origin) {
        if (v->entries[at].sequence < sequence) {
            v->entries[at].sequence = sequence;
        }
        return true;
    }
    if (v->count == VECTOR_ORIGINS_MAX) {
        return false;
    }
    for (size_t i = v->count; i > at; i--) {
        v->entries[i] = v->entries[i - 1];
    }
    v->entries[at] =
        (struct vector_entry){.origin = origin, .sequence = sequence};
    v->count++;
    return true;
}

void vector_set(struct vector *v, uint64_t origin, uint64_t sequence)
{
    size_t at = find(v, origin);

    check(at < v->count && v->entries[at].origin == origin);
    v->entries[at].sequence = sequence;
}

void vector_remove(struct vector *v, uint64_t origin)
{
    size_t at = find(v, origin);

    if (at == v->count || v->entries[at].origin != origin) {
        return;
    }
    v->count--;
    for (; at < v->count; at++) {
        v->entries[at] = v->entries[at + 1];
    }
}

void vector_merge(struct vector *v, const struct vector *other)
{
    for (size_t i = 0; i < other->count; i++) {
        (void)vector_raise(
            v, other->entries[i].origin, other->entries[i].sequence);
    }
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
        if (vector_get(a, b->entries[i].origin) < b->entries[i].sequence) {
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

/* A version vector: of each origin, the highest sequence that is had. Because
 * the events of an origin are only ever taken in order, a vector says all that
 * somebody has. An origin that is absent is had up to 0: nothing. */
#ifndef BASE_VECTOR_H
#define BASE_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A cluster has few nodes; an origin is kept for as long as the window holds
 * events of it. */
#define VECTOR_ORIGINS_MAX 32

struct vector_entry {
    uint64_t origin;
    uint64_t sequence;
};

/* Plain memory: copied by assignment. Entries are in order of their origins. */
struct vector {
    size_t count;
    struct vector_entry entries[VECTOR_ORIGINS_MAX];
};

/* The highest sequence of `origin`; 0: none. */
uint64_t vector_get(const struct vector *v, uint64_t origin);

/* Whether it has an entry, be it 0. */
bool vector_knows(const struct vector *v, uint64_t origin);

/* Have `origin` up to `sequence`, unless it is had further already. False,
 * changing nothing, when there is no room for another origin. */
bool vector_raise(struct vector *v, uint64_t origin, uint64_t sequence);

/* Have `origin` up to exactly `sequence`; it must be there. */
void vector_set(struct vector *v, uint64_t origin, uint64_t sequence);

/* Know nothing of `origin` any more. */
void vector_remove(struct vector *v, uint64_t origin);

/* Have all that `other` has, as far as there is room. */
void vector_merge(struct vector *v, const struct vector *other);

/* Have of no origin more than `other` has. */
void vector_limit(struct vector *v, const struct vector *other);

/* Have of no origin more than up to `sequence`. */
void vector_cap(struct vector *v, uint64_t sequence);

/* Whether `a` has all that `b` has. */
bool vector_covers(const struct vector *a, const struct vector *b);

bool vector_equal(const struct vector *a, const struct vector *b);

/* A vector in no more memory than its entries take, to be freed: for reading,
 * and for vector_copy() instead of assignment. */
struct vector *vector_compact(const struct vector *v);
void vector_copy(struct vector *to, const struct vector *from);

/* How many bytes of a vector's memory mean something. */
size_t vector_bytes(const struct vector *v);

#endif

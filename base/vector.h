/* A version vector: of each origin, the highest sequence that is had. Because
 * the events of an origin are only ever taken in order, a vector says all that
 * somebody has. An origin that is absent is had up to 0: nothing. */
#ifndef BASE_VECTOR_H
#define BASE_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A cluster has few nodes, but over the years it may have had many. Origins of
 * which nothing more can come are forgotten (storage/log_prune.c): in their
 * place is one entry, the floor, up to which all origins are had that are not
 * listed. An origin that is listed may be had less far than the floor. */
#define VECTOR_ORIGINS_MAX 64
#define VECTOR_FLOOR UINT64_C(0)

struct vector_entry {
    uint64_t origin;
    uint64_t sequence;
};

/* Plain memory: copied by assignment. Entries are in order of their origins. */
struct vector {
    size_t count;
    struct vector_entry entries[VECTOR_ORIGINS_MAX];
};

/* The highest sequence of `origin`, or the floor; 0: none. */
uint64_t vector_get(const struct vector *v, uint64_t origin);

/* Whether it has an entry, be it 0. */
bool vector_knows(const struct vector *v, uint64_t origin);

/* Have `origin` up to `sequence`, unless it is had further already. False,
 * changing nothing, when there is no room for another origin. */
bool vector_raise(struct vector *v, uint64_t origin, uint64_t sequence);

/* List `origin` with exactly `sequence`; false, changing nothing, when there is
 * no room for it. */
bool vector_set(struct vector *v, uint64_t origin, uint64_t sequence);

/* Know nothing of `origin` any more. */
void vector_remove(struct vector *v, uint64_t origin);

/* Have all that `other` lists, as far as there is room. */
void vector_merge(struct vector *v, const struct vector *other);

/* List nothing that `other` has by its floor alone. */
void vector_shed(struct vector *v, const struct vector *other);

/* The same, and have what it has by its floor. */
void vector_prune(struct vector *v, const struct vector *other);

/* Have of no origin more than `other` has. */
void vector_limit(struct vector *v, const struct vector *other);

/* Have of no origin more than up to `sequence`. */
void vector_cap(struct vector *v, uint64_t sequence);

/* Whether `a` has all that `b` lists: what is below a floor alone, nobody gets
 * any more. */
bool vector_covers(const struct vector *a, const struct vector *b);

bool vector_equal(const struct vector *a, const struct vector *b);

/* A vector in no more memory than its entries take, to be freed: for reading,
 * and for vector_copy() instead of assignment. */
struct vector *vector_compact(const struct vector *v);
void vector_copy(struct vector *to, const struct vector *from);

/* How many bytes of a vector's memory mean something. */
size_t vector_bytes(const struct vector *v);

#endif

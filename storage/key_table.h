/* A table from hashes of idempotency keys to the places of their events, 22 to
 * 43 bytes an event. Several places may have the same hash: whoever asks looks
 * into the log which one is meant. One thread. */
#ifndef STORAGE_KEY_TABLE_H
#define STORAGE_KEY_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct key_table_slot {
    uint64_t hash;
    uint64_t place; /* 0: the slot is free */
};

struct key_table {
    struct key_table_slot *slots;
    size_t slot_count; /* a power of two, or 0 before the first */
    size_t count;
};

void key_table_done(struct key_table *t); /* a zeroed table needs no init */

/* `place` is not 0 and not in the table yet; `hash` is evenly distributed,
 * whatever clients choose. */
void key_table_add(struct key_table *t, uint64_t hash, uint64_t place);

/* What is not there is no error. */
void key_table_remove(struct key_table *t, uint64_t hash, uint64_t place);

/* Copy out up to `max` places that have `hash`; returns how many. */
size_t key_table_find(const struct key_table *t,
                      uint64_t hash,
                      uint64_t *ret_places,
                      size_t max);

#endif

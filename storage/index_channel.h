/* What the files of the index share; and what it knows of one channel: a ring
 * of its places, of which those at the head are out of the window. Only
 * storage/index*.c include this. */
#ifndef STORAGE_INDEX_CHANNEL_H
#define STORAGE_INDEX_CHANNEL_H

#include "base/map.h"
#include "storage/index.h"

#include <pthread.h>

#define INDEX_CHANNEL_OWN_WORDS 2

struct index_space {
    struct map_node node;
    struct index_window window;
    uint64_t expired_before; /* lower places are too old */
    uint64_t bytes;          /* of its records on disk */
    uint64_t memory;         /* of its channels here */
    uint64_t from;           /* no event of it has a lower place */
    char name[];
};

struct index_channel {
    struct map_node node;
    struct index_space *space;
    uint64_t base;          /* what the distances are counted from */
    uint64_t bytes;         /* of records */
    uint64_t expired_bytes; /* of `bytes`; counted where bytes are limited */
    struct index_gone gone; /* from the disk */
    union {
        uint32_t own[INDEX_CHANNEL_OWN_WORDS];
        uint32_t *ring;
    } words;
    uint32_t head; /* slot of the oldest */
    uint32_t count;
    uint32_t expired; /* of `count`, the oldest */
    uint32_t capacity;
    uint32_t total; /* bytes of all records ever added, modulo 2^32 */
    char name[];
};

/* Of channels that are no longer there only this is known, and a slot is shared
 * by those whose names hash alike. */
#define GONE_SLOTS 65536

struct index {
    pthread_mutex_t lock;
    struct map channels;
    struct map spaces;
    uint64_t count;
    uint64_t bytes;
    uint64_t memory;
    uint64_t seed;
    struct index_space *last_space; /* that was looked for; NULL: none yet */
    bool any_gone;
    uint64_t gone_sequences[GONE_SLOTS];
};

struct index_channel *index_channel_new(struct index_space *space,
                                        struct bytes name,
                                        uint64_t base);
void index_channel_free(struct index_channel *c);

/* What it takes with a ring of that capacity, with the map's slot and what
 * malloc() keeps beside, about. */
uint64_t index_channel_memory(const struct index_channel *c, uint32_t capacity);

/* index_share.c: a channel comes or goes; its ring may have changed, which had
 * that capacity before. */
void index_share_channel(struct index *i, struct index_channel *c, bool comes);
void index_share_ring(struct index *i,
                      struct index_channel *c,
                      uint32_t before);

uint64_t index_channel_place(struct index_channel *c, uint32_t position);

/* What a channel had to let go of. */
struct index_channel_gone {
    uint64_t count;
    uint64_t bytes;
};

/* Add a place, at the end but for what was repaired; places too far from it to
 * be held go. */
struct index_channel_gone index_channel_add(struct index_channel *c,
                                            uint64_t place,
                                            uint64_t record_bytes);

/* Let go of the places up to `place`, whose record has `record_bytes`. */
struct index_channel_gone index_channel_drop(struct index_channel *c,
                                             uint64_t place,
                                             uint64_t record_bytes);

/* Let go of `place` alone, wherever it is. */
struct index_channel_gone index_channel_remove(struct index_channel *c,
                                               uint64_t place,
                                               uint64_t record_bytes);

/* Move the head of the window to where it belongs. */
void index_channel_expire(struct index_channel *c);

/* Whether `place` had left the window, by count or bytes, when `since` was the
 * last place of the log. Sums beyond 4 GB are not told from smaller ones: then
 * it may say no. */
bool index_channel_left_by(struct index_channel *c,
                           uint64_t place,
                           uint64_t since);

/* How many of the channel's places are not greater than `after`. */
uint32_t index_channel_rank(struct index_channel *c, uint64_t after);

#endif

/* Which places of the log belong to which channel: in memory, oldest first,
 * rebuilt by one scan when the log opens. About 5 to 6 bytes an event, and 120
 * a channel.
 *
 * Written by the log thread, read by all: a short lock inside. */
#ifndef STORAGE_INDEX_H
#define STORAGE_INDEX_H

#include "base/bytes.h"

struct index;

struct index_channel_stat {
    struct bytes channel; /* borrowed for the call */
    uint64_t count;
    uint64_t bytes; /* of records */
    uint64_t first_place;
    uint64_t last_place;
};

struct index *index_new(uint64_t seed);
void index_free(struct index *i);

/* `place` must exceed every place of the channel added before. One channel
 * spans at most 2^32 places: of older ones the index lets go. */
void index_add(struct index *i,
               struct bytes channel,
               uint64_t place,
               uint64_t record_bytes);

/* Forget `place` and what the channel has before it, which the log no longer
 * holds either; `record_bytes` is the size of the record at `place`. A channel
 * left empty is dropped; an unknown place or channel is no error. */
void index_drop_first(struct index *i,
                      struct bytes channel,
                      uint64_t place,
                      uint64_t record_bytes);

/* Take one place out, wherever it is in its channel: the event there is about
 * to have another. An unknown place or channel is no error. */
void index_remove(struct index *i,
                  struct bytes channel,
                  uint64_t place,
                  uint64_t record_bytes);

/* Copy out up to `max` places of `channel` that are greater than `after`;
 * returns how many. */
size_t index_after(struct index *i,
                   struct bytes channel,
                   uint64_t after,
                   uint64_t *ret_places,
                   size_t max);

/* Copy out the last `max` places of `channel`, oldest first. */
size_t index_last(struct index *i,
                  struct bytes channel,
                  uint64_t *ret_places,
                  size_t max);

uint64_t index_count(struct index *i); /* events in all channels */
uint64_t index_bytes(struct index *i);

/* Visit every channel, in no order, under the lock: the visitor is brief and
 * does not call the index. */
void index_each(struct index *i,
                void (*visit)(const struct index_channel_stat *stat,
                              void *context),
                void *context);

#endif

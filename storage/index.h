/* Which places of the log belong to which channel: in memory, oldest first,
 * rebuilt by one scan when the log opens. About 5 to 6 bytes an event, twice
 * that where a window is limited in bytes, and 160 a channel (index_memory()).
 *
 * A channel's window is its newest events, as many as its namespace keeps. What
 * left the window is not found any more, but it is still counted for as long as
 * the log has it on disk, so that a reader who missed it can be told; and of
 * what left the disk the index knows up to which sequence that was.
 *
 * Written by the log thread, read by all: a short lock inside. */
#ifndef STORAGE_INDEX_H
#define STORAGE_INDEX_H

#include "base/bytes.h"

struct index;

#define INDEX_UNLIMITED UINT64_MAX

/* Of one channel; an event that exceeds bytes_max alone is never in it. A
 * window of zero events keeps none. */
struct index_window {
    uint64_t events_max;
    uint64_t bytes_max; /* of records */
    uint32_t share;     /* of the namespace beside others'; 0 is 1 */
};

/* Events out of the window that are still on disk. */
struct index_lost {
    uint64_t place; /* the highest; 0: none */
    uint64_t count;
};

/* What became of an event on disk. */
enum index_state {
    INDEX_KEPT,
    INDEX_LEFT,        /* its channel's window */
    INDEX_LEFT_BEFORE, /* and had when the asker began */
    INDEX_NEVER_KEPT,  /* its namespace keeps none */
};

struct index_range {
    uint64_t after; /* places greater than it */
    uint64_t since;
    uint64_t until; /* nothing behind it counts as lost */
};

struct index_channel_stat {
    struct bytes channel; /* borrowed for the call */
    uint64_t count;       /* in the window, at least one */
    uint64_t bytes;       /* of records on disk, also those out of the window */
    uint64_t first_place;
    uint64_t last_place;
};

struct index *index_new(uint64_t seed);
void index_free(struct index *i);

/* Bound the window of every channel of a namespace, which is what stands first
 * in a channel's name: "a" in "/a/b". Before the first index_add(); without it
 * a namespace has no bounds. */
void index_window_set(struct index *i,
                      struct bytes name_space,
                      const struct index_window *w);

/* Every lower place of the namespace is out of its window; never takes one
 * back. Costs nothing until a channel is looked at. */
void index_expire_before(struct index *i,
                         struct bytes name_space,
                         uint64_t place);

/* Every lower place is; INDEX_UNLIMITED: where nothing is kept. */
uint64_t index_expired_before(struct index *i, struct bytes name_space);

/* `place` is not in the channel yet. It exceeds every place there, unless its
 * record was damaged when the log opened and is whole again. One channel spans
 * at most 2^32 places: of older ones the index lets go. */
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

/* The event of that sequence is about to leave the disk, which is said before
 * it has, so that whoever misses it knows. */
void index_leave(struct index *i,
                 struct bytes channel,
                 uint64_t origin,
                 uint64_t sequence);

/* What of `channel` left the disk: no event has a higher sequence. Of channels
 * that have nothing there it may be another's, which is higher. */
struct index_gone {
    uint64_t sequence; /* 0: nothing has */
    uint64_t origin;   /* all of them are its; 0: it is not known whose */
};

struct index_gone index_gone(struct index *i, struct bytes channel);

/* Copy out up to `max` places of `channel` in its window that are greater than
 * `after`; returns how many. */
size_t index_after(struct index *i,
                   struct bytes channel,
                   uint64_t after,
                   uint64_t *ret_places,
                   size_t max);

/* Copy out the last `max` places of `channel` in its window, oldest first. */
size_t index_last(struct index *i,
                  struct bytes channel,
                  uint64_t *ret_places,
                  size_t max);

/* The place of the n-th newest event in the window (n >= 1), or of the oldest
 * there when it has fewer; 0: none. */
uint64_t index_nth_last(struct index *i, struct bytes channel, uint64_t n);

/* The same as index_after() and, of the same moment, what is lost between
 * `after` and the first of them. Where nothing is kept, what comes after
 * `since` is: it is on its way to a reader who was there by then. */
size_t index_read(struct index *i,
                  struct bytes channel,
                  const struct index_range *range,
                  uint64_t *ret_places,
                  size_t max,
                  struct index_lost *ret_lost);

/* Copy out up to `max` places of `channel` that are greater than `after`, in
 * its window or not. */
size_t index_on_disk(struct index *i,
                     struct bytes channel,
                     uint64_t after,
                     uint64_t *ret_places,
                     size_t max);

/* What became of the event at `place`, which is of `channel`, for one who began
 * when `since` was the last place of the log. */
enum index_state index_state(struct index *i,
                             struct bytes channel,
                             uint64_t place,
                             uint64_t since);

/* What is on disk, in all channels, in a window or not: what a window lets go
 * of takes room until the log is trimmed. */
uint64_t index_count(struct index *i); /* events */
uint64_t index_bytes(struct index *i); /* of records */

/* The namespace that has most for its share, on disk or here in memory. */
struct index_heavy {
    struct bytes name_space; /* lives as long as the index */
    uint64_t from;           /* no event of it has a lower place */
};

struct index_heavy index_share_heaviest(struct index *i, bool in_memory);

/* No event of the namespace has a lower place than that any more. */
void index_share_walked(struct index *i,
                        struct bytes name_space,
                        uint64_t place);

/* What channels and their places take here, about. */
uint64_t index_memory(struct index *i);

/* Visit every channel that has a window, in no order, under the lock: the
 * visitor is brief and does not call the index. */
void index_each(struct index *i,
                void (*visit)(const struct index_channel_stat *stat,
                              void *context),
                void *context);

#endif

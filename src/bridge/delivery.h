/* The fan-out: events to the clients whose subscriptions match.
 *
 * A chunk of events is walked first, which only notes who gets what; then each
 * client's notes are rendered into one piece of bytes and leave in one write.
 * The part that all subscribers share (the escaped event) is built once. */
#ifndef BRIDGE_DELIVERY_H
#define BRIDGE_DELIVERY_H

#include "base/buffer.h"
#include "base/event.h"
#include "base/moment.h"
#include "proto/answer.h"

struct shard;
struct client;
struct subscription;

/* A chunk ends after this many notes or bytes of tails, so that a turn's memory
 * is bounded and no client is given more than its send buffer before the socket
 * was tried. */
#define DELIVERY_CHUNK_COUNT_MAX 65536
#define DELIVERY_CHUNK_BYTES_MAX (32 * 1024)

/* The shared part of one event's data frames. */
struct delivery_tail {
    size_t offset; /* into the arena's text */
    size_t len;
    size_t deflated_offset; /* into the arena's deflated; made when needed */
    size_t deflated_len;    /* 0: not made yet */
};

/* One event for one subscription. */
struct delivery {
    struct subscription *subscription;
    uint32_t tail;
    uint32_t next; /* of the same client: index + 1; 0: the last */
};

/* The notes and tails of one chunk. */
struct delivery_arena {
    struct delivery *list;
    uint32_t count;
    uint32_t capacity;
    struct delivery_tail *tails;
    uint32_t tail_count;
    uint32_t tail_capacity;
    struct buffer text;
    struct buffer deflated;
    struct buffer rendered; /* one client's bytes, between pull and sent */
    struct ws_deflate *deflate;
};

void delivery_arena_init(struct delivery_arena *a, size_t send_buffer_max);
void delivery_arena_done(struct delivery_arena *a);
void delivery_arena_clear(struct delivery_arena *a); /* no note may be left */

static inline bool delivery_arena_full(const struct delivery_arena *a)
{
    return a->count >= DELIVERY_CHUNK_COUNT_MAX ||
           a->text.len >= DELIVERY_CHUNK_BYTES_MAX;
}

/* Note the event for every matching subscription that is live. One whose
 * client's send buffer is full replays from here on. */
void delivery_walk(struct shard *shard, const struct event *event);

/* Move a client's notes, rendered, to the end of its output buffer. */
void delivery_render(struct shard *shard, struct client *client);

/* The same into the arena's own buffer, when nothing waits before them. */
struct bytes delivery_view(struct shard *shard, struct client *client);

/* A page of replays is made of tails like a chunk's, which no note refers to:
 * those that were added behind a mark, until the arena is cut off there. */
struct delivery_mark {
    uint32_t tail_count;
    size_t text_len;
    size_t deflated_len;
};

struct delivery_mark delivery_mark(const struct delivery_arena *a);
void delivery_truncate(struct delivery_arena *a, struct delivery_mark mark);

/* Whether an event of that channel is for the subscription. */
bool delivery_page_matches(const struct shard *shard,
                           const struct subscription *subscription,
                           struct bytes channel);

/* Add an event to the page if it is for the subscription; `at` is the cursor
 * behind it. Returns how many bytes it adds to an output, about; 0: none. */
struct shard_input;
size_t delivery_page_add(struct shard *shard,
                         const struct subscription *subscription,
                         const struct vector *at,
                         const struct shard_input *in);

/* Append the page to a subscription's output. */
void delivery_page_give(struct shard *shard,
                        struct subscription *subscription,
                        struct delivery_mark mark);

/* Tell a subscription what it will never have. One that asked for no cursors
 * would not understand: its connection is closed, so that it comes back. */
void delivery_gap(struct shard *shard,
                  struct subscription *subscription,
                  struct moment now,
                  const struct answer_gap *gap);

#endif

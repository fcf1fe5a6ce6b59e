/* Pages of the log for a shard's replays. Those that want the same one (the
 * same channels from the same place, behind the same cursor, in the same form)
 * share it: it is read once, the part that their frames have in common is made
 * once, and each is given as much as every other. Many clients that come back
 * at once cost little more than as many live ones.
 *
 * Groups that want a page are served in turn. One page is read at a time, and
 * no further than what may be put in a client's send buffer; it is given to as
 * many as REPLAY_PAGE_GIVEN_BYTES_MAX allows, and read again for the others in
 * their group's next turn. */
#ifndef BRIDGE_REPLAY_PAGE_H
#define BRIDGE_REPLAY_PAGE_H

#include "base/buffer.h"
#include "base/list.h"
#include "base/map.h"
#include "base/moment.h"
#include "base/vector.h"
#include "proto/answer.h"
#include "src/bridge/delivery.h"

struct replay;
struct shard;
struct shard_input;
struct shard_page;

/* What one page may add to the outputs of all clients, but for the first. */
#define REPLAY_PAGE_GIVEN_BYTES_MAX ((size_t)4 << 20)

/* A page is no longer than this, however large the send buffers may become. */
#define REPLAY_PAGE_BYTES_MAX ((size_t)256 << 10)

/* Replays that want the same page. */
struct replay_group {
    struct map_node node;
    struct list queue_node;
    struct list members;  /* by replay.wait_node */
    unsigned again_count; /* in a row, its page was read again */
    uint8_t key[];
};

/* The page that is being read. */
struct replay_page {
    struct replay_group *group; /* NULL: none */
    struct replay *leader;      /* like every other member of the group */
    uint64_t next_place;        /* where the page after it begins */
    struct vector begin;        /* the members' cursor, behind what had gone */
    struct vector at;           /* theirs behind it */
    struct delivery_mark mark;  /* its events are the tails behind it */
    size_t bytes;               /* of frames, about */
    size_t bytes_max;
    uint64_t count; /* of events */
    uint64_t count_max;
    bool back;            /* it looks for the last events, to begin there */
    uint64_t last;        /* so many more; 0: found, all from next_place on */
    uint64_t first_place; /* the oldest found so far */
    bool gapped;          /* `gap` comes before its events */
    bool ended;           /* what comes next is not for this page */
    bool corrupt;         /* something was, behind what it has */
    struct answer_gap gap;
};

struct replay_page_queue {
    struct map groups;
    struct list queue;    /* of groups, the next to read first */
    struct list walkless; /* replays that wait for the shard to walk on */
    struct buffer key;    /* while a group is looked for */
    struct replay_page page;
};

void replay_page_queue_init(struct replay_page_queue *pages, uint64_t seed);
void replay_page_queue_done(
    struct replay_page_queue *pages); /* no replay may be left */

/* It wants its next page. */
void replay_page_want(struct shard *shard, struct replay *replay);

/* The shard has walked on. */
void replay_page_walked(struct shard *shard);

/* Say what page is to be read next; false when nobody wants one. */
bool replay_page_next(struct shard *shard, struct shard_page *ret);

void replay_page_missed(struct shard *shard, const struct shard_input *in);
void replay_page_corrupt(struct shard *shard);
void replay_page_record(struct shard *shard, const struct shard_input *in);

/* Whether the page takes another record. */
bool replay_page_wants(const struct shard *shard);

void replay_page_end(struct shard *shard,
                     struct moment now,
                     struct shard_input *in);

#endif

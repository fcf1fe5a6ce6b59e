/* A world around one real shard: sockets that take as many bytes as the test
 * says, a log in memory, and a clock that the test moves. What the loop does
 * with libuv, a turn of this world does with nothing: the same inputs give the
 * same bytes.
 *
 * The world also watches the contract: no bytes for a socket that is full or
 * closed, each close once. */
#ifndef TESTS_LIB_SHARD_WORLD_H
#define TESTS_LIB_SHARD_WORLD_H

#include "src/bridge/sequencer.h"
#include "src/bridge/shard.h"
#include "tests/lib/shard_peer.h"
#include "tests/lib/tap.h"

#define SHARD_WORLD_PEERS_MAX 256
#define SHARD_WORLD_WALL_MS UINT64_C(1700000000000)

struct shard_world_options {
    struct shard_limits limits;
    size_t intake_bytes_max;
    size_t unfinished_bytes_max;
    bool compression;
    const struct bytes *allowed_origins;
    size_t allowed_origins_count;
    bool console;
    bool clustered;
};

struct shard_world {
    struct shard_world_options options;
    struct moment now;
    struct shard *shard;
    struct authority *authority;
    struct namespace_table namespaces;
    struct intake intake;
    struct intake unfinished;
    struct metrics metrics;
    struct metrics *all_metrics[1];
    uint8_t secret[64];
    struct refusals_address address; /* of whoever connects next */
    const char *key;                 /* may do everything but administer */
    char *keys[64];
    size_t key_count;
    struct shard_peer *peers[SHARD_WORLD_PEERS_MAX];
    size_t peer_count;

    struct sequencer sequencer;
    struct list waiting; /* publishes on their way to the log */
    struct event **log;  /* by place - 1; NULL: trimmed or unreadable */
    size_t log_count;
    size_t log_capacity;
    uint64_t first_place;
    struct vector low;     /* what was trimmed */
    const uint8_t *states; /* enum shard_record_state by place - 1; NULL: all
                              are kept */
    bool log_refuses;      /* appends fail */
    bool log_unreadable;   /* pages fail */
    size_t page_bytes_max;
    size_t pages_per_turn;
    size_t read_bytes_max; /* of one socket in one turn */
    size_t pages;          /* read so far */
    struct ws_deflate *inflate;
    uint64_t forgotten; /* the member that was asked to be */
};

/* The one member of its cluster that may be forgotten. */
#define SHARD_WORLD_DEAD_MEMBER UINT64_C(0xdead)

/* Limits as a node has them by default, compression off. */
struct shard_world_options shard_world_defaults(void);

struct shard_world *shard_world_new(const struct shard_world_options *options);
void shard_world_free(struct shard_world *w);

/* A key of the issuer that the shard trusts; NULL grants nothing. The text is
 * the world's. */
const char *shard_world_key(struct shard_world *w,
                            const char *publish,
                            const char *subscribe,
                            bool admin,
                            uint64_t expires_s);

/* One turn: what the sockets have goes in; bytes, pages, closes and publishes
 * come out. True when anything happened. */
bool shard_world_turn(struct shard_world *w);

/* Only what comes out, as at the end of a turn. */
bool shard_world_outputs(struct shard_world *w);

/* One thing that happened, without a turn. */
void shard_world_step(struct shard_world *w, struct shard_input *in);

/* Make one batch of all publishes that wait, and give it to the shard. */
void shard_world_commit(struct shard_world *w);

/* The same in two steps: between them the log, and so another shard, has what
 * this one has not heard of. */
struct batch *shard_world_store(struct shard_world *w);
void shard_world_give(struct shard_world *w, struct batch *batch);

/* Turns and commits until nothing moves any more. */
void shard_world_settle(struct shard_world *w);

/* Let time pass, from deadline to deadline, with a turn at each. */
void shard_world_wait(struct shard_world *w, uint64_t ms);

/* Queue an event that came by another shard. */
void shard_world_publish(struct shard_world *w,
                         const char *channel,
                         const char *content);

/* The log lets go of all before `first_place`. */
void shard_world_trim(struct shard_world *w, uint64_t first_place);

uint64_t shard_world_last_place(const struct shard_world *w);

/* A new connection. It is the world's, also after it was closed. */
struct shard_peer *shard_world_connect(struct shard_world *w);

/* A connection that is a WebSocket now, its 101 taken. */
struct shard_peer *shard_world_websocket(struct shard_world *w);

#endif

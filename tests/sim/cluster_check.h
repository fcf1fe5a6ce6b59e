/* What must be true of a cluster, judged by what its publishers were told, what
 * its subscribers saw and what lies on its disks; nothing of it is asked of the
 * code that is judged.
 *
 * A publisher's event is a number, and the number is its content. A subscriber
 * is a cursor that is taken from node to node: it reads the log from there on,
 * a few records at a time, until it meets the present, and then takes what
 * comes live. */
#ifndef TESTS_SIM_CLUSTER_CHECK_H
#define TESTS_SIM_CLUSTER_CHECK_H

#include "tests/sim/cluster_world.h"

#define CHECK_SUBSCRIBERS 5
#define CHECK_TEXT_BYTES 200
#define CHECK_GAPS_MAX 512

enum check_fate {
    CHECK_PENDING,
    CHECK_SAFE,    /* its publisher was told so */
    CHECK_REFUSED, /* and was told that it did not happen */
    CHECK_UNKNOWN,
};

/* One event. */
struct check_fact {
    bool quorum;
    size_t node;
    enum check_fate fate;
    uint64_t origin; /* 0: it has no name yet */
    uint64_t sequence;
    uint64_t predecessor;
    unsigned holders; /* of disks, a bit each: had it when it was safe, and
                         have not been set back before it since */
};

struct check_gap {
    uint64_t origin;
    uint64_t from;
    uint64_t to;
};

struct check_subscriber {
    size_t node;
    bool attached;
    bool live;
    uint64_t from_place;
    uint64_t next_ms; /* when it attaches, or reads on */
    struct vector start;
    struct vector at;
    uint8_t *seen; /* by number */
    size_t gap_count;
    struct check_gap gaps[CHECK_GAPS_MAX];
};

struct check {
    struct world *world;
    struct check_fact *facts; /* by number, from 1 on */
    uint64_t fact_count;
    uint64_t fact_max;
    uint64_t *names; /* a hash of names: numbers; 0: free */
    struct vector ever[WORLD_NODES_MAX];
    struct vector safe[WORLD_NODES_MAX]; /* as the committer knows it */
    bool alone[WORLD_NODES_MAX];
    uint64_t scanned_place[WORLD_NODES_MAX];
    struct check_subscriber subscribers[CHECK_SUBSCRIBERS];
    char wrong[CHECK_TEXT_BYTES]; /* empty: nothing */
    uint64_t random;
    size_t acknowledged;
    size_t seen;
    size_t gaps;
};

void check_init(struct check *c, struct world *w, uint64_t fact_max);
void check_done(struct check *c);

void check_wrong(struct check *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The number of the first of so many new events; 0: no more may be. */
uint64_t check_publish(struct check *c, size_t node, size_t count, bool quorum);

/* What the world's watcher hears. */
void check_started(struct check *c, size_t node);
void check_stopped(struct check *c, size_t node);
void check_state(struct check *c, size_t node);
void check_stored(struct check *c, size_t node);
void check_batch(struct check *c, size_t node, const struct batch *batch);

/* The disk of `node` was set back, or damaged. */
void check_damaged(struct check *c, size_t node);

/* Let subscribers come, go and read. */
void check_subscribe(struct check *c);

/* Whether all is as it should be some time after the last fault; else says in
 * `ret` what is not. */
bool check_settled(struct check *c, char ret[CHECK_TEXT_BYTES]);

/* At the end. */
void check_nothing_lost(struct check *c);

#endif

/* What must be true of a cluster, judged by what its publishers were told, what
 * its subscribers saw and what lies on its disks; nothing of it is asked of the
 * code that is judged.
 *
 * A publisher's event is a number, and the number is its content. It gets a
 * name when it is stored; sent again at another node, it may get another there,
 * if that node did not have the first yet. */
#ifndef TESTS_SIM_CLUSTER_CHECK_H
#define TESTS_SIM_CLUSTER_CHECK_H

#include "tests/sim/cluster_world.h"

#define CHECK_TEXT_BYTES 200
#define CHECK_NAMES_MAX 32
#define CHECK_VIEWS 18
#define CHECK_CONNECTIONS_MAX 1024
#define CHECK_ORIGINS_MAX VECTOR_ORIGINS_MAX

enum check_fate {
    CHECK_PENDING,
    CHECK_SAFE,    /* its publisher was told so */
    CHECK_REFUSED, /* and was told that it did not happen */
    CHECK_UNKNOWN,
};

/* What was published. */
struct check_fact {
    size_t channel;
    uint64_t connection; /* that sent it first */
    unsigned attempts;
    unsigned doubts; /* attempts that may have stored it */
    bool given_up;   /* with its connection */
    enum check_fate fate;
    size_t name_count;
    uint32_t names[CHECK_NAMES_MAX]; /* of events */
};

/* What was stored. */
struct check_event {
    uint64_t number;
    uint64_t origin;
    uint64_t sequence;
    uint64_t predecessor;
    bool stored;      /* it has been on a disk */
    bool safe;        /* its publisher's answer was under way */
    bool broken;      /* a disk has lost it, but not by its window */
    bool unshown;     /* and had not shown it */
    unsigned had;     /* of disks, a bit each: have had it, or have it */
    unsigned holders; /* had it when it was safe, and have not lost it since */
};

/* The events of an origin, by their sequences. */
struct check_origin {
    uint64_t origin;
    uint32_t *events;
    size_t count;
    size_t capacity;
};

struct check {
    struct world *world;
    struct check_fact *facts; /* by number, from 1 on */
    uint64_t fact_count;
    uint64_t fact_max;
    struct check_event *events;
    size_t event_count;
    size_t event_max;
    struct check_origin origins[CHECK_ORIGINS_MAX];
    size_t origin_count;
    struct vector ever[WORLD_NODES_MAX];
    struct vector safe[WORLD_NODES_MAX]; /* as the committer knows it */
    bool alone[WORLD_NODES_MAX];
    uint64_t scanned_place[WORLD_NODES_MAX];
    struct check_view *views;     /* CHECK_VIEWS of them */
    bool trace;                   /* tell what the subscribers see */
    char wrong[CHECK_TEXT_BYTES]; /* empty: nothing */
    size_t acknowledged;
    size_t repeated; /* retries that were one event */
    size_t doubled;  /* and that were not, as they may */
    size_t seen;
    size_t gaps;
};

void check_init(struct check *c, struct world *w, uint64_t fact_max);
void check_done(struct check *c);

void check_wrong(struct check *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* With `trace`, for the story. */
void check_tell(struct check *c, size_t node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The number of the first of so many new events of a connection; 0: no more may
 * be. */
uint64_t check_publish(struct check *c,
                       uint64_t connection,
                       size_t channel,
                       size_t count);

/* Its publisher sends it again; does not know what became of it, and gives up;
 * is told that it is stored under that name; or that it is not, unless an
 * attempt before stored it. */
void check_again(struct check *c, uint64_t number);
void check_doubt(struct check *c, uint64_t number);
void check_give_up(struct check *c, uint64_t number);
void check_stored_as(struct check *c,
                     uint64_t number,
                     uint64_t origin,
                     uint64_t sequence);
void check_refused(struct check *c, uint64_t number);

/* The number that a content is. */
uint64_t check_number(struct bytes content);

/* The events of `origin` behind `after`, up to `until`: where in its list. */
const struct check_origin *check_between(const struct check *c,
                                         uint64_t origin,
                                         uint64_t after,
                                         uint64_t until,
                                         size_t *ret_first,
                                         size_t *ret_end);

/* What the world's watcher hears. */
void check_started(struct check *c, size_t node);
void check_stopped(struct check *c, size_t node);
void check_state(struct check *c, size_t node);
void check_stored(struct check *c, size_t node);
void check_batch(struct check *c, size_t node, struct batch *batch);

/* The disk of `node` was set back, or damaged. */
void check_damaged(struct check *c, size_t node);

/* Whether all is as it should be some time after the last fault; else says in
 * `ret` what is not. */
bool check_settled(struct check *c, char ret[CHECK_TEXT_BYTES]);

/* At the end. */
void check_nothing_lost(struct check *c);

#endif

/* What goes wrong in a cluster: one thing at a time, by chance, of the kinds
 * that the seed has picked. */
#ifndef TESTS_SIM_CLUSTER_FAULTS_H
#define TESTS_SIM_CLUSTER_FAULTS_H

#include "tests/sim/cluster_check.h"

struct faults {
    struct world *world;
    struct check *check;
    uint64_t random;
    uint64_t kinds;    /* a bit each */
    uint64_t next_ms;  /* when something happens again */
    uint64_t every_ms; /* at most */
    bool has_copy[WORLD_NODES_MAX];
    struct disk copies[WORLD_NODES_MAX];
    void (*tell)(void *context, size_t node, const char *text);
    void *context;
};

void faults_init(struct faults *f,
                 struct world *w,
                 struct check *c,
                 uint64_t random);
void faults_done(struct faults *f);

/* Let something happen if it is time. */
void faults_strike(struct faults *f);

#endif

/* The subscribers of cluster_check. */
#ifndef TESTS_SIM_CLUSTER_READER_H
#define TESTS_SIM_CLUSTER_READER_H

#include "tests/sim/cluster_check.h"

/* The number with which an event's content begins. */
uint64_t check_number(struct bytes content);

/* A batch for a subscriber that is live. */
void check_read_batch(struct check *c,
                      struct check_subscriber *s,
                      const struct batch *batch);

#endif

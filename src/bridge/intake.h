/* The intake: how many bytes of publishes may be between the shards' doors and
 * their answers in the whole node. It is the one bound on every queue between
 * the threads; what the cluster's other nodes send has another of its kind, so
 * that they are heard however much is published here. */
#ifndef BRIDGE_INTAKE_H
#define BRIDGE_INTAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct intake {
    atomic_size_t bytes;
    atomic_size_t bytes_most; /* since intake_take_most() */
    size_t bytes_max;
};

/* False, charging nothing, when the bound would be passed. */
bool intake_charge(struct intake *intake, size_t bytes);
/* The same below a bound of its own. */
bool intake_charge_within(struct intake *intake,
                          size_t bytes,
                          size_t bytes_max);
/* Charge what cannot be refused, beyond the bound. */
void intake_add(struct intake *intake, size_t bytes);
void intake_release(struct intake *intake, size_t bytes);

/* The most that was charged at once since the last call, about. */
size_t intake_take_most(struct intake *intake);

#endif

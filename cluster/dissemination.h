/* News: records that have changed, until each has been told often enough that
 * all are likely to know it (SWIM, 4.1). What was told least goes first. */
#ifndef CLUSTER_DISSEMINATION_H
#define CLUSTER_DISSEMINATION_H

#include "cluster/member_list.h"

#define DISSEMINATION_TIMES_MAX 64

struct dissemination {
    size_t count;
    struct list told[DISSEMINATION_TIMES_MAX]; /* that often */
};

void dissemination_init(struct dissemination *d);

/* The member's record is new: it is to be told from the beginning. */
void dissemination_add(struct dissemination *d, struct member *member);
void dissemination_remove(struct dissemination *d, struct member *member);

/* Add to the message what fits into `bytes_max` more and count it as told once
 * more; at `times_max` it is news no longer. A record that the message has
 * already is passed over. Returns the bytes added. */
size_t dissemination_fill(struct dissemination *d,
                          unsigned times_max,
                          size_t bytes_max,
                          struct gossip *message);

/* SWIM's lambda log n: how often each of `size` members tells what is new, so
 * that all hear it but for a chance of about size^-(factor - 1). */
unsigned dissemination_times(unsigned factor, size_t size);

#endif

/* Who is not a neighbour yet, or no longer: joining by the seeds, trying them
 * and the dead now and then, and comparing tables with the living. */
#ifndef CLUSTER_REACH_H
#define CLUSTER_REACH_H

#include "cluster/membership_state.h"

void reach_seeds(struct membership *m,
                 const struct gossip_address *addresses,
                 size_t count);

/* A datagram's sender, who may be somebody that we know too little of. */
void reach_met(struct membership *m,
               const struct gossip *message,
               const struct gossip_address *source);

/* It asked for a comparison, or sent a part of its table. */
void reach_compared(struct membership *m,
                    const struct gossip *message,
                    const struct gossip_address *source);

void reach_tick(struct membership *m);
uint64_t reach_deadline_ms(const struct membership *m);

#endif

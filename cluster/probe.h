/* Who answers: one member is probed in each period, by us and, when that fails,
 * by others for us (SWIM, 3.1). How well we keep up ourselves stretches our
 * periods, so that a slow node suspects others later (Lifeguard, IV.A). */
#ifndef CLUSTER_PROBE_H
#define CLUSTER_PROBE_H

#include "cluster/membership_state.h"

/* We did worse (above 0) or better. */
void probe_health(struct membership *m, int change);

/* What came from others. */
void probe_pinged(struct membership *m,
                  const struct gossip *message,
                  const struct gossip_address *source);
void probe_asked(struct membership *m,
                 const struct gossip *message,
                 const struct gossip_address *source);
void probe_answered(struct membership *m, const struct gossip *message);

void probe_tick(struct membership *m);
uint64_t probe_deadline_ms(const struct membership *m);

#endif

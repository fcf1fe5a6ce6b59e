/* The datagrams of a membership: what waits to be sent, and what each carries
 * beside its purpose. */
#ifndef CLUSTER_OUTBOX_H
#define CLUSTER_OUTBOX_H

#include "cluster/membership_state.h"

/* Dropped and counted when too many wait: it is UDP to all who use it. */
void outbox_push(struct membership *m,
                 const struct membership_outgoing *outgoing);

/* Send all that is known, in parts; `wanted`: and have the other's. */
void outbox_table(struct membership *m,
                  const struct gossip_address *to,
                  bool wanted);

bool outbox_next(struct membership *m,
                 struct gossip_address *ret_to,
                 struct buffer *out);

#endif

/* What is believed of whom: records replace each other by the one order of
 * gossip_member_compare(), so all who have heard the same believe the same.
 * Only a member itself raises its incarnation, to deny what is said about it.
 */
#ifndef CLUSTER_BELIEF_H
#define CLUSTER_BELIEF_H

#include "cluster/membership_state.h"

/* Somebody said so; `source` is who, and gets our denial if it is one. */
void belief_hear(struct membership *m,
                 const struct gossip_member *heard,
                 const struct gossip_address *source);

/* It did not answer us. */
void belief_suspect(struct membership *m, struct member *member);

/* What we are, as the options say; it is to be told. */
void belief_begin(struct membership *m);
void belief_announce(struct membership *m,
                     const struct gossip_address *address,
                     const char *urls);
void belief_leave(struct membership *m);
void belief_forget(struct membership *m, struct member *member);

/* Bury suspects whose time is up; forget those who were away too long. */
void belief_tick(struct membership *m);
uint64_t belief_deadline_ms(const struct membership *m);

#endif

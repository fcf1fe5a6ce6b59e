/* What the node is told: not each change but how things stand now, compared
 * with what it was told before, so that there is no queue to overflow. */
#ifndef CLUSTER_NOTICE_H
#define CLUSTER_NOTICE_H

#include "cluster/membership_state.h"

/* Whether those who stay know that we go, or the time for it is up. */
bool notice_goodbye_is_told(const struct membership *m);

bool notice_next(struct membership *m, struct membership_event *ret);

#endif

/* The events of the batch that is being filled, by channel and key: what the
 * log cannot know yet. */
#ifndef BRIDGE_REPEATS_H
#define BRIDGE_REPEATS_H

#include "base/event.h"
#include "base/map.h"

struct repeats {
    struct map events;
};

void repeats_init(struct repeats *r, uint64_t seed);
void repeats_done(struct repeats *r);

/* The event that was added with the channel and key of this one, or NULL; also
 * when this one has no key. */
const struct event *repeats_find(const struct repeats *r,
                                 const struct event *event);

/* Borrows `event`, which repeats_find() does not find. Without a key it does
 * nothing. */
void repeats_add(struct repeats *r, const struct event *event);

#endif

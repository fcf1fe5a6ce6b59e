/* The last events of wildcards: no index has them, so the log is read
 * backwards, a page a turn, until so many were met; there the replay begins. */
#ifndef BRIDGE_REPLAY_BACK_H
#define BRIDGE_REPLAY_BACK_H

#include "src/bridge/shard.h"

struct replay_page;

/* One more of the last events, or of others. */
void replay_back_record(struct shard *shard,
                        struct replay_page *page,
                        const struct shard_input *in);

/* The page is through, down to `covered_place`. False: the place where the
 * replay begins is found, but its cursor cannot be had. */
bool replay_back_end(struct shard *shard,
                     struct replay_page *page,
                     uint64_t covered_place);

#endif

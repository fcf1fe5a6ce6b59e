/* A simulated disk as a shard sees it: what it may ask at once, and pages of
 * records. Does what src/io/log_view does on the real log, with pages that are
 * shorter, so that most replays have several. */
#ifndef TESTS_SIM_CLUSTER_PAGES_H
#define TESTS_SIM_CLUSTER_PAGES_H

#include "src/bridge/shard.h"
#include "tests/sim/cluster_disk.h"

#define PAGES_BYTES_MAX 4096
#define PAGES_PLACES_MAX 16 /* of one channel */

/* Good for as long as the disk is open. */
struct shard_lookup pages_lookup(struct disk *d);

/* Read a page and give it to `step`, records and end, while the shard wants
 * more. */
void pages_read(struct disk *d,
                const struct shard_page *page,
                void (*step)(void *context, struct shard_input *in),
                void *context);

#endif

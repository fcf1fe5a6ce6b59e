/* Damage of a simulated disk: finding what is missing, and putting it back, as
 * storage/log_repair does on the real log. */
#ifndef TESTS_SIM_CLUSTER_MEND_H
#define TESTS_SIM_CLUSTER_MEND_H

#include "src/io/log_mend.h"
#include "tests/sim/cluster_disk.h"

/* The holes that there are, up to `max`; returns how many. */
size_t mend_holes(const struct disk *d,
                  struct replication_hole *ret,
                  size_t max);

/* Whether a whole record is missing there, and has room. */
bool mend_fits(struct disk *d,
               const struct replication_hole *hole,
               const struct disk_record *r);

/* Put what fits into the hole; returns how many are whole again. */
size_t mend_fill(struct disk *d, const struct log_mend *m);

#endif

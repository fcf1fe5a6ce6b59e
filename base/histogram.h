/* Counts values by size in log-linear slots: exact below 128, within 1/128
 * above, over the whole range of a u64, in a fixed 58 KB. For latencies, where
 * the tail matters and a mean does not. */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SLOT_BITS 7 /* slots for each power of two: 128 */
#define HISTOGRAM_SLOTS ((65 - HISTOGRAM_SLOT_BITS) << HISTOGRAM_SLOT_BITS)

struct histogram {
    uint64_t count;
    uint64_t max;
    uint64_t slots[HISTOGRAM_SLOTS];
};

void histogram_clear(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t value);

/* The least value that at least `fraction` (0 to 1) of all values do not
 * exceed, rounded up to its slot's end but never over the largest value. 0 when
 * nothing was added. */
uint64_t histogram_quantile(const struct histogram *h, double fraction);

#endif

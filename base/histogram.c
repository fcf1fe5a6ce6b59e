/* A slot's number is the value's exponent and the HISTOGRAM_SLOT_BITS bits
 * below its highest one, so finding it is a shift and no search. */
#include "base/histogram.h"

#include "base/check.h"

#include <stddef.h>
#include <string.h>

#define SLOTS_EACH (UINT64_C(1) << HISTOGRAM_SLOT_BITS)

static size_t slot_of(uint64_t value)
{
    unsigned shift;

    if (value < SLOTS_EACH) {
        return (size_t)value;
    }
    shift = 63U - (unsigned)__builtin_clzll(value) - HISTOGRAM_SLOT_BITS;
    return (size_t)(((uint64_t)shift + 1) * SLOTS_EACH +
                    ((value >> shift) & (SLOTS_EACH - 1)));
}

/* The largest value that falls into a slot. */
static uint64_t slot_end(size_t slot)
{
    uint64_t below;
    unsigned shift;

    if (slot < SLOTS_EACH) {
        return slot;
    }
    shift = (unsigned)(slot / SLOTS_EACH) - 1;
    below = SLOTS_EACH + slot % SLOTS_EACH;
    return (below << shift) + ((UINT64_C(1) << shift) - 1);
}

void histogram_clear(struct histogram *h)
{
    memset(h, 0, sizeof(*h));
}

void histogram_add(struct histogram *h, uint64_t value)
{
    size_t slot = slot_of(value);

    check(slot < HISTOGRAM_SLOTS);
    h->slots[slot]++;
    h->count++;
    if (value > h->max) {
        h->max = value;
    }
}

uint64_t histogram_quantile(const struct histogram *h, double fraction)
{
    uint64_t seen = 0;
    double wanted;

    check(fraction >= 0 && fraction <= 1);
    wanted = fraction * (double)h->count;
    for (size_t slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
        seen += h->slots[slot];
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t end = slot_end(slot);

            return end < h->max ? end : h->max;
        }
    }
    return h->max;
}

/* splitmix64 (Steele, Lea, Flood 2014): the pseudo-random numbers of the cores.
 * The state is a seed that the world gave, so a run can be repeated. It guards
 * nothing: whoever sees a few numbers knows the rest. */
#ifndef BASE_SPLITMIX_H
#define BASE_SPLITMIX_H

#include <stdint.h>

static inline uint64_t splitmix_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* From 0 to `bound` - 1; `bound` must not be 0. The bias is below bound / 2^64:
 * nothing that a cluster or a test could notice. */
static inline uint64_t splitmix_below(uint64_t *state, uint64_t bound)
{
    return splitmix_next(state) % bound;
}

#endif

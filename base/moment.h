/* A moment, as the world hands it to the cores, which never read a clock. */
#ifndef BASE_MOMENT_H
#define BASE_MOMENT_H

#include <stdint.h>

#define MOMENT_NEVER UINT64_MAX

struct moment {
    uint64_t mono_ms; /* only forward; for deadlines */
    uint64_t wall_ms; /* Unix time; may jump; for stamps and expiry */
};

#endif

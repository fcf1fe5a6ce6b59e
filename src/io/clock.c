/* Reads the system's clocks for the cores. */
#include "src/io/clock.h"

#include "base/check.h"

#include <time.h>

static uint64_t read_ms(clockid_t id)
{
    struct timespec t;

    check(clock_gettime(id, &t) == 0);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct moment clock_now(void)
{
    return (struct moment){
        .mono_ms = read_ms(CLOCK_MONOTONIC),
        .wall_ms = read_ms(CLOCK_REALTIME),
    };
}

/* Asked of the system once, at the start. */
#include "src/io/machine.h"

#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>

void machine_raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* For the log's files, other nodes and who asks for a certificate to be read,
 * and for each shard's loop, ports and spares. */
#define DESCRIPTORS_KEPT 64
#define DESCRIPTORS_KEPT_SHARD 8

size_t machine_connections_max(unsigned shards, size_t *ret_descriptors)
{
    size_t kept = DESCRIPTORS_KEPT + DESCRIPTORS_KEPT_SHARD * (size_t)shards;
    struct rlimit limit;

    machine_raise_descriptors();
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY) {
        *ret_descriptors = SIZE_MAX;
        return SIZE_MAX;
    }
    *ret_descriptors = limit.rlim_cur;
    return limit.rlim_cur > 2 * kept ? limit.rlim_cur - kept
                                     : limit.rlim_cur / 2;
}

unsigned machine_core_count(void)
{
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof(cores), &cores) != 0) {
        return 1;
    }
    return (unsigned)CPU_COUNT(&cores);
}

/* Asked of the system once, at the start. */
#include "src/io/machine.h"

#include <sched.h>
#include <sys/resource.h>

void machine_raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

unsigned machine_core_count(void)
{
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof(cores), &cores) != 0) {
        return 1;
    }
    return (unsigned)CPU_COUNT(&cores);
}

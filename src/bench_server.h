/* What the kernel says a process has used: the measured server's CPU time and
 * memory, read from /proc. */
#ifndef SRC_BENCH_SERVER_H
#define SRC_BENCH_SERVER_H

#include "base/why.h"

#include <stdbool.h>
#include <stdint.h>

struct bench_server_sample {
    uint64_t cpu_ns;       /* all threads, by the scheduler's own clock */
    uint64_t user_ticks;   /* of utime and stime only the share is of use: */
    uint64_t system_ticks; /* they count ticks of 10 ms */
    uint64_t memory_bytes; /* resident; without pages of files, which the
                              kernel takes back when it needs them */
};

/* RC_NOT_FOUND: no such process, or it may not be looked at. */
int bench_server_sample(unsigned pid,
                        struct bench_server_sample *ret,
                        struct why *why);

/* The number behind `name` at the beginning of a line of `text`. */
bool bench_server_number(const char *text, const char *name, uint64_t *ret);

/* utime and stime in the text of /proc/PID/stat, whose second field, the
 * program's name, may hold spaces and brackets. */
bool bench_server_ticks(const char *text,
                        uint64_t *ret_user,
                        uint64_t *ret_system);

#endif

/* What this machine lets a process have. */
#ifndef IO_MACHINE_H
#define IO_MACHINE_H

#include <stddef.h>

/* As many descriptors as the system lets us have: connections need them. */
void machine_raise_descriptors(void);

/* Cores that this process may run on, which taskset or a container may have
 * made fewer than the machine's. */
unsigned machine_core_count(void);

/* How many connections fit beside what else the process opens, `shards` shards
 * among it, once it has all the descriptors that it may have; `ret_descriptors`
 * is how many those are. */
size_t machine_connections_max(unsigned shards, size_t *ret_descriptors);

#endif

/* What this machine lets a process have. */
#ifndef IO_MACHINE_H
#define IO_MACHINE_H

/* As many descriptors as the system lets us have: connections need them. */
void machine_raise_descriptors(void);

/* Cores that this process may run on, which taskset or a container may have
 * made fewer than the machine's. */
unsigned machine_core_count(void);

#endif

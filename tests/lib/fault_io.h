/* Writes and syncs that fail when told to: a program that links this puts its
 * own versions before the C library's, also for the libraries it uses. */
#ifndef TESTS_LIB_FAULT_IO_H
#define TESTS_LIB_FAULT_IO_H

#include <stdbool.h>

enum fault_kind {
    FAULT_BEFORE, /* fail and do nothing */
    FAULT_AFTER,  /* do it, then say that it failed */
    FAULT_HALF,   /* write half, then say how little it was; syncs fail */
};

struct fault {
    unsigned skip; /* calls that go well first */
    int error;     /* errno of the failure */
    enum fault_kind kind;
    bool stays; /* all later calls fail as well */
};

void fault_io_arm(const struct fault *fault);
void fault_io_disarm(void);
bool fault_io_struck(void); /* since the last arming */

#endif

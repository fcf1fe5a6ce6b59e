/* Where a bug in weir ends the process: one line, then a core for whoever looks
 * into it. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr,
            "weir: a bug: %s:%d: check failed: %s\n",
            file,
            line,
            condition);
    abort();
}

/* The clock: the one place that asks what time it is. */
#ifndef IO_CLOCK_H
#define IO_CLOCK_H

#include "base/moment.h"

struct moment clock_now(void);

#endif

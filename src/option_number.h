/* Options whose value is a whole number in a range. */
#ifndef SRC_OPTION_NUMBER_H
#define SRC_OPTION_NUMBER_H

#include "src/options.h"

/* Read option `name` into `number`, which keeps its value when the option was
 * not given. False: it is not a number from `least` to `most`; a complaint was
 * written to standard error. */
bool option_number(const struct options *o,
                   const char *name,
                   uint64_t least,
                   uint64_t most,
                   uint64_t *number);

#endif

/* Lengths of time as people write them: 500ms, 15s, 5min, 24h, 30d. */
#ifndef SRC_DURATION_H
#define SRC_DURATION_H

#include "base/bytes.h"

#define DURATION_TEXT_BYTES_MAX 32

/* A whole number and its unit, without white space; false on anything else,
 * also on a number without a unit other than 0. */
bool duration_parse(struct bytes text, uint64_t *ret_ms);

/* In the largest unit that divides it: "90s", "2min". */
void duration_print(uint64_t ms, char ret[DURATION_TEXT_BYTES_MAX]);

#endif

/* Moments as text, in UTC (RFC 3339): 2026-01-31T12:00:00Z. */
#ifndef SRC_TIMESTAMP_H
#define SRC_TIMESTAMP_H

#include "base/bytes.h"

#define TIMESTAMP_TEXT_BYTES_MAX 32

/* "2026-01-31", its first second; "2026-01-31T12:00:00Z"; or Unix seconds.
 * False on anything else, and before 1970 or past 9999. */
bool timestamp_parse(struct bytes text, uint64_t *ret_s);

void timestamp_print(uint64_t seconds, char ret[TIMESTAMP_TEXT_BYTES_MAX]);

/* With milliseconds: 2026-01-31T12:00:00.000Z. */
void timestamp_print_ms(uint64_t ms, char ret[TIMESTAMP_TEXT_BYTES_MAX]);

#endif

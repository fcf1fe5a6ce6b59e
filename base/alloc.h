/* Memory. Every amount weir asks for is bounded by a named limit, so running
 * out is not a state to serve in: the process says so and ends. What it had
 * acknowledged is on disk. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

void *alloc_raw(size_t size);  /* never NULL */
void *alloc_zero(size_t size); /* zeroed */
void *alloc_resize(void *old, size_t size);
char *alloc_text(const char *text); /* a copy of a C string */

#endif

/* Free on leaving the scope: `AUTO_FREE char *path = ...;`. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>

static inline void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

#define AUTO_FREE __attribute__((cleanup(cleanup_free)))

/* Run `function(&variable)` on leaving the scope. */
#define CLEANUP(function) __attribute__((cleanup(function)))

#endif

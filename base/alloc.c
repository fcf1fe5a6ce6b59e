/* The one place where malloc's failure is met. An allocation of nothing is one
 * byte, so that the result is never NULL. */
#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *not_null(void *memory, size_t size)
{
    if (memory == NULL) {
        fprintf(stderr, "weir: out of memory: no %zu bytes left\n", size);
        abort();
    }
    return memory;
}

void *alloc_raw(size_t size)
{
    return not_null(malloc(size > 0 ? size : 1), size);
}

void *alloc_zero(size_t size)
{
    return not_null(calloc(1, size > 0 ? size : 1), size);
}

void *alloc_resize(void *old, size_t size)
{
    return not_null(realloc(old, size > 0 ? size : 1), size);
}

char *alloc_text(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(alloc_raw(size), text, size);
}

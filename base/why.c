/* A sentence that does not fit is cut at its end, so that wrapping keeps the
 * context in front. */
#include "base/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int why_set(struct why *why, enum rc rc, const char *format, ...)
{
    va_list arguments;

    if (why != NULL) {
        va_start(arguments, format);
        vsnprintf(why->text, sizeof(why->text), format, arguments);
        va_end(arguments);
    }
    return rc;
}

int why_wrap(struct why *why, enum rc rc, const char *format, ...)
{
    char inner[WHY_BYTES_MAX];
    va_list arguments;
    size_t len;

    if (why == NULL) {
        return rc;
    }
    memcpy(inner, why->text, sizeof(inner));
    va_start(arguments, format);
    vsnprintf(why->text, sizeof(why->text), format, arguments);
    va_end(arguments);
    len = strlen(why->text);
    snprintf(why->text + len, sizeof(why->text) - len, ": %s", inner);
    return rc;
}

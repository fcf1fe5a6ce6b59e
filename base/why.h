/* A sentence for people that explains a result code, built where the failure
 * is understood and printed once, by whoever talks to the person. */
#ifndef BASE_WHY_H
#define BASE_WHY_H

#include "base/rc.h"

#define WHY_BYTES_MAX 512

struct why {
    char text[WHY_BYTES_MAX];
};

/* Write the sentence and return `rc`, so that a failure is one statement:
 *     return why_set(why, RC_NO_SPACE, "'%s' is full", path);
 * `why` may be NULL. A sentence over WHY_BYTES_MAX is cut. */
int why_set(struct why *why, enum rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "prefix: " before the sentence, outermost context first; returns `rc`. */
int why_wrap(struct why *why, enum rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

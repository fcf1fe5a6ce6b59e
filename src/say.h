/* What the commands show to people: nothing that came from a server, a peer or
 * a file reaches a terminal but as visible text (base/visible). */
#ifndef SRC_SAY_H
#define SRC_SAY_H

#include "base/bytes.h"

#include <stdio.h>

/* "WHO: a sentence" on standard error, a line. */
void say_line(const char *who, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Text of any number of lines. */
void say_text(FILE *to, struct bytes text);

/* JSON, on one line, as JSON; what is none, as text. */
void say_json(FILE *to, struct bytes json);

#endif

/* Where `weir sub` begins: --after, --last, --seconds, --all. */
#ifndef SRC_SUB_BEGIN_H
#define SRC_SUB_BEGIN_H

#include "proto/cursor.h"
#include "src/options.h"

#define SUB_BEGIN_BYTES_MAX (CURSOR_TEXT_MAX + 64)
#define SUB_BEGIN_NOW "\"cursor\":true"

/* The member of a subscribe message that says so, SUB_BEGIN_NOW when no option
 * does. False, having complained, when they make no sense. */
bool sub_begin_read(const struct options *o, char ret[SUB_BEGIN_BYTES_MAX]);

#endif

/* The console: a page to publish, subscribe and replay with, for development.
 * Its files, which are in contrib, are part of the program. */
#ifndef BRIDGE_CONSOLE_H
#define BRIDGE_CONSOLE_H

#include "base/buffer.h"

/* A browser may keep a file, but asks each time whether it is the newest. */
#define CONSOLE_CACHE "no-cache"

/* The file at this path of a URL, or false. */
bool console_find(struct bytes path,
                  const char **ret_content_type,
                  struct bytes *ret_body);

/* The header fields that keep the page to itself: it runs no script but its
 * own, however an event looks that it shows. */
void console_fields(struct buffer *out);

#endif

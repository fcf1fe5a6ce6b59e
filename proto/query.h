/* The query of a URL, a parameter at a time: name=value&name=value, with %XX
 * for any byte and '+' for a space (WHATWG URL, 5.1). */
#ifndef PROTO_QUERY_H
#define PROTO_QUERY_H

#include "base/buffer.h"
#include "base/rc.h"

/* Split the next parameter off `rest`. What is returned is decoded and appended
 * to `out`, which keeps it: its cap must leave room for all of the query, and
 * the memory does not move while it has. RC_NOT_FOUND: no more; RC_MALFORMED: a
 * '%' without two digits; RC_TOO_LARGE: no room. */
int query_next(struct bytes *rest,
               struct buffer *out,
               struct bytes *ret_name,
               struct bytes *ret_value);

#endif

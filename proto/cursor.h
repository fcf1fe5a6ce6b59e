/* A cursor: a reader's place as opaque text, valid on every node. It is a
 * version vector (base/vector.h): of each origin, up to where its events have
 * been seen. Not bound to a channel: a cursor got on one may be used on
 * another, and one stream of several channels needs but one.
 *
 *     base64url, without padding, of
 *         u8   version, 1
 *         for each origin, ascending:  u64 origin, u64 sequence
 *         u32  checksum of all before it
 *
 * Integers are little-endian. */
#ifndef PROTO_CURSOR_H
#define PROTO_CURSOR_H

#include "base/buffer.h"
#include "base/rc.h"
#include "base/vector.h"

#define CURSOR_BYTES_MAX (1 + 16 * VECTOR_ORIGINS_MAX + 4)
#define CURSOR_TEXT_MAX ((CURSOR_BYTES_MAX * 4 + 2) / 3)

void cursor_print(const struct vector *v, struct buffer *out);

/* RC_MALFORMED: not such a text, or a character of it was changed.
 * RC_UNSUPPORTED: whole, but of a later version. */
int cursor_parse(struct bytes text, struct vector *ret);

#endif

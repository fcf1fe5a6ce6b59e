/* Text that may be shown on a terminal: what moves its cursor, sets its title
 * or turns the order of letters around is written out instead. These are the
 * control characters of ASCII and of ISO 6429 (C0, DEL, C1), the separators of
 * lines and the marks that set the direction of writing (Unicode, UAX #9). */
#ifndef BASE_VISIBLE_H
#define BASE_VISIBLE_H

#include "base/buffer.h"

#define VISIBLE_FACTOR 6 /* of one byte, at most so many */

/* Append `text` with each of them as \u00xx, and each byte that is not UTF-8
 * as \xhh. */
void visible_text(struct bytes text, struct buffer *out);

/* Append text of several lines; what ends them and tabs stay. */
void visible_lines(struct bytes text, struct buffer *out);

/* Append JSON, which must be well-formed, on one line and saying the same:
 * escapes within its strings, a space between its tokens. */
void visible_json(struct bytes json, struct buffer *out);

#endif

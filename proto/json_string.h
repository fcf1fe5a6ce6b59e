/* The inside of JSON strings: where one ends, what its escapes stand for, and
 * how text becomes one. json.h is the way in for everybody else. */
#ifndef PROTO_JSON_STRING_H
#define PROTO_JSON_STRING_H

#include "base/buffer.h"
#include "base/bytes.h"

/* The offset of the quote that ends the string whose first character is at
 * `at`; 0 when there is none, or the string holds a control character, a broken
 * escape or bytes that are not UTF-8. Sets `ret_escaped`
 * when the string has an escape, and else leaves it. */
size_t json_string_end(struct bytes text, size_t at, bool *ret_escaped);

/* The functions below take the inside of a string that json_string_end() has
 * found to be whole. */

/* Append the characters that it stands for: never more bytes than it has. The
 * escape of half a surrogate pair stands for none; it becomes the three bytes
 * that UTF-8 forbids for it, so that nothing that checks its text takes it. */
void json_string_unescape(struct bytes inside, struct buffer *out);

/* Whether it stands for exactly `text`. */
bool json_string_equal(struct bytes inside, struct bytes text);

/* Append `text` as the inside of a string. */
void json_string_escape(struct bytes text, struct buffer *out);

#endif

/* Text forms of numbers, bytes and identifiers: print and parse, bounded. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/bytes.h"

/* Whole decimal text of a u64, digits only; false on anything else. */
bool text_decimal(struct bytes text, uint64_t *ret);

/* Whole hexadecimal text (either case, no prefix) of a u64. */
bool text_hex_u64(struct bytes text, uint64_t *ret);

/* base64url without padding (RFC 4648, 5). Encoding writes
 * text_base64url_len(len) characters and no NUL. Decoding accepts padding and
 * also the plain alphabet's '+' and '/', rejects other characters and
 * non-zero trailing bits, writes at most text_base64url_bytes_max(len). */
size_t text_base64url_len(size_t byte_count);
void text_base64url_encode(struct bytes bytes, char *out);
size_t text_base64url_bytes_max(size_t text_len);
bool text_base64url_decode(struct bytes text, uint8_t *out, size_t *ret_len);

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool text_utf8_valid(struct bytes text);

/* The bytes of the well-formed sequence at the front of `text`, which is not
 * empty; 0 when there is none. */
size_t text_utf8_len(struct bytes text);

#define TEXT_UUID_LEN 36

/* 16 bytes as 8-4-4-4-12 lower-case hex; writes TEXT_UUID_LEN, no NUL. */
void text_uuid(const uint8_t id[16], char out[TEXT_UUID_LEN]);

/* "64K", "1.5M", "2G", "1T" (powers of 1024, either case, up to three decimals)
 * or a plain number, in bytes. */
bool text_size(struct bytes text, uint64_t *ret);

#endif

/* The value of a Date field: IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC
 * 9110, 5.6.7). */
#ifndef PROTO_HTTP_DATE_H
#define PROTO_HTTP_DATE_H

#include "base/bytes.h"

#define HTTP_DATE_LEN 29

/* Not terminated. Seconds after the year 9999 read as its last one. */
void http_date_print(uint64_t unix_s, char ret[HTTP_DATE_LEN]);

#endif

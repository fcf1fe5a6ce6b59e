/* Dates, held against the C library's. */
#include "proto/http_date.h"

#include "tests/lib/tap.h"

#include <time.h>

static void check_date(uint64_t unix_s)
{
    char text[HTTP_DATE_LEN];
    char wanted[HTTP_DATE_LEN + 1];
    time_t seconds = (time_t)unix_s;
    struct tm fields;

    http_date_print(unix_s, text);
    gmtime_r(&seconds, &fields);
    strftime(wanted, sizeof(wanted), "%a, %d %b %Y %H:%M:%S GMT", &fields);
    tap_equal_text(bytes_of(text, sizeof(text)), wanted);
}

TAP_CASE(a_date_is_printed_as_rfc_9110_shows_it)
{
    char text[HTTP_DATE_LEN];

    http_date_print(784111777, text);
    tap_equal_text(bytes_of(text, sizeof(text)),
                   "Sun, 06 Nov 1994 08:49:37 GMT");
    http_date_print(0, text);
    tap_equal_text(bytes_of(text, sizeof(text)),
                   "Thu, 01 Jan 1970 00:00:00 GMT");
}

TAP_CASE(every_day_of_four_hundred_years_is_the_c_library_s)
{
    for (uint64_t day = 0; day < UINT64_C(146097) + 1; day++) {
        check_date(day * 86400 + day % 86400);
    }
}

TAP_CASE(a_date_after_the_year_9999_is_its_last_second)
{
    char text[HTTP_DATE_LEN];

    http_date_print(UINT64_MAX, text);
    tap_equal_text(bytes_of(text, sizeof(text)),
                   "Fri, 31 Dec 9999 23:59:59 GMT");
}

TAP_MAIN()

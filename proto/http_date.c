/* Days become a date by counting years from March, so that the day that a leap
 * year has more is its last. */
#include "proto/http_date.h"

#define DAY_S 86400
#define SECONDS_MAX UINT64_C(253402300799) /* the end of the year 9999 */
#define DAYS_BEFORE_1970 719468            /* since 1 March of the year 0 */
#define DAYS_IN_400_YEARS 146097

struct date {
    unsigned year;
    unsigned month; /* 0: January */
    unsigned day;   /* from 1 */
};

static struct date date_of(unsigned days)
{
    unsigned of_era = (days + DAYS_BEFORE_1970) % DAYS_IN_400_YEARS;
    unsigned era = (days + DAYS_BEFORE_1970) / DAYS_IN_400_YEARS;
    unsigned year =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned march = (5 * of_year + 2) / 153; /* months since it */
    unsigned month = (march + 2) % 12;

    return (struct date){
        .year = 400 * era + year + (month < 2),
        .month = month,
        .day = of_year - (153 * march + 2) / 5 + 1,
    };
}

static void put(char *to, unsigned value, unsigned digits)
{
    while (digits > 0) {
        to[--digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

void http_date_print(uint64_t unix_s, char ret[HTTP_DATE_LEN])
{
    static const char form[] = "ddd, 00 mmm 0000 00:00:00 GMT";
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970 began so */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint64_t s = unix_s < SECONDS_MAX ? unix_s : SECONDS_MAX;
    unsigned day = (unsigned)(s / DAY_S);
    unsigned of_day = (unsigned)(s % DAY_S);
    struct date date = date_of(day);

    memcpy(ret, form, HTTP_DATE_LEN);
    memcpy(ret, days + 3 * (size_t)(day % 7), 3);
    put(ret + 5, date.day, 2);
    memcpy(ret + 8, months + 3 * (size_t)date.month, 3);
    put(ret + 12, date.year, 4);
    put(ret + 17, of_day / 3600, 2);
    put(ret + 20, of_day / 60 % 60, 2);
    put(ret + 23, of_day % 60, 2);
}

/* A text is right when printing what was read gives the same text again; that
 * refuses the 30th of February and all its kin. */
#include "src/timestamp.h"

#include "base/text.h"

#include <stdio.h>
#include <time.h>

#define SECONDS_MAX UINT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define DATE_LEN 10
#define FULL_LEN 20

/* Seconds from the fields as they stand, or UINT64_MAX. */
static uint64_t seconds_of(const char *text)
{
    struct tm fields = {0};
    time_t seconds;

    if (strptime(text, "%Y-%m-%dT%H:%M:%SZ", &fields) == NULL) {
        return UINT64_MAX;
    }
    seconds = timegm(&fields);
    return seconds < 0 ? UINT64_MAX : (uint64_t)seconds;
}

bool timestamp_parse(struct bytes text, uint64_t *ret_s)
{
    char full[TIMESTAMP_TEXT_BYTES_MAX];
    char again[TIMESTAMP_TEXT_BYTES_MAX];
    uint64_t seconds;

    if (text_decimal(text, &seconds)) {
        if (seconds > SECONDS_MAX) {
            return false;
        }
        *ret_s = seconds;
        return true;
    }
    if (text.len != DATE_LEN && text.len != FULL_LEN) {
        return false;
    }
    snprintf(full,
             sizeof(full),
             "%.*s%s",
             (int)text.len,
             (const char *)text.data,
             text.len == DATE_LEN ? "T00:00:00Z" : "");
    seconds = seconds_of(full);
    if (seconds > SECONDS_MAX) {
        return false;
    }
    timestamp_print(seconds, again);
    if (strcmp(full, again) != 0) {
        return false;
    }
    *ret_s = seconds;
    return true;
}

void timestamp_print(uint64_t seconds, char ret[TIMESTAMP_TEXT_BYTES_MAX])
{
    time_t time = (time_t)(seconds < SECONDS_MAX ? seconds : SECONDS_MAX);
    struct tm fields;

    gmtime_r(&time, &fields);
    strftime(ret, TIMESTAMP_TEXT_BYTES_MAX, "%Y-%m-%dT%H:%M:%SZ", &fields);
}

void timestamp_print_ms(uint64_t ms, char ret[TIMESTAMP_TEXT_BYTES_MAX])
{
    char whole[TIMESTAMP_TEXT_BYTES_MAX];

    timestamp_print(ms / 1000, whole);
    snprintf(ret,
             TIMESTAMP_TEXT_BYTES_MAX,
             "%.19s.%03uZ",
             whole,
             (unsigned)(ms % 1000));
}

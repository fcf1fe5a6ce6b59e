/* One table of units serves both ways. */
#include "src/duration.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    const char *name;
    uint64_t ms;
} units[] = {
    {"d", UINT64_C(86400000)},
    {"h", 3600000},
    {"min", 60000},
    {"s", 1000},
    {"ms", 1},
};

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

bool duration_parse(struct bytes text, uint64_t *ret_ms)
{
    size_t digits = 0;
    uint64_t number;

    while (digits < text.len && text.data[digits] >= '0' &&
           text.data[digits] <= '9') {
        digits++;
    }
    if (!text_decimal(bytes_of(text.data, digits), &number)) {
        return false;
    }
    if (digits == text.len && number == 0) {
        *ret_ms = 0;
        return true;
    }
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (bytes_equal_text(bytes_from(text, digits), units[i].name)) {
            if (number > UINT64_MAX / units[i].ms) {
                return false;
            }
            *ret_ms = number * units[i].ms;
            return true;
        }
    }
    return false;
}

void duration_print(uint64_t ms, char ret[DURATION_TEXT_BYTES_MAX])
{
    size_t i = 0;

    while (ms == 0 || ms % units[i].ms != 0) {
        if (ms == 0) {
            snprintf(ret, DURATION_TEXT_BYTES_MAX, "0");
            return;
        }
        i++;
    }
    snprintf(ret,
             DURATION_TEXT_BYTES_MAX,
             "%" PRIu64 "%s",
             ms / units[i].ms,
             units[i].name);
}

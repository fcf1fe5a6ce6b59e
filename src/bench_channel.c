/* Decimal, with leading zeros. */
#include "src/bench_channel.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

void bench_channel_digits(size_t number, uint8_t out[BENCH_CHANNEL_DIGITS])
{
    for (size_t i = BENCH_CHANNEL_DIGITS; i > 0; i--) {
        out[i - 1] = (uint8_t)('0' + number % 10);
        number /= 10;
    }
    check(number == 0);
}

void bench_channel_name(const char *prefix,
                        size_t number,
                        char out[BENCH_CHANNEL_BYTES_MAX])
{
    size_t len = strlen(prefix);

    check(len <= BENCH_CHANNEL_PREFIX_BYTES_MAX);
    memcpy(out, prefix, len);
    out[len] = '-';
    bench_channel_digits(number, (uint8_t *)out + len + 1);
    out[len + 1 + BENCH_CHANNEL_DIGITS] = '\0';
}

/* The names of the channels that a measurement uses: a prefix, "-", and a
 * number of fixed width, so that it can be replaced in a request's text. */
#ifndef SRC_BENCH_CHANNEL_H
#define SRC_BENCH_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_CHANNEL_DIGITS 6
#define BENCH_CHANNEL_PREFIX_BYTES_MAX 200
#define BENCH_CHANNEL_BYTES_MAX \
    (BENCH_CHANNEL_PREFIX_BYTES_MAX + BENCH_CHANNEL_DIGITS + 2)

void bench_channel_name(const char *prefix,
                        size_t number,
                        char out[BENCH_CHANNEL_BYTES_MAX]);

/* The number alone, no NUL. */
void bench_channel_digits(size_t number, uint8_t out[BENCH_CHANNEL_DIGITS]);

#endif

/* The events that `weir bench` publishes: a JSON object that says who sent it,
 * as which one and when, in hexadecimal digits at fixed places, and is padded
 * to the size that was asked for:
 *
 *     {"weir":"PPPPPPPPSSSSSSSSSSSSTTTTTTTTTTTTTTTT","pad":"xxxx"}
 *
 * It is found again inside a frame without a JSON parser. */
#ifndef SRC_BENCH_EVENT_H
#define SRC_BENCH_EVENT_H

#include "base/buffer.h"
#include "base/bytes.h"

#define BENCH_EVENT_BYTES_MIN 64
#define BENCH_EVENT_BYTES_MAX 200000 /* escaped, it still fits a message */
#define BENCH_EVENT_DIGITS (8 + 12 + 16)

struct bench_event {
    uint32_t publisher;
    uint64_t sequence; /* below 2^48; counts from 0 */
    uint64_t sent_ns;
};

/* Append an event of `size` bytes, all digits 0; `ret_digits` is where they
 * begin in `out`. With `escaped`, as it stands inside a JSON string. */
void bench_event_blank(size_t size,
                       bool escaped,
                       struct buffer *out,
                       size_t *ret_digits);

/* Fill in the digits. */
void bench_event_write(const struct bench_event *event,
                       uint8_t digits[BENCH_EVENT_DIGITS]);

/* Find an event in a frame's text. `hint` is where the last one was found in
 * frames of the same kind, and is kept up to date; 0 at first. */
bool bench_event_read(struct bytes text, size_t *hint, struct bench_event *ret);

#endif

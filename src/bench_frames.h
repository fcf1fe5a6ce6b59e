/* WebSocket frames at the price that a load generator can pay: splits what a
 * server sends, which is unmasked, into frames without copying the whole ones,
 * and writes a client's. Trusts the server it measures more than ws_stream
 * would: fragments and compression are faults here. */
#ifndef SRC_BENCH_FRAMES_H
#define SRC_BENCH_FRAMES_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/rc.h"

#define BENCH_FRAMES_BYTES_MAX (2 * 1024 * 1024) /* one frame */

struct bench_frames {
    struct buffer partial; /* the beginning of a frame, when one is cut */
};

void bench_frames_init(struct bench_frames *f);
void bench_frames_done(struct bench_frames *f);

/* `opcode` as in RFC 6455, 5.2; `payload` is borrowed for the call. */
typedef void bench_frames_on_frame(void *context,
                                   unsigned opcode,
                                   struct bytes payload);

/* 0, or RC_MALFORMED: fragmented, compressed, masked or over the bound. */
int bench_frames_receive(struct bench_frames *f,
                         struct bytes in,
                         bench_frames_on_frame *on_frame,
                         void *context);

/* Append one masked frame. */
void bench_frames_write(unsigned opcode,
                        struct bytes payload,
                        uint32_t mask,
                        struct buffer *out);

#endif

/* Frames that are sent (RFC 6455, 5.2), each a whole message. The fan-out
 * writes a header before each delivery; what is rare is appended as a whole
 * frame. */
#ifndef PROTO_WS_FRAME_H
#define PROTO_WS_FRAME_H

#include "base/buffer.h"
#include "base/bytes.h"

#define WS_FRAME_HEADER_MAX 10

enum ws_frame_opcode {
    WS_FRAME_TEXT = 1,
    WS_FRAME_BINARY = 2,
    WS_FRAME_CLOSE = 8,
    WS_FRAME_PING = 9,
    WS_FRAME_PONG = 10,
};

/* Bytes that the header of a payload of `payload_len` takes: 2, 4 or 10. */
static inline size_t ws_frame_header_len(size_t payload_len)
{
    return payload_len < 126 ? 2 : payload_len < 65536 ? 4 : 10;
}

/* Write the header of a final, unmasked frame; returns its length. `compressed`
 * sets RSV1 (RFC 7692, 6). */
static inline size_t ws_frame_header(uint8_t *out,
                                     enum ws_frame_opcode opcode,
                                     bool compressed,
                                     size_t payload_len)
{
    size_t len = ws_frame_header_len(payload_len);

    out[0] = (uint8_t)(0x80 | (compressed ? 0x40 : 0) | (int)opcode);
    if (len == 2) {
        out[1] = (uint8_t)payload_len;
    } else if (len == 4) {
        out[1] = 126;
        out[2] = (uint8_t)(payload_len >> 8);
        out[3] = (uint8_t)payload_len;
    } else {
        out[1] = 127;
        for (int i = 0; i < 8; i++) {
            out[2 + i] = (uint8_t)((uint64_t)payload_len >> (56 - 8 * i));
        }
    }
    return len;
}

/* Append a whole frame; with `mask_state` masked, as a client's must be. */
void ws_frame_append(struct buffer *out,
                     enum ws_frame_opcode opcode,
                     struct bytes payload,
                     uint64_t *mask_state);

/* The next mask, as four bytes; `mask_state` begins at any value but 0. */
uint32_t ws_frame_mask(uint64_t *mask_state);

#endif

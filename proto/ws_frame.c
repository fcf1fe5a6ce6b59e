/* Masks keep a browser's script from choosing the bytes that a proxy sees (RFC
 * 6455, 10.3). No script runs in weir's own clients, so an xorshift does. */
#include "proto/ws_frame.h"

#include "base/check.h"

#define MASK_LEN 4

uint32_t ws_frame_mask(uint64_t *mask_state)
{
    uint64_t x = *mask_state;

    check(x != 0); /* where an xorshift would stay for ever */
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *mask_state = x;
    return (uint32_t)(x >> 32);
}

void ws_frame_append(struct buffer *out,
                     enum ws_frame_opcode opcode,
                     struct bytes payload,
                     uint64_t *mask_state)
{
    uint8_t header[WS_FRAME_HEADER_MAX + MASK_LEN];
    uint8_t mask[MASK_LEN] = {0};
    size_t header_len = ws_frame_header(header, opcode, false, payload.len);
    uint8_t *to = NULL;

    if (mask_state != NULL) {
        uint32_t value = ws_frame_mask(mask_state);

        memcpy(mask, &value, MASK_LEN);
        header[1] |= 0x80;
        memcpy(header + header_len, mask, MASK_LEN);
        header_len += MASK_LEN;
    }
    to = buffer_reserve(out, header_len + payload.len);
    if (to == NULL) {
        return;
    }
    memcpy(to, header, header_len);
    for (size_t i = 0; i < payload.len; i++) {
        to[header_len + i] = payload.data[i] ^ mask[i % MASK_LEN];
    }
    buffer_advance(out, header_len + payload.len);
}

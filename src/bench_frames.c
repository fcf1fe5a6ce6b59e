/* A frame that a read cut in two is put together in `partial`, which holds
 * memory only meanwhile. */
#include "src/bench_frames.h"

#include "base/check.h"
#include "proto/ws_frame.h"

#define OPCODE_BITS 0x0f
#define FLAG_BITS 0xf0 /* FIN and the three reserved bits */
#define FIN_ALONE 0x80
#define MASK_BIT 0x80
#define MASK_LEN 4

void bench_frames_init(struct bench_frames *f)
{
    buffer_init(&f->partial, BENCH_FRAMES_BYTES_MAX + WS_FRAME_HEADER_MAX);
}

void bench_frames_done(struct bench_frames *f)
{
    buffer_done(&f->partial);
}

/* How long the frame at the front is with its header, and where its payload
 * begins. RC_AGAIN when the header is not whole. */
static int frame_measure(struct bytes in,
                         size_t *ret_header_len,
                         size_t *ret_len)
{
    size_t header_len;
    uint64_t len;

    if (in.len < 2) {
        return RC_AGAIN;
    }
    if ((in.data[0] & FLAG_BITS) != FIN_ALONE || (in.data[1] & MASK_BIT) != 0) {
        return RC_MALFORMED;
    }
    len = in.data[1];
    header_len = len < 126 ? 2 : len == 126 ? 4 : 10;
    if (in.len < header_len) {
        return RC_AGAIN;
    }
    if (header_len > 2) {
        len = 0;
        for (size_t i = 2; i < header_len; i++) {
            len = len << 8 | in.data[i];
        }
    }
    if (len > BENCH_FRAMES_BYTES_MAX) {
        return RC_MALFORMED;
    }
    *ret_header_len = header_len;
    *ret_len = header_len + (size_t)len;
    return 0;
}

/* Hand on the whole frames at the front of `rest`. */
static int split(struct bytes *rest,
                 bench_frames_on_frame *on_frame,
                 void *context)
{
    for (;;) {
        struct bytes frame;
        size_t header_len, len;
        int rc = frame_measure(*rest, &header_len, &len);

        if (rc != 0) {
            return rc == RC_AGAIN ? 0 : rc;
        }
        if (!bytes_take(rest, len, &frame)) {
            return 0;
        }
        on_frame(context,
                 frame.data[0] & OPCODE_BITS,
                 bytes_from(frame, header_len));
    }
}

/* Complete the frame in `partial` with as few bytes as it lacks. */
static int complete(struct bench_frames *f,
                    struct bytes *in,
                    bench_frames_on_frame *on_frame,
                    void *context)
{
    while (f->partial.len > 0 && in->len > 0) {
        struct bytes rest = buffer_view(&f->partial);
        struct bytes head;
        size_t header_len, len, wanted;
        int rc = frame_measure(rest, &header_len, &len);

        if (rc != 0 && rc != RC_AGAIN) {
            return rc;
        }
        wanted = rc == RC_AGAIN ? 1 : len - rest.len;
        check(bytes_take(in, wanted < in->len ? wanted : in->len, &head));
        buffer_append(&f->partial, head);
        rest = buffer_view(&f->partial);
        rc = split(&rest, on_frame, context);
        if (rc != 0) {
            return rc;
        }
        if (rest.len == 0) {
            buffer_done(&f->partial);
            bench_frames_init(f);
        }
    }
    return 0;
}

int bench_frames_receive(struct bench_frames *f,
                         struct bytes in,
                         bench_frames_on_frame *on_frame,
                         void *context)
{
    int rc = complete(f, &in, on_frame, context);

    if (rc != 0) {
        return rc;
    }
    rc = split(&in, on_frame, context);
    if (in.len > 0 && rc == 0) {
        buffer_append(&f->partial, in);
        check(!f->partial.overflowed);
    }
    return rc;
}

void bench_frames_write(unsigned opcode,
                        struct bytes payload,
                        uint32_t mask,
                        struct buffer *out)
{
    uint8_t header[WS_FRAME_HEADER_MAX + MASK_LEN];
    size_t header_len = ws_frame_header(
        header, (enum ws_frame_opcode)opcode, false, payload.len);
    const uint8_t *key = header + header_len;
    uint8_t *room;

    header[1] |= MASK_BIT;
    memcpy(header + header_len, &mask, MASK_LEN);
    buffer_append(out, bytes_of(header, header_len + MASK_LEN));
    if (payload.len == 0) {
        return;
    }
    room = buffer_reserve(out, payload.len);
    if (room != NULL) {
        for (size_t i = 0; i < payload.len; i++) {
            room[i] = payload.data[i] ^ key[i % MASK_LEN];
        }
        buffer_advance(out, payload.len);
    }
}

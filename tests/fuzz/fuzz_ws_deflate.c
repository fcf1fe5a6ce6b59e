/* Any text as an offer, any bytes as a compressed message, and any bytes as
 * what is compressed: that comes back as it was. */
#include "proto/ws_deflate.h"

#include "base/check.h"
#include "base/rc.h"

#define INFLATED_BYTES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void negotiate(struct bytes in)
{
    struct buffer answer;
    bool taken = false;

    buffer_init(&answer, 1000);
    taken = ws_deflate_negotiate(in, &answer);
    check(taken == (answer.len > 0));
    check(!answer.overflowed);
    if (taken) {
        struct buffer again;

        /* An answer is an offer that is taken. */
        buffer_init(&again, 1000);
        check(ws_deflate_negotiate(buffer_view(&answer), &again));
        check(bytes_equal(buffer_view(&again), buffer_view(&answer)));
        buffer_done(&again);
    }
    buffer_done(&answer);
}

static void inflate_any(struct ws_deflate *d, struct bytes in)
{
    struct buffer out;
    int rc = RC_OK;

    buffer_init(&out, INFLATED_BYTES_MAX);
    rc = ws_deflate_inflate(d, in, INFLATED_BYTES_MAX, &out);
    check(rc == RC_OK || rc == RC_MALFORMED || rc == RC_TOO_LARGE);
    check(rc != RC_TOO_LARGE || out.len == INFLATED_BYTES_MAX);
    buffer_done(&out);
}

static void round_trip(struct ws_deflate *d, struct bytes in)
{
    size_t stored_len = in.len / 3 < 65535 ? in.len / 3 : 65535;
    uint8_t header[WS_DEFLATE_STORED_LEN];
    struct buffer message;
    struct buffer out;

    buffer_init(&message, 2 * in.len + 4096);
    buffer_init(&out, in.len);
    ws_deflate_stored(stored_len, header);
    buffer_append(&message, bytes_of(header, sizeof(header)));
    buffer_append(&message, bytes_of(in.data, stored_len));
    ws_deflate_tail(d, bytes_from(in, stored_len), &message);
    check(!message.overflowed);
    check(ws_deflate_inflate(d, buffer_view(&message), in.len, &out) == RC_OK);
    check(bytes_equal(buffer_view(&out), in));
    if (in.len > 0) {
        buffer_clear(&out);
        check(ws_deflate_inflate(d, buffer_view(&message), in.len - 1, &out) ==
              RC_TOO_LARGE);
    }
    buffer_done(&message);
    buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ws_deflate *d = ws_deflate_new();
    struct bytes in = bytes_of(data, len);

    negotiate(in);
    inflate_any(d, in);
    round_trip(d, in);
    ws_deflate_free(d);
    return 0;
}

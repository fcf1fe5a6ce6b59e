/* Any bytes as a server's, in one piece and in pieces: both must be read as the
 * same responses. */
#include "proto/http_response.h"

#include "base/buffer.h"
#include "base/check.h"
#include "base/rc.h"

#define BODY_BYTES_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Responses until the input ends or one is refused. */
static void run(struct bytes in, size_t piece, struct buffer *seen)
{
    struct http_response *r = http_response_new(BODY_BYTES_MAX);
    int rc = RC_AGAIN;

    while (in.len > 0) {
        size_t n = in.len < piece ? in.len : piece;
        size_t consumed = 0;

        rc = http_response_receive(r, bytes_of(in.data, n), &consumed);
        check(consumed <= n);
        in = bytes_from(in, consumed);
        if (rc == RC_OK) {
            buffer_u16(seen, (uint16_t)http_response_status(r));
            buffer_append(seen, http_response_body(r));
            buffer_append(seen, http_response_field(r, "server"));
            check(http_response_body(r).len <= BODY_BYTES_MAX);
            http_response_next(r);
        } else if (rc == RC_AGAIN) {
            check(consumed == n);
        } else {
            buffer_text(seen, "refused");
            break;
        }
    }
    http_response_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct buffer whole;
    struct buffer pieces;

    buffer_init(&whole, 1 << 24);
    buffer_init(&pieces, 1 << 24);
    run(bytes_of(data, len), SIZE_MAX, &whole);
    run(bytes_of(data, len), 1 + len % 7, &pieces);
    check(bytes_equal(buffer_view(&whole), buffer_view(&pieces)));
    buffer_done(&whole);
    buffer_done(&pieces);
    return 0;
}

/* Any bytes as a client's, in one piece and in pieces: both must be read as the
 * same requests. */
#include "proto/http_request.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct http_request_limits limits = {
    .target_bytes_max = 256,
    .head_bytes_max = 2048,
    .body_bytes_max = 1024,
};

static void take(struct buffer *seen, struct bytes view)
{
    buffer_u32(seen, (uint32_t)view.len);
    buffer_append(seen, view);
}

/* Everything that can be asked of a head. */
static void look_at_head(const struct http_request *r, struct buffer *seen)
{
    buffer_u8(seen, (uint8_t)http_request_method(r));
    buffer_u8(seen, http_request_keep_alive(r));
    buffer_u8(seen, http_request_upgrade(r));
    take(seen, http_request_path(r));
    take(seen, http_request_query(r));
    take(seen, http_request_field(r, "host"));
    check(http_request_path(r).len > 0);
    for (size_t i = 0; i < http_request_field_count(r); i++) {
        struct bytes name;

        take(seen, http_request_field_at(r, i, &name));
        take(seen, name);
        check(name.len > 0);
    }
}

/* What may be asked of one that is not whole, or failed: it answers with what
 * has come, all of which can be read. */
static void glimpse(const struct http_request *r)
{
    static const char *const names[] = {
        "origin", "host", "access-control-request-headers"};
    volatile uint8_t last = 0; /* so that each byte is read */

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct bytes value = http_request_field(r, names[i]);

        check(value.len <= limits.head_bytes_max);
        for (size_t at = 0; at < value.len; at++) {
            last = value.data[at];
        }
    }
    (void)last;
    check(http_request_method(r) <= HTTP_REQUEST_OTHER);
}

static void look(const struct http_request *r, struct buffer *seen)
{
    look_at_head(r, seen);
    take(seen, http_request_body(r));
    check(http_request_body(r).len <= limits.body_bytes_max);
}

/* Requests until the input ends or one is refused. */
static void run(struct bytes in, size_t piece, struct buffer *seen)
{
    struct http_request *r = http_request_new(&limits);

    while (in.len > 0) {
        size_t n = in.len < piece ? in.len : piece;
        size_t consumed = 0;
        enum http_request_event event =
            http_request_receive(r, bytes_of(in.data, n), &consumed);

        check(consumed <= n);
        in = bytes_from(in, consumed);
        glimpse(r);
        if (event == HTTP_REQUEST_FAILED) {
            check(http_request_status(r) >= 400);
            check(http_request_reason(r) != NULL);
            buffer_text(seen, "refused");
            break;
        }
        if (event == HTTP_REQUEST_READY) {
            look(r, seen);
            http_request_next(r);
        } else if (event == HTTP_REQUEST_BODY) {
            look_at_head(r, seen);
            buffer_u8(seen, http_request_expects_continue(r));
            if (http_request_field(r, "x-drop").len > 0) {
                http_body_drop(http_request_incoming(r));
            }
        } else {
            check(consumed == n);
        }
    }
    http_request_free(r);
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

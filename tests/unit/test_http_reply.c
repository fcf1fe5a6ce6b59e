/* Responses, byte for byte. */
#include "proto/http_reply.h"

#include "tests/lib/tap.h"

TAP_CASE(a_response_is_status_fields_length_and_body)
{
    struct buffer out;

    buffer_init(&out, 1000);
    http_reply_begin(&out, 200);
    http_reply_field(&out, "Content-Type", bytes_text("application/json"));
    http_reply_field(&out, "X-Empty", bytes_text(""));
    http_reply_body(&out, bytes_text("{}"), false);
    tap_equal_text(buffer_view(&out),
                   "HTTP/1.1 200 OK\r\n"
                   "Content-Type: application/json\r\n"
                   "X-Empty: \r\n"
                   "Content-Length: 2\r\n\r\n{}");
    buffer_done(&out);
}

TAP_CASE(a_response_without_a_body_tells_its_length)
{
    struct buffer out;

    buffer_init(&out, 1000);
    http_reply_begin(&out, 400);
    http_reply_body(&out, bytes_of(NULL, 0), false);
    tap_equal_text(buffer_view(&out),
                   "HTTP/1.1 400 Bad Request\r\n"
                   "Content-Length: 0\r\n\r\n");
    buffer_done(&out);
}

TAP_CASE(the_answer_to_head_tells_the_length_of_what_it_leaves_out)
{
    struct buffer out;

    buffer_init(&out, 1000);
    http_reply_begin(&out, 404);
    http_reply_body(&out, bytes_text("not here"), true);
    tap_equal_text(buffer_view(&out),
                   "HTTP/1.1 404 Not Found\r\n"
                   "Content-Length: 8\r\n\r\n");
    buffer_done(&out);
}

TAP_CASE(an_interim_response_has_no_length)
{
    struct buffer out;

    buffer_init(&out, 1000);
    http_reply_begin(&out, 100);
    http_reply_end(&out);
    http_reply_begin(&out, 101);
    http_reply_field(&out, "Upgrade", bytes_text("websocket"));
    http_reply_end(&out);
    tap_equal_text(buffer_view(&out),
                   "HTTP/1.1 100 Continue\r\n\r\n"
                   "HTTP/1.1 101 Switching Protocols\r\n"
                   "Upgrade: websocket\r\n\r\n");
    buffer_done(&out);
}

TAP_CASE(a_buffer_that_is_too_small_is_marked)
{
    struct buffer out;

    buffer_init(&out, 20);
    http_reply_begin(&out, 200);
    tap_check(!out.overflowed);
    http_reply_body(&out, bytes_text("{}"), false);
    tap_check(out.overflowed);
    buffer_done(&out);
}

TAP_CASE(every_status_the_parser_refuses_with_has_a_phrase)
{
    static const int statuses[] = {400, 413, 414, 417, 431, 501, 505};

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        tap_check(strcmp(http_reply_phrase(statuses[i]), "Unknown") != 0);
    }
    tap_check(strcmp(http_reply_phrase(299), "Unknown") == 0);
    tap_check(strcmp(http_reply_phrase(429), "Too Many Requests") == 0);
}

TAP_MAIN()

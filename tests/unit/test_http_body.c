/* A body's bytes are kept or only counted, within limits that may be narrowed
 * once its head was read. */
#include "proto/http_body.h"
#include "tests/lib/tap.h"

static struct http_body body_of_length(uint64_t len)
{
    struct http_body b;

    http_body_init(&b, 100);
    tap_check(http_body_begin(&b, &len));
    return b;
}

TAP_CASE(a_body_may_have_its_limit_and_no_byte_more)
{
    struct http_body b;
    uint64_t len = 100;

    http_body_init(&b, 100);
    tap_check(http_body_begin(&b, &len));
    len = 101;
    tap_check(!http_body_begin(&b, &len));
    tap_check(http_body_begin(&b, NULL));
    tap_equal(http_body_room(&b), 100);
    http_body_done(&b);
}

TAP_CASE(only_the_bytes_of_this_body_are_taken)
{
    struct http_body b = body_of_length(5);

    tap_equal(http_body_take(&b, bytes_text("abc")), 3);
    tap_equal(b.left, 2);
    tap_equal(http_body_take(&b, bytes_text("deGET")), 2);
    tap_equal(b.left, 0);
    tap_equal_text(buffer_view(&b.kept), "abcde");
    http_body_done(&b);
}

TAP_CASE(what_is_dropped_is_counted_and_not_kept)
{
    struct http_body b = body_of_length(60);

    tap_equal(http_body_take(&b, bytes_text("abc")), 3);
    http_body_drop(&b);
    tap_check(b.kept.data == NULL);
    tap_equal(http_body_take(&b, bytes_text("defg")), 4);
    tap_equal(b.len, 7);
    tap_equal(b.kept.len, 0);
    tap_equal(http_body_room(&b), 93);

    http_body_clear(&b);
    http_body_add(&b, bytes_text("kept"));
    tap_equal_text(buffer_view(&b.kept), "kept");
    http_body_done(&b);
}

TAP_CASE(a_limit_is_of_one_body_and_holds_what_is_announced_and_what_comes)
{
    struct http_body b = body_of_length(10);

    tap_check(!http_body_limit(&b, 9));
    tap_check(http_body_limit(&b, 10));

    http_body_clear(&b);
    tap_check(http_body_begin(&b, NULL));
    tap_check(http_body_limit(&b, 10));
    http_body_add(&b, bytes_text("1234567"));
    tap_equal(http_body_room(&b), 3);
    tap_check(!http_body_limit(&b, 6));
    tap_equal(http_body_room(&b), 3);

    http_body_clear(&b);
    tap_equal(http_body_room(&b), 100);
    http_body_done(&b);
}

TAP_CASE(only_a_length_that_is_told_can_be_known_to_be_small)
{
    struct http_body b = body_of_length(10);

    tap_check(http_body_within(&b, 10));
    tap_check(!http_body_within(&b, 9));
    tap_check(http_body_begin(&b, NULL));
    tap_check(!http_body_within(&b, SIZE_MAX));
    http_body_done(&b);
}

TAP_CASE(a_large_body_is_not_kept_for_the_next)
{
    struct http_body b;

    http_body_init(&b, 1 << 20);
    tap_check(buffer_reserve(&b.kept, 1 << 20) != NULL);
    http_body_clear(&b);
    tap_equal(b.kept.capacity, 0);
    tap_check(buffer_reserve(&b.kept, 1000) != NULL);
    http_body_clear(&b);
    tap_check(b.kept.capacity >= 1000);
    http_body_done(&b);
}

TAP_CASE(framing_is_held_in_proportion_to_the_body)
{
    static const uint8_t line[] = "1;aaaaaaaaaaaaaaaaa\r\n";
    struct http_body b;
    const char *reason;
    uint8_t last = 0;

    http_body_init(&b, 100);
    (void)http_body_begin(&b, NULL);
    b.framing = line;
    tap_equal(http_body_framing(&b, line + 21, &last, 21, &reason), 0);
    b.framing = line;
    tap_equal(http_body_framing(&b, line + 21, &last, 21, &reason), 431);
    http_body_add(&b, bytes_text("ab"));
    b.framing = line;
    last = 0;
    tap_equal(http_body_framing(&b, line + 11, &last, 21, &reason), 0);
    b.framing = (const uint8_t *)"a\nb";
    tap_equal(http_body_framing(&b, b.framing + 3, &last, 100, &reason), 400);
    tap_check(reason != NULL);
    http_body_done(&b);
}

TAP_MAIN()

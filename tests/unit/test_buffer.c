/* A buffer grows to its cap, never past it, and remembers when it was asked. */
#include "base/buffer.h"
#include "tests/lib/tap.h"

TAP_CASE(a_new_buffer_is_empty_and_owns_nothing)
{
    struct buffer b;

    buffer_init(&b, 10);

    tap_equal(b.len, 0);
    tap_check(b.data == NULL);
    tap_check(!b.overflowed);
    buffer_done(&b);
}

TAP_CASE(done_accepts_null_and_a_zeroed_buffer_and_twice)
{
    struct buffer b = {0};

    buffer_done(NULL);
    buffer_done(&b);
    buffer_init(&b, 10);
    buffer_text(&b, "a");
    buffer_done(&b);
    buffer_done(&b);

    tap_check(b.data == NULL);
    tap_equal(b.len, 0);
}

TAP_CASE(trimming_empties_and_keeps_only_what_is_small)
{
    struct buffer b;

    buffer_init(&b, 1000);
    buffer_append(&b, bytes_text("abc"));
    buffer_trim(&b, 64);
    tap_equal(b.len, 0);
    tap_equal(b.capacity, 64);
    tap_check(buffer_reserve(&b, 1001) == NULL);
    buffer_trim(&b, 63);
    tap_equal(b.capacity, 0);
    tap_check(b.data == NULL);
    tap_check(!b.overflowed);
    buffer_text(&b, "d");
    tap_equal_text(buffer_view(&b), "d");
    buffer_done(&b);
}

TAP_CASE(appending_keeps_the_order)
{
    struct buffer b;

    buffer_init(&b, 100);
    buffer_text(&b, "one ");
    buffer_append(&b, bytes_text("two"));
    buffer_append(&b, bytes_of(NULL, 0));

    tap_equal_text(buffer_view(&b), "one two");
    buffer_done(&b);
}

TAP_CASE(a_buffer_fills_to_its_cap_exactly)
{
    struct buffer b;

    buffer_init(&b, 5);
    buffer_text(&b, "abcde");

    tap_check(!b.overflowed);
    tap_equal_text(buffer_view(&b), "abcde");
    buffer_done(&b);
}

TAP_CASE(one_byte_over_the_cap_appends_nothing_and_is_marked)
{
    struct buffer b;

    buffer_init(&b, 5);
    buffer_text(&b, "abc");
    buffer_text(&b, "def");

    tap_check(b.overflowed);
    tap_equal_text(buffer_view(&b), "abc");
    buffer_done(&b);
}

TAP_CASE(after_an_overflow_nothing_more_goes_in_until_cleared)
{
    struct buffer b;

    buffer_init(&b, 5);
    buffer_text(&b, "abcdef");
    buffer_text(&b, "a");
    tap_equal(b.len, 0);

    buffer_clear(&b);
    tap_check(!b.overflowed);
    buffer_text(&b, "a");
    tap_equal_text(buffer_view(&b), "a");
    buffer_done(&b);
}

TAP_CASE(growth_keeps_the_content)
{
    struct buffer b;

    buffer_init(&b, 100000);
    for (unsigned i = 0; i < 100000; i++) {
        buffer_u8(&b, (uint8_t)i);
    }

    tap_equal(b.len, 100000);
    tap_check(!b.overflowed);
    for (unsigned i = 0; i < 100000; i++) {
        tap_equal(b.data[i], (uint8_t)i);
    }
    buffer_u8(&b, 0);
    tap_check(b.overflowed);
    buffer_done(&b);
}

TAP_CASE(reserved_room_counts_only_once_advanced)
{
    struct buffer b;
    uint8_t *room;

    buffer_init(&b, 8);
    room = buffer_reserve(&b, 8);
    tap_check(room != NULL);
    memcpy(room, "abcdefgh", 8);
    tap_equal(b.len, 0);

    buffer_advance(&b, 3);
    tap_equal_text(buffer_view(&b), "abc");
    tap_check(buffer_reserve(&b, 5) != NULL);
    tap_check(buffer_reserve(&b, 6) == NULL);
    tap_check(b.overflowed);
    buffer_done(&b);
}

TAP_CASE(reserving_a_length_near_the_largest_overflows)
{
    struct buffer b;

    buffer_init(&b, 100);
    buffer_text(&b, "abc");

    tap_check(buffer_reserve(&b, SIZE_MAX) == NULL);
    tap_check(b.overflowed);
    buffer_done(&b);
}

TAP_CASE(reserving_nothing_in_an_empty_buffer_gives_room)
{
    struct buffer b;

    buffer_init(&b, 0);

    tap_check(buffer_reserve(&b, 0) != NULL);
    tap_check(!b.overflowed);
    buffer_u8(&b, 1);
    tap_check(b.overflowed);
    buffer_done(&b);
}

TAP_CASE(numbers_are_written_little_endian_and_read_back)
{
    struct buffer b;
    struct bytes rest;
    uint8_t one;
    uint16_t two;
    uint32_t four;
    uint64_t eight;

    buffer_init(&b, 15);
    buffer_u8(&b, 0xfe);
    buffer_u16(&b, 0x0102);
    buffer_u32(&b, 0x03040506);
    buffer_u64(&b, UINT64_C(0x0708090a0b0c0d0e));

    rest = buffer_view(&b);
    tap_equal(rest.len, 15);
    tap_equal(rest.data[1], 0x02);
    tap_check(bytes_take_u8(&rest, &one));
    tap_check(bytes_take_u16(&rest, &two));
    tap_check(bytes_take_u32(&rest, &four));
    tap_check(bytes_take_u64(&rest, &eight));
    tap_equal(one, 0xfe);
    tap_equal(two, 0x0102);
    tap_equal(four, 0x03040506);
    tap_equal(eight, 0x0708090a0b0c0d0e);
    buffer_done(&b);
}

TAP_CASE(decimals_are_printed_from_zero_to_the_largest)
{
    struct buffer b;

    buffer_init(&b, 100);
    buffer_decimal(&b, 0);
    buffer_u8(&b, ' ');
    buffer_decimal(&b, 10);
    buffer_u8(&b, ' ');
    buffer_decimal(&b, UINT64_MAX);

    tap_equal_text(buffer_view(&b), "0 10 18446744073709551615");
    buffer_done(&b);
}

TAP_CASE(printed_text_fills_the_cap_without_its_nul)
{
    struct buffer b;

    buffer_init(&b, 6);
    buffer_printf(&b, "%s-%d", "ab", 123);
    tap_equal_text(buffer_view(&b), "ab-123");
    tap_check(!b.overflowed);

    buffer_clear(&b);
    buffer_printf(&b, "%s-%d", "ab", 1234);
    tap_check(b.overflowed);
    tap_equal(b.len, 0);
    buffer_done(&b);
}

TAP_CASE(consuming_drops_the_front)
{
    struct buffer b;

    buffer_init(&b, 10);
    buffer_consume(&b, 0);
    buffer_text(&b, "abcdef");
    buffer_consume(&b, 2);
    tap_equal_text(buffer_view(&b), "cdef");

    buffer_text(&b, "ghijkl");
    tap_equal_text(buffer_view(&b), "cdefghijkl");
    buffer_consume(&b, 10);
    tap_equal(b.len, 0);
    buffer_done(&b);
}

TAP_MAIN()

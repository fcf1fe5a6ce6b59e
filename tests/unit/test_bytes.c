/* Views are compared and taken apart without ever passing their end. */
#include "base/bytes.h"
#include "tests/lib/tap.h"

static const struct bytes nothing = {0};

TAP_CASE(empty_views_are_equal_whatever_they_point_at)
{
    tap_check(bytes_equal(nothing, bytes_of("x", 0)));
    tap_check(bytes_equal(bytes_of("x", 0), nothing));
}

TAP_CASE(equality_looks_at_length_and_content)
{
    tap_check(bytes_equal_text(bytes_text("abc"), "abc"));
    tap_check(!bytes_equal_text(bytes_text("abc"), "abd"));
    tap_check(!bytes_equal_text(bytes_text("abc"), "ab"));
    tap_check(!bytes_equal_text(bytes_text("ab"), "abc"));
}

TAP_CASE(a_nul_is_a_byte_like_any_other)
{
    tap_check(!bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0c", 3)));
    tap_check(!bytes_equal_text(bytes_of("a\0", 2), "a"));
}

TAP_CASE(case_is_ignored_for_ascii_letters_only)
{
    tap_check(
        bytes_equal_nocase(bytes_text("Content-LENGTH"), "content-length"));
    tap_check(bytes_equal_nocase(bytes_text("az"), "AZ"));
    tap_check(!bytes_equal_nocase(bytes_text("@["), "`{"));
    tap_check(!bytes_equal_nocase(bytes_text("host"), "hosts"));
    tap_check(!bytes_equal_nocase(bytes_text("\xc4"), "\xe4"));
}

TAP_CASE(a_view_starts_with_itself_and_with_nothing)
{
    tap_check(bytes_starts_with(bytes_text("abc"), bytes_text("abc")));
    tap_check(bytes_starts_with(bytes_text("abc"), nothing));
    tap_check(bytes_starts_with(nothing, nothing));
}

TAP_CASE(a_view_does_not_start_with_more_than_it_is)
{
    tap_check(!bytes_starts_with(bytes_text("ab"), bytes_text("abc")));
    tap_check(!bytes_starts_with(bytes_text("abc"), bytes_text("b")));
}

TAP_CASE(order_is_by_byte_and_the_shorter_prefix_is_first)
{
    tap_check(bytes_compare(bytes_text("a"), bytes_text("b")) < 0);
    tap_check(bytes_compare(bytes_text("b"), bytes_text("a")) > 0);
    tap_check(bytes_compare(bytes_text("a"), bytes_text("ab")) < 0);
    tap_check(bytes_compare(bytes_text("ab"), bytes_text("a")) > 0);
    tap_check(bytes_compare(bytes_text("\x7f"), bytes_text("\x80")) < 0);
    tap_equal(bytes_compare(bytes_text("ab"), bytes_text("ab")), 0);
    tap_equal(bytes_compare(nothing, nothing), 0);
    tap_check(bytes_compare(nothing, bytes_text("a")) < 0);
}

TAP_CASE(take_splits_off_the_front)
{
    struct bytes rest = bytes_text("abcde");
    struct bytes head;

    tap_check(bytes_take(&rest, 2, &head));

    tap_equal_text(head, "ab");
    tap_equal_text(rest, "cde");
}

TAP_CASE(take_may_take_all_but_not_one_more)
{
    struct bytes rest = bytes_text("abc");
    struct bytes head = bytes_text("untouched");

    tap_check(!bytes_take(&rest, 4, &head));
    tap_equal_text(rest, "abc");
    tap_equal_text(head, "untouched");

    tap_check(bytes_take(&rest, 3, &head));
    tap_equal_text(head, "abc");
    tap_equal(rest.len, 0);
}

TAP_CASE(take_of_a_length_near_the_largest_fails)
{
    struct bytes rest = bytes_text("abc");
    struct bytes head;

    tap_check(!bytes_take(&rest, SIZE_MAX, &head));
    tap_equal(rest.len, 3);
}

TAP_CASE(from_the_length_on_there_is_nothing)
{
    tap_equal_text(bytes_from(bytes_text("abc"), 0), "abc");
    tap_equal_text(bytes_from(bytes_text("abc"), 2), "c");
    tap_equal(bytes_from(bytes_text("abc"), 3).len, 0);
    tap_equal(bytes_from(nothing, 0).len, 0);
}

TAP_CASE(split_gives_each_piece_and_drops_the_separator)
{
    struct bytes rest = bytes_text("a,,bc");
    struct bytes piece;

    tap_check(bytes_split(&rest, ',', &piece));
    tap_equal_text(piece, "a");
    tap_check(bytes_split(&rest, ',', &piece));
    tap_equal_text(piece, "");
    tap_check(bytes_split(&rest, ',', &piece));
    tap_equal_text(piece, "bc");
    tap_check(!bytes_split(&rest, ',', &piece));
    tap_equal_text(piece, "bc");
}

TAP_CASE(split_ends_after_a_separator_at_the_end)
{
    struct bytes rest = bytes_text("a,");
    struct bytes piece;

    tap_check(bytes_split(&rest, ',', &piece));
    tap_equal_text(piece, "a");
    tap_check(!bytes_split(&rest, ',', &piece));
}

TAP_CASE(trim_takes_spaces_and_tabs_at_both_ends_only)
{
    tap_equal_text(bytes_trim(bytes_text(" \ta b\t ")), "a b");
    tap_equal_text(bytes_trim(bytes_text("\na\r")), "\na\r");
    tap_equal(bytes_trim(bytes_text(" \t ")).len, 0);
    tap_equal(bytes_trim(nothing).len, 0);
}

TAP_CASE(numbers_are_read_little_endian)
{
    struct bytes rest = bytes_of("\x01\x02\x03\x04\x05\x06\x07\x08"
                                 "\x09\x0a\x0b\x0c\x0d\x0e\xff",
                                 15);
    uint8_t one;
    uint16_t two;
    uint32_t four;
    uint64_t eight;

    tap_check(bytes_take_u8(&rest, &one));
    tap_equal(one, 0x01);
    tap_check(bytes_take_u16(&rest, &two));
    tap_equal(two, 0x0302);
    tap_check(bytes_take_u32(&rest, &four));
    tap_equal(four, 0x07060504);
    tap_check(bytes_take_u64(&rest, &eight));
    tap_equal(eight, 0xff0e0d0c0b0a0908);
    tap_equal(rest.len, 0);
}

TAP_CASE(a_number_cut_short_is_not_read)
{
    struct bytes rest = bytes_of("\1\2\3\4\5\6\7", 7);
    struct bytes three = bytes_of("\1\2\3", 3);
    struct bytes one = bytes_of("\1", 1);
    struct bytes none = nothing;
    uint64_t eight = 42;
    uint32_t four = 42;
    uint16_t two = 42;
    uint8_t byte = 42;

    tap_check(!bytes_take_u64(&rest, &eight));
    tap_equal(rest.len, 7);
    tap_equal(eight, 42);
    tap_check(!bytes_take_u32(&three, &four));
    tap_equal(four, 42);
    tap_check(!bytes_take_u16(&one, &two));
    tap_equal(two, 42);
    tap_check(!bytes_take_u8(&none, &byte));
    tap_equal(byte, 42);
}

TAP_CASE(a_literal_makes_a_static_view)
{
    static const struct bytes literal = BYTES_LITERAL("weir\0x");

    tap_equal(literal.len, 6);
    tap_check(bytes_equal(literal, bytes_of("weir\0x", 6)));
}

TAP_MAIN()

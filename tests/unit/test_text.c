/* The text forms: what is printed is read back, and nothing else is read. */
#include "base/text.h"
#include "tests/lib/tap.h"

#include <stdio.h>

static bool decimal(const char *text, uint64_t *ret)
{
    return text_decimal(bytes_text(text), ret);
}

TAP_CASE(decimals_are_read_up_to_the_largest)
{
    uint64_t value;

    tap_check(decimal("0", &value));
    tap_equal(value, 0);
    tap_check(decimal("007", &value));
    tap_equal(value, 7);
    tap_check(decimal("18446744073709551615", &value));
    tap_check(value == UINT64_MAX);
}

TAP_CASE(decimals_over_the_largest_or_with_anything_else_are_refused)
{
    uint64_t value = 42;

    tap_check(!decimal("18446744073709551616", &value));
    tap_check(!decimal("99999999999999999999", &value));
    tap_check(!decimal("100000000000000000000", &value));
    tap_check(!decimal("", &value));
    tap_check(!decimal("+1", &value));
    tap_check(!decimal("-1", &value));
    tap_check(!decimal(" 1", &value));
    tap_check(!decimal("1 ", &value));
    tap_check(!decimal("1a", &value));
    tap_check(!decimal("1/", &value));
    tap_check(!decimal("1:", &value));
    tap_equal(value, 42);
}

TAP_CASE(hexadecimals_are_read_in_either_case)
{
    uint64_t value;

    tap_check(text_hex_u64(bytes_text("0"), &value));
    tap_equal(value, 0);
    tap_check(text_hex_u64(bytes_text("00ffAB09"), &value));
    tap_equal(value, 0xffab09);
    tap_check(text_hex_u64(bytes_text("ffffffffffffffff"), &value));
    tap_check(value == UINT64_MAX);
}

TAP_CASE(other_hexadecimals_are_refused)
{
    uint64_t value = 42;

    tap_check(!text_hex_u64(bytes_text(""), &value));
    tap_check(!text_hex_u64(bytes_text("0x1"), &value));
    tap_check(!text_hex_u64(bytes_text("g"), &value));
    tap_check(!text_hex_u64(bytes_text("G"), &value));
    tap_check(!text_hex_u64(bytes_text("@"), &value));
    tap_check(!text_hex_u64(bytes_text("00000000000000000"), &value));
    tap_equal(value, 42);
}

static void check_base64url(const char *bytes, size_t len, const char *text)
{
    char encoded[64];
    uint8_t decoded[64];
    size_t decoded_len = 99;

    tap_equal(text_base64url_len(len), strlen(text));
    text_base64url_encode(bytes_of(bytes, len), encoded);
    tap_equal_text(bytes_of(encoded, text_base64url_len(len)), text);

    tap_check(text_base64url_bytes_max(strlen(text)) >= len);
    tap_check(text_base64url_decode(bytes_text(text), decoded, &decoded_len));
    tap_check(
        bytes_equal(bytes_of(decoded, decoded_len), bytes_of(bytes, len)));
}

/* The vectors of RFC 4648, 10, without their padding. */
TAP_CASE(base64url_matches_the_vectors_of_its_rfc)
{
    check_base64url("", 0, "");
    check_base64url("f", 1, "Zg");
    check_base64url("fo", 2, "Zm8");
    check_base64url("foo", 3, "Zm9v");
    check_base64url("foob", 4, "Zm9vYg");
    check_base64url("fooba", 5, "Zm9vYmE");
    check_base64url("foobar", 6, "Zm9vYmFy");
    check_base64url("\xff\xfe\xfb\xef", 4, "__777w");
    check_base64url("\0\0\0", 3, "AAAA");
}

static bool decodes(const char *text, const char *expected)
{
    uint8_t out[64];
    size_t len;

    return text_base64url_decode(bytes_text(text), out, &len) &&
           bytes_equal_text(bytes_of(out, len), expected);
}

TAP_CASE(base64_padding_and_the_plain_alphabet_are_accepted)
{
    tap_check(decodes("Zg==", "f"));
    tap_check(decodes("Zm8=", "fo"));
    tap_check(decodes("Zm9v", "foo"));
    tap_check(decodes("++//", "\xfb\xef\xff"));
    tap_check(decodes("--__", "\xfb\xef\xff"));
}

static bool is_base64(const char *text)
{
    uint8_t out[64];
    size_t len;

    return text_base64url_decode(bytes_text(text), out, &len);
}

TAP_CASE(broken_base64_is_refused)
{
    tap_check(!is_base64("Z"));
    tap_check(!is_base64("Zm9vZ"));
    tap_check(!is_base64("Zg="));
    tap_check(!is_base64("Zg==="));
    tap_check(!is_base64("Zm9v="));
    tap_check(!is_base64("Zm9v===="));
    tap_check(!is_base64("="));
    tap_check(!is_base64("===="));
    tap_check(!is_base64("Zg==Zg"));
    tap_check(!is_base64("Zm 9"));
    tap_check(!is_base64("Zm9\n"));
    tap_check(!is_base64("Zm9\xff"));
}

TAP_CASE(base64_with_bits_left_over_is_refused)
{
    tap_check(is_base64("Zg"));
    tap_check(!is_base64("Zh"));
    tap_check(is_base64("Zm8"));
    tap_check(!is_base64("Zm9"));
}

static bool utf8(const char *text)
{
    return text_utf8_valid(bytes_text(text));
}

TAP_CASE(well_formed_utf8_is_valid_at_the_edges_of_each_length)
{
    tap_check(text_utf8_valid(bytes_of(NULL, 0)));
    tap_check(text_utf8_valid(bytes_of("\0", 1)));
    tap_check(utf8("plain text of more than eight bytes"));
    tap_check(utf8("\x7f"));
    tap_check(utf8("\xc2\x80"));
    tap_check(utf8("\xdf\xbf"));
    tap_check(utf8("\xe0\xa0\x80"));
    tap_check(utf8("\xed\x9f\xbf"));
    tap_check(utf8("\xee\x80\x80"));
    tap_check(utf8("\xef\xbf\xbf"));
    tap_check(utf8("\xf0\x90\x80\x80"));
    tap_check(utf8("\xf4\x8f\xbf\xbf"));
}

TAP_CASE(overlong_forms_surrogates_and_what_is_past_the_end_are_invalid)
{
    tap_check(!utf8("\xc0\x80"));
    tap_check(!utf8("\xc1\xbf"));
    tap_check(!utf8("\xe0\x9f\xbf"));
    tap_check(!utf8("\xf0\x8f\xbf\xbf"));
    tap_check(!utf8("\xed\xa0\x80"));
    tap_check(!utf8("\xed\xbf\xbf"));
    tap_check(!utf8("\xf4\x90\x80\x80"));
    tap_check(!utf8("\xf5\x80\x80\x80"));
    tap_check(!utf8("\xff"));
}

TAP_CASE(cut_and_stray_utf8_bytes_are_invalid)
{
    tap_check(!utf8("\x80"));
    tap_check(!utf8("\xbf"));
    tap_check(!utf8("\xc3"));
    tap_check(!utf8("\xc3("));
    tap_check(!utf8("\xe2\x82"));
    tap_check(!utf8("\xe2\x82("));
    tap_check(!utf8("\xf0\x9f\x98"));
    tap_check(!utf8("\xf0\x9f\x98\xc0"));
    tap_check(!utf8("12345678\xff"));
    tap_check(!utf8("123456\xff"));
}

TAP_CASE(sixteen_bytes_print_as_a_uuid)
{
    const uint8_t id[16] = {0x01,
                            0x23,
                            0x45,
                            0x67,
                            0x89,
                            0xab,
                            0xcd,
                            0xef,
                            0x00,
                            0x11,
                            0x22,
                            0x33,
                            0x44,
                            0x55,
                            0x66,
                            0xff};
    char out[TEXT_UUID_LEN];

    text_uuid(id, out);

    tap_equal_text(bytes_of(out, sizeof(out)),
                   "01234567-89ab-cdef-0011-2233445566ff");
}

static uint64_t size_of(const char *text)
{
    uint64_t size = 0;

    tap_check(text_size(bytes_text(text), &size));
    return size;
}

TAP_CASE(sizes_are_read_with_their_unit)
{
    tap_equal(size_of("0"), 0);
    tap_equal(size_of("123"), 123);
    tap_equal(size_of("64K"), 65536);
    tap_equal(size_of("64k"), 65536);
    tap_equal(size_of("1.5M"), 1572864);
    tap_equal(size_of("0.5K"), 512);
    tap_equal(size_of("1.125K"), 1152);
    tap_equal(size_of("2G"), INT64_C(2) << 30);
    tap_equal(size_of("1T"), INT64_C(1) << 40);
    tap_check(size_of("18446744073709551615") == UINT64_MAX);
    tap_check(size_of("16777215T") == UINT64_C(16777215) << 40);
}

TAP_CASE(other_sizes_are_refused)
{
    static const char *const wrong[] = {
        "",
        "K",
        ".5K",
        "1.K",
        "1.5",
        "1.5.5K",
        "1.1234K",
        "1KB",
        "1 K",
        "-1K",
        "1P",
        "16777216T",
        "18446744073709551616",
        ".",
        "1.K5",
    };
    uint64_t size = 42;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (text_size(bytes_text(wrong[i]), &size)) {
            printf("# '%s' was read\n", wrong[i]);
        }
        tap_equal(size, 42);
    }
}

TAP_MAIN()

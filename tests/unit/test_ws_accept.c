/* The RFC's own example, and keys that are nearly right. */
#include "proto/ws_accept.h"

#include "tests/lib/tap.h"

TAP_CASE(the_example_of_rfc_6455_is_answered_as_there)
{
    struct bytes key = bytes_text("dGhlIHNhbXBsZSBub25jZQ==");
    char out[WS_ACCEPT_LEN + 1] = {0};

    tap_check(ws_accept_key_valid(key));
    out[WS_ACCEPT_LEN] = '#';
    ws_accept_reply(key, out);
    tap_equal_text(bytes_of(out, sizeof(out)), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=#");
}

TAP_CASE(another_key_gets_another_answer)
{
    char out[WS_ACCEPT_LEN];

    ws_accept_reply(bytes_text("x3JJHMbDL1EzLkh9GBhXDw=="), out);
    tap_equal_text(bytes_of(out, sizeof(out)), "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
}

static bool valid(const char *key)
{
    return ws_accept_key_valid(bytes_text(key));
}

TAP_CASE(a_key_is_22_digits_and_two_equals_signs)
{
    tap_check(valid("AAAAAAAAAAAAAAAAAAAAAA=="));
    tap_check(valid("azAZ09+/azAZ09+/azAZ0A=="));
    tap_check(!valid(""));
    tap_check(!valid("AAAAAAAAAAAAAAAAAAAAA=="));
    tap_check(!valid("AAAAAAAAAAAAAAAAAAAAAAA=="));
    tap_check(!valid("AAAAAAAAAAAAAAAAAAAAAAA="));
    tap_check(!valid("AAAAAAAAAAAAAAAAAAAAAAAA"));
    tap_check(!valid("AAAAAAAAAAAAAAAAAAAAA==="));
    tap_check(!valid("AAAAAAAAAA AAAAAAAAAAA=="));
    tap_check(!valid("AAAAAAAAAA-AAAAAAAAAAA=="));
    tap_check(!valid("AAAAAAAAAA_AAAAAAAAAAA=="));
    tap_check(!valid("AAAAAAAAAA\xc3\xa4"
                     "AAAAAAAAAA=="));
}

TAP_CASE(a_nul_in_a_key_is_not_a_digit)
{
    tap_check(!ws_accept_key_valid(
        bytes_of("AAAAAAAAAA\0AAAAAAAAAAA==", WS_ACCEPT_KEY_LEN)));
}

TAP_MAIN()

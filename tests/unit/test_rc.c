/* Every code has its own number, name and sentence. */
#include "base/rc.h"
#include "tests/lib/tap.h"

static const enum rc codes[] = {
#define X(name, value, text) name,
    RC_MAP(X)
#undef X
};

#define CODES (sizeof(codes) / sizeof(codes[0]))

TAP_CASE(success_is_zero_and_failures_are_negative)
{
    tap_equal(RC_OK, 0);
    for (size_t i = 1; i < CODES; i++) {
        tap_check(codes[i] < 0);
    }
}

TAP_CASE(no_two_codes_share_a_number_a_name_or_a_sentence)
{
    for (size_t i = 0; i < CODES; i++) {
        for (size_t j = 0; j < i; j++) {
            tap_check(codes[i] != codes[j]);
            tap_check(strcmp(rc_name(codes[i]), rc_name(codes[j])) != 0);
            tap_check(strcmp(rc_text(codes[i]), rc_text(codes[j])) != 0);
        }
    }
}

TAP_CASE(a_code_knows_its_name_and_sentence)
{
    tap_equal_text(bytes_text(rc_name(RC_IO)), "RC_IO");
    tap_equal_text(bytes_text(rc_text(RC_IO)), "input or output failed");
    tap_equal_text(bytes_text(rc_name(RC_OK)), "RC_OK");
}

TAP_MAIN()

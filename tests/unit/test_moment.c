/* "Never" is later than every moment. */
#include "base/moment.h"
#include "tests/lib/tap.h"

TAP_CASE(never_is_later_than_any_deadline)
{
    struct moment now = {.mono_ms = UINT64_MAX - 1, .wall_ms = 0};

    tap_check(now.mono_ms < MOMENT_NEVER);
    tap_check(MOMENT_NEVER + 1 == 0);
}

TAP_MAIN()

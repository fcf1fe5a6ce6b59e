/* What leaves the scope is cleaned up, once, also on an early return. */
#include "base/cleanup.h"
#include "tests/lib/tap.h"

static int cleaned;

static void count_up(const int *by)
{
    cleaned += *by;
}

static bool leave_early(bool early)
{
    CLEANUP(count_up) int by = 1;

    if (early) {
        return true;
    }
    by = 10;
    return false;
}

TAP_CASE(the_function_runs_when_the_scope_is_left_early)
{
    cleaned = 0;
    tap_check(leave_early(true));
    tap_equal(cleaned, 1);
}

TAP_CASE(the_function_sees_the_last_value_of_the_variable)
{
    cleaned = 0;
    tap_check(!leave_early(false));
    tap_equal(cleaned, 10);
}

TAP_CASE(auto_free_frees_and_accepts_null)
{
    AUTO_FREE char *memory = malloc(10);
    AUTO_FREE char *none = NULL;

    tap_check(memory != NULL);
    tap_check(none == NULL);
}

TAP_MAIN()

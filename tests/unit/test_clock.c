/* The clock tells two times in milliseconds: one that only goes forward, one of
 * the wall. */
#include "src/io/clock.h"

#include "tests/lib/tap.h"

#include <time.h>

static void sleep_ms(long ms)
{
    struct timespec t = {.tv_sec = 0, .tv_nsec = ms * 1000000};

    while (nanosleep(&t, &t) != 0) {
    }
}

TAP_CASE(monotonic_time_never_goes_back)
{
    uint64_t last_ms = clock_now().mono_ms;

    for (int i = 0; i < 10000; i++) {
        uint64_t now_ms = clock_now().mono_ms;

        tap_check(now_ms >= last_ms);
        last_ms = now_ms;
    }
}

TAP_CASE(a_sleep_of_30_ms_is_seen_as_about_that)
{
    uint64_t before_ms = clock_now().mono_ms;
    uint64_t passed_ms;

    sleep_ms(30);
    passed_ms = clock_now().mono_ms - before_ms;
    /* Both ends are cut to whole milliseconds; a busy machine adds to it. */
    tap_check(passed_ms >= 29);
    tap_check(passed_ms < 10000);
}

TAP_CASE(wall_time_is_unix_time_in_milliseconds)
{
    uint64_t before_ms = (uint64_t)time(NULL) * 1000;
    uint64_t wall_ms = clock_now().wall_ms;
    uint64_t after_ms = ((uint64_t)time(NULL) + 1) * 1000;

    /* time() may lag by a tick of the kernel's clock. */
    tap_check(wall_ms >= before_ms);
    tap_check(wall_ms < after_ms + 100);
}

TAP_MAIN()

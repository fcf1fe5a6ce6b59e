/* Memory is given back once a flood is over, and not for ordinary ups and
 * downs. */
#include "src/io/memory.h"

#include "tests/lib/tap.h"

#define M ((size_t)1 << 20)

TAP_CASE(what_goes_up_and_down_a_little_is_let_be)
{
    struct memory m = {.most = 0};

    tap_check(!memory_due(&m, 0, 0));
    tap_check(!memory_due(&m, 7 * M, 7 * M));
    tap_check(!memory_due(&m, 0, 7 * M));
    tap_check(!memory_due(&m, 0, 0));
}

TAP_CASE(after_a_flood_memory_is_given_back_once)
{
    struct memory m = {.most = 0};

    tap_check(!memory_due(&m, 100 * M, 100 * M));
    tap_check(!memory_due(&m, 60 * M, 100 * M));
    tap_check(memory_due(&m, 1 * M, 60 * M));
    tap_check(!memory_due(&m, 1 * M, 1 * M));
    tap_check(!memory_due(&m, 0, 1 * M));
}

TAP_CASE(a_flood_between_two_looks_is_noticed)
{
    struct memory m = {.most = 0};

    tap_check(memory_due(&m, 0, 50 * M));
    tap_check(!memory_due(&m, 0, 0));
}

TAP_CASE(what_falls_slowly_is_given_back_in_the_end)
{
    struct memory m = {.most = 0};
    int times = 0;

    for (size_t used = 128 * M; used > 0; used -= M) {
        times += memory_due(&m, used, used) ? 1 : 0;
    }
    tap_equal(times, 4); /* at 64, 32, 16 and 8 MB */
}

TAP_CASE(the_loop_is_watched_and_ends)
{
    static atomic_size_t connections;
    static struct intake intake = {.bytes_max = 1};
    static struct intake unfinished = {.bytes_max = 1};
    struct memory m;
    uv_loop_t loop;

    memory_prepare();
    tap_equal(uv_loop_init(&loop), 0);
    memory_watch(&m, &loop, &connections, &intake, &unfinished);
    tap_check(uv_run(&loop, UV_RUN_NOWAIT) != 0);
    memory_close(&m);
    tap_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    tap_equal(uv_loop_close(&loop), 0);
}

TAP_MAIN()

/* src/bench_server: reading /proc, and this process itself. */
#include "src/bench_server.h"

#include "tests/lib/tap.h"

#include <stdlib.h>
#include <unistd.h>

TAP_CASE(bench_server_finds_a_number_by_its_name)
{
    static const char text[] = "Name:\tweir\nVmRSS:\t  1234 kB\nThreads:\t4\n";
    uint64_t number = 0;

    tap_check(bench_server_number(text, "VmRSS:", &number));
    tap_equal(number, 1234);
    tap_check(bench_server_number(text, "Threads:", &number));
    tap_equal(number, 4);
}

TAP_CASE(bench_server_takes_names_at_line_starts_only)
{
    uint64_t number = 7;

    tap_check(!bench_server_number("xVmRSS: 1\n", "VmRSS:", &number));
    tap_check(!bench_server_number("", "VmRSS:", &number));
    tap_check(!bench_server_number("VmRSS:\n", "VmRSS:", &number));
    tap_check(!bench_server_number("VmRSS: lots\n", "VmRSS:", &number));
}

TAP_CASE(bench_server_reads_the_ticks_behind_a_plain_name)
{
    static const char text[] =
        "42 (weir) S 1 42 42 0 -1 4194560 9 8 7 6 150 30 0 0 20 0 3 0 5";
    uint64_t user = 0;
    uint64_t system = 0;

    tap_check(bench_server_ticks(text, &user, &system));
    tap_equal(user, 150);
    tap_equal(system, 30);
}

TAP_CASE(bench_server_is_not_fooled_by_a_name_with_brackets)
{
    static const char text[] =
        "42 (a) b (c 9 9) S 1 42 42 0 -1 4194560 9 8 7 6 150 30 0 0 20 0";
    uint64_t user = 0;
    uint64_t system = 0;

    tap_check(bench_server_ticks(text, &user, &system));
    tap_equal(user, 150);
    tap_equal(system, 30);
}

TAP_CASE(bench_server_refuses_a_line_that_is_too_short)
{
    uint64_t user;
    uint64_t system;

    tap_check(!bench_server_ticks("", &user, &system));
    tap_check(!bench_server_ticks("42 (weir)", &user, &system));
    tap_check(!bench_server_ticks("42 (weir) S 1 2 3", &user, &system));
    tap_check(!bench_server_ticks(
        "42 (weir) S 1 42 42 0 -1 4194560 9 8 7 6", &user, &system));
}

TAP_CASE(bench_server_sees_this_process_use_time_and_memory)
{
    struct bench_server_sample before;
    struct bench_server_sample after;
    volatile uint64_t sum = 0;
    struct why why;
    size_t len = 32 << 20;
    volatile char *memory;

    tap_equal(bench_server_sample((unsigned)getpid(), &before, &why), RC_OK);
    memory = malloc(len);
    tap_check(memory != NULL);
    for (size_t i = 0; i < len; i += 512) {
        memory[i] = 1;
    }
    for (uint64_t i = 0; i < 30000000; i++) {
        sum += i;
    }
    tap_equal(bench_server_sample((unsigned)getpid(), &after, &why), RC_OK);
    free((void *)(uintptr_t)memory);
    tap_check(sum > 0);

    tap_check(after.cpu_ns > before.cpu_ns);
    tap_check(after.memory_bytes >= before.memory_bytes + len / 2);
}

TAP_CASE(bench_server_says_when_there_is_no_such_process)
{
    struct bench_server_sample sample;
    struct why why = {""};

    /* Above the kernel's largest process id (2^22). */
    tap_equal(bench_server_sample(1u << 30, &sample, &why), RC_NOT_FOUND);
    tap_check(strstr(why.text, "1073741824") != NULL);
}

TAP_MAIN()

/* A failed check ends the process and names its condition; a true one costs
 * nothing and is evaluated once. */
#include "base/check.h"
#include "tests/lib/tap.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Run `body` in a child; its standard error goes to `ret_said`. */
static int status_of(void (*body)(void), char *ret_said, size_t size)
{
    int ends[2];
    int status = 0;
    ssize_t len;
    pid_t child;

    tap_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        struct rlimit no_core = {0};

        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        body();
        _exit(0);
    }
    close(ends[1]);
    len = read(ends[0], ret_said, size - 1);
    ret_said[len > 0 ? len : 0] = '\0';
    close(ends[0]);
    tap_equal(waitpid(child, &status, 0), child);
    return status;
}

static void fail(void)
{
    int two = 2;

    check(two == 3);
}

static void reach(void)
{
    check_unreachable();
}

TAP_CASE(a_failed_check_aborts_and_names_its_condition)
{
    char said[512];
    int status = status_of(fail, said, sizeof(said));

    tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    tap_check(strstr(said, "two == 3") != NULL);
    tap_check(strstr(said, "test_check.c:") != NULL);
}

TAP_CASE(reaching_the_unreachable_aborts)
{
    char said[512];
    int status = status_of(reach, said, sizeof(said));

    tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    tap_check(strstr(said, "unreachable") != NULL);
}

TAP_CASE(a_true_check_evaluates_its_condition_once)
{
    int count = 0;

    check(++count == 1);
    tap_equal(count, 1);
}

TAP_MAIN()

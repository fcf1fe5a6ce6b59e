/* SIGKILL at any moment: a child appends and trims and tells what was
 * acknowledged; what it told is there afterwards, whole and in order. An
 * argument is the number of rounds. */
#include "storage/log.h"

#include "tests/lib/log_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#define ROUNDS 20
#define KILL_AFTER_US_MAX 40000

static unsigned rounds = ROUNDS;
static unsigned seed = 1;

static unsigned any(unsigned below)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % below;
}

struct acknowledged {
    uint64_t first_sequence; /* of the batch */
    uint64_t last_sequence;
    uint64_t last_place;
};

/* Append batches of all sizes for ever; a little over the budget, so that trims
 * are among what is interrupted. */
static _Noreturn void run_child(const struct log_options *options, int out)
{
    struct log *log = NULL;
    struct acknowledged told;

    if (log_open(&log, options, NULL) != 0) {
        _exit(2);
    }
    for (;;) {
        size_t count = 1 + any(FIXTURE_BATCH_MAX);
        struct log_stat stat;

        log_stat(log, &stat);
        told.first_sequence = stat.last_sequence + 1;
        told.last_sequence = stat.last_sequence + count;
        told.last_place = stat.last_place + count;
        if (fixture_try_append(log,
                               told.first_sequence,
                               count,
                               any(8) == 0 ? 9000 : 1 + any(600),
                               NULL) != 0 ||
            write(out, &told, sizeof(told)) != sizeof(told)) {
            _exit(3);
        }
        if (any(4) == 0 && log_trim(log, 0, 200, NULL) < 0) {
            _exit(4);
        }
        log_grow(log);
    }
}

/* Kill the child at a random moment after its first word; returns its last. */
static struct acknowledged run_and_kill(const struct log_options *options)
{
    struct acknowledged last = {0};
    struct acknowledged told;
    struct pollfd ready;
    int pipes[2];
    int status;
    pid_t child;

    tap_equal(pipe(pipes), 0);
    any(2);
    child = fork();
    tap_check(child >= 0);
    if (child == 0) {
        close(pipes[0]);
        run_child(options, pipes[1]);
    }
    close(pipes[1]);
    ready = (struct pollfd){.fd = pipes[0], .events = POLLIN};
    poll(&ready, 1, 10000);
    usleep(any(KILL_AFTER_US_MAX));
    kill(child, SIGKILL);
    while (read(pipes[0], &told, sizeof(told)) == sizeof(told)) {
        tap_check(told.first_sequence == last.last_sequence + 1 ||
                  last.last_sequence == 0);
        last = told;
    }
    close(pipes[0]);
    tap_equal(waitpid(child, &status, 0), child);
    tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    tap_check(last.last_sequence > 0);
    return last;
}

/* Start at the budget, so that the first rounds trim as well. */
static uint64_t fill(const struct log_options *options)
{
    struct log *log = fixture_open_with(options);
    uint64_t next = 1;

    while (fixture_stat(log).window_bytes < options->bytes_max) {
        fixture_append(log, next, FIXTURE_BATCH_MAX, 9000);
        next += FIXTURE_BATCH_MAX;
    }
    log_close(log);
    return next - 1;
}

TAP_CASE(log_keeps_all_it_acknowledged_when_it_is_killed_at_any_moment)
{
    struct log_options options = fixture_options(fixture_dir());
    uint64_t sequence_before;
    size_t trimmed_rounds = 0;

    options.bytes_max = UINT64_C(2) << 20;
    sequence_before = fill(&options);
    for (unsigned round = 0; round < rounds; round++) {
        struct acknowledged last = run_and_kill(&options);
        struct log *log = fixture_open_with(&options);
        struct log_stat stat = fixture_stat(log);
        struct fixture_found found = fixture_read_all(log);

        /* Acknowledged is there; a batch that was not is there or is not. */
        tap_check(last.last_sequence > sequence_before);
        tap_check(found.last_sequence >= last.last_sequence);
        tap_check(found.last_sequence <=
                  last.last_sequence + FIXTURE_BATCH_MAX);
        tap_equal(found.last_place - last.last_place,
                  found.last_sequence - last.last_sequence);
        tap_equal(found.wrong, 0);
        tap_equal(found.gaps, 0);
        tap_equal(stat.corrupt_count, 0);
        tap_equal(stat.origin, FIXTURE_ORIGIN);
        tap_equal(stat.last_sequence, found.last_sequence);
        tap_equal(stat.event_count, found.count);
        tap_check(found.first_sequence <= last.first_sequence);
        trimmed_rounds += found.first_sequence > 1;
        sequence_before = stat.last_sequence;
        log_close(log);
    }
    tap_check(rounds < ROUNDS || trimmed_rounds > 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && atoi(argv[1]) > 0) {
        rounds = (unsigned)atoi(argv[1]);
        argc = 1;
    }
    return tap_run(argc, argv);
}

/* A full disk: said in a sentence, nothing acknowledged is lost, and the log
 * goes on by giving up its oldest events or once there is space again. The disk
 * is a small tmpfs where mounts are allowed, and a limit on the size of files
 * everywhere. */
#include "storage/log.h"

#include "tests/lib/log_fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define LEFT_OUT 77
#define BATCH 8

/* Each case runs in a process of its own, which takes its limit or mount with
 * it when it ends. */
static void in_child(void (*body)(const char *dir))
{
    const char *dir = fixture_dir();
    int status = 0;
    pid_t child = fork();

    tap_check(child >= 0);
    if (child == 0) {
        body(dir);
        _exit(0);
    }
    tap_equal(waitpid(child, &status, 0), child);
    tap_check(WIFEXITED(status));
    if (WEXITSTATUS(status) == LEFT_OUT) {
        printf("# left out: no right to mount\n");
        return;
    }
    tap_equal(WEXITSTATUS(status), 0);
}

static void require_at(bool condition, int line, const char *text)
{
    if (!condition) {
        printf("# line %d: %s\n", line, text);
        fflush(stdout);
        _exit(1);
    }
}
#define require(condition) require_at(condition, __LINE__, #condition)

static void limit_files(rlim_t bytes)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

    signal(SIGXFSZ, SIG_IGN);
    require(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = bytes;
    require(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static void mount_small(const char *dir, const char *options)
{
    require(mkdir(dir, 0700) == 0);
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", dir, "tmpfs", 0, options) != 0) {
        _exit(LEFT_OUT);
    }
}

/* Append until there is no room; returns the sequence that did not fit. */
static uint64_t fill(struct log *log, uint64_t sequence)
{
    struct why why = {0};
    int rc;

    while ((rc = fixture_try_append(log, sequence, BATCH, 20000, &why)) == 0) {
        sequence += BATCH;
        log_grow(log);
        require(sequence < 10000);
    }
    require(rc == RC_NO_SPACE);
    require(strstr(why.text, "no room") != NULL);
    return sequence;
}

static void require_whole(struct log *log, uint64_t from, uint64_t to)
{
    struct fixture_found found = fixture_read_all(log);

    require(found.wrong == 0 && found.gaps == 0);
    require(found.first_sequence == from && found.last_sequence == to);
    require(fixture_stat(log).corrupt_count == 0);
}

/* Full, reopened, still full, trimmed although the budget is far, going on. */
static void live_through_a_full_disk(const char *dir)
{
    struct log *log = fixture_open(dir);
    uint64_t next = fill(log, 1);
    uint64_t first;

    require(next > BATCH);
    require_whole(log, 1, next - 1);
    require(fixture_try_append(log, next, BATCH, 20000, NULL) == RC_NO_SPACE);
    log_close(log);

    log = fixture_open(dir);
    require_whole(log, 1, next - 1);
    require(fixture_trim_all(log, 0) == 0);
    require(fixture_try_append(log, next, BATCH, 20000, NULL) == RC_NO_SPACE);
    for (unsigned round = 0; round < 50; round++) {
        if (fixture_try_append(log, next, BATCH, 20000, NULL) != 0) {
            require(fixture_trim_all(log, 0) > 0);
            fixture_append(log, next, BATCH, 20000);
        }
        next += BATCH;
    }
    first = fixture_read_all(log).first_sequence;
    require(first > 1);
    require_whole(log, first, next - 1);
    require(fixture_stat(log).event_count > 3 * BATCH);
    log_close(log);

    log = fixture_open(dir);
    require_whole(log, first, next - 1);
    log_close(log);
}

static void limited(const char *dir)
{
    limit_files(12 << 20);
    live_through_a_full_disk(dir);
}

TAP_CASE(log_lives_through_a_limit_on_the_size_of_files)
{
    in_child(limited);
}

static void mounted(const char *dir)
{
    mount_small(dir, "size=12m");
    live_through_a_full_disk(dir);
}

TAP_CASE(log_lives_through_a_full_disk)
{
    in_child(mounted);
}

/* A full disk on which somebody else makes and takes space. */
static void shared(const char *dir)
{
    char path[320];
    struct log *log;
    uint64_t next;
    int fd;

    mount_small(dir, "size=16m");
    snprintf(path, sizeof(path), "%s/ballast", dir);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    require(fd >= 0 && posix_fallocate(fd, 0, 8 << 20) == 0);

    log = fixture_open(dir);
    next = fill(log, 1);
    require(ftruncate(fd, 0) == 0);
    fixture_append(log, next, BATCH, 20000);
    require_whole(log, 1, next + BATCH - 1);
    next = fill(log, next + BATCH);
    require_whole(log, 1, next - 1);
    log_close(log);
}

TAP_CASE(log_goes_on_without_a_trim_when_the_disk_has_space_again)
{
    in_child(shared);
}

static void no_room_to_start(const char *dir)
{
    static const char *const sizes[] = {
        "size=4k", "size=8k", "size=16k", "size=32k", "size=64k", "size=1m"};

    for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
        char path[320];
        struct log_options options = fixture_options(path);
        struct log *log = NULL;
        struct why why = {0};

        snprintf(path, sizeof(path), "%s%zu", dir, n);
        mount_small(path, sizes[n]);
        require(log_open(&log, &options, &why) == RC_NO_SPACE);
        require(strstr(why.text, "at least") != NULL);
    }
}

TAP_CASE(log_is_not_made_on_a_full_disk_and_says_what_it_needs)
{
    in_child(no_room_to_start);
}

static void room_later(const char *dir)
{
    struct log_options options = fixture_options(dir);
    struct log *log = NULL;

    mount_small(dir, "size=64k");
    require(log_open(&log, &options, NULL) == RC_NO_SPACE);
    require(mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=16m") == 0);
    log = fixture_open(dir);
    fixture_append(log, 1, BATCH, 1000);
    log_close(log);
}

TAP_CASE(log_whose_making_found_a_full_disk_is_made_at_the_next_start)
{
    in_child(room_later);
}

TAP_MAIN()

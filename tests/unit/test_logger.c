/* Log lines: their form, their least level, and that nothing breaks a line. */
#include "src/io/logger.h"
#include "tests/lib/tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static char said[1 << 17];
static int log_fd = -1;

static void begin(enum logger_level least)
{
    char path[600];

    snprintf(path, sizeof(path), "%s/log", tap_temp_dir());
    if (log_fd >= 0) {
        close(log_fd);
    }
    log_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    tap_check(log_fd >= 0);
    logger_init(log_fd, least);
}

static struct bytes all_said(void)
{
    ssize_t len = pread(log_fd, said, sizeof(said), 0);

    tap_check(len >= 0);
    return bytes_of(said, (size_t)len);
}

TAP_CASE(a_line_has_time_level_event_and_values)
{
    const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ warn log.opened path=a n=3\n";
    struct bytes line;

    begin(LOGGER_INFO);
    logger_line(LOGGER_WARN, "log.opened", "path=%s n=%d", "a", 3);

    line = all_said();
    tap_equal(line.len, sizeof(form) - 1);
    for (size_t i = 0; i < line.len; i++) {
        if (i < 24 && form[i] == 'd') {
            tap_check(line.data[i] >= '0' && line.data[i] <= '9');
        } else {
            tap_equal(line.data[i], form[i]);
        }
    }
}

TAP_CASE(lines_below_the_least_level_are_not_written)
{
    begin(LOGGER_WARN);
    logger_line(LOGGER_DEBUG, "a", "n=%d", 1);
    logger_line(LOGGER_INFO, "b", "n=%d", 2);
    tap_equal(all_said().len, 0);

    logger_line(LOGGER_WARN, "c", "n=%d", 3);
    tap_check(strstr((const char *)all_said().data, " warn c n=3") != NULL);
    logger_line(LOGGER_ERROR, "d", "n=%d", 4);
    tap_check(strstr((const char *)all_said().data, " error d n=4") != NULL);
}

static bool ends_with(struct bytes line, const char *end)
{
    return line.len >= strlen(end) &&
           bytes_equal_text(bytes_from(line, line.len - strlen(end)), end);
}

TAP_CASE(what_is_told_cannot_write_to_a_terminal)
{
    struct bytes rest;
    struct bytes line;

    begin(LOGGER_DEBUG);
    logger_line(LOGGER_DEBUG,
                "a",
                "name=%s",
                "\x9b"
                "31m \xc2\x9b \xe2\x80\xae");

    rest = all_said();
    tap_check(bytes_split(&rest, '\n', &line));
    tap_check(ends_with(line, " name=\\x9b31m \\u009b \\u202e"));
}

TAP_CASE(what_is_told_cannot_break_a_line)
{
    struct bytes rest;
    struct bytes line;

    begin(LOGGER_DEBUG);
    logger_line(LOGGER_DEBUG, "a", "name=%s", "x\ny\rz\x1b[2J\x7f");

    rest = all_said();
    tap_check(bytes_split(&rest, '\n', &line));
    tap_equal(rest.len, 0);
    tap_check(ends_with(line, " name=x\\u000ay\\u000dz\\u001b[2J\\u007f"));
}

TAP_CASE(a_line_that_is_too_long_is_cut_and_still_ends)
{
    struct bytes all;

    begin(LOGGER_INFO);
    logger_line(LOGGER_INFO, "a", "n=%05000d", 1);

    all = all_said();
    tap_check(all.len > 1000 && all.len < 4096);
    tap_equal(all.data[all.len - 1], '\n');
}

static void *write_lines(void *letter)
{
    for (int i = 0; i < 200; i++) {
        logger_line(LOGGER_INFO, "thread", "is=%s", (const char *)letter);
    }
    return NULL;
}

TAP_CASE(threads_do_not_mix_their_lines)
{
    static char as[] = "aaaaaaaa";
    static char bs[] = "bbbbbbbb";
    pthread_t other;
    struct bytes rest;
    struct bytes line;
    int count = 0;

    begin(LOGGER_INFO);
    tap_equal(pthread_create(&other, NULL, write_lines, as), 0);
    write_lines(bs);
    pthread_join(other, NULL);

    rest = all_said();
    while (bytes_split(&rest, '\n', &line)) {
        struct bytes tail = bytes_from(line, line.len - 8);

        tap_check(bytes_equal_text(tail, as) || bytes_equal_text(tail, bs));
        count++;
    }
    tap_equal(count, 400);
}

TAP_MAIN()

/* However often something happens, the lines about it are few, and say how
 * often it did. */
#include "src/io/logger_flood.h"

#include "src/io/logger.h"
#include "tests/lib/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

TAP_CASE(the_first_is_told_at_once_and_the_next_after_a_while)
{
    struct logger_flood_state s = {.untold = 0};

    tap_check(logger_flood_add(&s, 5, 1));
    s.untold = 0; /* as whoever tells does */
    for (uint64_t now_ms = 6; now_ms < 5 + LOGGER_FLOOD_INTERVAL_MS; now_ms++) {
        tap_check(!logger_flood_add(&s, now_ms, 2));
    }
    tap_check(logger_flood_add(&s, 5 + LOGGER_FLOOD_INTERVAL_MS, 1));
    tap_equal(s.untold, 2 * (LOGGER_FLOOD_INTERVAL_MS - 1) + 1);
    tap_equal(s.all, s.untold + 1);
}

TAP_CASE(it_is_over_when_nothing_came_for_a_while)
{
    struct logger_flood_state s = {.untold = 0};
    uint64_t last_ms = LOGGER_FLOOD_INTERVAL_MS;

    tap_check(!logger_flood_calm(&s, 1000));
    tap_check(logger_flood_add(&s, 1000, 1));
    tap_check(!logger_flood_add(&s, last_ms, 1));
    tap_check(!logger_flood_calm(&s, last_ms + LOGGER_FLOOD_CALM_MS - 1));
    tap_check(logger_flood_calm(&s, last_ms + LOGGER_FLOOD_CALM_MS));
    tap_check(!logger_flood_calm(&s, last_ms + LOGGER_FLOOD_CALM_MS));
}

TAP_CASE(one_that_comes_and_goes_is_told_no_more_often)
{
    struct logger_flood_state s = {.untold = 0};
    int lines = 0;

    for (uint64_t now_ms = 0; now_ms < 60 * LOGGER_FLOOD_INTERVAL_MS;
         now_ms += LOGGER_FLOOD_CALM_MS + 1000) {
        lines += logger_flood_calm(&s, now_ms) ? 1 : 0;
        lines += logger_flood_add(&s, now_ms, 1) ? 1 : 0;
    }
    tap_check(lines >= 60);
    tap_check(lines <= 2 * 61);
}

TAP_CASE(a_thousand_are_one_line_with_its_kind_and_text)
{
    char path[600];
    char said[4096];
    ssize_t len;
    int fd;

    snprintf(path, sizeof(path), "%s/log", tap_temp_dir());
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    tap_check(fd >= 0);
    logger_init(fd, LOGGER_INFO);
    for (int i = 0; i < 1000; i++) {
        logger_flood(LOGGER_FLOOD_CONNECTIONS, 1, "reason=\"%s\"", "many");
    }
    tap_check(logger_flood_goes_on(LOGGER_FLOOD_CONNECTIONS));
    tap_check(!logger_flood_goes_on(LOGGER_FLOOD_DESCRIPTORS));
    logger_init(STDERR_FILENO, LOGGER_INFO);

    len = pread(fd, said, sizeof(said) - 1, 0);
    tap_check(len > 0);
    said[len] = '\0';
    tap_check(strstr(said, "warn accept.refused reason=\"many\" times=1\n"));
    tap_check(strchr(said, '\n') == said + len - 1);
    close(fd);
}

TAP_MAIN()

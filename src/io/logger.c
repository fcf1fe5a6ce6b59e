/* A line is put together on the stack of its thread; what is told to it cannot
 * break it into two. Before logger_init() lines go to standard error. */
#include "src/io/logger.h"

#include "base/check.h"
#include "base/visible.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* With its newline; a longer one is cut. Up to PIPE_BUF a write stays whole. */
#define LOGGER_LINE_BYTES_MAX 2048

static atomic_int target = STDERR_FILENO;
static atomic_int least_level = LOGGER_INFO;

void logger_init(int fd, enum logger_level least)
{
    atomic_store(&target, fd);
    atomic_store(&least_level, (int)least);
}

static const char *level_name(enum logger_level level)
{
    switch (level) {
    case LOGGER_DEBUG:
        return "debug";
    case LOGGER_INFO:
        return "info";
    case LOGGER_WARN:
        return "warn";
    case LOGGER_ERROR:
        return "error";
    }
    check_unreachable();
}

static size_t print_head(char *line,
                         size_t size,
                         enum logger_level level,
                         const char *event)
{
    struct timespec now;
    struct tm utc;
    size_t len;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    len = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    len += (size_t)snprintf(line + len,
                            size - len,
                            ".%03dZ %s %s",
                            (int)(now.tv_nsec / 1000000),
                            level_name(level),
                            event);
    return len;
}

/* Nothing that is told can break the line or reach a terminal's controls; what
 * is too long is cut, between two characters. */
static size_t one_line(const char *text, char ret[LOGGER_LINE_BYTES_MAX])
{
    struct buffer shown;
    size_t len;

    buffer_init(&shown, VISIBLE_FACTOR * LOGGER_LINE_BYTES_MAX);
    visible_text(bytes_text(text), &shown);
    len = shown.len < LOGGER_LINE_BYTES_MAX ? shown.len
                                            : LOGGER_LINE_BYTES_MAX - 1;
    while (len < shown.len && len > 0 && (shown.data[len] & 0xc0) == 0x80) {
        len--;
    }
    memcpy(ret, shown.data, len);
    ret[len++] = '\n';
    buffer_done(&shown);
    return len;
}

void logger_line(enum logger_level level,
                 const char *event,
                 const char *format,
                 ...)
{
    char line[LOGGER_LINE_BYTES_MAX];
    char shown[LOGGER_LINE_BYTES_MAX];
    va_list arguments;
    size_t len;

    if ((int)level < atomic_load(&least_level)) {
        return;
    }
    len = print_head(line, sizeof(line), level, event);
    check(len < sizeof(line) / 2);
    line[len++] = ' ';
    va_start(arguments, format);
    vsnprintf(line + len, sizeof(line) - len, format, arguments);
    va_end(arguments);
    len = one_line(line, shown);

    /* Nobody is left to tell when this fails. */
    if (write(atomic_load(&target), shown, len) < 0) {
        return;
    }
}

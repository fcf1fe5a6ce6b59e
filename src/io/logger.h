/* Log lines for operators: `2026-01-31T12:00:00.000Z level event key=value`.
 * One line an occurrence, written by the program floor only; the cores count
 * or report instead. Never a secret, never a payload.
 *
 * Thread safe: a line leaves in one write. */
#ifndef IO_LOGGER_H
#define IO_LOGGER_H

enum logger_level {
    LOGGER_DEBUG,
    LOGGER_INFO,
    LOGGER_WARN,
    LOGGER_ERROR,
};

void logger_init(int fd, enum logger_level least);

/* `event` is a fixed name ("log.opened"); `format` makes the key=value rest. */
void logger_line(enum logger_level level,
                 const char *event,
                 const char *format,
                 ...) __attribute__((format(printf, 3, 4)));

#endif

/* Lines that strangers can bring about as often as they like. One is written
 * when it begins; what follows is counted, and said once a minute and when it
 * is over. Whatever a stranger can cause, unseen by a key or a secret, is told
 * this way or not at all.
 *
 * Thread safe: what is told of a kind is told for the whole process. */
#ifndef IO_LOGGER_FLOOD_H
#define IO_LOGGER_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

#define LOGGER_FLOOD_INTERVAL_MS 60000 /* between two lines of a kind */
#define LOGGER_FLOOD_CALM_MS 10000     /* without another: it is over */

enum logger_flood_kind {
    LOGGER_FLOOD_DESCRIPTORS, /* connections for which there are none */
    LOGGER_FLOOD_CONNECTIONS, /* connections over the limit */
    LOGGER_FLOOD_LOG_READ,    /* reads that fail, which clients ask for */
    LOGGER_FLOOD_STRANGERS,   /* those who knock at the cluster's port */
    LOGGER_FLOOD_STRANGER,    /* one of them */
    LOGGER_FLOOD_COUNT,
};

/* `count` more of a kind; the rest as for logger_line(), and written behind it
 * how many there were since the last line. */
void logger_flood(enum logger_flood_kind kind,
                  uint64_t count,
                  const char *format,
                  ...) __attribute__((format(printf, 3, 4)));

/* Look again; says that it is over, and is false, when it is. To be called now
 * and then while it is true. */
bool logger_flood_goes_on(enum logger_flood_kind kind);

/* What decides, for one kind. */
struct logger_flood_state {
    uint64_t untold; /* since the last line */
    uint64_t all;    /* since it began */
    uint64_t told_ms;
    uint64_t last_ms;
    bool active;
};

/* Whether to write a line, now. */
bool logger_flood_add(struct logger_flood_state *s,
                      uint64_t now_ms,
                      uint64_t count);

/* Whether it has just ended. */
bool logger_flood_calm(struct logger_flood_state *s, uint64_t now_ms);

#endif

/* One state a kind, behind one lock: what is counted here has cost a system
 * call before. */
#include "src/io/logger_flood.h"

#include "src/io/clock.h"
#include "src/io/logger.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#define TEXT_BYTES_MAX 1024

static const struct kind {
    enum logger_level level;
    const char *event;
} kinds[LOGGER_FLOOD_COUNT] = {
    [LOGGER_FLOOD_DESCRIPTORS] = {LOGGER_ERROR, "accept.failed"},
    [LOGGER_FLOOD_CONNECTIONS] = {LOGGER_WARN, "accept.refused"},
    [LOGGER_FLOOD_LOG_READ] = {LOGGER_ERROR, "log.read"},
    [LOGGER_FLOOD_STRANGERS] = {LOGGER_WARN, "cluster.strangers"},
    [LOGGER_FLOOD_STRANGER] = {LOGGER_DEBUG, "cluster.stranger"},
};

static struct logger_flood_state states[LOGGER_FLOOD_COUNT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool logger_flood_add(struct logger_flood_state *s,
                      uint64_t now_ms,
                      uint64_t count)
{
    bool due = !s->active || now_ms - s->told_ms >= LOGGER_FLOOD_INTERVAL_MS;

    if (!s->active) {
        s->active = true;
        s->all = 0;
    }
    s->untold += count;
    s->all += count;
    s->last_ms = now_ms;
    if (due) {
        s->told_ms = now_ms;
    }
    return due;
}

/* Soon after a line, an end would be one as often as strangers like. */
bool logger_flood_calm(struct logger_flood_state *s, uint64_t now_ms)
{
    if (!s->active || now_ms - s->last_ms < LOGGER_FLOOD_CALM_MS ||
        now_ms - s->told_ms < LOGGER_FLOOD_INTERVAL_MS) {
        return false;
    }
    s->active = false;
    return true;
}

void logger_flood(enum logger_flood_kind kind,
                  uint64_t count,
                  const char *format,
                  ...)
{
    struct logger_flood_state *s = &states[kind];
    uint64_t now_ms = clock_now().mono_ms;
    uint64_t untold = 0;
    char text[TEXT_BYTES_MAX];
    va_list arguments;

    pthread_mutex_lock(&lock);
    (void)logger_flood_calm(s, now_ms);
    if (logger_flood_add(s, now_ms, count)) {
        untold = s->untold;
        s->untold = 0;
    }
    pthread_mutex_unlock(&lock);

    if (untold > 0) {
        va_start(arguments, format);
        (void)vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        logger_line(kinds[kind].level,
                    kinds[kind].event,
                    "%s times=%llu",
                    text,
                    (unsigned long long)untold);
    }
}

bool logger_flood_goes_on(enum logger_flood_kind kind)
{
    struct logger_flood_state *s = &states[kind];
    bool active;
    bool ended;
    uint64_t all;

    pthread_mutex_lock(&lock);
    ended = logger_flood_calm(s, clock_now().mono_ms);
    active = s->active;
    all = s->all;
    if (ended) {
        s->untold = 0;
    }
    pthread_mutex_unlock(&lock);

    if (ended) {
        logger_line(kinds[kind].level == LOGGER_DEBUG ? LOGGER_DEBUG
                                                      : LOGGER_INFO,
                    kinds[kind].event,
                    "over=yes times=%llu",
                    (unsigned long long)all);
    }
    return active;
}

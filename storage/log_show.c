/* What readers may see of the log. */
#include "storage/log_private.h"

void log_show(struct log *log, const struct log_shown *shown)
{
    pthread_mutex_lock(&log->known_lock);
    log->shown = *shown;
    pthread_mutex_unlock(&log->known_lock);
}

void log_show_now(struct log *log, struct log_shown *ret)
{
    pthread_mutex_lock(&log->known_lock);
    *ret = log->shown;
    pthread_mutex_unlock(&log->known_lock);
}

void log_show_appended(struct log *log,
                       struct event *const *events,
                       size_t count)
{
    if (!log->shown.all) {
        return;
    }
    log->shown.place = log->last_place;
    for (size_t n = 0; n < count; n++) {
        if (n + 1 == count || events[n]->origin != events[n + 1]->origin) {
            (void)vector_raise(
                &log->shown.vector, events[n]->origin, events[n]->sequence);
        }
    }
}

bool log_show_covers(const struct log_shown *shown,
                     uint64_t place,
                     uint64_t origin,
                     uint64_t sequence)
{
    return shown->all || (place <= shown->place &&
                          sequence <= vector_get(&shown->vector, origin));
}

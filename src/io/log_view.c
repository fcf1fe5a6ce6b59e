/* One channel is read by the index, several by a scan of the log. */
#include "src/io/log_view.h"

#include "base/alloc.h"
#include "src/io/logger.h"

#include <stdlib.h>

/* Places that are looked up at once for one channel. */
#define PLACES_MAX 256

static void vector(void *context, struct vector *ret)
{
    struct log_shown shown;

    log_show_now(context, &shown);
    *ret = shown.vector;
}

static void low_water(void *context, struct vector *ret)
{
    log_seek_low_water(context, ret);
}

static uint64_t seek(void *context, const struct vector *after)
{
    return log_seek(context, after);
}

static bool knows(void *context, uint64_t origin)
{
    return log_seek_knows(context, origin);
}

static int vector_at(void *context, uint64_t place, struct vector *ret)
{
    struct log_shown shown;
    struct why why;
    int rc = log_seek_vector_at(context, place, ret, &why);

    log_show_now(context, &shown);
    vector_limit(ret, &shown.vector);

    if (rc != 0) {
        logger_line(LOGGER_ERROR, "log.read", "reason=\"%s\"", why.text);
    }
    return rc;
}

static uint64_t last(void *context, struct bytes channel, uint64_t count)
{
    uint64_t *places = alloc_raw(count * sizeof(*places));
    uint64_t first = 0;

    if (index_last(log_index(context), channel, places, count) > 0) {
        first = places[0];
    }
    free(places);
    return first;
}

struct shard_lookup log_view_lookup(struct log *log)
{
    return (struct shard_lookup){
        .context = log,
        .vector = vector,
        .knows = knows,
        .low_water = low_water,
        .seek = seek,
        .last = last,
        .vector_at = vector_at,
    };
}

struct reading {
    const struct shard_page *page;
    const struct log_shown *shown;
    void (*step)(void *context, struct shard_input *in);
    void *context;
    uint64_t last_place; /* given, or passed over as not shown */
    size_t count;
    bool stopped; /* the shard wanted no more */
};

static bool give(uint64_t place, const struct record *record, void *context)
{
    struct reading *r = context;
    struct shard_input in = {.kind = SHARD_INPUT_RECORD,
                             .record = {.place = place,
                                        .origin = record->origin,
                                        .sequence = record->sequence,
                                        .predecessor = record->predecessor,
                                        .channel = record->channel,
                                        .content = record->content}};

    if (place > r->shown->place) {
        return false;
    }
    r->last_place = place;
    r->count++;
    if (!log_show_covers(r->shown, place, record->origin, record->sequence)) {
        return true;
    }
    r->step(r->context, &in);
    r->stopped = !shard_page_wants(r->page->shard);
    return !r->stopped;
}

/* All that is there up to `end` has been given, unless the page was full or the
 * shard wanted no more. */
static int read_scan(struct log *log,
                     uint64_t end,
                     struct reading *r,
                     uint64_t *ret_covered,
                     struct why *why)
{
    int rc = log_read(log, r->page->from, LOG_PAGE_BYTES_MAX, give, r, why);

    *ret_covered = r->count > 0 ? r->last_place : end;
    return rc;
}

/* All that is there down to where it ended has been given. */
static int read_back(struct log *log,
                     struct reading *r,
                     uint64_t *ret_covered,
                     struct why *why)
{
    int rc =
        log_read_back(log, r->page->from, LOG_PAGE_BYTES_MAX, give, r, why);

    *ret_covered = r->count > 0 ? r->last_place : 1;
    return rc;
}

static int read_channel(struct log *log,
                        uint64_t end,
                        struct reading *r,
                        uint64_t *ret_covered,
                        struct why *why)
{
    uint64_t places[PLACES_MAX];
    size_t count = index_after(log_index(log),
                               r->page->channel,
                               r->page->from - 1,
                               places,
                               PLACES_MAX);
    int rc = log_read_places(log, places, count, give, r, why);

    if (r->stopped) {
        *ret_covered = r->last_place;
    } else {
        *ret_covered = count < PLACES_MAX ? end : places[count - 1];
    }
    return rc;
}

size_t log_view_read(struct log *log,
                     const struct shard_page *page,
                     void (*step)(void *context, struct shard_input *in),
                     void *context)
{
    struct log_shown shown;
    struct reading r = {
        .page = page, .shown = &shown, .step = step, .context = context};
    struct shard_input end = {.kind = SHARD_INPUT_PAGE_END};
    struct why why;
    int rc;

    log_show_now(log, &shown);
    if (page->back) {
        rc = read_back(log, &r, &end.page.covered_place, &why);
    } else if (page->channel.len > 0) {
        rc = read_channel(log, shown.place, &r, &end.page.covered_place, &why);
    } else {
        rc = read_scan(log, shown.place, &r, &end.page.covered_place, &why);
    }
    end.page.failed = rc != 0;
    if (rc != 0) {
        logger_line(LOGGER_ERROR, "log.read", "reason=\"%s\"", why.text);
    }
    step(context, &end);
    return end.page.given_bytes;
}

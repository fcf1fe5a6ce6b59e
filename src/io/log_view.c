/* One channel is read by the index, several by a scan of the log. */
#include "src/io/log_view.h"

#include "src/io/logger_flood.h"

/* Places that are looked up at once for one channel. */
#define PLACES_MAX 256

static uint64_t vector(void *context, struct vector *ret)
{
    struct log_shown shown;

    log_show_now(context, &shown);
    *ret = shown.vector;
    return shown.place;
}

static void low_water(void *context, struct bytes channel, struct vector *ret)
{
    log_seek_low_water(context, channel, ret);
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
        logger_flood(LOGGER_FLOOD_LOG_READ, 1, "reason=\"%s\"", why.text);
    }
    return rc;
}

/* What is on disk and not shown yet comes later: it is none of the last. */
static uint64_t last(void *context, struct bytes channel, uint64_t count)
{
    struct index *index = log_index(context);
    struct log_shown shown;
    uint64_t places[PLACES_MAX];
    uint64_t place;
    size_t later;

    log_show_now(context, &shown);
    place = shown.place;
    do {
        later = index_after(index, channel, place, places, PLACES_MAX);
        count += later;
        place = later > 0 ? places[later - 1] : place;
    } while (later == PLACES_MAX);
    place = index_nth_last(index, channel, count);
    return place <= shown.place ? place : 0;
}

/* Of a wildcard only the age is known, for the namespace as a whole. */
static uint64_t kept_from(void *context,
                          const struct channel_name *patterns,
                          size_t pattern_count)
{
    struct log *log = context;
    struct log_shown shown;
    uint64_t first;

    log_show_now(log, &shown);
    first = shown.place + 1;
    for (size_t i = 0; i < pattern_count; i++) {
        const struct channel_name *pattern = &patterns[i];
        uint64_t place =
            pattern->wildcard
                ? index_expired_before(log_index(log),
                                       channel_name_namespace(pattern))
                : index_nth_last(
                      log_index(log), channel_name_view(pattern), UINT64_MAX);

        if (!pattern->wildcard && place == 0) {
            continue; /* it has none */
        }
        first = place < first ? place : first;
    }
    return first > 0 ? first : 1;
}

static bool gone(void *context,
                 struct bytes channel,
                 const struct vector *after)
{
    return log_window_gone(context, channel, after);
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
        .kept_from = kept_from,
        .gone = gone,
    };
}

struct reading {
    struct log *log;
    const struct shard_page *page;
    const struct log_shown *shown;
    void (*step)(void *context, struct shard_input *in);
    void *context;
    uint64_t last_place; /* given, or passed over as not shown */
    size_t count;
    bool stopped; /* the shard wanted no more */

    /* Of one channel: the places to be read, and what may be missing there. */
    uint64_t places[PLACES_MAX];
    size_t place_count;
    size_t place_next;
    uint64_t nameless_place; /* the next corrupt one of an unknown channel */
};

/* What stands for what is gone has a list of namespaces where others have their
 * channel, which may be written as one that has events. */
static enum shard_record_state state_of(const struct reading *r,
                                        uint64_t place,
                                        const struct record *record)
{
    static const enum shard_record_state states[] = {
        [INDEX_KEPT] = SHARD_RECORD_KEPT,
        [INDEX_LEFT] = SHARD_RECORD_LEFT,
        [INDEX_LEFT_BEFORE] = SHARD_RECORD_LEFT_BEFORE,
        [INDEX_NEVER_KEPT] = SHARD_RECORD_NEVER_KEPT,
    };

    if (record->gone) {
        return SHARD_RECORD_LEFT;
    }
    return states[index_state(
        log_index(r->log), record->channel, place, r->page->since)];
}

static void step_corrupt(struct reading *r)
{
    struct shard_input in = {.kind = SHARD_INPUT_CORRUPT};

    r->step(r->context, &in);
}

/* Say so when something corrupt stands before `place`, which comes next. */
static void pass_corrupt(struct reading *r, uint64_t place)
{
    bool any = r->nameless_place < place;

    while (r->place_next < r->place_count && r->places[r->place_next] < place) {
        uint64_t passed = r->places[r->place_next++];

        any |= log_corrupt_next(r->log, passed, false) == passed;
    }
    r->place_next++;
    if (r->nameless_place < place) {
        r->nameless_place = log_corrupt_next(r->log, place, true);
    }
    if (any) {
        step_corrupt(r);
    }
}

static bool give(uint64_t place, const struct record *record, void *context)
{
    struct reading *r = context;
    struct shard_input in = {.kind = SHARD_INPUT_RECORD,
                             .record = {.place = place,
                                        .origin = record->origin,
                                        .sequence = record->sequence,
                                        .predecessor = record->predecessor,
                                        .channel = record->channel,
                                        .content = record->content,
                                        .gone = record->gone}};

    if (place > r->shown->place) {
        return false;
    }
    if (!log_show_covers(r->shown, place, record->origin, record->sequence)) {
        r->last_place = place;
        r->count++;
        return true;
    }
    if (r->page->channel.len > 0) {
        pass_corrupt(r, place);
    } else {
        in.record.state = state_of(r, place, record);
    }
    if (shard_page_wants(r->page->shard)) {
        r->step(r->context, &in);
        r->last_place = place;
        r->count++;
    }
    r->stopped = !shard_page_wants(r->page->shard);
    return !r->stopped;
}

/* All that is there up to `end` has been given, unless the page was full or the
 * shard wanted no more. Between two records the shard sees itself when one is
 * missing. */
static int read_scan(struct reading *r,
                     uint64_t end,
                     uint64_t *ret_covered,
                     struct why *why)
{
    int rc = log_read(r->log, r->page->from, LOG_PAGE_BYTES_MAX, give, r, why);

    *ret_covered = r->count > 0 ? r->last_place : end;
    if (r->count == 0 &&
        log_corrupt_next(r->log, r->page->from, false) <= end) {
        step_corrupt(r);
    }
    return rc;
}

/* All that is there down to where it ended has been given. */
static int read_back(struct reading *r, uint64_t *ret_covered, struct why *why)
{
    int rc =
        log_read_back(r->log, r->page->from, LOG_PAGE_BYTES_MAX, give, r, why);

    *ret_covered = r->count > 0 ? r->last_place : 1;
    return rc;
}

/* What left the channel's window comes first. */
static int step_missed(struct reading *r,
                       const struct index_lost *lost,
                       struct why *why)
{
    const struct log_reader reader = {.channel = r->page->channel,
                                      .from = r->page->from,
                                      .after = r->page->at};
    struct log_missed missed;
    struct shard_input in = {
        .kind = SHARD_INPUT_MISSED,
        .missed = {.place = lost->place, .to = &missed.to}};
    int rc;

    if (lost->count == 0) {
        return 0;
    }
    rc = log_window_missed(r->log, &reader, lost, &missed, why);
    if (rc == 0 && missed.count > 0) {
        in.missed.count = missed.count;
        in.missed.exact = missed.exact;
        r->step(r->context, &in);
    }
    return rc;
}

static int read_channel(struct reading *r,
                        uint64_t end,
                        uint64_t *ret_covered,
                        struct why *why)
{
    const struct index_range range = {.after = r->page->from - 1,
                                      .since = r->page->since,
                                      .until = r->page->until};
    struct index_lost lost;
    int rc;

    r->nameless_place = log_corrupt_next(r->log, r->page->from, true);
    r->place_count = index_read(log_index(r->log),
                                r->page->channel,
                                &range,
                                r->places,
                                PLACES_MAX,
                                &lost);
    rc = step_missed(r, &lost, why);
    if (rc == 0) {
        rc = log_read_places(r->log, r->places, r->place_count, give, r, why);
    }
    if (r->stopped) {
        *ret_covered = r->last_place;
        return rc;
    }
    *ret_covered =
        r->place_count < PLACES_MAX ? end : r->places[PLACES_MAX - 1];
    pass_corrupt(r, *ret_covered + 1);
    return rc;
}

size_t log_view_read(struct log *log,
                     const struct shard_page *page,
                     void (*step)(void *context, struct shard_input *in),
                     void *context)
{
    struct log_shown shown;
    struct reading r = {.log = log,
                        .page = page,
                        .shown = &shown,
                        .step = step,
                        .context = context};
    struct shard_input end = {.kind = SHARD_INPUT_PAGE_END};
    struct why why;
    int rc;

    log_show_now(log, &shown);
    if (page->back) {
        rc = read_back(&r, &end.page.covered_place, &why);
    } else if (page->channel.len > 0) {
        rc = read_channel(&r, shown.place, &end.page.covered_place, &why);
    } else {
        rc = read_scan(&r, shown.place, &end.page.covered_place, &why);
    }
    end.page.failed = rc != 0;
    if (rc != 0) {
        logger_flood(LOGGER_FLOOD_LOG_READ, 1, "reason=\"%s\"", why.text);
    }
    step(context, &end);
    return end.page.given_bytes;
}

/* One channel is read by the index, several by a scan. */
#include "tests/sim/cluster_pages.h"

#include "base/alloc.h"

#include <stdlib.h>

static uint64_t vector(void *context, struct vector *ret)
{
    struct log_shown shown;

    disk_show_now(context, &shown);
    *ret = shown.vector;
    return shown.place;
}

static bool knows(void *context, uint64_t origin)
{
    const struct disk *d = context;

    return vector_knows(&d->have, origin) || vector_knows(&d->expected, origin);
}

static void low_water(void *context, struct bytes channel, struct vector *ret)
{
    const struct disk *d = context;

    (void)channel;
    *ret = (struct vector){0};
    for (size_t i = 0; i < d->low.count; i++) {
        if (d->low.entries[i].sequence > 0) {
            (void)vector_raise(
                ret, d->low.entries[i].origin, d->low.entries[i].sequence);
        }
    }
}

static uint64_t seek(void *context, const struct vector *after)
{
    return disk_seek(context, after);
}

static uint64_t last(void *context, struct bytes channel, uint64_t count)
{
    const struct disk *d = context;
    struct log_shown shown;
    uint64_t places[PAGES_PLACES_MAX];
    uint64_t place;
    size_t later;

    disk_show_now(d, &shown);
    place = shown.place;
    do {
        later = index_after(d->index, channel, place, places, PAGES_PLACES_MAX);
        count += later;
        place = later > 0 ? places[later - 1] : place;
    } while (later == PAGES_PLACES_MAX);
    place = index_nth_last(d->index, channel, count);
    return place <= shown.place ? place : 0;
}

static void vector_on_disk(const struct disk *d,
                           uint64_t place,
                           struct vector *ret)
{
    low_water((void *)(uintptr_t)d, bytes_of(NULL, 0), ret);
    (void)vector_raise(ret, d->identity, 0);
    for (size_t i = 0; i < d->count && d->records[i].place <= place; i++) {
        if (!d->records[i].damaged) {
            (void)vector_raise(
                ret, d->records[i].origin, d->records[i].sequence);
        }
    }
}

static int vector_at(void *context, uint64_t place, struct vector *ret)
{
    const struct disk *d = context;
    struct log_shown shown;

    vector_on_disk(d, place, ret);
    disk_show_now(d, &shown);
    vector_limit(ret, &shown.vector);
    return 0;
}

static uint64_t kept_from(void *context,
                          const struct channel_name *patterns,
                          size_t pattern_count)
{
    const struct disk *d = context;
    struct log_shown shown;
    uint64_t first;

    disk_show_now(d, &shown);
    first = shown.place + 1;
    for (size_t i = 0; i < pattern_count; i++) {
        const struct channel_name *p = &patterns[i];
        uint64_t place =
            p->wildcard
                ? index_expired_before(d->index, channel_name_namespace(p))
                : index_nth_last(d->index, channel_name_view(p), UINT64_MAX);

        if (p->wildcard || place > 0) {
            first = place < first ? place : first;
        }
    }
    return first > 0 ? first : 1;
}

/* As log_window_gone() has it. */
static bool gone(void *context,
                 struct bytes channel,
                 const struct vector *after)
{
    const struct disk *d = context;
    struct index_gone left = {.sequence = UINT64_MAX};

    if (channel.len > 0) {
        left = index_gone(d->index, channel);
    }
    for (size_t i = 0; i < d->low.count; i++) {
        const struct vector_entry *low = &d->low.entries[i];
        uint64_t nameless = vector_get(&d->nameless, low->origin);
        uint64_t up_to =
            low->sequence < left.sequence ? low->sequence : left.sequence;

        if (left.origin != 0 && left.origin != low->origin) {
            up_to = 0;
        }
        up_to = up_to > nameless ? up_to : nameless;
        if (vector_get(after, low->origin) < up_to) {
            return true;
        }
    }
    return false;
}

struct shard_lookup pages_lookup(struct disk *d)
{
    return (struct shard_lookup){.context = d,
                                 .vector = vector,
                                 .knows = knows,
                                 .low_water = low_water,
                                 .seek = seek,
                                 .last = last,
                                 .vector_at = vector_at,
                                 .kept_from = kept_from,
                                 .gone = gone};
}

struct reading {
    const struct disk *disk;
    const struct shard_page *page;
    struct log_shown shown;
    void (*step)(void *context, struct shard_input *in);
    void *context;
    uint64_t last_place;
    size_t count;
    size_t bytes;
    bool stopped; /* the shard wanted no more, or the page is full */
};

static void step_corrupt(struct reading *r)
{
    struct shard_input in = {.kind = SHARD_INPUT_CORRUPT};

    r->step(r->context, &in);
}

static enum shard_record_state state_of(const struct reading *r,
                                        uint64_t place,
                                        struct bytes channel)
{
    switch (index_state(r->disk->index, channel, place, r->page->since)) {
    case INDEX_KEPT:
        return SHARD_RECORD_KEPT;
    case INDEX_LEFT:
        return SHARD_RECORD_LEFT;
    case INDEX_LEFT_BEFORE:
        return SHARD_RECORD_LEFT_BEFORE;
    case INDEX_NEVER_KEPT:
        break;
    }
    return SHARD_RECORD_NEVER_KEPT;
}

/* A whole record that comes next; `corrupt`: after one that is not. False: it
 * is the last. */
static bool give(struct reading *r,
                 const struct disk_record *found,
                 bool corrupt)
{
    struct record record;
    struct shard_input in = {.kind = SHARD_INPUT_RECORD};

    if (found->place > r->shown.place ||
        record_decode(bytes_of(found->bytes, found->len), &record) != 0) {
        return false;
    }
    if (log_show_covers(
            &r->shown, found->place, record.origin, record.sequence)) {
        if (corrupt) {
            step_corrupt(r);
        }
        in.record.place = found->place;
        in.record.origin = record.origin;
        in.record.sequence = record.sequence;
        in.record.predecessor = record.predecessor;
        in.record.channel = record.channel;
        in.record.content = record.content;
        if (r->page->channel.len == 0) {
            in.record.state = state_of(r, found->place, record.channel);
        }
        if (!shard_page_wants(r->page->shard)) {
            r->stopped = true;
            return false;
        }
        r->step(r->context, &in);
        r->stopped = !shard_page_wants(r->page->shard);
    }
    r->last_place = found->place;
    r->count++;
    return !r->stopped;
}

static bool is_full(struct reading *r, const struct disk_record *found)
{
    if (r->bytes > 0 && r->bytes + found->len > PAGES_BYTES_MAX) {
        return true;
    }
    r->bytes += found->len;
    return false;
}

static uint64_t read_scan(struct reading *r)
{
    const struct disk *d = r->disk;
    bool corrupt = false;

    for (size_t i = disk_find_place(d, r->page->from); i < d->count; i++) {
        const struct disk_record *found = &d->records[i];

        if (found->damaged) {
            corrupt |= r->count == 0 && found->place <= r->shown.place;
        } else if (is_full(r, found) || !give(r, found, false)) {
            break;
        }
    }
    if (r->count > 0) {
        return r->last_place;
    }
    if (corrupt) {
        step_corrupt(r);
    }
    return r->shown.place;
}

static uint64_t read_back(struct reading *r)
{
    const struct disk *d = r->disk;

    for (size_t i = disk_find_place(d, r->page->from + 1); i-- > 0;) {
        const struct disk_record *found = &d->records[i];

        if (!found->damaged && (is_full(r, found) || !give(r, found, false))) {
            break;
        }
    }
    return r->count > 0 ? r->last_place : 1;
}

/* What left the channel's window comes first. */
static void step_missed(struct reading *r, const struct index_lost *lost)
{
    const struct disk *d = r->disk;
    struct vector to = *r->page->at;
    struct shard_input in = {.kind = SHARD_INPUT_MISSED,
                             .missed = {.place = lost->place, .to = &to}};
    uint64_t covered = 0;
    uint64_t count = 0;
    struct vector at;

    for (size_t i = disk_find_place(d, r->page->from);
         i < d->count && d->records[i].place <= lost->place;
         i++) {
        const struct disk_record *found = &d->records[i];

        if (bytes_equal(bytes_of(found->channel, found->channel_len),
                        r->page->channel)) {
            count += !found->damaged;
            covered +=
                !found->damaged &&
                (vector_get(&to, found->origin) >= found->sequence ||
                 !log_show_covers(
                     &r->shown, found->place, found->origin, found->sequence));
        }
    }
    if (lost->count > covered) {
        vector_on_disk(d, lost->place, &at);
        vector_limit(&at, &r->shown.vector);
        vector_merge(&to, &at);
        in.missed.count = lost->count - covered;
        in.missed.exact = count == lost->count;
        r->step(r->context, &in);
    }
}

/* The records between that are not the channel's, but may have been. */
static bool pass_nameless(const struct disk *d, uint64_t from, uint64_t before)
{
    for (size_t i = disk_find_place(d, from);
         i < d->count && d->records[i].place < before;
         i++) {
        if (d->records[i].nameless) {
            return true;
        }
    }
    return false;
}

static uint64_t read_channel(struct reading *r)
{
    const struct disk *d = r->disk;
    const struct index_range range = {.after = r->page->from - 1,
                                      .since = r->page->since,
                                      .until = r->page->until};
    uint64_t places[PAGES_PLACES_MAX];
    struct index_lost lost;
    size_t count = index_read(
        d->index, r->page->channel, &range, places, PAGES_PLACES_MAX, &lost);
    uint64_t covered =
        count < PAGES_PLACES_MAX ? r->shown.place : places[count - 1];
    uint64_t passed = r->page->from;
    bool corrupt = false;

    if (lost.count > 0) {
        step_missed(r, &lost);
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = disk_find_place(d, places[i]);
        const struct disk_record *found = &d->records[at];

        if (at == d->count || found->place != places[i] || found->damaged) {
            corrupt |= at < d->count && found->place == places[i];
            continue;
        }
        corrupt |= pass_nameless(d, passed, found->place);
        if (!give(r, found, corrupt)) {
            break;
        }
        corrupt = false;
        passed = found->place + 1;
    }
    if (r->stopped) {
        return r->last_place;
    }
    if (corrupt || pass_nameless(d, passed, covered + 1)) {
        step_corrupt(r);
    }
    return covered;
}

void pages_read(struct disk *d,
                const struct shard_page *page,
                void (*step)(void *context, struct shard_input *in),
                void *context)
{
    struct reading r = {
        .disk = d, .page = page, .step = step, .context = context};
    struct shard_input end = {.kind = SHARD_INPUT_PAGE_END};

    disk_show_now(d, &r.shown);
    if (page->back) {
        end.page.covered_place = read_back(&r);
    } else if (page->channel.len > 0) {
        end.page.covered_place = read_channel(&r);
    } else {
        end.page.covered_place = read_scan(&r);
    }
    step(context, &end);
}

/* The log's behaviour, without its speed. */
#include "tests/sim/cluster_disk.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/splitmix.h"

#include <stdlib.h>

/* The real log's marks point up to so many events of an origin too early. */
#define SEEK_SLACK 4

static void set(struct vector *v, uint64_t origin, uint64_t sequence)
{
    check(vector_raise(v, origin, sequence));
}

void disk_init(struct disk *d,
               uint64_t identity,
               size_t window_max,
               const struct log_window *windows,
               size_t window_count)
{
    *d = (struct disk){.identity = identity,
                       .window_max = window_max,
                       .windows = windows,
                       .window_count = window_count};
    d->random = identity;
    set(&d->have, identity, 0);
    disk_open(d);
}

void disk_done(struct disk *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->records[i].bytes);
    }
    free(d->records);
    index_free(d->index);
    *d = (struct disk){0};
}

void disk_copy(struct disk *to, const struct disk *from)
{
    *to = *from;
    to->records = alloc_raw((from->count + 1) * sizeof(to->records[0]));
    to->capacity = from->count + 1;
    to->fault = DISK_GOOD;
    to->index = NULL;
    for (size_t i = 0; i < from->count; i++) {
        to->records[i] = from->records[i];
        to->records[i].bytes = alloc_raw(from->records[i].len);
        memcpy(
            to->records[i].bytes, from->records[i].bytes, from->records[i].len);
    }
}

static struct bytes channel_of(const struct disk_record *r)
{
    return bytes_of(r->channel, r->channel_len);
}

static void open_index(struct disk *d)
{
    index_free(d->index);
    d->index = index_new(d->identity);
    for (size_t i = 0; i < d->window_count; i++) {
        index_window_set(
            d->index, d->windows[i].name_space, &d->windows[i].channel);
    }
    for (size_t i = 0; i < d->count; i++) {
        struct disk_record *r = &d->records[i];

        r->nameless = r->damaged;
        if (!r->damaged) {
            index_add(d->index, channel_of(r), r->place, r->len);
        }
    }
}

/* What is missing up to there has gone, and nobody knows of which channel. */
static void know_low(struct disk *d, uint64_t origin, uint64_t low)
{
    set(&d->low, origin, low);
    set(&d->nameless, origin, low);
}

static bool is_damaged_between(const struct disk *d, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (d->records[i].damaged) {
            return true;
        }
    }
    return false;
}

/* The marks of one origin, as the real log's scan finds them. */
static void find_low(struct disk *d, uint64_t origin)
{
    uint64_t last = 0;
    size_t next = 0;

    for (size_t i = 0; i < d->count; i++) {
        const struct disk_record *r = &d->records[i];

        if (r->damaged || r->origin != origin) {
            continue;
        }
        if (!vector_knows(&d->low, origin) ||
            (r->predecessor > last && !is_damaged_between(d, next, i))) {
            know_low(d, origin, r->predecessor);
        }
        last = r->sequence;
        next = i + 1;
    }
    if (!vector_knows(&d->low, origin) ||
        (vector_get(&d->have, origin) > last &&
         !is_damaged_between(d, next, d->count))) {
        know_low(d, origin, vector_get(&d->have, origin));
    }
}

void disk_open(struct disk *d)
{
    d->fault = DISK_GOOD;
    d->low = (struct vector){0};
    d->nameless = (struct vector){0};
    d->expected = (struct vector){0};
    open_index(d);
    for (size_t i = 0; i < d->have.count; i++) {
        find_low(d, d->have.entries[i].origin);
    }
    for (size_t i = 0; i < d->skipped.count; i++) {
        know_low(
            d, d->skipped.entries[i].origin, d->skipped.entries[i].sequence);
    }
    disk_expect(d, d->identity);
    disk_expect(d, d->identity | EVENT_ORIGIN_QUORUM);
    d->shown = (struct log_shown){
        .all = !d->shown_kept, .place = d->last_place, .vector = d->kept};
}

void disk_expect(struct disk *d, uint64_t origin)
{
    set(&d->expected, origin, 0);
}

static uint64_t last_sequence(void *context, uint64_t origin)
{
    const struct disk *d = context;

    return vector_get(&d->have, origin);
}

static void keep_text(struct disk_record *r,
                      struct bytes channel,
                      struct bytes key)
{
    check(channel.len <= sizeof(r->channel) && key.len <= sizeof(r->key));
    r->channel_len = (uint8_t)channel.len;
    memcpy(r->channel, channel.data, channel.len);
    r->key_len = (uint8_t)key.len;
    if (key.len > 0) {
        memcpy(r->key, key.data, key.len);
    }
}

static void add(struct disk *d, struct event *event)
{
    struct disk_record *r;

    if (d->count == d->capacity) {
        d->capacity = 2 * d->capacity + 16;
        d->records =
            alloc_resize(d->records, d->capacity * sizeof(d->records[0]));
    }
    event->place = ++d->last_place;
    r = &d->records[d->count++];
    *r = (struct disk_record){.place = event->place,
                              .origin = event->origin,
                              .sequence = event->sequence,
                              .predecessor = event->predecessor,
                              .len = record_len(event)};
    r->bytes = alloc_raw(r->len);
    record_encode(event, r->bytes);
    keep_text(r, event->channel, event->key);
    index_add(d->index, event->channel, r->place, r->len);
    set(&d->have, event->origin, event->sequence);
    if (!vector_knows(&d->low, event->origin)) {
        know_low(d, event->origin, event->predecessor);
    }
}

static void keep_shown(struct disk *d)
{
    d->shown_kept = !d->shown.all;
    d->kept = d->shown.vector;
}

static int fails(struct disk *d, struct why *why)
{
    switch (d->fault) {
    case DISK_GOOD:
    case DISK_FAILS_AFTER:
        break;
    case DISK_FULL:
        return why_set(why, RC_NO_SPACE, "full");
    case DISK_FAILS_BEFORE:
        return why_set(why, RC_IO, "the sync failed");
    }
    return 0;
}

static int synced(const struct disk *d, struct why *why)
{
    return d->fault == DISK_FAILS_AFTER ? why_set(why, RC_IO, "the sync failed")
                                        : 0;
}

static int append(void *context,
                  struct event *const *events,
                  size_t count,
                  struct why *why)
{
    struct disk *d = context;
    int rc = fails(d, why);

    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        check(events[i]->sequence > vector_get(&d->have, events[i]->origin));
        check(events[i]->sequence > events[i]->predecessor);
        add(d, events[i]);
    }
    keep_shown(d);
    if (d->reserved < d->reserve) {
        d->reserved = d->reserve;
    }
    return synced(d, why);
}

size_t disk_find_place(const struct disk *d, uint64_t place)
{
    size_t low = 0;
    size_t high = d->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (d->records[middle].place < place) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void drop(struct disk *d, size_t at)
{
    free(d->records[at].bytes);
    d->count--;
    memmove(d->records + at,
            d->records + at + 1,
            (d->count - at) * sizeof(d->records[0]));
}

static int move(void *context,
                struct event *const *events,
                size_t count,
                struct why *why)
{
    struct disk *d = context;
    int rc = fails(d, why);

    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = disk_find_place(d, events[i]->place);

        check(i == 0 || events[i]->sequence > events[i - 1]->sequence);
        if (at < d->count && d->records[at].place == events[i]->place) {
            check(d->records[at].sequence == events[i]->sequence);
            index_remove(d->index,
                         channel_of(&d->records[at]),
                         d->records[at].place,
                         d->records[at].len);
            drop(d, at);
        }
        add(d, events[i]);
    }
    keep_shown(d);
    return synced(d, why);
}

static int skip(void *context, const struct batch *skip, struct why *why)
{
    struct disk *d = context;
    int rc = fails(d, why);

    if (rc != 0) {
        return rc;
    }
    set(&d->have, skip->origin, skip->skip_to);
    know_low(d, skip->origin, skip->skip_to);
    set(&d->skipped, skip->origin, skip->skip_to);
    return synced(d, why);
}

static void show(void *context,
                 bool all,
                 uint64_t place,
                 const struct vector *shown)
{
    struct disk *d = context;

    d->shown = (struct log_shown){.all = all, .place = place, .vector = *shown};
}

static int find_key(void *context,
                    struct bytes channel,
                    struct bytes key,
                    uint64_t *ret_origin,
                    uint64_t *ret_sequence)
{
    const struct disk *d = context;

    for (size_t i = 0; i < d->count; i++) {
        const struct disk_record *r = &d->records[i];

        if (!r->damaged && bytes_equal(bytes_of(r->key, r->key_len), key) &&
            bytes_equal(channel_of(r), channel)) {
            *ret_origin = r->origin;
            *ret_sequence = r->sequence;
            return 0;
        }
    }
    return RC_NOT_FOUND;
}

static uint64_t reserved(void *context)
{
    const struct disk *d = context;

    return d->reserved;
}

static void reserve(void *context, uint64_t sequence)
{
    struct disk *d = context;

    d->reserve = sequence;
}

struct commit_log disk_commit_log(struct disk *d)
{
    return (struct commit_log){.context = d,
                               .last_sequence = last_sequence,
                               .append = append,
                               .move = move,
                               .skip = skip,
                               .show = show,
                               .find_key = find_key,
                               .reserved = reserved,
                               .reserve = reserve};
}

uint64_t disk_seek(struct disk *d, const struct vector *after)
{
    uint64_t slack = splitmix_below(&d->random, SEEK_SLACK);

    for (size_t i = 0; i < d->count; i++) {
        const struct disk_record *r = &d->records[i];

        if (r->sequence > vector_get(after, r->origin)) {
            return r->place > slack ? r->place - slack : 1;
        }
    }
    return d->last_place + 1;
}

void disk_read(struct disk *d,
               uint64_t from,
               size_t bytes_max,
               bool (*visit)(void *visitor, const struct replication_record *r),
               void *visitor)
{
    size_t bytes = 0;

    for (size_t i = disk_find_place(d, from); i < d->count; i++) {
        const struct disk_record *r = &d->records[i];
        const struct replication_record given = {
            .place = r->place,
            .origin = r->origin,
            .sequence = r->sequence,
            .predecessor = r->predecessor,
            .bytes = bytes_of(r->bytes, r->len)};

        if (r->damaged) {
            continue;
        }
        if (bytes > 0 && bytes + r->len > bytes_max) {
            return;
        }
        bytes += r->len;
        if (!visit(visitor, &given)) {
            return;
        }
    }
}

void disk_show_now(const struct disk *d, struct log_shown *ret)
{
    *ret = d->shown;
    if (ret->all) {
        ret->place = d->last_place;
        ret->vector = d->have;
    }
}

static const struct disk_record *find_record(const struct disk *d,
                                             uint64_t origin,
                                             uint64_t sequence)
{
    if (sequence > vector_get(&d->have, origin)) {
        return NULL;
    }
    for (size_t i = 0; i < d->count; i++) {
        const struct disk_record *r = &d->records[i];

        if (r->origin == origin && r->sequence == sequence) {
            return r;
        }
    }
    return NULL;
}

uint64_t disk_place(const struct disk *d, uint64_t origin, uint64_t sequence)
{
    const struct disk_record *r = find_record(d, origin, sequence);

    return r == NULL ? 0 : r->place;
}

bool disk_holds(const struct disk *d, uint64_t origin, uint64_t sequence)
{
    const struct disk_record *r = find_record(d, origin, sequence);

    return r != NULL && !r->damaged;
}

void disk_trim(struct disk *d)
{
    while (d->count > d->window_max) {
        const struct disk_record *r = &d->records[0];

        if (r->damaged) {
            set(&d->damaged, r->origin, r->sequence);
        } else {
            set(&d->low, r->origin, r->sequence);
            index_leave(d->index, channel_of(r), r->origin, r->sequence);
            index_drop_first(d->index, channel_of(r), r->place, r->len);
        }
        drop(d, 0);
    }
}

static void lower(struct vector *v, const struct record *record)
{
    if (vector_get(v, record->origin) == record->sequence) {
        vector_set(v, record->origin, record->predecessor);
    }
}

void disk_mend(struct disk *d,
               struct disk_record *r,
               const struct record *record)
{
    check(r->damaged && r->len == record->whole.len);
    if (!r->nameless && !bytes_equal(record->channel, channel_of(r))) {
        index_remove(d->index, channel_of(r), r->place, r->len);
        r->nameless = true;
    }
    if (r->nameless) {
        index_add(d->index, record->channel, r->place, r->len);
    }
    r->origin = record->origin;
    r->sequence = record->sequence;
    r->predecessor = record->predecessor;
    memcpy(r->bytes, record->whole.data, r->len);
    keep_text(r, record->channel, record->key);
    r->damaged = false;
    r->nameless = false;
    lower(&d->nameless, record);
    lower(&d->low, record);
}

/* Where a record has its name (storage/record.h). */
#define NAME_OFFSET 8
#define NAME_END (NAME_OFFSET + 16)

const struct disk_record *disk_flip(struct disk *d, uint64_t random)
{
    struct disk_record *r;
    struct record record;
    size_t at;

    if (d->count == 0) {
        return NULL;
    }
    r = &d->records[random % d->count];
    if (r->damaged) {
        return NULL;
    }
    at = (random >> 20) % r->len;
    r->damaged = true;
    r->named = at < NAME_OFFSET || at >= NAME_END;
    r->bytes[at] ^= (uint8_t)(1u << (random >> 40) % 8);
    check(record_decode(bytes_of(r->bytes, r->len), &record) != 0);
    return r;
}

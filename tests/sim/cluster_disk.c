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

void disk_init(struct disk *d, uint64_t identity, size_t window_max)
{
    *d = (struct disk){.identity = identity, .window_max = window_max};
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
    *d = (struct disk){0};
}

void disk_copy(struct disk *to, const struct disk *from)
{
    *to = *from;
    to->records = alloc_raw((from->count + 1) * sizeof(to->records[0]));
    to->capacity = from->count + 1;
    to->fault = DISK_GOOD;
    for (size_t i = 0; i < from->count; i++) {
        to->records[i] = from->records[i];
        to->records[i].bytes = alloc_raw(from->records[i].len);
        memcpy(
            to->records[i].bytes, from->records[i].bytes, from->records[i].len);
    }
}

void disk_open(struct disk *d)
{
    d->fault = DISK_GOOD;
    d->low = (struct vector){0};
    for (size_t i = 0; i < d->count; i++) {
        const struct disk_record *r = &d->records[i];

        if (!r->damaged && !vector_knows(&d->low, r->origin)) {
            set(&d->low, r->origin, r->predecessor);
        }
    }
    for (size_t i = 0; i < d->have.count; i++) {
        const struct vector_entry *e = &d->have.entries[i];

        if (!vector_knows(&d->low, e->origin)) {
            set(&d->low, e->origin, e->sequence);
        }
    }
    vector_merge(&d->low, &d->skipped);
    d->shown = (struct log_shown){
        .all = !d->shown_kept, .place = d->last_place, .vector = d->kept};
}

static uint64_t last_sequence(void *context, uint64_t origin)
{
    const struct disk *d = context;

    return vector_get(&d->have, origin);
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
    set(&d->have, event->origin, event->sequence);
    if (!vector_knows(&d->low, event->origin)) {
        set(&d->low, event->origin, event->predecessor);
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

static size_t find_place(const struct disk *d, uint64_t place)
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
        size_t at = find_place(d, events[i]->place);

        check(i == 0 || events[i]->sequence > events[i - 1]->sequence);
        if (at < d->count && d->records[at].place == events[i]->place) {
            check(d->records[at].sequence == events[i]->sequence);
            drop(d, at);
        }
        add(d, events[i]);
    }
    keep_shown(d);
    return synced(d, why);
}

static int skip(void *context,
                uint64_t origin,
                uint64_t sequence,
                struct why *why)
{
    struct disk *d = context;
    int rc = fails(d, why);

    if (rc != 0) {
        return rc;
    }
    set(&d->have, origin, sequence);
    set(&d->low, origin, sequence);
    set(&d->skipped, origin, sequence);
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
        struct record record;

        if (record_decode(bytes_of(r->bytes, r->len), &record) == 0 &&
            bytes_equal(record.key, key) &&
            bytes_equal(record.channel, channel)) {
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

    for (size_t i = find_place(d, from); i < d->count; i++) {
        const struct disk_record *r = &d->records[i];
        const struct replication_record given = {
            .place = r->place,
            .origin = r->origin,
            .sequence = r->sequence,
            .predecessor = r->predecessor,
            .bytes = bytes_of(r->bytes, r->len)};
        struct record record;

        if (record_decode(given.bytes, &record) != 0) {
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

bool disk_holds(const struct disk *d, uint64_t origin, uint64_t sequence)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct disk_record *r = &d->records[i];

        if (r->origin == origin && r->sequence == sequence) {
            return !r->damaged;
        }
    }
    return false;
}

void disk_trim(struct disk *d)
{
    while (d->count > d->window_max) {
        if (!d->records[0].damaged) {
            set(&d->low, d->records[0].origin, d->records[0].sequence);
        }
        drop(d, 0);
    }
}

const struct disk_record *disk_flip(struct disk *d, uint64_t random)
{
    struct disk_record *r;

    if (d->count == 0) {
        return NULL;
    }
    r = &d->records[random % d->count];
    if (r->damaged) {
        return NULL;
    }
    r->damaged = true;
    set(&d->damaged, r->origin, r->sequence);
    r->bytes[(random >> 20) % r->len] ^= (uint8_t)(1u << (random >> 40) % 8);
    return r;
}

/* Holes: whole records tell by their predecessors what is missing before. */
#include "tests/sim/cluster_mend.h"

#include "base/check.h"

static bool is_damaged_in(const struct disk *d,
                          uint64_t after_place,
                          uint64_t until_place)
{
    for (size_t i = disk_find_place(d, after_place + 1);
         i < d->count && d->records[i].place < until_place;
         i++) {
        if (d->records[i].damaged) {
            return true;
        }
    }
    return false;
}

/* What is hidden may yet be moved. */
static bool is_hidden(const struct disk *d, const struct replication_hole *hole)
{
    return !d->shown.all &&
           hole->until > vector_get(&d->shown.vector, hole->origin);
}

/* The oldest event of an origin is missed by nobody but the mark: there what
 * its head says is believed. */
static bool is_first(const struct disk *d, const struct disk_record *r)
{
    return r->damaged && r->named &&
           vector_get(&d->low, r->origin) == r->sequence;
}

size_t mend_holes(const struct disk *d,
                  struct replication_hole *ret,
                  size_t max)
{
    struct vector last = d->low;
    struct vector place = {0};
    size_t count = 0;

    for (size_t i = 0; i < d->count && count < max; i++) {
        const struct disk_record *r = &d->records[i];
        struct replication_hole hole = {.origin = r->origin,
                                        .after = vector_get(&last, r->origin),
                                        .until = r->predecessor,
                                        .after_place =
                                            vector_get(&place, r->origin),
                                        .until_place = r->place};

        if (is_first(d, r)) {
            hole.after = r->sequence - 1;
            hole.until = r->sequence;
            hole.after_place = r->place - 1;
            hole.until_place = r->place + 1;
            ret[count] = hole;
            count += !is_hidden(d, &hole);
        }
        if (r->damaged) {
            continue;
        }
        if (hole.until > hole.after && count < max && !is_hidden(d, &hole) &&
            is_damaged_in(d, hole.after_place, hole.until_place)) {
            ret[count++] = hole;
        }
        (void)vector_raise(&last, r->origin, r->sequence);
        (void)vector_raise(&place, r->origin, r->place);
    }
    return count;
}

/* Whether the disk still is as it was when the hole was found. */
static bool is_there(const struct disk *d, const struct log_hole *hole)
{
    size_t at = disk_find_place(d, hole->until_place);
    const struct disk_record *r = &d->records[at];

    if (at < d->count && r->place == hole->until_place && !r->damaged &&
        r->origin == hole->origin && r->predecessor == hole->until) {
        return true;
    }
    return hole->until_place - hole->after_place == 2 &&
           vector_get(&d->low, hole->origin) == hole->until;
}

/* Best where a damaged one says that it is that; else where one is as long. */
static struct disk_record *find_room(struct disk *d,
                                     const struct log_hole *hole,
                                     uint64_t after_place,
                                     const struct record *record)
{
    struct disk_record *first = NULL;

    for (size_t i = disk_find_place(d, after_place + 1);
         i < d->count && d->records[i].place < hole->until_place;
         i++) {
        struct disk_record *r = &d->records[i];

        if (!r->damaged || r->len != record->whole.len) {
            continue;
        }
        if (r->named && r->origin == record->origin &&
            r->sequence == record->sequence) {
            return r;
        }
        first = first == NULL ? r : first;
    }
    return first;
}

bool mend_fits(struct disk *d,
               const struct replication_hole *hole,
               const struct disk_record *r)
{
    const struct log_hole there = {.until_place = hole->until_place};
    struct record record;

    return r->origin == hole->origin && r->sequence > hole->after &&
           r->sequence <= hole->until && !r->damaged &&
           record_decode(bytes_of(r->bytes, r->len), &record) == 0 &&
           find_room(d, &there, hole->after_place, &record) != NULL;
}

size_t mend_fill(struct disk *d, const struct log_mend *m)
{
    struct peer_events rest = m->events;
    uint64_t place = m->hole.after_place;
    uint64_t sequence = m->hole.after;
    struct bytes bytes;
    size_t count = 0;

    if (!is_there(d, &m->hole)) {
        return 0;
    }
    while (peer_events_next(&rest, &bytes)) {
        struct record record;
        struct disk_record *r;

        if (record_decode(bytes, &record) != 0 ||
            record.origin != m->hole.origin || record.sequence <= sequence ||
            record.sequence > m->hole.until) {
            continue;
        }
        r = find_room(d, &m->hole, place, &record);
        if (r != NULL) {
            disk_mend(d, r, &record);
            place = r->place;
            sequence = record.sequence;
            count++;
        }
    }
    return count;
}

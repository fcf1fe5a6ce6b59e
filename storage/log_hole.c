/* Finding holes: a walk over the log from each damaged place until every origin
 * has been met behind it. */
#include "base/check.h"
#include "storage/log_private.h"
#include "storage/log_repair.h"

/* Where a record has its name (storage/record.h). */
#define NAME_OFFSET 8

struct finding {
    struct log *log;
    struct log_hole_walk *walk;
    struct log_shown shown;
    struct log_hole *holes;
    size_t max;
    size_t count;
};

/* What is hidden may yet be moved, and what was damaged then stays behind: put
 * back there, it would not be in its origin's order. */
static void add(struct finding *f, const struct log_hole *hole)
{
    bool hidden = !f->shown.all &&
                  hole->until > vector_get(&f->shown.vector, hole->origin);

    if (!hidden && f->count < f->max) { /* else the next walk finds it */
        f->holes[f->count++] = *hole;
    }
}

/* What the head of a record says, damaged or not. */
static bool name_of(MDB_val value, uint64_t *ret_origin, uint64_t *ret_sequence)
{
    struct bytes head;

    if (value.mv_size < RECORD_OVERHEAD_BYTES ||
        value.mv_size > LOG_RECORD_BYTES_MAX) {
        return false;
    }
    head = bytes_from(bytes_of(value.mv_data, value.mv_size), NAME_OFFSET);
    return bytes_take_u64(&head, ret_origin) &&
           bytes_take_u64(&head, ret_sequence) && *ret_sequence > 0;
}

bool log_hole_names(MDB_val value, uint64_t origin, uint64_t sequence)
{
    uint64_t named;
    uint64_t named_sequence;

    return name_of(value, &named, &named_sequence) && named == origin &&
           named_sequence == sequence;
}

/* The place that an origin's last record passed stands at, or before. */
static uint64_t after_place(const struct log_hole_walk *w, uint64_t origin)
{
    uint64_t place = vector_get(&w->after_place, origin);

    return place > 0 ? place : w->begin_place - 1;
}

static void pass_damaged(struct finding *f, uint64_t place, MDB_val value)
{
    struct log_hole_walk *w = f->walk;
    struct log_hole named = {.after_place = place - 1,
                             .until_place = place + 1};

    log_note_corrupt(f->log, place);
    w->damaged_place = place;
    if (!name_of(value, &named.origin, &named.until) ||
        !vector_knows(&w->after, named.origin)) {
        return;
    }
    named.after = named.until - 1;
    if (vector_get(&w->after, named.origin) == named.until &&
        log_seek_low(f->log, named.origin) == named.until) {
        add(f, &named); /* what the origin's first record comes after */
    }
    if (w->named_count < LOG_HOLE_NAMED_MAX) {
        w->named[w->named_count++] = named;
    }
}

static void pass_whole(struct finding *f,
                       uint64_t place,
                       const struct record *record)
{
    struct log_hole_walk *w = f->walk;
    uint64_t origin = record->origin;
    struct log_hole hole = {.origin = origin,
                            .after = vector_get(&w->after, origin),
                            .until = record->predecessor,
                            .after_place = after_place(w, origin),
                            .until_place = place};

    if (!vector_knows(&w->after, origin)) {
        return; /* there are too many origins to tell */
    }
    if (hole.until > hole.after &&
        log_corrupt_next(f->log, hole.after_place + 1, false) < place) {
        add(f, &hole);
    }
    for (size_t i = 0; i < w->named_count; i++) {
        if (w->named[i].origin == origin &&
            w->named[i].until == record->sequence) {
            hole = w->named[i];
            hole.whole_place = place;
            add(f, &hole);
        }
    }
    (void)vector_raise(&w->after, origin, record->sequence);
    (void)vector_raise(&w->after_place, origin, place);
}

/* About a page. MDB_NOTFOUND: the log has ended. */
static int walk_on(struct finding *f, MDB_cursor *cursor)
{
    struct log_hole_walk *w = f->walk;
    uint64_t place = w->next_place;
    MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
    MDB_val value;
    int error = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    size_t bytes = 0;

    while (error == 0 && f->count < f->max && bytes < LOG_PAGE_BYTES_MAX) {
        struct record record;

        memcpy(&place, key.mv_data, sizeof(place));
        if (log_read_record(value, &record) == 0) {
            pass_whole(f, place, &record);
            bytes += value.mv_size;
        } else {
            pass_damaged(f, place, value);
        }
        w->next_place = place + 1;
        error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return error;
}

static int walk(struct finding *f)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    int error = log_read_begin(f->log, &txn);

    if (error != 0) {
        return error;
    }
    error = mdb_cursor_open(txn, f->log->events, &cursor);
    if (error == 0) {
        error = walk_on(f, cursor);
        mdb_cursor_close(cursor);
    }
    log_read_end(f->log, txn);
    return error;
}

/* Whether every origin has been met behind the damage, or ends before it. */
static bool met_all(struct log *log, const struct log_hole_walk *w)
{
    bool all = true;

    pthread_mutex_lock(&log->known_lock);
    for (size_t n = 0; all && n < log->origin_count; n++) {
        const struct log_origin *o = &log->origins[n];

        all = o->last.place <= w->damaged_place ||
              !vector_knows(&w->after, o->origin) ||
              vector_get(&w->after_place, o->origin) > w->damaged_place;
    }
    pthread_mutex_unlock(&log->known_lock);
    return all;
}

/* Begin a stretch at the next damaged place. 0: there is none. */
static int begin(struct log *log, struct log_hole_walk *w, struct why *why)
{
    uint64_t place = log_corrupt_next(log, w->next_place, false);
    struct vector after;
    int rc;

    if (place == UINT64_MAX) {
        *w = (struct log_hole_walk){0};
        return 0;
    }
    rc = log_seek_vector_at(log, place - 1, &after, why);
    if (rc != 0) {
        return rc;
    }
    *w = (struct log_hole_walk){.next_place = place,
                                .begin_place = place,
                                .damaged_place = place,
                                .after = after};
    return 1;
}

int log_hole_find(struct log *log,
                  struct log_hole_walk *w,
                  struct log_hole *ret,
                  size_t max,
                  size_t *ret_count,
                  struct why *why)
{
    struct finding f = {.log = log, .walk = w, .holes = ret, .max = max};
    int rc = 1;
    int error;

    check(max > 0);
    log_show_now(log, &f.shown);
    if (w->begin_place == 0 || met_all(log, w)) {
        rc = begin(log, w, why);
    }
    if (rc == 1) {
        error = walk(&f);
        if (error == MDB_NOTFOUND) {
            *w = (struct log_hole_walk){0};
            rc = 0;
        } else if (error != 0) {
            log_why(log, error, "cannot read the log", why);
            rc = RC_IO;
        }
    }
    *ret_count = f.count;
    return rc;
}

/* Repair: whole records in the place of damaged ones. */
#include "storage/log_repair.h"

#include "base/alloc.h"
#include "base/check.h"
#include "storage/log_private.h"

#include <stdlib.h>

#define DAMAGED_NAME "damaged"

/* For each of the trees that a repair writes to. */
#define TREE_PAGES 64

struct mended {
    uint64_t place;
    struct record record;
};

struct repairing {
    struct log *log;
    const struct log_hole *hole;
    MDB_txn *txn;
    MDB_dbi damaged;
    MDB_cursor *cursor; /* over the events */
    struct mended *mended;
    size_t count;
};

static bool get(const struct repairing *r, uint64_t place, MDB_val *ret)
{
    MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};

    return mdb_cursor_get(r->cursor, &key, ret, MDB_SET) == 0;
}

/* Whether the log still is as it was when the hole was found. */
static bool is_there(const struct repairing *r)
{
    const struct log_hole *hole = r->hole;
    struct record record;
    MDB_val value;

    if (hole->whole_place != 0) {
        return get(r, hole->whole_place, &value) &&
               log_read_record(value, &record) == 0 &&
               record.origin == hole->origin && record.sequence == hole->until;
    }
    if (get(r, hole->until_place, &value) &&
        log_read_record(value, &record) == 0 && record.origin == hole->origin &&
        record.predecessor == hole->until) {
        return true;
    }
    return hole->until_place - hole->after_place == 2 &&
           log_seek_low(r->log, hole->origin) == hole->until;
}

/* Where a record belongs, behind the place `after`; 0: nowhere. A length that
 * differs is LMDB's own that is damaged: it is better not touched. */
static uint64_t find_place(const struct repairing *r,
                           uint64_t after,
                           const struct record *record)
{
    uint64_t place = after;
    uint64_t first = 0;
    struct record whole;
    MDB_val value;

    while ((place = log_corrupt_next(r->log, place + 1, false)) <
           r->hole->until_place) {
        if (!get(r, place, &value) || value.mv_size != record->whole.len ||
            log_read_record(value, &whole) == 0) {
            continue;
        }
        if (log_hole_names(value, record->origin, record->sequence)) {
            return place;
        }
        first = first == 0 ? place : first;
    }
    return first;
}

/* Keep the damaged bytes, and let go of the oldest of those. */
static int set_aside(const struct repairing *r, uint64_t place)
{
    MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
    MDB_val oldest;
    MDB_val value;
    MDB_stat stat;
    MDB_cursor *cursor;
    uint8_t *copy;
    int error;

    check(get(r, place, &value));
    copy = alloc_raw(value.mv_size);
    memcpy(copy, value.mv_data, value.mv_size);
    value.mv_data = copy;
    error = mdb_put(r->txn, r->damaged, &key, &value, 0);
    free(copy);
    if (error == 0) {
        error = mdb_cursor_open(r->txn, r->damaged, &cursor);
    }
    if (error != 0) {
        return error;
    }
    while (error == 0 && mdb_stat(r->txn, r->damaged, &stat) == 0 &&
           stat.ms_entries > 1 &&
           (stat.ms_leaf_pages + stat.ms_overflow_pages) * r->log->page_bytes >
               LOG_REPAIR_KEPT_BYTES_MAX) {
        error = mdb_cursor_get(cursor, &key, &oldest, MDB_FIRST);
        error = error == 0 ? mdb_cursor_del(cursor, 0) : error;
    }
    mdb_cursor_close(cursor);
    return error;
}

static int mend(struct repairing *r,
                uint64_t place,
                const struct record *record)
{
    MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
    MDB_val value = {.mv_size = record->whole.len,
                     .mv_data = (void *)(uintptr_t)record->whole.data};
    int error = set_aside(r, place);

    if (error == 0) {
        error = mdb_cursor_put(r->cursor, &key, &value, 0);
    }
    if (error == 0) {
        r->mended[r->count++] =
            (struct mended){.place = place, .record = *record};
    }
    return error;
}

static int mend_all(struct repairing *r,
                    const struct bytes *records,
                    size_t count)
{
    uint64_t sequence = r->hole->after;
    uint64_t place = r->hole->after_place;
    int error = 0;

    for (size_t n = 0; error == 0 && n < count; n++) {
        struct record record;
        uint64_t at;

        if (record_decode(records[n], &record) != 0 || record.gone ||
            record.origin != r->hole->origin || record.sequence <= sequence ||
            record.sequence > r->hole->until) {
            continue;
        }
        at = find_place(r, place, &record);
        if (at != 0) {
            error = mend(r, at, &record);
            place = at;
            sequence = record.sequence;
        }
    }
    return error;
}

/* The damaged record is one that stands further on. */
static int clear(struct repairing *r)
{
    uint64_t place = r->hole->after_place + 1;
    struct record record;
    MDB_val value;
    int error;

    check(get(r, r->hole->whole_place, &value));
    check(log_read_record(value, &record) == 0);
    if (find_place(r, place - 1, &record) != place) {
        return 0;
    }
    error = set_aside(r, place);
    if (error == 0) {
        check(get(r, place, &value));
        error = mdb_cursor_del(r->cursor, 0);
    }
    r->mended[r->count++] = (struct mended){.place = place};
    return error;
}

static int repair(struct repairing *r,
                  const struct bytes *records,
                  size_t count)
{
    unsigned flags = MDB_CREATE | MDB_INTEGERKEY;
    int error = mdb_txn_begin(r->log->env, NULL, 0, &r->txn);

    if (error != 0) {
        return error;
    }
    error = mdb_dbi_open(r->txn, DAMAGED_NAME, flags, &r->damaged);
    if (error == 0) {
        error = mdb_cursor_open(r->txn, r->log->events, &r->cursor);
    }
    if (error == 0 && is_there(r)) {
        error =
            r->hole->whole_place != 0 ? clear(r) : mend_all(r, records, count);
    }
    if (error != 0 || r->count == 0) {
        mdb_txn_abort(r->txn);
        return error;
    }
    return mdb_txn_commit(r->txn);
}

static bool is_indexed(struct log *log, struct bytes channel, uint64_t place)
{
    uint64_t found;

    return index_on_disk(log->index, channel, place - 1, &found, 1) == 1 &&
           found == place;
}

/* A record that was damaged when the log opened is in no table; one that was
 * whole then, in all of them. */
static void settle(struct log *log, const struct mended *m)
{
    const struct record *record = &m->record;

    if (!is_indexed(log, record->channel, m->place)) {
        index_add(log->index, record->channel, m->place, record->whole.len);
    }
    log_find_forget(log, record->channel, record->key, m->place);
    log_find_add(log, record->channel, record->key, m->place);
    log_seek_insert(
        log, record->origin, record->sequence, record->predecessor, m->place);
}

static bool keep(uint64_t place, const struct record *record, void *context)
{
    struct event **ret = context;

    (void)place;
    *ret = event_new_keyed(record->channel, record->content, record->key);
    return true;
}

/* As log_move() does with what has another place now. */
static void settle_clear(struct log *log, const struct log_hole *hole)
{
    uint64_t place = hole->after_place + 1;
    struct event *event = NULL;

    if (log_read_places(log, &hole->whole_place, 1, keep, &event, NULL) == 0 &&
        event != NULL) {
        index_remove(log->index, event->channel, place, record_len(event));
        log_find_forget(log, event->channel, event->key, place);
        event_unref(event);
    }
}

int log_repair(struct log *log,
               const struct log_hole *hole,
               const struct bytes *records,
               size_t count,
               struct why *why)
{
    struct repairing r = {.log = log, .hole = hole};
    uint64_t pages = 2 * TREE_PAGES;
    int error;

    check(!log->read_only);
    if (log->failed) {
        return why_set(why, RC_IO, "the log '%s' failed before", log->dir);
    }
    for (size_t n = 0; n < count; n++) {
        pages += 2 * (records[n].len / log->page_bytes + 2);
    }
    log_grow_prepare(log, pages);
    r.mended = alloc_zero((count + 1) * sizeof(r.mended[0]));
    error = repair(&r, records, count);
    for (size_t n = 0; error == 0 && n < r.count; n++) {
        if (hole->whole_place != 0) {
            settle_clear(log, hole);
        } else {
            settle(log, &r.mended[n]);
        }
        log_forget_corrupt(log, r.mended[n].place);
    }
    free(r.mended);
    return error == 0 ? (int)r.count
                      : log_append_failed(log, error, pages, why);
}

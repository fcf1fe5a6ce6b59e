/* Appending: one transaction a batch, on disk before log_append() returns. */
#include "storage/log_private.h"

#include "base/check.h"

/* How LMDB lays out a page (0.9, 64 bit): a value whose node exceeds half a
 * page moves to pages of its own, behind a header. */
#define PAGE_HEAD_BYTES 16
#define NODE_HEAD_BYTES (8 + sizeof(uint64_t) + 2)
#define NODE_OVERFLOW_BYTES (NODE_HEAD_BYTES + sizeof(uint64_t))

/* Copies of the pages on the way to the tail of each tree, and LMDB's own
 * notes about free pages. */
#define COPIED_PAGES 64

/* An upper bound of the new pages that a batch needs. */
static uint64_t batch_pages(const struct log *log,
                            struct event *const *events,
                            size_t count)
{
    uint64_t half = (log->page_bytes - PAGE_HEAD_BYTES) / 2;
    uint64_t leaf_bytes = 0;
    uint64_t pages = COPIED_PAGES;
    uint64_t leaves;

    for (size_t n = 0; n < count; n++) {
        uint64_t len = record_len(events[n]);

        if (NODE_HEAD_BYTES + len <= half) {
            leaf_bytes += NODE_HEAD_BYTES + len;
        } else {
            leaf_bytes += NODE_OVERFLOW_BYTES;
            pages += (len + PAGE_HEAD_BYTES) / log->page_bytes + 1;
        }
    }
    /* Every leaf but the last is at least half full. */
    leaves = leaf_bytes / half + 1;
    return pages + leaves + leaves / 64;
}

static int put_event(MDB_cursor *cursor, uint64_t place, struct event *event)
{
    MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
    MDB_val value = {.mv_size = record_len(event)};
    int error = mdb_cursor_put(cursor, &key, &value, MDB_APPEND | MDB_RESERVE);

    if (error == 0) {
        record_encode(event, value.mv_data);
    }
    return error;
}

static int delete_place(MDB_cursor *cursor, uint64_t place)
{
    MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
    MDB_val value;
    int error = mdb_cursor_get(cursor, &key, &value, MDB_SET);

    if (error != 0) {
        return error == MDB_NOTFOUND ? 0 : error;
    }
    return mdb_cursor_del(cursor, 0);
}

static int put_events(struct log *log,
                      struct event *const *events,
                      size_t count,
                      bool moves)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    int error = mdb_txn_begin(log->env, NULL, 0, &txn);

    if (error != 0) {
        return error;
    }
    error = mdb_cursor_open(txn, log->events, &cursor);
    for (size_t n = 0; error == 0 && moves && n < count; n++) {
        error = delete_place(cursor, events[n]->place);
    }
    for (size_t n = 0; error == 0 && n < count; n++) {
        error = put_event(cursor, log->last_place + 1 + n, events[n]);
    }
    if (error == 0) {
        error = log_meta_save_shown(log, txn);
    }
    if (error == 0 && log->reserve_next > log->reserved) {
        error = log_meta_reserve(log, txn, log->reserve_next);
    }
    if (error != 0) {
        mdb_txn_abort(txn);
        return error;
    }
    return mdb_txn_commit(txn);
}

/* Ask log_trim() for as much room as this batch needs, and some more. */
static void press(struct log *log, uint64_t pages)
{
    uint64_t room = 2 * pages * log->page_bytes;
    uint64_t window;
    MDB_txn *txn;

    if (log_read_begin(log, &txn) != 0) {
        return;
    }
    window = log_grow_window(log, txn);
    log_read_end(log, txn);
    room += window / 16;
    log->trim_floor = window > room ? window - room : 0;
    log->pressed = true;
}

int log_append_failed(struct log *log,
                      int error,
                      uint64_t pages,
                      struct why *why)
{
    if (log_rc(error) == RC_NO_SPACE && log_writable(log)) {
        press(log, pages);
        return why_set(why,
                       RC_NO_SPACE,
                       "no room for new events in the log '%s' (%s): free "
                       "space on its disk or raise its size; nothing was lost",
                       log->dir,
                       mdb_strerror(error));
    }
    log->failed = true;
    return why_set(why,
                   RC_IO,
                   "writing the log '%s' failed (%s): what reached the disk "
                   "is unknown; check the disk, then start again",
                   log->dir,
                   mdb_strerror(error));
}

/* Check the names of a batch and its sizes. */
static int admit(struct log *log, struct event *const *events, size_t count)
{
    uint64_t bytes = 0;
    uint64_t last = 0;

    for (size_t n = 0; n < count; n++) {
        const struct event *event = events[n];

        if (n == 0 || event->origin != events[n - 1]->origin) {
            last = log_last_sequence(log, event->origin);
        }
        check(event->origin != 0 && event->origin <= EVENT_ORIGIN_MAX);
        check(event->sequence > last);
        check(event->sequence > event->predecessor);
        last = event->sequence;
        bytes += record_len(event);
        if (record_len(event) > LOG_RECORD_BYTES_MAX) {
            return RC_TOO_LARGE;
        }
    }
    return bytes > LOG_BATCH_BYTES_MAX ? RC_TOO_LARGE : 0;
}

/* The batch is on disk: let everyone see it. */
void log_append_settle(struct log *log,
                       struct event *const *events,
                       size_t count)
{
    for (size_t n = 0; n < count; n++) {
        struct event *event = events[n];

        if (n + 1 == count || event->origin != events[n + 1]->origin) {
            log_note_sequence(log, event->origin, event->sequence);
        }
        event->place = log->last_place + 1 + n;
        if (event->gone) {
            log_thin_note(log, event->channel, event->origin, event->sequence);
        } else {
            index_add(
                log->index, event->channel, event->place, record_len(event));
        }
        log_seek_note(log,
                      event->origin,
                      event->sequence,
                      event->predecessor,
                      event->place);
        log_find_add(log, event->channel, event->key, event->place);
    }
    pthread_mutex_lock(&log->known_lock);
    log->last_place += count;
    log_show_appended(log, events, count);
    log->shown_kept = log->shown_kept && !log->shown.all;
    if (log->reserve_next > log->reserved) {
        log->reserved = log->reserve_next;
    }
    pthread_mutex_unlock(&log->known_lock);
}

int log_append_store(struct log *log,
                     struct event *const *events,
                     size_t count,
                     bool moves,
                     struct why *why)
{
    uint64_t pages = batch_pages(log, events, count);
    int error;

    log_grow_prepare(log, pages);
    error = put_events(log, events, count, moves);
    return error == 0 ? 0 : log_append_failed(log, error, pages, why);
}

int log_append(struct log *log,
               struct event *const *events,
               size_t count,
               struct why *why)
{
    int rc;

    check(!log->read_only && count > 0);
    if (log->failed) {
        return why_set(why,
                       RC_IO,
                       "the log '%s' failed before and takes no more events",
                       log->dir);
    }
    if (admit(log, events, count) != 0) {
        return why_set(
            why,
            RC_TOO_LARGE,
            "an event's record exceeds %llu bytes, or a batch's %llu",
            (unsigned long long)LOG_RECORD_BYTES_MAX,
            (unsigned long long)LOG_BATCH_BYTES_MAX);
    }
    rc = log_append_store(log, events, count, false, why);
    if (rc != 0) {
        return rc;
    }
    log_append_settle(log, events, count);
    if (log->pressed) {
        log->pressed = false;
        log->trim_floor = UINT64_MAX;
    }
    return 0;
}

static void show_skipped(struct log *log, uint64_t origin, uint64_t sequence)
{
    pthread_mutex_lock(&log->known_lock);
    if (log->shown.all) {
        (void)vector_raise(&log->shown.vector, origin, sequence);
    }
    pthread_mutex_unlock(&log->known_lock);
}

int log_append_skip(struct log *log,
                    uint64_t origin,
                    uint64_t sequence,
                    struct why *why)
{
    const struct vector_entry skip = {.origin = origin, .sequence = sequence};
    int error;

    check(!log->read_only);
    if (log->failed) {
        return why_set(why, RC_IO, "the log '%s' failed before", log->dir);
    }
    error = log_meta_commit(log, &skip);
    if (error != 0) {
        return log_append_failed(log, error, 0, why);
    }
    log_seek_skip(log, origin, sequence);
    log_note_sequence(log, origin, sequence);
    show_skipped(log, origin, sequence);
    return 0;
}

int log_append_fork(struct log *log,
                    uint64_t origin,
                    uint64_t sequence,
                    struct why *why)
{
    const struct vector before = log->forked;
    int error;

    check(!log->read_only);
    if (log->failed) {
        return why_set(why, RC_IO, "the log '%s' failed before", log->dir);
    }
    if (!vector_raise(&log->forked, origin, sequence)) {
        return why_set(why,
                       RC_NO_SPACE,
                       "the log '%s' has too many origins that forked",
                       log->dir);
    }
    error = log_meta_commit(log, NULL);
    if (error != 0) {
        log->forked = before;
        return log_append_failed(log, error, 0, why);
    }
    log_seek_skip(log, origin, sequence);
    return 0;
}

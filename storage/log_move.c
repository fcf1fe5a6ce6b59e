/* Events that take a new place, because others were shown before them. */
#include "storage/log_private.h"

#include "base/check.h"

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

static int move_events(struct log *log,
                       struct event *const *events,
                       size_t count)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    int error = mdb_txn_begin(log->env, NULL, 0, &txn);

    if (error != 0) {
        return error;
    }
    error = mdb_cursor_open(txn, log->events, &cursor);
    for (size_t n = 0; error == 0 && n < count; n++) {
        error = delete_place(cursor, events[n]->place);
    }
    if (error == 0) {
        error = log_append_put(log, txn, cursor, events, count);
    }
    if (error != 0) {
        mdb_txn_abort(txn);
        return error;
    }
    return mdb_txn_commit(txn);
}

int log_move(struct log *log,
             struct event *const *events,
             size_t count,
             struct why *why)
{
    uint64_t pages;
    int error;

    check(!log->read_only && count > 0);
    pages = log_append_pages(log, events, count);
    log_grow_prepare(log, pages);
    error = move_events(log, events, count);
    if (error != 0) {
        return log_append_failed(log, error, pages, why);
    }
    log_seek_rewind(log, events[0]->origin, events[0]->sequence);
    for (size_t n = 0; n < count; n++) {
        struct event *event = events[n];

        index_remove(
            log->index, event->channel, event->place, record_len(event));
        log_find_forget(log, event->channel, event->key, event->place);
    }
    log_append_settle(log, events, count);
    return 0;
}

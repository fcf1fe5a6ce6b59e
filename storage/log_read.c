/* Reading the log: a page a transaction, which then ends, because LMDB cannot
 * reuse what a reader might still look at. */
#include "storage/log_private.h"

#include "base/check.h"

static MDB_txn *take_idle(struct log *log)
{
    MDB_txn *txn = NULL;

    pthread_mutex_lock(&log->known_lock);
    if (log->idle_count > 0) {
        txn = log->idle[--log->idle_count];
    }
    pthread_mutex_unlock(&log->known_lock);
    return txn;
}

/* A transaction that was used before keeps its place in LMDB's table of readers
 * and is cheaper to start. */
static int begin(struct log *log, MDB_txn **ret_txn)
{
    MDB_txn *txn = take_idle(log);
    int error;

    if (txn == NULL) {
        return mdb_txn_begin(log->env, NULL, MDB_RDONLY, ret_txn);
    }
    error = mdb_txn_renew(txn);
    if (error != 0) {
        mdb_txn_abort(txn);
        return error;
    }
    *ret_txn = txn;
    return 0;
}

int log_read_begin(struct log *log, MDB_txn **ret_txn)
{
    int error;

    pthread_rwlock_rdlock(&log->map_lock);
    error = begin(log, ret_txn);
    if (error == MDB_MAP_RESIZED) {
        /* Beside a running node whose log has grown. */
        pthread_rwlock_unlock(&log->map_lock);
        pthread_rwlock_wrlock(&log->map_lock);
        mdb_env_set_mapsize(log->env, 0);
        pthread_rwlock_unlock(&log->map_lock);
        pthread_rwlock_rdlock(&log->map_lock);
        error = begin(log, ret_txn);
    }
    if (error != 0) {
        pthread_rwlock_unlock(&log->map_lock);
    }
    return error;
}

void log_read_end(struct log *log, MDB_txn *txn)
{
    mdb_txn_reset(txn);
    pthread_mutex_lock(&log->known_lock);
    if (log->idle_count < LOG_IDLE_READERS_MAX) {
        log->idle[log->idle_count++] = txn;
        txn = NULL;
    }
    pthread_mutex_unlock(&log->known_lock);
    mdb_txn_abort(txn);
    pthread_rwlock_unlock(&log->map_lock);
}

void log_read_close(struct log *log)
{
    while (log->idle_count > 0) {
        mdb_txn_abort(log->idle[--log->idle_count]);
    }
}

int log_read_record(MDB_val value, struct record *ret)
{
    /* A flipped bit in one of LMDB's own pages may name any length. This much
     * is there behind any value: see the reserve in log_grow.c. */
    if (value.mv_size > LOG_RECORD_BYTES_MAX) {
        return RC_CORRUPT;
    }
    return record_decode(bytes_of(value.mv_data, value.mv_size), ret);
}

struct page {
    bool (*visit)(uint64_t place, const struct record *record, void *context);
    void *context;
    size_t bytes_left;
    bool started;
};

/* One record to the visitor; false ends the page. */
static bool visit_value(struct log *log,
                        struct page *page,
                        uint64_t place,
                        MDB_val value)
{
    struct record record;

    if (page->started && value.mv_size > page->bytes_left) {
        return false;
    }
    if (log_read_record(value, &record) != 0) {
        log_note_corrupt(log, place);
        return true;
    }
    page->started = true;
    page->bytes_left -=
        value.mv_size < page->bytes_left ? value.mv_size : page->bytes_left;
    return page->visit(place, &record, page->context);
}

static int read_failed(struct log *log, int error, struct why *why)
{
    if (error == 0 || error == MDB_NOTFOUND) {
        return 0;
    }
    log_why(log, error, "cannot read the log", why);
    return RC_IO;
}

/* What one transaction is to visit. */
struct reading {
    uint64_t from;
    const uint64_t *places;
    size_t place_count;
    struct page page;
};

/* Walk a cursor over it inside a transaction. */
static int read_page(struct log *log,
                     int (*walk)(struct log *log,
                                 MDB_cursor *cursor,
                                 struct reading *r),
                     struct reading *r,
                     struct why *why)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    int error = log_read_begin(log, &txn);

    if (error != 0) {
        return read_failed(log, error, why);
    }
    error = mdb_cursor_open(txn, log->events, &cursor);
    if (error == 0) {
        error = walk(log, cursor, r);
        mdb_cursor_close(cursor);
    }
    log_read_end(log, txn);
    return read_failed(log, error, why);
}

static int walk_on(struct log *log, MDB_cursor *cursor, struct reading *r)
{
    uint64_t place = r->from;
    MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
    MDB_val value;
    int error = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

    while (error == 0) {
        memcpy(&place, key.mv_data, sizeof(place));
        if (!visit_value(log, &r->page, place, value)) {
            break;
        }
        error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return error;
}

static int walk_back(struct log *log, MDB_cursor *cursor, struct reading *r)
{
    uint64_t place = r->from;
    MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
    MDB_val value;
    int error = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

    if (error == MDB_NOTFOUND) {
        error = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    }
    while (error == 0) {
        memcpy(&place, key.mv_data, sizeof(place));
        if (place <= r->from && !visit_value(log, &r->page, place, value)) {
            break;
        }
        error = mdb_cursor_get(cursor, &key, &value, MDB_PREV);
    }
    return error;
}

static int walk_places(struct log *log, MDB_cursor *cursor, struct reading *r)
{
    for (size_t n = 0; n < r->place_count; n++) {
        uint64_t place = r->places[n];
        MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
        MDB_val value;
        int error = mdb_cursor_get(cursor, &key, &value, MDB_SET_KEY);

        if (error == MDB_NOTFOUND) {
            continue;
        }
        if (error != 0) {
            return error;
        }
        if (!visit_value(log, &r->page, place, value)) {
            break;
        }
    }
    return 0;
}

int log_read(struct log *log,
             uint64_t from,
             size_t bytes_max,
             bool (*visit)(uint64_t place,
                           const struct record *record,
                           void *context),
             void *context,
             struct why *why)
{
    struct reading r = {
        .from = from,
        .page = {.visit = visit, .context = context, .bytes_left = bytes_max}};

    check(bytes_max <= LOG_PAGE_BYTES_MAX);
    return read_page(log, walk_on, &r, why);
}

int log_read_back(struct log *log,
                  uint64_t from,
                  size_t bytes_max,
                  bool (*visit)(uint64_t place,
                                const struct record *record,
                                void *context),
                  void *context,
                  struct why *why)
{
    struct reading r = {
        .from = from,
        .page = {.visit = visit, .context = context, .bytes_left = bytes_max}};

    check(bytes_max <= LOG_PAGE_BYTES_MAX);
    return read_page(log, walk_back, &r, why);
}

int log_read_places(struct log *log,
                    const uint64_t *places,
                    size_t count,
                    bool (*visit)(uint64_t place,
                                  const struct record *record,
                                  void *context),
                    void *context,
                    struct why *why)
{
    struct reading r = {
        .places = places,
        .place_count = count,
        .page = {.visit = visit, .context = context, .bytes_left = SIZE_MAX}};

    return read_page(log, walk_places, &r, why);
}

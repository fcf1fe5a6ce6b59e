/* Trimming: the oldest events leave the disk and the index, a bounded step a
 * transaction, and what must be known of them for ever goes to `meta`. */
#include "storage/log_private.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/check.h"
#include "storage/log_evict.h"

/* How far a corrupt head is looked past to learn how old it is. */
#define LOOK_PAST_MAX 64

/* How far behind a head that was lost it is looked for what came after it. */
#define LOOK_BEHIND_MAX 4096

/* Clearing up after readers that were killed, once in so many steps. */
#define READER_CHECK_STEPS 64

/* One step of trimming. That its events are about to go is said at once, before
 * the commit; until then they stand in `left`. What it removes from the index
 * it removes after the commit; until then that stands in `gone`. */
struct step {
    uint64_t older_than_ms;
    size_t count_max;
    size_t count;
    bool lost; /* some of what went was damaged */
    struct buffer left;
    struct buffer gone;
    size_t heads_end; /* in `gone`: what follows was not at the head */

    size_t quota; /* so many go for the sake of memory, and no others then:
                     who has most there may have little on disk */
    bool shared;  /* only whose `evict.heavy` is, while there are any */
    bool spared;  /* the head is another's */
    struct log_evict evict;
    struct log *log;
};

#define GONE_BYTES_MAX (3 * sizeof(uint64_t) + 2 * (1 + UINT8_MAX))

/* `record` is zeroed when it is corrupt. */
static void gone_add(struct step *step,
                     uint64_t place,
                     size_t record_bytes,
                     const struct record *record)
{
    buffer_u64(&step->gone, place);
    buffer_u64(&step->gone, record_bytes);
    buffer_u64(&step->gone, record->origin);
    buffer_u8(&step->gone, (uint8_t)record->channel.len);
    buffer_append(&step->gone, record->channel);
    buffer_u8(&step->gone, (uint8_t)record->key.len);
    buffer_append(&step->gone, record->key);
    check(!step->gone.overflowed);
}

static void forget_gone(struct log *log, const struct step *step)
{
    struct bytes rest = buffer_view(&step->gone);
    struct bytes channel;
    struct bytes key;
    uint64_t place;
    uint64_t record_bytes;
    uint64_t origin;
    uint8_t channel_len;
    uint8_t key_len;

    while (rest.len > 0) {
        bool head = step->gone.len - rest.len < step->heads_end;

        check(bytes_take_u64(&rest, &place));
        check(bytes_take_u64(&rest, &record_bytes));
        check(bytes_take_u64(&rest, &origin));
        check(bytes_take_u8(&rest, &channel_len));
        check(bytes_take(&rest, channel_len, &channel));
        check(bytes_take_u8(&rest, &key_len));
        check(bytes_take(&rest, key_len, &key));
        if (channel_len > 0) {
            index_drop_first(log->index, channel, place, record_bytes);
            if (head) {
                log_seek_forget(log, origin, place);
            }
            log_find_forget(log, channel, key, place);
        }
        log_forget_corrupt(log, place);
    }
}

/* The sequence of the first whole record at the head; 0 when there is none
 * near. Leaves the cursor somewhere behind the head. */
static uint64_t head_sequence(MDB_cursor *cursor)
{
    MDB_cursor_op op = MDB_FIRST;

    for (unsigned n = 0; n < LOOK_PAST_MAX; n++) {
        MDB_val key;
        MDB_val value;
        struct record record;

        if (mdb_cursor_get(cursor, &key, &value, op) != 0) {
            break;
        }
        if (log_read_record(value, &record) == 0) {
            return record.sequence;
        }
        op = MDB_NEXT;
    }
    return 0;
}

static bool over_budget(struct log *log, MDB_txn *txn)
{
    uint64_t window = log_grow_window(log, txn);
    uint64_t low = log->bytes_max - log->bytes_max / 64;

    if (window > log->bytes_max && log->trim_floor > low) {
        log->trim_floor = low;
    }
    return window > log->trim_floor;
}

static bool head_must_go(struct log *log,
                         MDB_txn *txn,
                         MDB_cursor *cursor,
                         const struct step *step)
{
    uint64_t sequence;

    if (step->quota > 0 ? step->count < step->quota : over_budget(log, txn)) {
        return true;
    }
    if (step->older_than_ms == 0) {
        return false;
    }
    sequence = head_sequence(cursor);
    return sequence != 0 && event_sequence_ms(sequence) < step->older_than_ms;
}

/* Whether the head stays, and the oldest of another namespace go. */
static bool is_spared(const struct step *step, const struct record *record)
{
    return step->shared && log_evict_spares(&step->evict.heavy, record) &&
           event_sequence_ms(record->sequence) >= step->older_than_ms;
}

static int delete_head(struct log *log, MDB_cursor *cursor, struct step *step)
{
    MDB_val key;
    MDB_val value;
    struct record record = {0};
    uint64_t place;
    int error = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);

    if (error != 0) {
        return error;
    }
    memcpy(&place, key.mv_data, sizeof(place));
    if (log_read_record(value, &record) == 0) {
        const struct log_left left = {.origin = record.origin,
                                      .sequence = record.sequence,
                                      .predecessor = record.predecessor};

        if (is_spared(step, &record)) {
            step->spared = true;
            return 0;
        }
        buffer_append(&step->left, bytes_of(&left, sizeof(left)));
        if (!record.gone) {
            index_leave(
                log->index, record.channel, record.origin, record.sequence);
        }
    } else {
        step->lost = true;
    }
    gone_add(step, place, value.mv_size, &record);
    step->count++;
    return mdb_cursor_del(cursor, 0);
}

static void on_evict(void *context, uint64_t place, const struct record *record)
{
    struct step *step = context;

    index_leave(
        step->log->index, record->channel, record->origin, record->sequence);
    gone_add(step, place, record->whole.len, record);
}

/* A damaged record that goes does not say what it was, but the first whole one
 * of its origin that is left says what came before it. */
static void note_lost(struct log *log, MDB_cursor *cursor)
{
    struct vector met = {0};
    MDB_cursor_op op = MDB_FIRST;
    uint64_t damaged = 0;

    for (unsigned n = 0; n < LOOK_BEHIND_MAX; n++, op = MDB_NEXT) {
        MDB_val key;
        MDB_val value;
        struct record record;
        uint64_t place;

        if (mdb_cursor_get(cursor, &key, &value, op) != 0) {
            return;
        }
        memcpy(&place, key.mv_data, sizeof(place));
        damaged = n == 0 ? log_corrupt_next(log, place, false) : damaged;
        if (place >= damaged) {
            return; /* it may be whole again; else it goes, too */
        }
        if (log_read_record(value, &record) == 0 &&
            !vector_knows(&met, record.origin) &&
            vector_raise(&met, record.origin, record.sequence)) {
            log_seek_lose(log, record.origin, record.predecessor);
        }
    }
}

static int delete_heads(struct log *log,
                        MDB_txn *txn,
                        MDB_cursor *cursor,
                        struct step *step)
{
    int error = 0;

    step->spared = false;
    while (error == 0 && !step->spared && step->count < step->count_max &&
           head_must_go(log, txn, cursor, step)) {
        error = delete_head(log, cursor, step);
    }
    return error == MDB_NOTFOUND ? 0 : error;
}

/* What the log is to lose for its budget on disk, about. */
static uint64_t excess(struct log *log, MDB_txn *txn)
{
    uint64_t window = log_grow_window(log, txn);

    return window > log->trim_floor ? window - log->trim_floor : 0;
}

static int evict(struct log *log,
                 MDB_txn *txn,
                 MDB_cursor *cursor,
                 struct step *step)
{
    struct log_evict *e = &step->evict;
    int error;

    e->count_max = step->count_max - step->count;
    e->bytes_max = excess(log, txn);
    if (step->quota > step->count) {
        size_t left = step->quota - step->count;

        e->count_max = left < e->count_max ? left : e->count_max;
        e->bytes_max = UINT64_MAX;
    }
    step->heads_end = step->gone.len;
    error = log_evict(log, cursor, e);
    step->count += e->count;
    if (error == 0 && e->count == 0 && !e->more) {
        step->shared = false; /* it has none that may go */
        step->heads_end = SIZE_MAX;
        error = delete_heads(log, txn, cursor, step);
    }
    return error;
}

static int delete_events(struct log *log, MDB_txn *txn, struct step *step)
{
    MDB_cursor *cursor;
    int error = mdb_cursor_open(txn, log->events, &cursor);

    if (error != 0) {
        return error;
    }
    error = delete_heads(log, txn, cursor, step);
    if (error == 0 && step->spared) {
        error = evict(log, txn, cursor, step);
    }
    log_seek_leave(log, buffer_view(&step->left));
    if (step->lost) {
        note_lost(log, cursor);
    }
    mdb_cursor_close(cursor);
    return error;
}

/* How many events are to go for the sake of memory, about. */
static size_t memory_quota(struct log *log)
{
    uint64_t memory = index_memory(log->index);
    uint64_t low = log->index_bytes_max - log->index_bytes_max / 64;
    double part;

    if (log->index_bytes_max == 0 || memory <= log->index_bytes_max) {
        return 0;
    }
    part = (double)(memory - low) / (double)memory;
    return (size_t)(part * (double)index_count(log->index)) + 1;
}

static void begin(struct log *log, struct step *step)
{
    step->count = 0;
    step->lost = false;
    buffer_clear(&step->left);
    buffer_clear(&step->gone);
    step->quota = memory_quota(log);
    step->evict.heavy = index_share_heaviest(log->index, step->quota > 0);
    step->evict.count = 0;
    step->heads_end = SIZE_MAX;
}

static int trim(struct log *log, struct step *step)
{
    MDB_txn *txn;
    int error = mdb_txn_begin(log->env, NULL, 0, &txn);

    if (error != 0) {
        return error;
    }
    begin(log, step);
    error = delete_events(log, txn, step);
    if (error == 0 && step->count > 0) {
        error = log_meta_save(log, txn);
    }
    if (error != 0 || step->count == 0) {
        mdb_txn_abort(txn);
        return error;
    }
    return mdb_txn_commit(txn);
}

/* Pages that a transaction frees can be used by the second one after it, once
 * no reader is older than the first: be the first, and outlast the readers, so
 * that an append which waits for the pages is the second. */
static int release_pages(struct log *log)
{
    int error = log_meta_commit(log, NULL);

    pthread_rwlock_wrlock(&log->map_lock);
    pthread_rwlock_unlock(&log->map_lock);
    return error;
}

static int trim_failed(struct log *log, int error, struct why *why)
{
    if (log_rc(error) == RC_NO_SPACE && log_writable(log)) {
        return log_why(log, error, "no room left to trim the log", why);
    }
    log->failed = true;
    log_why(log, error, "cannot trim the log", why);
    return RC_IO;
}

static void clear_dead_readers(struct log *log)
{
    int dead;

    if (log->pressed || ++log->trim_steps % READER_CHECK_STEPS == 0) {
        (void)mdb_reader_check(log->env, &dead);
    }
}

static int trim_once(struct log *log, struct step *step)
{
    int error = trim(log, step);

    if (error == MDB_MAP_FULL && log_grow_use_reserve(log)) {
        error = trim(log, step);
    }
    if (error == MDB_MAP_FULL) { /* the head takes the fewest new pages */
        step->shared = false;
        error = trim(log, step);
    }
    if (error != 0) {
        return error;
    }
    forget_gone(log, step);
    if (step->spared) {
        log_evict_settle(log, &step->evict);
    }
    return 0;
}

/* What is evicted may leave pages half full: then more has to go; and what goes
 * for the sake of memory is not the disk's. */
static int trim_step(struct log *log, struct step *step, size_t *ret_count)
{
    size_t left = step->count_max;
    int error;

    do {
        step->count_max = left;
        error = trim_once(log, step);
        if (error != 0) {
            return error;
        }
        left -= step->count;
        *ret_count += step->count;
    } while (left > 0 && step->count > 0 &&
             (step->evict.count > 0 || step->quota > 0));
    if (left > 0) {
        log->trim_floor = UINT64_MAX;
        if (log->pressed) {
            log->pressed = false;
            error = release_pages(log);
        }
    }
    return error;
}

int log_trim(struct log *log,
             uint64_t older_than_ms,
             size_t count_max,
             struct why *why)
{
    struct step step = {
        .older_than_ms = older_than_ms,
        .count_max = count_max,
        .shared = true,
        .evict = {.on_evict = on_evict, .context = &step},
        .log = log,
    };
    size_t count = 0;
    int error;

    check(!log->read_only && count_max > 0 && count_max <= INT32_MAX);
    if (log->failed) {
        return why_set(why, RC_IO, "the log '%s' failed before", log->dir);
    }
    clear_dead_readers(log);
    buffer_init(&step.left, count_max * sizeof(struct log_left));
    buffer_init(&step.gone, count_max * GONE_BYTES_MAX);
    log_evict_init(&step.evict, count_max);
    error = trim_step(log, &step, &count);
    log_evict_done(&step.evict);
    buffer_done(&step.gone);
    buffer_done(&step.left);
    return error == 0 ? (int)count : trim_failed(log, error, why);
}

/* Eviction: a namespace that holds most of a full log loses its oldest events,
 * wherever they stand. What stands between two that are left of one origin
 * becomes one record that says so (base/event.h), so that every chain is whole
 * and there are never more of those records than of events. */
#include "storage/log_evict.h"

#include "base/alloc.h"
#include "base/check.h"
#include "storage/log_private.h"

#include <stdlib.h>

/* A walk looks at no more records, in one transaction. */
#define LOOK_MAX 16384

/* Records that are joined in one walk are of so many origins. */
#define RUNS_MAX 64

/* What stays is written anew where it is less than what goes: LMDB would leave
 * it on as many pages as it was on. So much at once; records that have pages of
 * their own stay there. */
#define KEPT_BYTES_MAX ((size_t)4 << 20)
#define KEPT_RECORD_BYTES_MAX 2000

/* The next walk begins so much before the end of this one at most, to go on
 * with what was joined. */
#define STEP_BACK_MAX 1024

static void run_name(struct log_evict_run *run, struct bytes gone)
{
    size_t len = run->names_len;

    if (len == 1 || bytes_equal_text(gone, EVENT_GONE_ANY) ||
        len + gone.len > sizeof(run->names)) {
        run->names[0] = '/';
        run->names_len = 1;
        return;
    }
    memcpy(run->names + len, gone.data, gone.len);
    run->names_len = (uint8_t)(len + gone.len);
}

/* Add the namespaces that `channel`, of a record, stands for. */
static void run_names(struct log_evict_run *run, const struct record *record)
{
    struct bytes rest = bytes_from(record->channel, 1);
    struct bytes name = bytes_of(NULL, 0);

    if (record->gone && rest.len == 0) {
        run_name(run, record->channel);
        return;
    }
    while (bytes_split(&rest, '/', &name)) {
        const struct bytes listed = bytes_of(run->names, run->names_len);
        const struct bytes part = bytes_of(name.data - 1, name.len + 1);

        if (listed.len == 0 || !event_gone_of(listed, part)) {
            run_name(run, part);
        }
        if (!record->gone) {
            return;
        }
    }
}

static struct log_evict_run *open_run(struct log_evict *e, uint64_t origin)
{
    for (size_t n = 0; n < e->open_count; n++) {
        if (e->open[n].origin == origin) {
            return &e->open[n];
        }
    }
    return NULL;
}

static void keep(struct log_evict *e, const struct log_evict_run *run)
{
    if (e->run_count == e->run_capacity) {
        e->run_capacity = 2 * e->run_capacity + 16;
        e->runs = alloc_resize(e->runs, e->run_capacity * sizeof(e->runs[0]));
    }
    e->runs[e->run_count++] = *run;
}

/* The origin's next record stays, or does not follow. */
static void close_run(struct log_evict *e, struct log_evict_run *run)
{
    if (run != NULL) {
        keep(e, run);
        *run = e->open[--e->open_count];
    }
}

/* False: there are too many origins. */
static bool join(struct log_evict *e,
                 uint64_t place,
                 const struct record *record)
{
    struct log_evict_run *run = open_run(e, record->origin);

    if (run != NULL && run->sequence != record->predecessor) {
        close_run(e, run);
        run = NULL;
    }
    if (run == NULL) {
        if (e->open_count == RUNS_MAX) {
            return false;
        }
        run = &e->open[e->open_count++];
        *run = (struct log_evict_run){.origin = record->origin,
                                      .predecessor = record->predecessor};
    } else {
        buffer_u64(&e->places, run->place);
        run->changed = true;
    }
    run->changed |= !record->gone;
    run->sequence = record->sequence;
    run->place = place;
    run_names(run, record);
    return true;
}

/* Asked of each record that is trimmed. */
static bool is_of(struct bytes name_space, const struct record *record)
{
    struct bytes channel = record->channel;
    size_t end = 1 + name_space.len;

    return channel.len >= end &&
           (channel.len == end || channel.data[end] == '/') &&
           memcmp(channel.data + 1, name_space.data, name_space.len) == 0;
}

bool log_evict_spares(const struct index_heavy *heavy,
                      const struct record *record)
{
    return !record->gone && !is_of(heavy->name_space, record);
}

/* False: it is enough for one walk. */
static bool note_kept(struct log_evict *e,
                      uint64_t place,
                      const struct record *record)
{
    struct bytes whole = record->whole;

    if (e->count == 0 || whole.len > KEPT_RECORD_BYTES_MAX) {
        return true;
    }
    if (e->kept.len + whole.len + 2 * sizeof(uint64_t) > KEPT_BYTES_MAX) {
        return false;
    }
    buffer_u64(&e->kept, place);
    buffer_u64(&e->kept, whole.len);
    buffer_append(&e->kept, whole);
    e->kept_bytes += whole.len;
    return true;
}

/* One record; false ends the walk before it. */
static bool pass(struct log_evict *e,
                 const struct log_shown *shown,
                 uint64_t place,
                 const struct record *record)
{
    bool evicted = !log_evict_spares(&e->heavy, record) && !record->gone;

    if (!log_show_covers(shown, place, record->origin, record->sequence) ||
        (evicted && (e->count == e->count_max || e->bytes >= e->bytes_max))) {
        return false;
    }
    if (!evicted && !record->gone) {
        close_run(e, open_run(e, record->origin));
        return note_kept(e, place, record);
    }
    if ((evicted &&
         !vector_raise(&e->last, record->origin, record->sequence)) ||
        !join(e, place, record)) {
        return false;
    }
    if (evicted) {
        e->count++;
        e->bytes += record->whole.len;
        e->on_evict(e->context, place, record);
    }
    return true;
}

/* Nothing is written yet, so that what is read stays where it is. */
static int walk(struct log *log, MDB_cursor *cursor, struct log_evict *e)
{
    uint64_t place = e->heavy.from;
    MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
    MDB_val value;
    struct log_shown shown;
    int error = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

    log_show_now(log, &shown);
    e->end = e->heavy.from;
    for (size_t n = 0; error == 0 && n < LOOK_MAX; n++) {
        struct record record;

        memcpy(&place, key.mv_data, sizeof(place));
        if (log_read_record(value, &record) == 0 &&
            !pass(e, &shown, place, &record)) {
            return 0;
        }
        e->end = place + 1;
        error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    e->more = error == 0;
    return error == MDB_NOTFOUND ? 0 : error;
}

static int put_run(MDB_cursor *cursor, const struct log_evict_run *run)
{
    struct event *event =
        event_new(bytes_of(run->names, run->names_len), bytes_of(NULL, 0));
    uint8_t bytes[RECORD_OVERHEAD_BYTES + sizeof(run->names)];
    uint64_t place = run->place;
    MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
    MDB_val value = {.mv_data = bytes};
    int error;

    event->gone = true;
    event->origin = run->origin;
    event->sequence = run->sequence;
    event->predecessor = run->predecessor;
    value.mv_size = record_len(event);
    record_encode(event, bytes);
    error = mdb_cursor_put(cursor, &key, &value, 0);
    event_unref(event);
    return error;
}

static int delete_place(MDB_cursor *cursor, uint64_t place)
{
    MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
    MDB_val value;
    int error = mdb_cursor_get(cursor, &key, &value, MDB_SET);

    return error == 0 ? mdb_cursor_del(cursor, 0) : error;
}

static int delete_places(MDB_cursor *cursor, struct bytes places)
{
    uint64_t place;
    int error = 0;

    while (error == 0 && bytes_take_u64(&places, &place)) {
        error = delete_place(cursor, place);
    }
    return error;
}

static bool take_kept(struct bytes *rest,
                      uint64_t *ret_place,
                      struct bytes *ret_record)
{
    uint64_t len;

    return bytes_take_u64(rest, ret_place) && bytes_take_u64(rest, &len) &&
           bytes_take(rest, (size_t)len, ret_record);
}

static int by_place(const void *a, const void *b)
{
    const struct log_evict_run *one = a;
    const struct log_evict_run *two = b;

    return one->place < two->place ? -1 : one->place > two->place;
}

/* In ascending order, so that pages become full. */
static int put_all(struct log_evict *e, MDB_cursor *cursor)
{
    struct bytes rest = buffer_view(&e->kept);
    struct bytes record;
    uint64_t place = 0;
    bool more = take_kept(&rest, &place, &record);
    int error = 0;

    for (size_t n = 0; error == 0 && (more || n < e->run_count);) {
        if (!more || (n < e->run_count && e->runs[n].place < place)) {
            error = put_run(cursor, &e->runs[n++]);
        } else {
            MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
            MDB_val value = {.mv_size = record.len,
                             .mv_data = (void *)(uintptr_t)record.data};

            error = mdb_cursor_put(cursor, &key, &value, 0);
            more = take_kept(&rest, &place, &record);
        }
    }
    return error;
}

static int write_anew(struct log_evict *e, MDB_cursor *cursor)
{
    struct bytes rest = buffer_view(&e->kept);
    struct bytes record;
    uint64_t place;
    int error = 0;

    while (error == 0 && take_kept(&rest, &place, &record)) {
        error = delete_place(cursor, place);
    }
    for (size_t n = 0; error == 0 && n < e->run_count; n++) {
        error = delete_place(cursor, e->runs[n].place);
    }
    if (error != 0) {
        return error;
    }
    qsort(e->runs, e->run_count, sizeof(e->runs[0]), by_place);
    return put_all(e, cursor);
}

static int write_runs(struct log_evict *e, MDB_cursor *cursor)
{
    int error = 0;

    for (size_t n = 0; error == 0 && n < e->run_count; n++) {
        if (e->runs[n].changed) {
            error = put_run(cursor, &e->runs[n]);
        }
    }
    return error;
}

void log_evict_init(struct log_evict *e, size_t count_max)
{
    buffer_init(&e->places, (count_max + LOOK_MAX) * sizeof(uint64_t));
    buffer_init(&e->kept, KEPT_BYTES_MAX);
}

void log_evict_done(struct log_evict *e)
{
    free(e->open);
    free(e->runs);
    buffer_done(&e->places);
    buffer_done(&e->kept);
}

static void begin(struct log_evict *e)
{
    if (e->open == NULL) {
        e->open = alloc_raw(RUNS_MAX * sizeof(e->open[0]));
    }
    e->count = 0;
    e->more = false;
    e->bytes = 0;
    e->kept_bytes = 0;
    e->run_count = 0;
    e->open_count = 0;
    e->last = (struct vector){0};
    buffer_clear(&e->places);
    buffer_clear(&e->kept);
}

/* What goes on in the next walk begins it. */
static void end(struct log_evict *e)
{
    e->from = e->end;
    for (size_t n = 0; n < e->open_count; n++) {
        const struct log_evict_run *run = &e->open[n];

        keep(e, run);
        if (run->place + STEP_BACK_MAX > e->end && run->place < e->from) {
            e->from = run->place;
        }
    }
    check(!e->places.overflowed && !e->kept.overflowed);
}

int log_evict(struct log *log, MDB_cursor *cursor, struct log_evict *e)
{
    int error;

    begin(e);
    error = walk(log, cursor, e);
    end(e);
    if (error != 0 || e->count == 0) {
        return error;
    }
    log_thin_evicted(log, e->heavy.name_space, &e->last);
    error = delete_places(cursor, buffer_view(&e->places));
    if (error != 0) {
        return error;
    }
    return e->kept_bytes < e->bytes ? write_anew(e, cursor)
                                    : write_runs(e, cursor);
}

void log_evict_settle(struct log *log, const struct log_evict *e)
{
    pthread_mutex_lock(&log->known_lock);
    log->evicted_count += e->count;
    pthread_mutex_unlock(&log->known_lock);
    for (size_t n = 0; e->count > 0 && n < e->run_count; n++) {
        const struct log_evict_run *run = &e->runs[n];
        const struct log_mark joined = {.sequence = run->sequence,
                                        .predecessor = run->predecessor,
                                        .place = run->place};

        if (run->changed) {
            log_seek_join(log, run->origin, &joined);
        }
    }
    index_expire_before(log->index, e->heavy.name_space, e->end);
    index_share_walked(log->index, e->heavy.name_space, e->from);
}

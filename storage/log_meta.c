/* The log's `meta`: identity, format version and the marks that outlive the
 * events, so that neither a place nor a sequence is ever used twice. */
#include "storage/log_private.h"

#include "base/alloc.h"
#include "base/check.h"

#include <endian.h>
#include <stdlib.h>

#define KEY_FORMAT "format"
#define KEY_ORIGIN "origin"
#define KEY_PLACE "place"
#define KEY_VECTOR "vector"
#define KEY_SHOWN "shown"
#define KEY_RESERVED "reserved"
#define KEY_PRUNED "pruned"
#define KEY_FORKED "forked"

#define VECTOR_ENTRY_BYTES (2 * sizeof(uint64_t))

static MDB_val text_val(const char *text)
{
    return (MDB_val){.mv_size = strlen(text),
                     .mv_data = (void *)(uintptr_t)text};
}

static int put_bytes(struct log *log,
                     MDB_txn *txn,
                     const char *name,
                     const void *data,
                     size_t len)
{
    MDB_val key = text_val(name);
    MDB_val value = {.mv_size = len};
    int error = mdb_put(txn, log->meta, &key, &value, MDB_RESERVE);

    if (error == 0) {
        memcpy(value.mv_data, data, len);
    }
    return error;
}

static int put_u64(struct log *log,
                   MDB_txn *txn,
                   const char *name,
                   uint64_t value)
{
    uint64_t little = htole64(value);

    return put_bytes(log, txn, name, &little, sizeof(little));
}

/* The value of `name`; false when it is absent. */
static bool get_bytes(struct log *log,
                      MDB_txn *txn,
                      const char *name,
                      struct bytes *ret)
{
    MDB_val key = text_val(name);
    MDB_val value;

    if (mdb_get(txn, log->meta, &key, &value) != 0) {
        return false;
    }
    *ret = bytes_of(value.mv_data, value.mv_size);
    return true;
}

static bool get_u64(struct log *log,
                    MDB_txn *txn,
                    const char *name,
                    uint64_t *ret)
{
    struct bytes value;

    return get_bytes(log, txn, name, &value) && value.len == sizeof(*ret) &&
           bytes_take_u64(&value, ret);
}

static int put_entries(struct log *log,
                       MDB_txn *txn,
                       const char *name,
                       const struct vector_entry *entries,
                       size_t count)
{
    uint64_t *little = alloc_raw(count * VECTOR_ENTRY_BYTES + 1);
    int error;

    for (size_t n = 0; n < count; n++) {
        little[2 * n] = htole64(entries[n].origin);
        little[2 * n + 1] = htole64(entries[n].sequence);
    }
    error = put_bytes(log, txn, name, little, count * VECTOR_ENTRY_BYTES);
    free(little);
    return error;
}

static bool take_entry(struct bytes *value, struct vector_entry *ret)
{
    return bytes_take_u64(value, &ret->origin) &&
           bytes_take_u64(value, &ret->sequence);
}

static bool load_vector(struct log *log, MDB_txn *txn)
{
    struct vector_entry e;
    struct bytes value;

    if (!get_bytes(log, txn, KEY_VECTOR, &value) ||
        value.len % VECTOR_ENTRY_BYTES != 0) {
        return false;
    }
    while (take_entry(&value, &e)) {
        log_note_sequence(log, e.origin, e.sequence);
    }
    return true;
}

/* Without the key, none ever was. */
static bool load_pruned(struct log *log, MDB_txn *txn)
{
    struct vector_entry last;
    struct bytes value;

    if (!get_bytes(log, txn, KEY_PRUNED, &value)) {
        return true;
    }
    while (take_entry(&value, &last)) {
        log_prune_note(&log->pruned, last);
    }
    return value.len == 0;
}

static int save_pruned(struct log *log, MDB_txn *txn)
{
    const struct log_pruned *pruned = &log->pruned;
    struct vector_entry entries[LOG_PRUNED_LISTED_MAX + 1] = {
        {.origin = VECTOR_FLOOR, .sequence = pruned->unlisted}};

    if (pruned->floor == 0) {
        return 0;
    }
    memcpy(entries + 1, pruned->last, pruned->count * sizeof(entries[0]));
    return put_entries(log, txn, KEY_PRUNED, entries, pruned->count + 1);
}

/* Without the key, none did. An origin that was pruned since is done with. */
static bool load_forked(struct log *log, MDB_txn *txn)
{
    struct vector_entry e;
    struct bytes value;

    if (!get_bytes(log, txn, KEY_FORKED, &value)) {
        return true;
    }
    while (take_entry(&value, &e)) {
        if (log_find_origin(log, e.origin) != NULL) {
            (void)vector_set(&log->forked, e.origin, e.sequence);
            log_seek_skip(log, e.origin, e.sequence);
        }
    }
    return value.len == 0;
}

static int save_forked(struct log *log, MDB_txn *txn)
{
    const struct vector *forked = &log->forked;

    if (forked->count == 0) {
        return 0;
    }
    return put_entries(log, txn, KEY_FORKED, forked->entries, forked->count);
}

/* Without the key, everything is shown. */
static bool load_shown(struct log *log, MDB_txn *txn)
{
    struct vector_entry e;
    struct bytes value;

    if (!get_bytes(log, txn, KEY_SHOWN, &value)) {
        return true;
    }
    log->shown.all = false;
    log->shown_kept = true;
    while (take_entry(&value, &e)) {
        (void)vector_set(&log->shown.vector, e.origin, e.sequence);
    }
    return value.len == 0;
}

int log_meta_load(struct log *log, MDB_txn *txn, struct why *why)
{
    uint64_t format;

    if (!get_u64(log, txn, KEY_FORMAT, &format)) {
        return why_set(why, RC_CORRUPT, "'%s' is not a weir log", log->dir);
    }
    if (format > LOG_FORMAT_VERSION) {
        return why_set(why,
                       RC_UNSUPPORTED,
                       "the log '%s' has format %llu, this weir knows up to "
                       "%d; run the newer weir, the log was not changed",
                       log->dir,
                       (unsigned long long)format,
                       LOG_FORMAT_VERSION);
    }
    if (!get_u64(log, txn, KEY_ORIGIN, &log->origin) || log->origin == 0 ||
        log->origin > EVENT_ORIGIN_MAX ||
        !get_u64(log, txn, KEY_PLACE, &log->last_place) ||
        !load_vector(log, txn) || !load_pruned(log, txn) ||
        !load_forked(log, txn) || !load_shown(log, txn)) {
        return why_set(why,
                       RC_CORRUPT,
                       "the log '%s' has lost its identity; restore it, or "
                       "start with another directory",
                       log->dir);
    }
    /* Absent where nothing was ever answered before it was on disk. */
    (void)get_u64(log, txn, KEY_RESERVED, &log->reserved);
    return 0;
}

int log_meta_reserve(struct log *log, MDB_txn *txn, uint64_t sequence)
{
    return put_u64(log, txn, KEY_RESERVED, sequence);
}

/* Of each origin; other threads may make new ones known meanwhile. */
static struct vector_entry *list_sequences(struct log *log,
                                           const struct vector_entry *skip,
                                           size_t *ret_count)
{
    struct vector_entry *entries;
    size_t count = 0;

    pthread_mutex_lock(&log->known_lock);
    entries = alloc_raw((log->origin_count + 1) * sizeof(entries[0]));
    for (; count < log->origin_count; count++) {
        entries[count] =
            (struct vector_entry){.origin = log->origins[count].origin,
                                  .sequence = log->origins[count].sequence};
    }
    pthread_mutex_unlock(&log->known_lock);
    if (skip != NULL) { /* the higher of the two counts */
        entries[count++] = *skip;
    }
    *ret_count = count;
    return entries;
}

static int save(struct log *log, MDB_txn *txn, const struct vector_entry *skip)
{
    size_t count;
    struct vector_entry *entries = list_sequences(log, skip, &count);
    int error = put_u64(log, txn, KEY_PLACE, log->last_place);

    if (error == 0) {
        error = put_entries(log, txn, KEY_VECTOR, entries, count);
    }
    free(entries);
    return error;
}

int log_meta_save(struct log *log, MDB_txn *txn)
{
    return save(log, txn, NULL);
}

int log_meta_commit(struct log *log, const struct vector_entry *skip)
{
    MDB_txn *txn;
    int error = mdb_txn_begin(log->env, NULL, 0, &txn);

    if (error != 0) {
        return error;
    }
    error = save(log, txn, skip);
    error = error == 0 ? save_pruned(log, txn) : error;
    error = error == 0 ? save_forked(log, txn) : error;
    if (error != 0) {
        mdb_txn_abort(txn);
        return error;
    }
    return mdb_txn_commit(txn);
}

int log_meta_save_shown(struct log *log, MDB_txn *txn)
{
    const struct vector *shown = &log->shown.vector;
    MDB_val key = text_val(KEY_SHOWN);
    int error;

    if (log->shown.all) {
        error = log->shown_kept ? mdb_del(txn, log->meta, &key, NULL) : 0;
        return error == MDB_NOTFOUND ? 0 : error;
    }
    log->shown_kept = true;
    return put_entries(log, txn, KEY_SHOWN, shown->entries, shown->count);
}

int log_meta_create(struct log *log, MDB_txn *txn, uint64_t new_origin)
{
    int error;

    check(new_origin != 0 && new_origin <= EVENT_ORIGIN_MAX);
    log->origin = new_origin;
    error = put_u64(log, txn, KEY_FORMAT, LOG_FORMAT_VERSION);
    if (error == 0) {
        error = put_u64(log, txn, KEY_ORIGIN, new_origin);
    }
    return error != 0 ? error : log_meta_save(log, txn);
}

/* The log: what every part of it needs, and what it says of itself. */
#include "storage/log.h"

#include "base/alloc.h"
#include "base/check.h"
#include "storage/log_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum rc log_rc(int error)
{
    switch (error) {
    case 0:
        return RC_OK;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return RC_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
        return RC_DENIED;
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
        return RC_CORRUPT;
    case MDB_READERS_FULL:
        return RC_BUSY;
    default:
        return RC_IO;
    }
}

int log_why(const struct log *log,
            int error,
            const char *doing,
            struct why *why)
{
    return why_set(why,
                   log_rc(error),
                   "%s '%s': %s",
                   doing,
                   log->dir,
                   mdb_strerror(error));
}

bool log_writable(struct log *log)
{
    MDB_txn *txn;

    if (mdb_txn_begin(log->env, NULL, 0, &txn) != 0) {
        return false;
    }
    mdb_txn_abort(txn);
    return true;
}

void log_close(struct log *log)
{
    if (log == NULL) {
        return;
    }
    log_read_close(log);
    if (log->env != NULL) {
        mdb_env_close(log->env);
    }
    if (log->lock_fd >= 0) {
        close(log->lock_fd);
    }
    index_free(log->index);
    key_table_done(&log->keys);
    pthread_rwlock_destroy(&log->map_lock);
    pthread_mutex_destroy(&log->known_lock);
    log_window_done(log);
    log_thin_done(log);
    free(log->corrupt);
    for (size_t n = 0; n < log->origin_count; n++) {
        free(log->origins[n].marks);
    }
    free(log->origins);
    free(log->dir);
    free(log);
}

struct index *log_index(struct log *log)
{
    return log->index;
}

struct log_origin *log_find_origin(struct log *log, uint64_t origin)
{
    for (size_t n = 0; n < log->origin_count; n++) {
        if (log->origins[n].origin == origin) {
            return &log->origins[n];
        }
    }
    return NULL;
}

struct log_origin *log_origin(struct log *log, uint64_t origin)
{
    struct log_origin *known = log_find_origin(log, origin);

    if (known == NULL) {
        log->origins = alloc_resize(log->origins,
                                    (log->origin_count + 1) * sizeof(*known));
        known = &log->origins[log->origin_count++];
        *known = (struct log_origin){.origin = origin};
    }
    return known;
}

void log_note_sequence(struct log *log, uint64_t origin, uint64_t sequence)
{
    struct log_origin *known;

    pthread_mutex_lock(&log->known_lock);
    known = log_origin(log, origin);
    if (known->sequence < sequence) {
        known->sequence = sequence;
    }
    pthread_mutex_unlock(&log->known_lock);
}

uint64_t log_last_sequence(struct log *log, uint64_t origin)
{
    const struct log_origin *known;
    uint64_t sequence;

    pthread_mutex_lock(&log->known_lock);
    known = log_find_origin(log, origin);
    sequence = known == NULL ? log->pruned.floor : known->sequence;
    pthread_mutex_unlock(&log->known_lock);
    return sequence;
}

/* Where `place` stands, or would stand, among the corrupt ones. */
static size_t corrupt_rank(const struct log *log, uint64_t place)
{
    size_t low = 0;
    size_t high = log->corrupt_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (log->corrupt[middle].place < place) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool corrupt_at(const struct log *log, size_t rank, uint64_t place)
{
    return rank < log->corrupt_count && log->corrupt[rank].place == place;
}

void log_note_corrupt(struct log *log, uint64_t place)
{
    size_t rank;

    pthread_mutex_lock(&log->known_lock);
    rank = corrupt_rank(log, place);
    if (!corrupt_at(log, rank, place) && log->corrupt_count < LOG_CORRUPT_MAX) {
        log->corrupt = alloc_resize(
            log->corrupt, (log->corrupt_count + 1) * sizeof(*log->corrupt));
        memmove(log->corrupt + rank + 1,
                log->corrupt + rank,
                (log->corrupt_count - rank) * sizeof(*log->corrupt));
        log->corrupt[rank] =
            (struct log_corrupt){.place = place, .nameless = !log->scanned};
        log->corrupt_count++;
    }
    pthread_mutex_unlock(&log->known_lock);
}

void log_forget_corrupt(struct log *log, uint64_t place)
{
    size_t rank;

    pthread_mutex_lock(&log->known_lock);
    rank = corrupt_rank(log, place);
    if (corrupt_at(log, rank, place)) {
        log->corrupt_count--;
        memmove(log->corrupt + rank,
                log->corrupt + rank + 1,
                (log->corrupt_count - rank) * sizeof(*log->corrupt));
    }
    pthread_mutex_unlock(&log->known_lock);
}

bool log_corrupt_between(const struct log *log, uint64_t after, uint64_t before)
{
    size_t rank = corrupt_rank(log, after + 1);

    return rank < log->corrupt_count && log->corrupt[rank].place < before;
}

uint64_t log_corrupt_next(struct log *log, uint64_t from, bool nameless)
{
    uint64_t place = UINT64_MAX;

    pthread_mutex_lock(&log->known_lock);
    for (size_t rank = corrupt_rank(log, from); rank < log->corrupt_count;
         rank++) {
        if (log->corrupt[rank].nameless || !nameless) {
            place = log->corrupt[rank].place;
            break;
        }
    }
    pthread_mutex_unlock(&log->known_lock);
    return place;
}

/* What only a read transaction can tell. */
static void stat_pages(struct log *log, struct log_stat *stat)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key;

    if (log_read_begin(log, &txn) != 0) {
        return;
    }
    stat->window_bytes = log_grow_window(log, txn);
    if (mdb_cursor_open(txn, log->events, &cursor) == 0) {
        if (mdb_cursor_get(cursor, &key, NULL, MDB_FIRST) == 0) {
            memcpy(&stat->first_place, key.mv_data, sizeof(uint64_t));
        }
        mdb_cursor_close(cursor);
    }
    log_read_end(log, txn);
}

void log_reserve(struct log *log, uint64_t sequence)
{
    check(!log->read_only);
    log->reserve_next = sequence;
}

uint64_t log_reserved(const struct log *log)
{
    return log->reserved;
}

void log_stat(struct log *log, struct log_stat *ret)
{
    struct log_stat stat = {.bytes_max = log->bytes_max,
                            .index_bytes_max = log->index_bytes_max};
    const struct log_origin *known;
    struct stat file;
    int fd;

    stat.event_count = index_count(log->index);
    stat.record_bytes = index_bytes(log->index);
    stat.index_bytes = index_memory(log->index);
    stat_pages(log, &stat);
    if (mdb_env_get_fd(log->env, &fd) == 0 && fstat(fd, &file) == 0) {
        stat.file_bytes = (uint64_t)file.st_size;
    }
    pthread_mutex_lock(&log->known_lock);
    stat.origin = log->origin;
    stat.last_place = log->last_place;
    stat.reserved = log->reserved;
    stat.corrupt_count = log->corrupt_count;
    stat.evicted_count = log->evicted_count;
    known = log_find_origin(log, log->origin);
    stat.last_sequence = known == NULL ? 0 : known->sequence;
    pthread_mutex_unlock(&log->known_lock);
    *ret = stat;
}

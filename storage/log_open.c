/* Opening the log: take the directory, open or make the database, learn who we
 * are, and read everything once to rebuild the index. */
#include "storage/log_private.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* For LMDB's table of readers, 64 bytes each. */
#define READERS_BYTES 16384

/* What a new log takes beside its reserve. */
#define ROOM_BYTES (UINT64_C(1) << 20)

#define DATABASE_COUNT 3 /* log_repair.c has one more */
#define EVENTS_NAME "events"
#define META_NAME "meta"

/* A sign of life during the scan, whichever comes first. */
#define PROGRESS_RECORDS (UINT64_C(1) << 18)
#define PROGRESS_BYTES (UINT64_C(256) << 20)

static char *path_in(const struct log *log, const char *name)
{
    size_t size = strlen(log->dir) + strlen(name) + 2;
    char *path = alloc_raw(size);

    snprintf(path, size, "%s/%s", log->dir, name);
    return path;
}

/* After it, what is in the directory `path` is found again after a power cut.
 * Best effort: some file systems cannot. */
static void sync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

static int make_dir(const struct log *log, struct why *why)
{
    struct stat found;
    AUTO_FREE char *parent = path_in(log, "..");

    if (mkdir(log->dir, 0700) == 0) {
        sync_dir(parent);
        return 0;
    }
    if (errno != EEXIST) {
        int error = errno;

        log_why(log, error, "cannot make the log's directory", why);
        return error == ENOENT ? RC_NOT_FOUND : (int)log_rc(error);
    }
    if (stat(log->dir, &found) != 0 || !S_ISDIR(found.st_mode)) {
        return why_set(why, RC_CORRUPT, "'%s' is not a directory", log->dir);
    }
    return 0;
}

static int lock_failed(const struct log *log, int error, struct why *why)
{
    if (log_rc(error) == RC_DENIED) {
        return why_set(why,
                       RC_DENIED,
                       "cannot write in the log's directory '%s': %s; give "
                       "weir a directory that it may write",
                       log->dir,
                       strerror(error));
    }
    return log_why(log, error, "cannot lock the log", why);
}

static int busy(const struct log *log, int fd, struct why *why)
{
    char text[24] = "";

    if (pread(fd, text, sizeof(text) - 1, 0) <= 0) {
        text[0] = '\0';
    }
    return why_set(why,
                   RC_BUSY,
                   "the log '%s' is in use by process %d; stop that one or "
                   "choose another directory",
                   log->dir,
                   atoi(text));
}

/* One weir a directory, for as long as it lives. The number in the file is for
 * people. */
static int take_lock(struct log *log, struct why *why)
{
    AUTO_FREE char *path = path_in(log, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        return lock_failed(log, errno, why);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int error = errno;
        int rc = error == EWOULDBLOCK ? busy(log, fd, why)
                                      : lock_failed(log, error, why);

        close(fd);
        return rc;
    }
    log->lock_fd = fd;
    if (ftruncate(fd, 0) == 0) {
        (void)dprintf(fd, "%d\n", (int)getpid());
    }
    return 0;
}

static int no_space(const struct log *log, struct why *why)
{
    return why_set(why,
                   RC_NO_SPACE,
                   "no room for the log '%s': make some on its disk, at least "
                   "%llu bytes",
                   log->dir,
                   (unsigned long long)(log->reserve_bytes + ROOM_BYTES));
}

/* LMDB maps its table of readers; a page of it that the disk cannot hold would
 * end the process with a signal. */
static int hold_readers(const struct log *log, struct why *why)
{
    AUTO_FREE char *path = path_in(log, "lock.mdb");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int error;

    if (fd < 0) {
        return lock_failed(log, errno, why);
    }
    error = posix_fallocate(fd, 0, READERS_BYTES);
    close(fd);
    if (error == 0) {
        return 0;
    }
    return log_rc(error) == RC_NO_SPACE ? no_space(log, why)
                                        : lock_failed(log, error, why);
}

static int open_failed(const struct log *log, int error, struct why *why)
{
    if (log->read_only && error == ENOENT) {
        return why_set(why, RC_NOT_FOUND, "there is no log in '%s'", log->dir);
    }
    if (log_rc(error) == RC_NO_SPACE) {
        return no_space(log, why);
    }
    if (log_rc(error) == RC_CORRUPT) {
        return why_set(why,
                       RC_CORRUPT,
                       "'%s/data.mdb' is not a log (%s); weir leaves it alone, "
                       "choose another directory",
                       log->dir,
                       mdb_strerror(error));
    }
    return log_why(log, error, "cannot open the log", why);
}

static int open_env(struct log *log, struct why *why)
{
    unsigned flags = MDB_NOTLS | (log->read_only ? MDB_RDONLY : 0);
    int error = mdb_env_create(&log->env);

    if (error == 0) {
        error = mdb_env_set_maxdbs(log->env, DATABASE_COUNT);
    }
    if (error == 0) {
        error = mdb_env_open(log->env, log->dir, flags, 0600);
    }
    return error == 0 ? 0 : open_failed(log, error, why);
}

/* LMDB would run past the end of a file that was cut short, and die of it. */
static int measure(struct log *log, struct why *why)
{
    MDB_stat stat;
    struct stat file;
    uint64_t used;
    int fd;

    mdb_env_stat(log->env, &stat);
    log->page_bytes = stat.ms_psize;
    used = log_grow_used(log);
    if (mdb_env_get_fd(log->env, &fd) != 0 || fstat(fd, &file) != 0) {
        return log_why(log, errno, "cannot open the log", why);
    }
    if ((uint64_t)file.st_size < used) {
        return why_set(why,
                       RC_CORRUPT,
                       "'%s/data.mdb' is cut short: it has %lld of %llu "
                       "bytes; restore it, or start with another directory",
                       log->dir,
                       (long long)file.st_size,
                       (unsigned long long)used);
    }
    return 0;
}

static int open_databases(struct log *log, MDB_txn *txn, unsigned flags)
{
    int error = mdb_dbi_open(txn, META_NAME, flags, &log->meta);

    if (error == 0) {
        error = mdb_dbi_open(
            txn, EVENTS_NAME, flags | MDB_INTEGERKEY, &log->events);
    }
    return error;
}

/* Identity and databases come in one transaction: a log has all of it, or is
 * empty and will be made again. */
static int create(struct log *log, uint64_t new_origin, struct why *why)
{
    MDB_txn *txn;
    int error = mdb_txn_begin(log->env, NULL, 0, &txn);

    if (error != 0) {
        return log_why(log, error, "cannot make the log", why);
    }
    error = open_databases(log, txn, MDB_CREATE);
    if (error == 0) {
        error = log_meta_create(log, txn, new_origin);
    }
    if (error != 0) {
        mdb_txn_abort(txn);
    } else {
        error = mdb_txn_commit(txn);
    }
    if (error != 0) {
        return log_rc(error) == RC_NO_SPACE
                   ? no_space(log, why)
                   : log_why(log, error, "cannot make the log", why);
    }
    sync_dir(log->dir);
    return 0;
}

/* Databases are opened for good by a commit, also one that only read. */
static int load(struct log *log, bool *ret_empty, struct why *why)
{
    MDB_stat stat;
    MDB_txn *txn;
    int rc;
    int error = mdb_txn_begin(log->env, NULL, MDB_RDONLY, &txn);

    if (error != 0) {
        return log_why(log, error, "cannot open the log", why);
    }
    error = open_databases(log, txn, 0);
    if (error == 0) {
        rc = log_meta_load(log, txn, why);
        error = mdb_txn_commit(txn);
        *ret_empty = false;
        return rc != 0 || error == 0
                   ? rc
                   : log_why(log, error, "cannot open the log", why);
    }
    mdb_txn_abort(txn);
    mdb_env_stat(log->env, &stat);
    if (error == MDB_NOTFOUND && stat.ms_entries == 0) {
        *ret_empty = true;
        return 0;
    }
    if (error == MDB_NOTFOUND || error == MDB_INCOMPATIBLE) {
        return why_set(why, RC_CORRUPT, "'%s' is not a weir log", log->dir);
    }
    return log_why(log, error, "cannot open the log", why);
}

struct scan {
    struct log *log;
    const struct log_options *options;
    uint64_t next; /* place */
    uint64_t done;
    uint64_t all;
    uint64_t bytes;
    uint64_t told_done;
    uint64_t told_bytes;
};

static bool scan_record(uint64_t place,
                        const struct record *record,
                        void *context)
{
    struct scan *scan = context;

    if (record->gone) {
        log_thin_note(
            scan->log, record->channel, record->origin, record->sequence);
    } else {
        index_add(scan->log->index, record->channel, place, record->whole.len);
    }
    log_find_add(scan->log, record->channel, record->key, place);
    log_note_sequence(scan->log, record->origin, record->sequence);
    log_seek_note(scan->log,
                  record->origin,
                  record->sequence,
                  record->predecessor,
                  place);
    scan->next = place + 1;
    scan->done++;
    scan->bytes += record->whole.len;
    return true;
}

static void tell_progress(struct scan *scan)
{
    if (scan->done - scan->told_done < PROGRESS_RECORDS &&
        scan->bytes - scan->told_bytes < PROGRESS_BYTES) {
        return;
    }
    scan->told_done = scan->done;
    scan->told_bytes = scan->bytes;
    if (scan->options->on_progress != NULL) {
        scan->options->on_progress(
            scan->done, scan->all, scan->options->context);
    }
}

/* How many records there are, and the last place, whole or not. */
static int scan_extent(struct log *log, uint64_t *ret_all)
{
    MDB_txn *txn;
    MDB_stat stat;
    MDB_cursor *cursor;
    MDB_val key;
    int error = log_read_begin(log, &txn);

    if (error != 0) {
        return error;
    }
    error = mdb_stat(txn, log->events, &stat);
    if (error == 0) {
        error = mdb_cursor_open(txn, log->events, &cursor);
    }
    if (error == 0) {
        uint64_t place = 0;

        *ret_all = stat.ms_entries;
        if (mdb_cursor_get(cursor, &key, NULL, MDB_LAST) == 0) {
            memcpy(&place, key.mv_data, sizeof(place));
        }
        if (place > log->last_place) {
            log->last_place = place;
        }
        mdb_cursor_close(cursor);
    }
    log_read_end(log, txn);
    return error;
}

static int scan_all(struct log *log,
                    const struct log_options *options,
                    struct why *why)
{
    struct scan scan = {.log = log, .options = options, .next = 1};
    uint64_t done_before;
    int error = scan_extent(log, &scan.all);

    if (error != 0) {
        return log_why(log, error, "cannot read the log", why);
    }
    do {
        int rc;

        done_before = scan.done;
        rc = log_read(
            log, scan.next, LOG_PAGE_BYTES_MAX, scan_record, &scan, why);
        if (rc != 0) {
            return rc;
        }
        tell_progress(&scan);
    } while (scan.done > done_before);
    log_seek_scanned(log);
    log->shown.place = log->last_place;
    if (log->shown.all) {
        log_seek_vector(log, &log->shown.vector);
    }
    log->scanned = true;
    return 0;
}

static struct log *new_log(const struct log_options *options)
{
    struct log *log = alloc_zero(sizeof(*log));
    pthread_rwlockattr_t attr;

    log->dir = alloc_text(options->dir);
    log->read_only = options->read_only;
    log->lock_fd = -1;
    log->shown.all = true;
    log->trim_floor = UINT64_MAX;
    log->index = index_new(options->index_seed);
    log->key_seed = options->index_seed;
    log_window_init(log, options);
    pthread_mutex_init(&log->known_lock, NULL);

    /* Readers follow one another without a pause; a writer must not starve. */
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr,
                                  PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&log->map_lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    return log;
}

static int open_beside(struct log *log,
                       const struct log_options *options,
                       struct why *why)
{
    bool empty = false;
    int rc = open_env(log, why);

    if (rc == 0) {
        rc = measure(log, why);
    }
    if (rc == 0) {
        rc = load(log, &empty, why);
    }
    if (rc == 0 && empty) {
        rc = why_set(why, RC_NOT_FOUND, "there is no log in '%s'", log->dir);
    }
    return rc != 0 ? rc : scan_all(log, options, why);
}

static int open_owned(struct log *log,
                      const struct log_options *options,
                      struct why *why)
{
    bool empty = false;
    int dead;
    int rc = make_dir(log, why);

    if (rc == 0) {
        rc = take_lock(log, why);
    }
    if (rc == 0) {
        rc = hold_readers(log, why);
    }
    if (rc == 0) {
        rc = open_env(log, why);
    }
    if (rc == 0) {
        rc = measure(log, why);
    }
    if (rc == 0) {
        rc = load(log, &empty, why);
    }
    if (rc != 0) {
        return rc;
    }
    (void)mdb_reader_check(log->env, &dead);
    log_grow_init(log);
    if (empty) {
        rc = create(log, options->new_origin, why);
    }
    return rc != 0 ? rc : scan_all(log, options, why);
}

int log_open(struct log **ret,
             const struct log_options *options,
             struct why *why)
{
    struct log *log;
    int rc;

    if (!options->read_only && options->bytes_max < LOG_BYTES_MIN) {
        return why_set(why,
                       RC_MALFORMED,
                       "the log's size of %llu bytes is below the smallest, "
                       "%llu",
                       (unsigned long long)options->bytes_max,
                       (unsigned long long)LOG_BYTES_MIN);
    }
    log = new_log(options);
    rc = options->read_only ? open_beside(log, options, why)
                            : open_owned(log, options, why);
    if (rc != 0) {
        log_close(log);
        return rc;
    }
    *ret = log;
    return 0;
}

/* Room on disk: the file is made long enough before LMDB writes to it, so that
 * a full disk is met here, where it harms nothing, and not in a commit.
 *
 *     | used | ahead | reserve |
 *
 * Appends may use the file up to the reserve; trims, which need a few new pages
 * in order to free many, all of it. */
#include "storage/log_private.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROW_STEP_BYTES (UINT64_C(1) << 20)
#define GROW_AHEAD_BYTES (UINT64_C(8) << 20)

_Static_assert(LOG_RECORD_BYTES_MAX <= GROW_STEP_BYTES,
               "a reader of a wrong length stays within the reserve");

/* More than making a log takes. */
#define FIRST_PAGES 64

/* LMDB's list of free pages takes 1/512 of what it lists. */
#define RESERVE_BYTES(bytes_max) (GROW_STEP_BYTES + (bytes_max) / 256)

static int data_fd(const struct log *log)
{
    int fd = -1;

    check(mdb_env_get_fd(log->env, &fd) == 0);
    return fd;
}

static uint64_t file_bytes_now(const struct log *log)
{
    struct stat file;

    return fstat(data_fd(log), &file) == 0 ? (uint64_t)file.st_size : 0;
}

uint64_t log_grow_used(struct log *log)
{
    MDB_envinfo info;

    mdb_env_info(log->env, &info);
    return (info.me_last_pgno + 1) * log->page_bytes;
}

uint64_t log_grow_window(struct log *log, MDB_txn *txn)
{
    MDB_stat stat;

    if (mdb_stat(txn, log->events, &stat) != 0) {
        return 0;
    }
    return (stat.ms_branch_pages + stat.ms_leaf_pages +
            stat.ms_overflow_pages) *
           log->page_bytes;
}

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Tell LMDB where the file ends for it. Never below what is in use. */
static void set_limit(struct log *log, uint64_t bytes)
{
    bytes = round_up(larger(bytes, log_grow_used(log)), log->page_bytes);
    if (bytes == log->limit_bytes) {
        return;
    }
    pthread_rwlock_wrlock(&log->map_lock);
    if (mdb_env_set_mapsize(log->env, bytes) == 0) {
        log->limit_bytes = bytes;
    }
    pthread_rwlock_unlock(&log->map_lock);
}

/* A window within its budget may lie scattered, and grows by a batch before it
 * is trimmed. */
void log_grow_init(struct log *log)
{
    uint64_t bytes = log->bytes_max + log->bytes_max / 4 + LOG_BATCH_BYTES_MAX;

    log->reserve_bytes =
        round_up(RESERVE_BYTES(log->bytes_max), log->page_bytes);
    log->map_bytes = round_up(bytes, log->page_bytes);
    log->file_bytes = file_bytes_now(log);
    log_grow_prepare(log, FIRST_PAGES);
}

/* Where the file may end at most: a log whose budget was cut is longer than its
 * new map. */
static uint64_t end_max(struct log *log)
{
    return larger(log->map_bytes, log_grow_used(log)) + log->reserve_bytes;
}

static void allocate(struct log *log, uint64_t end)
{
    if (end > log->file_bytes) {
        (void)posix_fallocate(data_fd(log),
                              (off_t)log->file_bytes,
                              (off_t)(end - log->file_bytes));
        log->file_bytes = file_bytes_now(log);
    }
}

/* In steps, since each costs the file system a transaction; when a step does
 * not fit, what is needed may. */
static void extend(struct log *log, uint64_t end)
{
    if (end > log->file_bytes) {
        allocate(log, smaller(round_up(end, GROW_STEP_BYTES), end_max(log)));
        allocate(log, end);
    }
}

void log_grow_prepare(struct log *log, uint64_t pages)
{
    uint64_t used = log_grow_used(log);
    uint64_t wanted = used + pages * log->page_bytes;
    uint64_t room;

    extend(log, smaller(wanted + log->reserve_bytes, end_max(log)));
    room = log->file_bytes > log->reserve_bytes
               ? log->file_bytes - log->reserve_bytes
               : 0;
    room = smaller(room, log->map_bytes);
    set_limit(log, wanted <= room ? end_max(log) : room);
}

bool log_grow_use_reserve(struct log *log)
{
    uint64_t before = log->limit_bytes;

    extend(log, smaller(log_grow_used(log) + log->reserve_bytes, end_max(log)));
    set_limit(log, smaller(log->file_bytes, end_max(log)));
    return log->limit_bytes > before;
}

/* Zeros and not an allocation: with blocks that hold data already, a commit
 * has no metadata of the file system to write. */
void log_grow(struct log *log)
{
    static const uint8_t zeros[64 * 1024];
    uint64_t end;

    if (log->read_only || log->failed) {
        return;
    }
    end = round_up(log_grow_used(log), GROW_STEP_BYTES) + GROW_AHEAD_BYTES +
          log->reserve_bytes;
    end = smaller(end, end_max(log));
    end = smaller(end, log->file_bytes + GROW_STEP_BYTES);
    while (log->file_bytes < end) {
        size_t len = (size_t)smaller(end - log->file_bytes, sizeof(zeros));
        ssize_t n = pwrite(data_fd(log), zeros, len, (off_t)log->file_bytes);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        log->file_bytes += (uint64_t)n;
    }
}

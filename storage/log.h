/* The log: one append-only order of every event this node holds, in LMDB.
 *
 * LMDB's caveats bind here: one process and one environment a directory (a lock
 * file sees to it), one writer thread, no read transaction held beyond a call
 * (a pinned reader makes the file grow), never a network file system, and a
 * file that does not shrink. Full sync: when log_append() returns 0 the events
 * are on disk. A failed sync is final, see RC_IO below. What the bytes on disk
 * mean is in doc/log-format. */
#ifndef STORAGE_LOG_H
#define STORAGE_LOG_H

#include "base/event.h"
#include "base/vector.h"
#include "base/why.h"
#include "storage/index.h"
#include "storage/record.h"

#define LOG_FORMAT_VERSION 1
#define LOG_PAGE_BYTES_MAX (256 * 1024)

/* The smallest budget, the longest record, and the most that the records of one
 * append may take. */
#define LOG_BYTES_MIN (UINT64_C(1) << 20)
#define LOG_RECORD_BYTES_MAX (UINT64_C(1) << 20)
#define LOG_BATCH_BYTES_MAX (UINT64_C(16) << 20)

struct log;

/* Bounds of the windows of a namespace's channels. */
struct log_window {
    struct bytes name_space;
    struct index_window channel;
    uint64_t age_max_ms; /* INDEX_UNLIMITED: no limit */
};

struct log_options {
    const char *dir; /* made when absent */
    /* Budget of the window in pages on disk. The file holds free pages as well
     * and may become a quarter and LOG_BATCH_BYTES_MAX larger. */
    uint64_t bytes_max;
    uint64_t index_bytes_max; /* of memory; 0: no limit */
    bool read_only;      /* `weir log` beside a running node: takes no lock,
                            makes nothing; bytes_max and new_origin unused */
    uint64_t index_seed; /* of hashes that clients must not foresee */
    uint64_t new_origin; /* identity, should the directory have none yet */
    const struct log_window *windows; /* borrowed for the call */
    size_t window_count;
    /* Called now and then while the index is rebuilt; may be NULL. */
    void (*on_progress)(uint64_t done, uint64_t all, void *context);
    void *context;
};

/* What the scan found and what the log holds. */
struct log_stat {
    uint64_t origin;        /* this node's identity */
    uint64_t last_sequence; /* highest of `origin` ever, also if trimmed */
    uint64_t reserved;      /* see log_reserve() */
    uint64_t first_place;   /* 0: empty */
    uint64_t last_place;    /* highest ever used, also if trimmed */
    uint64_t event_count;
    uint64_t record_bytes;
    uint64_t window_bytes; /* pages that the events take: what bytes_max caps */
    uint64_t file_bytes;
    uint64_t corrupt_count; /* records whose checksum fails: kept, skipped */
    uint64_t bytes_max;
    uint64_t index_bytes; /* of memory */
    uint64_t index_bytes_max;
    uint64_t evicted_count; /* since it was opened, from the middle */
};

/* Open or make the log. Errors, each with a sentence that says what to do:
 * RC_BUSY another process has it; RC_DENIED not writable; RC_IO; RC_NO_SPACE;
 * RC_UNSUPPORTED a format version from the future (nothing was changed);
 * RC_CORRUPT not a log; RC_NOT_FOUND no log there (read_only) or
 * no parent directory;
 * RC_MALFORMED bytes_max below LOG_BYTES_MIN. */
int log_open(struct log **ret,
             const struct log_options *options,
             struct why *why);
void log_close(struct log *log); /* accepts NULL */

void log_stat(struct log *log, struct log_stat *ret); /* any thread */
struct index *log_index(struct log *log);

/* The highest sequence of `origin` that the log ever held, 0: none; of an
 * origin that is not known, the floor (base/vector.h). Any thread. */
uint64_t log_last_sequence(struct log *log, uint64_t origin);

/* Of each origin the highest sequence that the log ever held; this node's own
 * is always there. Any thread. */
void log_seek_vector(struct log *log, struct vector *ret);

/* Know an origin of which no event has come yet; whether one is known, or was
 * until it was pruned. VECTOR_FLOOR is. Any thread. */
void log_seek_expect(struct log *log, uint64_t origin);
bool log_seek_knows(struct log *log, uint64_t origin);

/* Tell who asks that events of `origin` up to `sequence` may be missing, until
 * the log is closed. Any thread. */
void log_seek_skip(struct log *log, uint64_t origin, uint64_t sequence);

/* Of each origin, up to where its events may have left the log: all of them, or
 * those of the namespace of `channel`, unless that has len 0. Ask after a read
 * what may be missing from it. Any thread. */
void log_seek_low_water(struct log *log,
                        struct bytes channel,
                        struct vector *ret);

/* The first place where an event may stand that `after` does not cover, less
 * than LOG_SEEK_SLACK places before the first that does; one past the last
 * place when there is none. Any thread. */
#define LOG_SEEK_SLACK 128
uint64_t log_seek(struct log *log, const struct vector *after);

/* Of each origin the highest sequence at or before `place`. Reads a few
 * records. Any thread. RC_IO. */
int log_seek_vector_at(struct log *log,
                       uint64_t place,
                       struct vector *ret,
                       struct why *why);

/* Whether events of `channel` that `after` does not cover may have left the
 * disk; with `channel` of len 0, of any, but for what a reader meets records of
 * (`gone`). Exact for a channel and what left
 * while the log was open, but for channels that have nothing there any more:
 * those share what is known of them. Where the log has several origins it may
 * say yes for another's event. Any thread. */
bool log_window_gone(struct log *log,
                     struct bytes channel,
                     const struct vector *after);

/* Who reads `channel` from the place `from` on, and has what `after` covers. */
struct log_reader {
    struct bytes channel;
    uint64_t from;
    const struct vector *after;
};

/* What it misses of what index_read() says is lost. What is hidden is not: it
 * comes yet, at another place. */
struct log_missed {
    struct vector to; /* covers all that it has, and all that is lost */
    uint64_t count;   /* 0: nothing that `after` does not cover */
    bool exact;       /* otherwise there may be fewer */
};

/* Reads a few records. Any thread. RC_IO. */
int log_window_missed(struct log *log,
                      const struct log_reader *reader,
                      const struct index_lost *lost,
                      struct log_missed *ret,
                      struct why *why);

/* Let what is older than its namespace's age_max leave the windows, as of
 * `now_ms`: cheap when nothing does. Only the log thread, or before it runs.
 * RC_IO. */
int log_window_expire(struct log *log, uint64_t now_ms, struct why *why);

/* The first place >= `from` whose record is corrupt, UINT64_MAX: none. With
 * `nameless`, only those that were when the log opened, whose channel is not
 * known. Any thread. */
uint64_t log_corrupt_next(struct log *log, uint64_t from, bool nameless);

/* Append in one transaction and sync; sets each event's place. Only the log
 * thread. The events must be in order for their origin.
 * RC_TOO_LARGE: a record or the batch is over its limit, nothing was written.
 * RC_NO_SPACE: map or disk full, nothing was written; log_trim() makes room
 * even when the window is within its budget.
 * RC_IO: what reached the disk is unknown, every later append fails as well;
 * the process must end. */
int log_append(struct log *log,
               struct event *const *events,
               size_t count,
               struct why *why);

/* What the log's readers may see. An event can be on disk and not yet be as
 * safe as its namespace promises: then it is kept from everyone but the peers.
 * It is shown when its place is not beyond `place` and its sequence not beyond
 * its origin's in `vector`. */
struct log_shown {
    bool all; /* everything, as soon as it is appended */
    uint64_t place;
    struct vector vector;
};

/* Change it. The vector is kept on disk with the next append, so that what was
 * hidden is hidden again after a start. Only the log thread. */
void log_show(struct log *log, const struct log_shown *shown);

/* What is shown now; `place` and `vector` are filled in also with `all`. Any
 * thread. */
void log_show_now(struct log *log, struct log_shown *ret);

/* Whether an event is. */
bool log_show_covers(const struct log_shown *shown,
                     uint64_t place,
                     uint64_t origin,
                     uint64_t sequence);

/* Give events, which are in the log at their places and are the newest of their
 * one origin, new places at the end, because others were shown before them. In
 * one transaction, synced. Errors as log_append(). Only the log thread. */
int log_move(struct log *log,
             struct event *const *events,
             size_t count,
             struct why *why);

/* Have `origin` up to `sequence` without its events, which are no longer to be
 * had from anyone: raises its low-water mark, on disk. Errors as log_append().
 * Only the log thread. */
int log_append_skip(struct log *log,
                    uint64_t origin,
                    uint64_t sequence,
                    struct why *why);

/* Have events of `origin` up to `sequence` count as missing, also after a
 * start: it forked, its later events do not follow from them. Errors as
 * log_append(). Only the log thread. */
int log_append_fork(struct log *log,
                    uint64_t origin,
                    uint64_t sequence,
                    struct why *why);

/* When the log knows more origins than half of VECTOR_ORIGINS_MAX: forget those
 * that had their last event before `before_ms` (Unix time), the oldest first,
 * of which nothing is in the log any more, and that are not of `nodes` or this
 * one. What is forgotten is below the floor of all vectors from then on: should
 * a peer have such events yet, they are not taken. Returns how many (>= 0), or
 * as log_append(). Only the log thread. */
int log_prune(struct log *log,
              const uint64_t *nodes,
              size_t node_count,
              uint64_t before_ms,
              struct why *why);

/* Have the next append put on disk, in its own sync, that sequences of this
 * node up to `sequence` may have been given away: none of them is an event's
 * after a crash unless its event is on disk. Only the log thread. */
void log_reserve(struct log *log, uint64_t sequence);
uint64_t log_reserved(const struct log *log); /* on disk; the log thread */

/* Trim: up to `count_max` events go, as long as the log is over a budget, or
 * they are older than `older_than_ms` (Unix time; 0: no limit). Of a log that
 * is over one, the oldest of the namespace go that has most for its share, so
 * that nobody is pushed out by who has more; else the oldest of all. Returns
 * how many went (>= 0) or an RC_. Only the log thread. One transaction, a small
 * step: call it again while it returns `count_max`. Once over the budget,
 * trimming goes on to 1/64 below it, so that not every commit trims. */
int log_trim(struct log *log,
             uint64_t older_than_ms,
             size_t count_max,
             struct why *why);

/* Find the event of `channel` that has the idempotency key `key` and is in the
 * window; the first, should there be several. RC_NOT_FOUND also when its record
 * is corrupt: it is lost, and may be published again. RC_IO: not known. Only
 * the log thread. */
int log_find_key(struct log *log,
                 struct bytes channel,
                 struct bytes key,
                 uint64_t *ret_origin,
                 uint64_t *ret_sequence,
                 struct why *why);

/* Grow the file ahead of its use, so that a commit need not: one step of at
 * most 1 MB between commits. Best effort. Only the log thread. */
void log_grow(struct log *log);

/* Visit records from the first place >= `from` on, in order, until the visitor
 * returns false or the next one would exceed `bytes_max` (at most
 * LOG_PAGE_BYTES_MAX; the first is always visited); `record` is borrowed until
 * the visitor returns, and the visitor does not call the log. Corrupt records
 * are passed over and counted. Any thread. Returns 0 or RC_IO. */
int log_read(struct log *log,
             uint64_t from,
             size_t bytes_max,
             bool (*visit)(uint64_t place,
                           const struct record *record,
                           void *context),
             void *context,
             struct why *why);

/* The same backwards: from the last place <= `from` on, newest first. */
int log_read_back(struct log *log,
                  uint64_t from,
                  size_t bytes_max,
                  bool (*visit)(uint64_t place,
                                const struct record *record,
                                void *context),
                  void *context,
                  struct why *why);

/* Visit the records at `places` that are still there and whole, in that order;
 * `count` keeps it short. Any thread. */
int log_read_places(struct log *log,
                    const uint64_t *places,
                    size_t count,
                    bool (*visit)(uint64_t place,
                                  const struct record *record,
                                  void *context),
                    void *context,
                    struct why *why);

#endif

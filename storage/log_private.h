/* What the files of the log share: its structure and the steps between them.
 * Only storage/log*.c include this. */
#ifndef STORAGE_LOG_PRIVATE_H
#define STORAGE_LOG_PRIVATE_H

#include "storage/key_table.h"
#include "storage/log.h"

#include <lmdb.h>
#include <pthread.h>

/* Idle read transactions kept for the next reader, enough for one a core. */
#define LOG_IDLE_READERS_MAX 32

/* Corrupt places that are remembered; further ones are still passed over. */
#define LOG_CORRUPT_MAX 65536

/* So many origins may be known before any is forgotten; and of so many that
 * were, it is remembered what was had. */
#define LOG_ORIGINS_KEPT (VECTOR_ORIGINS_MAX / 2)
#define LOG_PRUNED_LISTED_MAX 256

/* An event that is about to leave. */
struct log_left {
    uint64_t origin;
    uint64_t sequence;
    uint64_t predecessor;
};

/* Where one event stands. */
struct log_mark {
    uint64_t sequence;
    uint64_t predecessor;
    uint64_t place;
};

struct log_origin {
    uint64_t origin;
    uint64_t sequence; /* the highest that the log ever held */
    uint64_t low;      /* up to here its events may have gone */
    uint64_t nameless; /* up to here it is not known whose they were */
    bool low_known;
    bool set_back; /* an event came after one that was not its last */
    struct log_mark last;
    struct log_mark *marks; /* ascending; [mark_begin, mark_end) */
    size_t mark_begin;
    size_t mark_end;
    size_t mark_capacity;
};

/* Origins of which nothing is here and nothing more can come (log_prune.c). */
struct log_pruned {
    uint64_t floor; /* none of them had an event after it; 0: there are none */
    uint64_t unlisted; /* nor had those after it that are not listed */
    size_t count;
    struct vector_entry last[LOG_PRUNED_LISTED_MAX]; /* of each, its last */
};

/* A record that does not pass its checks. */
struct log_corrupt {
    uint64_t place;
    bool nameless; /* its channel is not known */
};

/* A namespace whose events leave their windows with time. */
struct log_age {
    struct bytes name_space; /* owned */
    uint64_t age_max_ms;
    uint64_t next_ms; /* when the oldest in the windows happened; 0: unknown */
};

/* What left the middle of the log; name_space of len 0: of any. */
struct log_thin {
    struct bytes name_space; /* owned */
    uint64_t origin;
    uint64_t sequence; /* up to here all of its events are gone */
    uint64_t nameless; /* up to here it is not known of which channels */
};

struct log {
    MDB_env *env;
    MDB_dbi events;
    MDB_dbi meta;
    struct index *index;
    struct key_table keys; /* the log thread's */
    uint64_t key_seed;
    char *dir;
    int lock_fd; /* -1 when read only */
    bool read_only;
    bool failed; /* RC_IO for every later append; the log thread's */
    uint64_t page_bytes;
    bool scanned; /* what was there when it opened is known */

    uint64_t reserved;     /* on disk; the log thread's, as is the next */
    uint64_t reserve_next; /* with the next append */

    struct log_age *ages; /* the log thread's */
    size_t age_count;

    /* Room on disk, the log thread's (log_grow.c, log_trim.c). */
    uint64_t bytes_max;
    uint64_t index_bytes_max; /* of memory; 0: no limit */
    uint64_t map_bytes;       /* the end of the file for appends */
    uint64_t reserve_bytes;   /* behind it, for trims */
    uint64_t limit_bytes;     /* the size that LMDB has been told */
    uint64_t file_bytes;
    uint64_t trim_floor; /* trim down to it; UINT64_MAX: no trim under way */
    unsigned trim_steps;
    bool pressed; /* an append found no room since the last trim */

    /* Changing LMDB's map size excludes every transaction. */
    pthread_rwlock_t map_lock;

    pthread_mutex_t known_lock; /* over the rest */
    uint64_t origin;
    uint64_t last_place;
    struct log_shown shown;
    bool shown_kept; /* meta has the vector */
    struct log_origin *origins;
    size_t origin_count;
    struct log_thin *thin;
    size_t thin_count;
    uint64_t evicted_count;
    struct log_pruned pruned;
    struct vector forked; /* of origins that forked, up to where they did */
    struct log_corrupt *corrupt; /* ascending places */
    size_t corrupt_count;
    MDB_txn *idle[LOG_IDLE_READERS_MAX];
    size_t idle_count;
};

/* log.c */

/* The code for an error of LMDB or the system. */
enum rc log_rc(int error);

/* The same, with the sentence "<doing> '<dir>': <what LMDB says>". */
int log_why(const struct log *log,
            int error,
            const char *doing,
            struct why *why);

/* Whether LMDB still takes transactions: it does not after a failure to write
 * the page that makes a commit valid. */
bool log_writable(struct log *log);

/* Keep the highest sequence of an origin. */
void log_note_sequence(struct log *log, uint64_t origin, uint64_t sequence);

/* The origin's entry, or NULL. Under known_lock. */
struct log_origin *log_find_origin(struct log *log, uint64_t origin);

/* The origin's entry, made when absent. Under known_lock. */
struct log_origin *log_origin(struct log *log, uint64_t origin);

/* Note or forget that the record at `place` does not pass its checks. */
void log_note_corrupt(struct log *log, uint64_t place);
void log_forget_corrupt(struct log *log, uint64_t place);

/* Whether one is between two places: what is missing there is not gone, it may
 * be whole again. Under known_lock. */
bool log_corrupt_between(const struct log *log,
                         uint64_t after,
                         uint64_t before);

/* log_meta.c: identity and high-water marks; errors are LMDB's. */

/* Read what meta holds into `log`. RC_ with its sentence. */
int log_meta_load(struct log *log, MDB_txn *txn, struct why *why);
int log_meta_create(struct log *log, MDB_txn *txn, uint64_t new_origin);
int log_meta_save(struct log *log, MDB_txn *txn);

/* The same in a transaction of its own, with the origins that were pruned and
 * those that forked, and up to where one is to be skipped; NULL: none is. */
int log_meta_commit(struct log *log, const struct vector_entry *skip);
int log_meta_reserve(struct log *log, MDB_txn *txn, uint64_t sequence);

/* The vector of what is shown, unless everything is. LMDB's errors. */
int log_meta_save_shown(struct log *log, MDB_txn *txn);

/* log_append.c: store events at the end, in one transaction; `moves`: they
 * leave their old places in it. Then let everyone see them. Errors as
 * log_append(). */
int log_append_store(struct log *log,
                     struct event *const *events,
                     size_t count,
                     bool moves,
                     struct why *why);
void log_append_settle(struct log *log,
                       struct event *const *events,
                       size_t count);

/* What the caller is told of LMDB's `error` in a transaction of `pages`. */
int log_append_failed(struct log *log,
                      int error,
                      uint64_t pages,
                      struct why *why);

/* log_show.c: they are on disk, and shown when all is: place and vector change
 * at once. Under known_lock. */
void log_show_appended(struct log *log,
                       struct event *const *events,
                       size_t count);

/* Forget where its origin's events from `first` on stand: they are about to be
 * noted again, at other places. */
void log_seek_rewind(struct log *log, const struct event *first);

/* log_seek.c: an event has come at the end; those of a step are about to leave
 * the head, oldest first (an array of struct log_left), which is said before
 * the commit, so that whoever misses them in a page it has read finds them
 * under the low-water mark, and at once, so that nobody is told of them one by
 * one; one has left; and all that was there when the log opened has been noted.
 * What log_append_skip() skipped is known again then: the next event has a
 * predecessor that is not there, or meta a sequence beyond the last. */
void log_seek_note(struct log *log,
                   uint64_t origin,
                   uint64_t sequence,
                   uint64_t predecessor,
                   uint64_t place);
void log_seek_leave(struct log *log, struct bytes left);

/* The origin's first event that is left, or is about to leave, came after that
 * one: what was before it and never left was damaged and is lost. */
void log_seek_lose(struct log *log, uint64_t origin, uint64_t sequence);
void log_seek_forget(struct log *log, uint64_t origin, uint64_t place);
void log_seek_scanned(struct log *log);

/* log_prune.c: note one that was pruned, or, as VECTOR_FLOOR, those that are
 * not listed. Whether it was; whether somebody who has `after` may miss events
 * of them; what they are in a vector. Under known_lock. */
void log_prune_note(struct log_pruned *pruned, struct vector_entry last);
bool log_prune_knows(const struct log_pruned *pruned, uint64_t origin);
bool log_prune_gone(const struct log_pruned *pruned,
                    const struct vector *after);
void log_prune_floor(const struct log_pruned *pruned, struct vector *ret);

/* A damaged record is whole again: note it where it belongs. */
void log_seek_insert(struct log *log,
                     uint64_t origin,
                     uint64_t sequence,
                     uint64_t predecessor,
                     uint64_t place);

/* Records behind that one's predecessor, up to it, are that one alone now. */
void log_seek_join(struct log *log,
                   uint64_t origin,
                   const struct log_mark *joined);

/* log_thin.c: a record of what is gone has come: of which channels is not
 * known. The oldest of a namespace are about to leave, which is said at once,
 * as by log_seek_leave(). What is noted for the namespace of `channel`, under
 * known_lock. */
void log_thin_note(struct log *log,
                   struct bytes gone,
                   uint64_t origin,
                   uint64_t sequence);
void log_thin_evicted(struct log *log,
                      struct bytes name_space,
                      const struct vector *last);
struct log_thin log_thin_of(const struct log *log,
                            struct bytes channel,
                            uint64_t origin);
void log_thin_done(struct log *log);

/* A place from which on `after` covers no event. */
uint64_t log_seek_uncovered(struct log *log, const struct vector *after);

/* log_window.c: the budgets, and tell the index what its windows are, before it
 * knows events. */
void log_window_init(struct log *log, const struct log_options *options);
void log_window_done(struct log *log);

/* log_read.c: a read transaction for the length of a call; errors are LMDB's.
 */
int log_read_begin(struct log *log, MDB_txn **ret_txn);
void log_read_end(struct log *log, MDB_txn *txn);
void log_read_close(struct log *log); /* idle transactions end */

/* Decode what LMDB gave, after a look at its length. */
int log_read_record(MDB_val value, struct record *ret);

/* log_hole.c: whether the head of a damaged record names this event. */
bool log_hole_names(MDB_val value, uint64_t origin, uint64_t sequence);

/* The origin's low-water mark. */
uint64_t log_seek_low(struct log *log, uint64_t origin);

/* log_find.c: keep its table; without a key they do nothing. */
void log_find_add(struct log *log,
                  struct bytes channel,
                  struct bytes key,
                  uint64_t place);
void log_find_forget(struct log *log,
                     struct bytes channel,
                     struct bytes key,
                     uint64_t place);

/* log_grow.c */
void log_grow_init(struct log *log);
uint64_t log_grow_used(struct log *log); /* up to the last page ever used */
uint64_t log_grow_window(struct log *log, MDB_txn *txn); /* bytes of events */

/* Before an append that may need `pages` new ones: see that the file has them,
 * or keep LMDB from going beyond the file. */
void log_grow_prepare(struct log *log, uint64_t pages);

/* Let LMDB use the reserve as well; false when it already may. */
bool log_grow_use_reserve(struct log *log);

#endif

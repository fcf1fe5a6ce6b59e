/* Taking the oldest events of one namespace out of the middle of the log. Only
 * storage/log*.c include this. */
#ifndef STORAGE_LOG_EVICT_H
#define STORAGE_LOG_EVICT_H

#include "base/buffer.h"
#include "base/vector.h"
#include "storage/index.h"
#include "storage/record.h"

#include <lmdb.h>

struct log;

/* Records of one origin that follow each other and become one. */
struct log_evict_run {
    uint64_t origin;
    uint64_t predecessor; /* of the first */
    uint64_t sequence;    /* of the last, and its place */
    uint64_t place;
    bool changed;
    uint8_t names_len;
    uint8_t names[UINT8_MAX]; /* "/a/b": whose they were */
};

struct log_evict {
    struct index_heavy heavy; /* whose; where the walk begins */
    size_t count_max;
    uint64_t bytes_max; /* about so much is to go */
    void (*on_evict)(void *context,
                     uint64_t place,
                     const struct record *record);
    void *context;

    size_t count;       /* that went */
    bool more;          /* the walk was cut short */
    struct vector last; /* of each origin */
    uint64_t bytes;
    uint64_t end;  /* of the walk */
    uint64_t from; /* where the next begins */
    struct log_evict_run *open;
    size_t open_count;
    struct log_evict_run *runs;
    size_t run_count;
    size_t run_capacity;
    struct buffer places; /* that become free */
    struct buffer kept;   /* what stays between: place, length, record */
    uint64_t kept_bytes;
};

/* For one use of log_evict(), or two when the first had no room. */
void log_evict_init(struct log_evict *e, size_t count_max);
void log_evict_done(struct log_evict *e);

/* Whether the record is another namespace's event. */
bool log_evict_spares(const struct index_heavy *heavy,
                      const struct record *record);

/* In the cursor's transaction. Errors are LMDB's. */
int log_evict(struct log *log, MDB_cursor *cursor, struct log_evict *e);

/* That was committed. */
void log_evict_settle(struct log *log, const struct log_evict *e);

#endif

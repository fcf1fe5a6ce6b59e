/* A node's disk in simulated time: what storage/log keeps, with the same
 * answers, in memory. It can be full, fail a sync, flip bits, and be set back
 * to a copy of it. What was appended is on it; what is shown is kept with the
 * next append only, and the low-water marks are found anew when it is opened,
 * as by the real one. */
#ifndef TESTS_SIM_CLUSTER_DISK_H
#define TESTS_SIM_CLUSTER_DISK_H

#include "cluster/replication.h"
#include "src/bridge/commit.h"
#include "storage/log.h"

#define DISK_CHANNEL_BYTES_MAX 16
#define DISK_KEY_BYTES_MAX 16

struct disk_record {
    uint64_t place;
    uint64_t origin;
    uint64_t sequence;
    uint64_t predecessor;
    size_t len;
    uint8_t *bytes; /* as storage/record has it */
    bool damaged;
    bool nameless; /* and was when the disk was opened */
    bool named;    /* what it says of its name is true */
    uint8_t channel_len;
    uint8_t key_len;
    char channel[DISK_CHANNEL_BYTES_MAX]; /* of what it was, if damaged */
    char key[DISK_KEY_BYTES_MAX];
};

enum disk_fault {
    DISK_GOOD,
    DISK_FULL,
    DISK_FAILS_BEFORE, /* a sync fails and nothing of it is there */
    DISK_FAILS_AFTER,  /* it fails and all of it is */
};

struct disk {
    uint64_t identity;
    struct disk_record *records; /* by place */
    size_t count;
    size_t capacity;
    uint64_t last_place;
    struct vector have;
    bool shown_kept;
    struct vector kept; /* what was shown */
    struct vector skipped;
    uint64_t reserved;     /* names that may have been given away */
    struct vector damaged; /* up to there, damaged records have left */

    /* Of who has it open. */
    struct index *index;
    struct vector low;
    struct vector nameless; /* up to there, whose events have gone is unknown */
    struct vector expected; /* origins of which events may come */
    struct log_shown shown;
    uint64_t reserve; /* with the next append */
    enum disk_fault fault;
    size_t window_max;                /* events */
    const struct log_window *windows; /* of channels */
    size_t window_count;
    uint64_t random;
};

/* `windows` stay the caller's. */
void disk_init(struct disk *d,
               uint64_t identity,
               size_t window_max,
               const struct log_window *windows,
               size_t window_count);
void disk_done(struct disk *d);
void disk_copy(struct disk *to, const struct disk *from);

/* Read it as after a start. */
void disk_open(struct disk *d);

/* `d` behind the functions that the committer, and replication, want. */
struct commit_log disk_commit_log(struct disk *d);
uint64_t disk_seek(struct disk *d, const struct vector *after);

/* Visit whole records from place `from` on; `visit` as for replication. */
void disk_read(struct disk *d,
               uint64_t from,
               size_t bytes_max,
               bool (*visit)(void *visitor, const struct replication_record *r),
               void *visitor);

void disk_show_now(const struct disk *d, struct log_shown *ret);

/* Know an origin of which no event has come yet. */
void disk_expect(struct disk *d, uint64_t origin);

/* The first record at `place` or behind it, by its index. */
size_t disk_find_place(const struct disk *d, uint64_t place);

/* Where the record of that name is, damaged or not; 0: it is not there. */
uint64_t disk_place(const struct disk *d, uint64_t origin, uint64_t sequence);

/* Whether a whole record of that name is there. */
bool disk_holds(const struct disk *d, uint64_t origin, uint64_t sequence);

/* Drop the oldest beyond the window. */
void disk_trim(struct disk *d);

/* `r`, which is damaged, is that record from now on. */
void disk_mend(struct disk *d,
               struct disk_record *r,
               const struct record *record);

/* Flip a bit of one record; NULL when there is none. */
const struct disk_record *disk_flip(struct disk *d, uint64_t random);

#endif

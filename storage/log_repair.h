/* Repair: the events that damaged records of the log were, found out from what
 * stands around them, and put back where they were once somebody has them.
 *
 * A damaged record's own bytes prove nothing. But each record names its
 * origin's one before it, so a whole record whose predecessor is not there
 * names a hole; where damaged places lie within it, they may be what is
 * missing. An origin's first record has none before it: there the head of a
 * damaged record is believed, if it names just the event that is missed.
 *
 * What is missing at an origin's end is no hole: it comes again as what is new
 * comes. Then a damaged record may name an event that stands, whole, further
 * on: it is needed no more. */
#ifndef STORAGE_LOG_REPAIR_H
#define STORAGE_LOG_REPAIR_H

#include "storage/log.h"

/* What was damaged is kept, the newest of it, up to so many bytes of pages. */
#define LOG_REPAIR_KEPT_BYTES_MAX (UINT64_C(4) << 20)

/* Damaged records at places in (after_place, until_place) which may be events
 * of `origin` in (after, until]. */
struct log_hole {
    uint64_t origin;
    uint64_t after;
    uint64_t until;
    uint64_t after_place;
    uint64_t until_place;
    uint64_t whole_place; /* of the one event there is; 0: it is missing */
};

/* A walk over the places around damage. Zeroed, it begins at the head. */
#define LOG_HOLE_NAMED_MAX 64
struct log_hole_walk {
    uint64_t next_place;
    uint64_t begin_place;      /* of this stretch; 0: none is begun */
    uint64_t damaged_place;    /* that was passed last */
    struct vector after;       /* of each origin, the last sequence passed */
    struct vector after_place; /* and its place, if it was in this stretch */
    size_t named_count;        /* what damaged records say that they are */
    struct log_hole named[LOG_HOLE_NAMED_MAX];
};

/* Walk on, over about a page, and append up to `max` holes to `ret`. 1: there
 * is more; 0: all has been looked at, and `w` is zeroed; RC_IO. Any thread. */
int log_hole_find(struct log *log,
                  struct log_hole_walk *w,
                  struct log_hole *ret,
                  size_t max,
                  size_t *ret_count,
                  struct why *why);

/* Put records into a hole, in one transaction, synced; or set aside what is not
 * needed any more (whole_place; `count` is 0). A record goes where a damaged
 * one of its length is, best where one names it; those that are not whole, not
 * in the hole or fit nowhere are left out. The damaged bytes move to the
 * database `damaged`. Returns how many, or as log_append(). Only the log
 * thread. */
int log_repair(struct log *log,
               const struct log_hole *hole,
               const struct bytes *records,
               size_t count,
               struct why *why);

#endif

/* From sequences to places and back. Of each origin's events one in so many
 * places is remembered, in memory: what is between two of them is near enough
 * to be passed over by who reads on. An origin that pauses for longer has its
 * events before and behind the pause remembered, and with each what it came
 * after, so that nobody reads through the pause. */
#include "storage/log_private.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

static void add_mark(struct log_origin *o, struct log_mark mark)
{
    if (o->mark_end == o->mark_capacity) {
        size_t count = o->mark_end - o->mark_begin;

        if (o->mark_begin > count) {
            memmove(o->marks,
                    o->marks + o->mark_begin,
                    count * sizeof(o->marks[0]));
        } else {
            struct log_mark *marks =
                alloc_raw((2 * count + 16) * sizeof(marks[0]));

            if (count > 0) {
                memcpy(
                    marks, o->marks + o->mark_begin, count * sizeof(marks[0]));
            }
            free(o->marks);
            o->marks = marks;
            o->mark_capacity = 2 * count + 16;
        }
        o->mark_begin = 0;
        o->mark_end = count;
    }
    o->marks[o->mark_end++] = mark;
}

/* A mark for every so many places, where the origin has events. */
#define MARK_PLACES (LOG_SEEK_SLACK / 2)

static void mark(struct log_origin *o, struct log_mark event)
{
    if (o->mark_begin < o->mark_end) {
        struct log_mark last = o->marks[o->mark_end - 1];

        if (event.place - last.place < MARK_PLACES) {
            return;
        }
        if (o->last.sequence > last.sequence &&
            event.place - o->last.place >= MARK_PLACES) {
            add_mark(o, o->last);
        }
    }
    add_mark(o, event);
}

/* Whose events those were up to there is not known. */
static void know_low(struct log_origin *o, uint64_t low)
{
    o->low = low > o->low ? low : o->low;
    o->nameless = low > o->nameless ? low : o->nameless;
    o->low_known = true;
}

void log_seek_note(struct log *log,
                   uint64_t origin,
                   uint64_t sequence,
                   uint64_t predecessor,
                   uint64_t place)
{
    const struct log_mark event = {
        .sequence = sequence, .predecessor = predecessor, .place = place};
    struct log_origin *o;

    pthread_mutex_lock(&log->known_lock);
    o = log_origin(log, origin);
    if (!o->low_known || (predecessor > o->last.sequence &&
                          !log_corrupt_between(log, o->last.place, place))) {
        know_low(o, predecessor);
    }
    o->set_back |= predecessor < o->last.sequence;
    mark(o, event);
    o->last = event;
    pthread_mutex_unlock(&log->known_lock);
}

/* The oldest event of an origin was missing: it is no longer gone. A mark of
 * its own keeps the way from one mark to the next as short as it was. */
void log_seek_insert(struct log *log,
                     uint64_t origin,
                     uint64_t sequence,
                     uint64_t predecessor,
                     uint64_t place)
{
    const struct log_mark event = {
        .sequence = sequence, .predecessor = predecessor, .place = place};
    struct log_origin *o;
    size_t at;

    pthread_mutex_lock(&log->known_lock);
    o = log_origin(log, origin);
    if (o->nameless == sequence) {
        o->nameless = predecessor;
    }
    if (o->low == sequence) {
        o->low = predecessor;
    }
    add_mark(o, event);
    for (at = o->mark_end - 1;
         at > o->mark_begin && o->marks[at - 1].sequence > sequence;
         at--) {
        o->marks[at] = o->marks[at - 1];
    }
    o->marks[at] = event;
    pthread_mutex_unlock(&log->known_lock);
}

/* The marks of what was joined become one, which says what it comes after; the
 * older ones, which are few, move up to it. Where there was none, the marks
 * around it still tell the way. */
void log_seek_join(struct log *log,
                   uint64_t origin,
                   const struct log_mark *joined)
{
    struct log_origin *o;
    size_t begin;
    size_t end;

    pthread_mutex_lock(&log->known_lock);
    o = log_origin(log, origin);
    begin = o->mark_begin;
    while (begin < o->mark_end &&
           o->marks[begin].sequence <= joined->predecessor) {
        begin++;
    }
    end = begin;
    while (end < o->mark_end && o->marks[end].sequence <= joined->sequence) {
        end++;
    }
    if (end > begin) {
        size_t shift = end - begin - 1;

        memmove(o->marks + o->mark_begin + shift,
                o->marks + o->mark_begin,
                (begin - o->mark_begin) * sizeof(o->marks[0]));
        o->mark_begin += shift;
        o->marks[end - 1] = *joined;
    }
    if (o->last.sequence == joined->sequence) {
        o->last = *joined;
    }
    pthread_mutex_unlock(&log->known_lock);
}

uint64_t log_seek_low(struct log *log, uint64_t origin)
{
    const struct log_origin *o;
    uint64_t low;

    pthread_mutex_lock(&log->known_lock);
    o = log_find_origin(log, origin);
    low = o == NULL ? 0 : o->low;
    pthread_mutex_unlock(&log->known_lock);
    return low;
}

/* What of them had gone is there again. */
static void rewind_low(struct log_origin *o, const struct event *first)
{
    if (o->low >= first->sequence && o->low <= o->last.sequence) {
        o->low = first->predecessor;
    }
    o->nameless = o->nameless < o->low ? o->nameless : o->low;
}

/* What it came after stood somewhere before it. */
void log_seek_rewind(struct log *log, const struct event *first)
{
    struct log_origin *o;

    pthread_mutex_lock(&log->known_lock);
    o = log_origin(log, first->origin);
    while (o->mark_end > o->mark_begin &&
           o->marks[o->mark_end - 1].sequence >= first->sequence) {
        o->mark_end--;
    }
    rewind_low(o, first);
    o->last = (struct log_mark){.sequence = first->predecessor,
                                .predecessor = first->predecessor,
                                .place = first->place - 1};
    pthread_mutex_unlock(&log->known_lock);
}

static void lose(struct log_origin *o, uint64_t sequence)
{
    if (!o->low_known || o->low < sequence) {
        know_low(o, sequence);
    }
}

void log_seek_lose(struct log *log, uint64_t origin, uint64_t sequence)
{
    pthread_mutex_lock(&log->known_lock);
    lose(log_origin(log, origin), sequence);
    pthread_mutex_unlock(&log->known_lock);
}

void log_seek_leave(struct log *log, struct bytes rest)
{
    struct bytes one;

    pthread_mutex_lock(&log->known_lock);
    while (bytes_take(&rest, sizeof(struct log_left), &one)) {
        struct log_left left;
        struct log_origin *o;

        memcpy(&left, one.data, sizeof(left));
        o = log_origin(log, left.origin);
        lose(o, left.predecessor);
        o->low = left.sequence > o->low ? left.sequence : o->low;
    }
    pthread_mutex_unlock(&log->known_lock);
}

void log_seek_skip(struct log *log, uint64_t origin, uint64_t sequence)
{
    pthread_mutex_lock(&log->known_lock);
    know_low(log_origin(log, origin), sequence);
    pthread_mutex_unlock(&log->known_lock);
}

void log_seek_forget(struct log *log, uint64_t origin, uint64_t place)
{
    struct log_origin *o;

    pthread_mutex_lock(&log->known_lock);
    o = log_origin(log, origin);
    /* One mark stays before the first event that is left. */
    while (o->mark_end - o->mark_begin > 1 &&
           o->marks[o->mark_begin + 1].place <= place) {
        o->mark_begin++;
    }
    pthread_mutex_unlock(&log->known_lock);
}

void log_seek_scanned(struct log *log)
{
    for (size_t i = 0; i < log->origin_count; i++) {
        struct log_origin *o = &log->origins[i];

        if (!o->low_known ||
            (o->sequence > o->last.sequence &&
             !log_corrupt_between(log, o->last.place, UINT64_MAX))) {
            know_low(o, o->sequence);
        }
    }
}

/* An origin's first event has a mark, so none of its events is before that one.
 * The last mark that is not beyond `limit`, by sequence or by place; NULL when
 * all are. */
static const struct log_mark *find_mark(const struct log_origin *o,
                                        uint64_t limit,
                                        bool by_place)
{
    size_t low = o->mark_begin;
    size_t high = o->mark_end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t value =
            by_place ? o->marks[middle].place : o->marks[middle].sequence;

        if (value <= limit) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > o->mark_begin ? &o->marks[low - 1] : NULL;
}

/* Whether the mark is of the first event after `sequence`; where an origin was
 * set back, what an event came after does not tell. */
static bool is_next(const struct log_origin *o,
                    const struct log_mark *next,
                    uint64_t sequence)
{
    return !o->set_back && next < o->marks + o->mark_end &&
           next->predecessor <= sequence;
}

static uint64_t seek(const struct log *log,
                     const struct log_origin *o,
                     uint64_t sequence)
{
    const struct log_mark *found;

    if (sequence >= o->last.sequence) {
        return log->last_place + 1;
    }
    found = find_mark(o, sequence, false);
    if (found == NULL) {
        return o->marks[o->mark_begin].place;
    }
    return is_next(o, found + 1, sequence) ? found[1].place : found->place;
}

uint64_t log_seek(struct log *log, const struct vector *after)
{
    uint64_t place;

    pthread_mutex_lock(&log->known_lock);
    place = log->last_place + 1;
    for (size_t i = 0; i < log->origin_count; i++) {
        const struct log_origin *o = &log->origins[i];
        uint64_t at = seek(log, o, vector_get(after, o->origin));

        place = at < place ? at : place;
    }
    pthread_mutex_unlock(&log->known_lock);
    return place;
}

/* Where an origin's events are beyond `sequence`: at its next mark. */
static uint64_t uncovered(const struct log_origin *o, uint64_t sequence)
{
    const struct log_mark *found = find_mark(o, sequence, false);
    const struct log_mark *next =
        found == NULL ? o->marks + o->mark_begin : found + 1;

    if (o->mark_begin < o->mark_end && next < o->marks + o->mark_end) {
        return next->place;
    }
    return o->last.place + (o->last.sequence <= sequence);
}

uint64_t log_seek_uncovered(struct log *log, const struct vector *after)
{
    uint64_t place = 0;

    pthread_mutex_lock(&log->known_lock);
    for (size_t i = 0; i < log->origin_count; i++) {
        const struct log_origin *o = &log->origins[i];
        uint64_t at = uncovered(o, vector_get(after, o->origin));

        place = at > place ? at : place;
    }
    pthread_mutex_unlock(&log->known_lock);
    return place;
}

void log_seek_vector(struct log *log, struct vector *ret)
{
    *ret = (struct vector){0};
    pthread_mutex_lock(&log->known_lock);
    (void)vector_raise(ret, log->origin, 0);
    for (size_t i = 0; i < log->origin_count; i++) {
        if (log->origins[i].sequence > 0) {
            (void)vector_raise(
                ret, log->origins[i].origin, log->origins[i].sequence);
        }
    }
    log_prune_floor(&log->pruned, ret);
    pthread_mutex_unlock(&log->known_lock);
}

void log_seek_expect(struct log *log, uint64_t origin)
{
    pthread_mutex_lock(&log->known_lock);
    (void)log_origin(log, origin);
    pthread_mutex_unlock(&log->known_lock);
}

bool log_seek_knows(struct log *log, uint64_t origin)
{
    bool known;

    pthread_mutex_lock(&log->known_lock);
    known = origin == log->origin || log_find_origin(log, origin) != NULL ||
            log_prune_knows(&log->pruned, origin);
    pthread_mutex_unlock(&log->known_lock);
    return known;
}

void log_seek_low_water(struct log *log,
                        struct bytes channel,
                        struct vector *ret)
{
    *ret = (struct vector){0};
    pthread_mutex_lock(&log->known_lock);
    for (size_t i = 0; i < log->origin_count; i++) {
        const struct log_origin *o = &log->origins[i];
        uint64_t low = log_thin_of(log, channel, o->origin).sequence;

        low = low > o->low ? low : o->low;
        if (low > 0) {
            (void)vector_raise(ret, o->origin, low);
        }
    }
    log_prune_floor(&log->pruned, ret);
    pthread_mutex_unlock(&log->known_lock);
}

struct reading {
    struct vector *vector;
    uint64_t last_place; /* that counts */
    uint64_t next_place;
};

static bool raise(uint64_t place, const struct record *record, void *context)
{
    struct reading *r = context;

    if (place > r->last_place) {
        return false;
    }
    (void)vector_raise(r->vector, record->origin, record->sequence);
    r->next_place = place + 1;
    return true;
}

/* What the marks of an origin tell of the vector at `place`; returns from where
 * on the log must be read for the rest. */
static uint64_t raise_by_marks_of(const struct log_origin *o,
                                  uint64_t place,
                                  struct vector *ret)
{
    const struct log_mark *found = find_mark(o, place, true);

    (void)vector_raise(ret, o->origin, o->low);
    if (o->last.place != 0 && o->last.place <= place) {
        (void)vector_raise(ret, o->origin, o->last.sequence);
        return place + 1;
    }
    if (found == NULL) { /* it begins later */
        return place + 1;
    }
    (void)vector_raise(ret, o->origin, found->sequence);
    return is_next(o, found + 1, found->sequence) ? place + 1 : found->place;
}

static uint64_t raise_by_marks(struct log *log,
                               uint64_t place,
                               struct vector *ret)
{
    uint64_t from = place + 1;

    pthread_mutex_lock(&log->known_lock);
    (void)vector_raise(ret, log->origin, 0);
    for (size_t i = 0; i < log->origin_count; i++) {
        uint64_t at = raise_by_marks_of(&log->origins[i], place, ret);

        from = at < from ? at : from;
    }
    log_prune_floor(&log->pruned, ret);
    pthread_mutex_unlock(&log->known_lock);
    return from;
}

int log_seek_vector_at(struct log *log,
                       uint64_t place,
                       struct vector *ret,
                       struct why *why)
{
    struct vector vector = {0};
    struct reading r = {.vector = &vector, .last_place = place};
    uint64_t from = raise_by_marks(log, place, &vector);
    int rc;

    do {
        r.next_place = from;
        rc = log_read(log, from, LOG_PAGE_BYTES_MAX, raise, &r, why);
        if (rc != 0) {
            return rc;
        }
        from = r.next_place > from ? r.next_place : place + 1;
    } while (from <= place);
    *ret = vector;
    return 0;
}

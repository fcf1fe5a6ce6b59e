/* There are so few marks that they are walked; those that stay close up. */
#include "cluster/inflight.h"

/* The last so many marks are for origins that have none. */
#define MARKS_KEPT VECTOR_ORIGINS_MAX

_Static_assert(INFLIGHT_MARKS_MAX > MARKS_KEPT, "there are others");

/* The origin's last mark, or NULL. */
static struct inflight_mark *last_of(struct inflight *i, uint64_t origin)
{
    for (size_t n = i->mark_count; n > 0; n--) {
        if (i->marks[n - 1].origin == origin) {
            return &i->marks[n - 1];
        }
    }
    return NULL;
}

bool inflight_sent(struct inflight *i,
                   uint64_t origin,
                   uint64_t sequence,
                   size_t bytes)
{
    if (i->mark_count >= INFLIGHT_MARKS_MAX - MARKS_KEPT) {
        struct inflight_mark *last = last_of(i, origin);

        if (last != NULL) {
            last->sequence = sequence;
            last->bytes += bytes;
            i->bytes += bytes;
            return true;
        }
    }
    if (i->mark_count == INFLIGHT_MARKS_MAX) {
        return false;
    }
    i->marks[i->mark_count++] = (struct inflight_mark){
        .origin = origin, .sequence = sequence, .bytes = bytes};
    i->bytes += bytes;
    return true;
}

void inflight_had(struct inflight *i, const struct vector *have)
{
    size_t kept = 0;

    for (size_t n = 0; n < i->mark_count; n++) {
        struct inflight_mark mark = i->marks[n];

        if (vector_get(have, mark.origin) >= mark.sequence) {
            i->bytes -= mark.bytes;
        } else {
            i->marks[kept++] = mark;
        }
    }
    i->mark_count = kept;
}

void inflight_forget(struct inflight *i, uint64_t origin)
{
    struct vector all = {.count = 1, .entries = {{origin, UINT64_MAX}}};

    inflight_had(i, &all);
}

/* A list for each number of times told: the front of the first that is not
 * empty is always the one to tell next. */
#include "cluster/dissemination.h"

#include "base/check.h"

void dissemination_init(struct dissemination *d)
{
    d->count = 0;
    for (size_t i = 0; i < DISSEMINATION_TIMES_MAX; i++) {
        list_init(&d->told[i]);
    }
}

void dissemination_remove(struct dissemination *d, struct member *member)
{
    if (!list_empty(&member->news)) {
        list_remove(&member->news);
        d->count--;
    }
}

static void put(struct dissemination *d, struct member *member, unsigned times)
{
    dissemination_remove(d, member);
    member->times_told = times;
    list_push_back(&d->told[times], &member->news);
    d->count++;
}

void dissemination_add(struct dissemination *d, struct member *member)
{
    put(d, member, 0);
}

static bool has(const struct gossip *message, uint64_t id)
{
    for (size_t i = 0; i < message->member_count; i++) {
        if (message->members[i].id == id) {
            return true;
        }
    }
    return false;
}

/* What the message is given, in order of urgency; all of it fits. */
static size_t choose(struct dissemination *d,
                     size_t bytes_max,
                     struct gossip *message,
                     struct member *chosen[GOSSIP_MEMBERS_MAX],
                     size_t *ret_bytes)
{
    size_t count = 0;
    size_t bytes = 0;

    for (unsigned times = 0; times < DISSEMINATION_TIMES_MAX; times++) {
        list_each(node, &d->told[times])
        {
            struct member *member = list_entry(node, struct member, news);
            size_t more = gossip_member_bytes(&member->record);

            if (has(message, member->record.id)) {
                continue;
            }
            if (bytes + more > bytes_max ||
                message->member_count == GOSSIP_MEMBERS_MAX) {
                *ret_bytes = bytes;
                return count;
            }
            message->members[message->member_count++] = member->record;
            chosen[count++] = member;
            bytes += more;
        }
    }
    *ret_bytes = bytes;
    return count;
}

size_t dissemination_fill(struct dissemination *d,
                          unsigned times_max,
                          size_t bytes_max,
                          struct gossip *message)
{
    struct member *chosen[GOSSIP_MEMBERS_MAX];
    size_t bytes;
    size_t count;

    check(times_max > 0 && times_max <= DISSEMINATION_TIMES_MAX);
    count = choose(d, bytes_max, message, chosen, &bytes);
    for (size_t i = 0; i < count; i++) {
        if (chosen[i]->times_told + 1 < times_max) {
            put(d, chosen[i], chosen[i]->times_told + 1);
        } else {
            dissemination_remove(d, chosen[i]);
        }
    }
    return bytes;
}

unsigned dissemination_times(unsigned factor, size_t size)
{
    unsigned digits = 0;

    /* The logarithm of size + 1 to the base 10, rounded up. */
    for (size_t power = 1; power < size + 1; power *= 10) {
        digits++;
    }
    digits = digits > 0 ? digits : 1;
    return factor * digits < DISSEMINATION_TIMES_MAX ? factor * digits
                                                     : DISSEMINATION_TIMES_MAX;
}

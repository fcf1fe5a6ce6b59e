/* Arrays of pointers: a cluster is small, and what is sorted is found fast and
 * walked in the same order by everybody. */
#include "cluster/member_list.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/splitmix.h"

#include <stdlib.h>

void member_list_init(struct member_list *list, size_t max)
{
    check(max > 0);
    *list = (struct member_list){
        .max = max,
        .by_id = alloc_zero(max * sizeof(struct member *)),
        .round = alloc_zero(max * sizeof(struct member *)),
    };
}

void member_list_done(struct member_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->by_id[i]);
    }
    free(list->by_id);
    free(list->round);
    *list = (struct member_list){.max = 0};
}

/* How many have an id below `id`: the index where it is or belongs. */
static size_t place_of(const struct member_list *list, uint64_t id)
{
    size_t low = 0;
    size_t high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (list->by_id[middle]->record.id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct member *member_list_find(const struct member_list *list, uint64_t id)
{
    size_t place = place_of(list, id);

    if (place < list->count && list->by_id[place]->record.id == id) {
        return list->by_id[place];
    }
    return NULL;
}

struct member *member_list_after(const struct member_list *list, uint64_t id)
{
    size_t place = id == UINT64_MAX ? list->count : place_of(list, id + 1);

    return place < list->count ? list->by_id[place] : NULL;
}

static void insert(struct member **array,
                   size_t count,
                   size_t place,
                   struct member *member)
{
    memmove(
        &array[place + 1], &array[place], (count - place) * sizeof(array[0]));
    array[place] = member;
}

static void take_out(struct member **array, size_t count, size_t place)
{
    memmove(&array[place],
            &array[place + 1],
            (count - place - 1) * sizeof(array[0]));
}

struct member *member_list_add(struct member_list *list,
                               uint64_t id,
                               uint64_t *random)
{
    size_t place = place_of(list, id);
    size_t turn = splitmix_below(random, list->count + 1);
    struct member *member;

    check(place == list->count || list->by_id[place]->record.id != id);
    if (list->count == list->max) {
        return NULL;
    }
    member = alloc_zero(sizeof(*member));
    member->record.id = id;
    list_init(&member->suspects);
    list_init(&member->news);
    list_init(&member->changes);
    insert(list->by_id, list->count, place, member);
    insert(list->round, list->count, turn, member);
    list->round_next += turn < list->round_next;
    list->count++;
    return member;
}

void member_list_remove(struct member_list *list, struct member *member)
{
    size_t place = place_of(list, member->record.id);
    size_t turn = 0;

    check(place < list->count && list->by_id[place] == member);
    while (list->round[turn] != member) {
        turn++;
    }
    take_out(list->by_id, list->count, place);
    take_out(list->round, list->count, turn);
    list->round_next -= turn < list->round_next;
    list->count--;
    list_remove(&member->suspects);
    list_remove(&member->news);
    list_remove(&member->changes);
    free(member);
}

/* Fisher and Yates. */
static void shuffle(struct member_list *list, uint64_t *random)
{
    for (size_t left = list->count; left > 1; left--) {
        size_t chosen = splitmix_below(random, left);
        struct member *member = list->round[chosen];

        list->round[chosen] = list->round[left - 1];
        list->round[left - 1] = member;
    }
}

struct member *member_list_next(struct member_list *list,
                                uint64_t *random,
                                bool (*accept)(const void *context,
                                               const struct member *member),
                                const void *context)
{
    /* To the end of this round, and one whole round of the next. */
    for (int rounds = 0; rounds < 2; rounds++) {
        while (list->round_next < list->count) {
            struct member *member = list->round[list->round_next++];

            if (accept(context, member)) {
                return member;
            }
        }
        shuffle(list, random);
        list->round_next = 0;
    }
    return NULL;
}

static bool is_among(struct member *const *members,
                     size_t count,
                     const struct member *member)
{
    for (size_t i = 0; i < count; i++) {
        if (members[i] == member) {
            return true;
        }
    }
    return false;
}

size_t member_list_pick(const struct member_list *list,
                        uint64_t *random,
                        bool (*accept)(const void *context,
                                       const struct member *member),
                        const void *context,
                        struct member **ret,
                        size_t count)
{
    size_t picked = 0;

    while (picked < count) {
        size_t first = splitmix_below(random, list->count + 1);
        struct member *found = NULL;

        /* On from a place of chance: near to even, and never long. */
        for (size_t i = 0; i < list->count && found == NULL; i++) {
            struct member *member = list->round[(first + i) % list->count];

            if (accept(context, member) && !is_among(ret, picked, member)) {
                found = member;
            }
        }
        if (found == NULL) {
            break;
        }
        ret[picked++] = found;
    }
    return picked;
}

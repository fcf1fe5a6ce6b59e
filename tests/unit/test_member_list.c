/* Members are found by id, and probed in rounds of chance. */
#include "cluster/member_list.h"
#include "tests/lib/tap.h"

#define COUNT 20

static struct member_list filled(size_t count, uint64_t *random)
{
    struct member_list list;

    member_list_init(&list, COUNT);
    for (size_t i = 0; i < count; i++) {
        /* Not in order: 7 and 20 have no common factor. */
        tap_check(member_list_add(&list, 10 * (i * 7 % COUNT + 1), random) !=
                  NULL);
    }
    return list;
}

static bool accept_all(const void *context, const struct member *member)
{
    (void)context;
    return member != NULL;
}

static bool accept_id(const void *context, const struct member *member)
{
    return member->record.id == *(const uint64_t *)context;
}

TAP_CASE(member_list_keeps_members_in_the_order_of_their_ids)
{
    uint64_t random = 1;
    struct member_list list = filled(COUNT, &random);

    for (size_t i = 0; i < COUNT; i++) {
        tap_equal(list.by_id[i]->record.id, 10 * (i + 1));
    }
    member_list_done(&list);
}

TAP_CASE(member_list_find_finds_who_is_there_and_nobody_else)
{
    uint64_t random = 1;
    struct member_list list = filled(COUNT, &random);

    tap_equal(member_list_find(&list, 10)->record.id, 10);
    tap_equal(member_list_find(&list, 200)->record.id, 200);
    tap_check(member_list_find(&list, 9) == NULL);
    tap_check(member_list_find(&list, 11) == NULL);
    tap_check(member_list_find(&list, 201) == NULL);
    tap_equal(member_list_after(&list, 0)->record.id, 10);
    tap_equal(member_list_after(&list, 10)->record.id, 20);
    tap_equal(member_list_after(&list, 15)->record.id, 20);
    tap_check(member_list_after(&list, 200) == NULL);
    tap_check(member_list_after(&list, UINT64_MAX) == NULL);
    member_list_done(&list);
}

TAP_CASE(member_list_add_refuses_one_more_than_the_most)
{
    uint64_t random = 1;
    struct member_list list = filled(COUNT, &random);

    tap_check(member_list_add(&list, 5, &random) == NULL);
    member_list_remove(&list, list.by_id[3]);
    tap_check(member_list_add(&list, 5, &random) != NULL);
    tap_equal(list.count, COUNT);
    member_list_done(&list);
}

TAP_CASE(member_list_next_meets_each_once_in_a_round)
{
    uint64_t random = 1;
    struct member_list list = filled(COUNT, &random);
    unsigned differing = 0;
    uint64_t before[COUNT] = {0};

    for (int round = 0; round < 10; round++) {
        unsigned met[COUNT + 1] = {0};

        for (size_t i = 0; i < COUNT; i++) {
            struct member *member =
                member_list_next(&list, &random, accept_all, NULL);

            met[member->record.id / 10]++;
            differing += before[i] != member->record.id;
            before[i] = member->record.id;
        }
        for (size_t i = 1; i <= COUNT; i++) {
            tap_equal(met[i], 1);
        }
    }
    tap_check(differing > 5 * COUNT); /* Rounds are shuffled. */
    member_list_done(&list);
}

TAP_CASE(member_list_next_goes_on_where_members_come_and_go)
{
    uint64_t random = 1;
    struct member_list list = filled(10, &random);
    unsigned met[COUNT + 1] = {0};

    for (size_t i = 0; i < 5; i++) {
        met[member_list_next(&list, &random, accept_all, NULL)->record.id /
            10]++;
    }
    for (size_t i = 1; i <= COUNT; i++) {
        struct member *member = member_list_find(&list, 10 * i);

        if (member != NULL && i % 2 == 0) {
            member_list_remove(&list, member);
            met[i] = 1;
        } else if (member == NULL) {
            met[i] = 1;
        }
    }
    while (list.round_next < list.count) {
        met[member_list_next(&list, &random, accept_all, NULL)->record.id /
            10]++;
    }
    for (size_t i = 1; i <= COUNT; i++) {
        tap_equal(met[i], 1);
    }
    member_list_done(&list);
}

TAP_CASE(member_list_next_finds_the_only_one_or_nobody)
{
    uint64_t random = 1;
    struct member_list list = filled(COUNT, &random);
    uint64_t id = 70;

    for (int i = 0; i < 50; i++) {
        tap_equal(member_list_next(&list, &random, accept_id, &id)->record.id,
                  70);
    }
    id = 71;
    tap_check(member_list_next(&list, &random, accept_id, &id) == NULL);
    member_list_done(&list);
}

TAP_CASE(member_list_pick_takes_different_members_and_all_in_time)
{
    uint64_t random = 1;
    struct member_list list = filled(COUNT, &random);
    struct member *picked[COUNT + 5];
    unsigned met[COUNT + 1] = {0};

    for (int i = 0; i < 1000; i++) {
        tap_equal(member_list_pick(&list, &random, accept_all, NULL, picked, 3),
                  3);
        tap_check(picked[0] != picked[1] && picked[1] != picked[2] &&
                  picked[0] != picked[2]);
        for (size_t k = 0; k < 3; k++) {
            met[picked[k]->record.id / 10]++;
        }
    }
    for (size_t i = 1; i <= COUNT; i++) {
        tap_check(met[i] > 75 && met[i] < 300); /* 150 expected */
    }
    tap_equal(
        member_list_pick(&list, &random, accept_all, NULL, picked, COUNT + 5),
        COUNT);
    member_list_done(&list);
}

TAP_CASE(member_list_pick_of_nobody_is_nobody)
{
    uint64_t random = 1;
    struct member_list list = filled(0, &random);
    struct member *picked[1];

    tap_equal(member_list_pick(&list, &random, accept_all, NULL, picked, 1), 0);
    tap_check(member_list_next(&list, &random, accept_all, NULL) == NULL);
    member_list_done(&list);
}

TAP_MAIN()

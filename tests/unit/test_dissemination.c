/* News are told often enough, the newest first, as many as fit. */
#include "cluster/dissemination.h"
#include "tests/lib/tap.h"

#define COUNT 50

struct fixture {
    struct member_list members;
    struct dissemination news;
    struct gossip message;
};

static struct fixture *begun(void)
{
    static struct fixture f;
    uint64_t random = 1;

    member_list_init(&f.members, COUNT);
    dissemination_init(&f.news);
    f.message.member_count = 0;
    for (size_t i = 0; i < COUNT; i++) {
        struct member *member = member_list_add(&f.members, i + 1, &random);

        member->record.state = GOSSIP_ALIVE;
        member->record.run = 1;
        member->record.address.port = 1;
    }
    return &f;
}

static void ended(struct fixture *f)
{
    member_list_done(&f->members);
}

static size_t fill(struct fixture *f, unsigned times_max, size_t bytes_max)
{
    f->message.member_count = 0;
    return dissemination_fill(&f->news, times_max, bytes_max, &f->message);
}

TAP_CASE(dissemination_times_grow_with_the_logarithm)
{
    tap_equal(dissemination_times(4, 0), 4);
    tap_equal(dissemination_times(4, 1), 4);
    tap_equal(dissemination_times(4, 9), 4);
    tap_equal(dissemination_times(4, 10), 8);
    tap_equal(dissemination_times(4, 99), 8);
    tap_equal(dissemination_times(4, 100), 12);
    tap_equal(dissemination_times(4, 1000), 16);
    tap_equal(dissemination_times(60, 1000), DISSEMINATION_TIMES_MAX);
}

TAP_CASE(dissemination_fill_tells_each_as_often_as_asked)
{
    struct fixture *f = begun();

    dissemination_add(&f->news, f->members.by_id[0]);
    for (int i = 0; i < 4; i++) {
        tap_check(fill(f, 4, 1000) > 0);
        tap_equal(f->message.member_count, 1);
        tap_equal(f->message.members[0].id, 1);
    }
    tap_equal(fill(f, 4, 1000), 0);
    tap_equal(f->news.count, 0);
    ended(f);
}

TAP_CASE(dissemination_fill_tells_what_was_told_least_first)
{
    struct fixture *f = begun();
    size_t one = gossip_member_bytes(&f->members.by_id[0]->record);

    dissemination_add(&f->news, f->members.by_id[0]);
    tap_equal(fill(f, 4, 1000), one);
    dissemination_add(&f->news, f->members.by_id[1]);
    tap_equal(fill(f, 4, one), one);
    tap_equal(f->message.members[0].id, 2);
    tap_equal(fill(f, 4, 2 * one), 2 * one);
    tap_equal(f->message.members[0].id, 1);
    tap_equal(f->message.members[1].id, 2);
    ended(f);
}

TAP_CASE(dissemination_add_begins_anew)
{
    struct fixture *f = begun();

    dissemination_add(&f->news, f->members.by_id[0]);
    tap_check(fill(f, 2, 1000) > 0);
    dissemination_add(&f->news, f->members.by_id[0]);
    tap_equal(f->news.count, 1);
    tap_check(fill(f, 2, 1000) > 0);
    tap_check(fill(f, 2, 1000) > 0);
    tap_equal(fill(f, 2, 1000), 0);
    ended(f);
}

TAP_CASE(dissemination_fill_takes_what_fits)
{
    struct fixture *f = begun();
    size_t one = gossip_member_bytes(&f->members.by_id[0]->record);
    size_t told = 0;

    for (size_t i = 0; i < COUNT; i++) {
        dissemination_add(&f->news, f->members.by_id[i]);
    }
    tap_equal(fill(f, 1, one - 1), 0);
    tap_equal(fill(f, 1, 3 * one + 1), 3 * one);
    tap_equal(f->message.member_count, 3);
    told = 3;
    while (fill(f, 1, 1 << 20) > 0) {
        tap_check(f->message.member_count <= GOSSIP_MEMBERS_MAX);
        told += f->message.member_count;
    }
    tap_equal(told, COUNT);
    ended(f);
}

TAP_CASE(dissemination_fill_passes_over_what_the_message_has)
{
    struct fixture *f = begun();

    dissemination_add(&f->news, f->members.by_id[0]);
    dissemination_add(&f->news, f->members.by_id[1]);
    f->message.members[0] = f->members.by_id[0]->record;
    f->message.member_count = 1;
    tap_check(dissemination_fill(&f->news, 1, 1000, &f->message) > 0);
    tap_equal(f->message.member_count, 2);
    tap_equal(f->message.members[1].id, 2);
    tap_equal(f->news.count, 1);
    ended(f);
}

TAP_CASE(dissemination_fill_ends_news_when_the_cluster_has_shrunk)
{
    struct fixture *f = begun();

    dissemination_add(&f->news, f->members.by_id[0]);
    for (int i = 0; i < 5; i++) {
        tap_check(fill(f, 8, 1000) > 0);
    }
    tap_check(fill(f, 4, 1000) > 0);
    tap_equal(f->news.count, 0);
    ended(f);
}

TAP_CASE(dissemination_remove_forgets_news_also_twice)
{
    struct fixture *f = begun();

    dissemination_add(&f->news, f->members.by_id[0]);
    dissemination_remove(&f->news, f->members.by_id[0]);
    dissemination_remove(&f->news, f->members.by_id[0]);
    tap_equal(f->news.count, 0);
    tap_equal(fill(f, 4, 1000), 0);
    ended(f);
}

TAP_MAIN()

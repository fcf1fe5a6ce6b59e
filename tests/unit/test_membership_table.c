/* Who is in the table and who goes out of it: goodbyes, the forgotten,
 * restarts, rivals, limits, and the table as bytes. */
#include "tests/lib/membership_bench.h"

TAP_CASE(membership_says_goodbye_and_is_gone_when_it_is_told)
{
    struct bench *b = bench();
    struct membership_event event;

    join(b, 3);
    step(b, &(struct membership_input){.kind = MEMBERSHIP_INPUT_LEAVE});
    while (membership_next_event(b->m, &event)) {
        tap_check(event.kind != MEMBERSHIP_GONE);
    }
    pass(b, 300);
    tap_equal(carries(sent(b, GOSSIP_NEWS, 0), BENCH_ID)->state, GOSSIP_LEFT);
    pass(b, 1000);
    tap_check(told_kind(b, MEMBERSHIP_GONE));
    tap_check(!told_kind(b, MEMBERSHIP_GONE));
    pass(b, 10000);
    tap_equal(b->sent_count, 0);
    tap_equal(membership_size(b->m), 3);
    membership_free(b->m);
}

TAP_CASE(membership_is_gone_when_its_goodbye_takes_too_long)
{
    struct membership_settings settings = settings_of_test();
    struct bench *b;

    settings.news_interval_ms = 100000; /* Nothing is told. */
    b = bench_with(&settings);
    join(b, 3);
    pass(b, 10);
    step(b, &(struct membership_input){.kind = MEMBERSHIP_INPUT_LEAVE});
    pass(b, 4900);
    tap_check(!told_kind(b, MEMBERSHIP_GONE));
    pass(b, 200);
    tap_check(told_kind(b, MEMBERSHIP_GONE));
    membership_free(b->m);
}

TAP_CASE(membership_is_gone_at_once_when_it_is_alone)
{
    struct bench *b = bench();

    step(b, &(struct membership_input){.kind = MEMBERSHIP_INPUT_LEAVE});
    tap_check(told_kind(b, MEMBERSHIP_GONE));
    tap_equal(membership_deadline_ms(b->m), MOMENT_NEVER);
    membership_free(b->m);
}

TAP_CASE(membership_tells_leaving_from_dying)
{
    struct bench *b = bench();

    join(b, 3);
    say_state(b, 2, 5, GOSSIP_DEAD);
    say_state(b, 2, 5, GOSSIP_LEFT);
    tap_check(told(b, 2, MEMBERSHIP_LEFT));
    say_state(b, 2, 5, GOSSIP_DEAD);
    tap_equal(state_of(b, 2), GOSSIP_LEFT);
    tap_equal(membership_size(b->m), 3); /* of four */
    membership_free(b->m);
}

TAP_CASE(membership_forgets_whom_the_operator_says)
{
    struct bench *b = bench();

    join(b, 3);
    tap_equal(membership_forget(b->m, b->now_ms, 2), RC_BUSY);
    tap_equal(membership_forget(b->m, b->now_ms, BENCH_ID), RC_BUSY);
    tap_equal(membership_forget(b->m, b->now_ms, 50), RC_NOT_FOUND);
    say_state(b, 2, 5, GOSSIP_DEAD);
    tap_equal(membership_forget(b->m, b->now_ms, 2), RC_OK);
    tap_equal(membership_forget(b->m, b->now_ms, 2), RC_NOT_FOUND);
    tap_check(told(b, 2, MEMBERSHIP_FORGOTTEN));
    tap_equal(membership_size(b->m), 3);
    pass(b, 300);
    tap_equal(carries(sent(b, GOSSIP_NEWS, 0), 2)->state, GOSSIP_FORGOTTEN);
    /* An old table does not bring it back, itself it may. */
    say_state(b, 2, 5, GOSSIP_ALIVE);
    tap_equal(state_of(b, 2), GOSSIP_FORGOTTEN);
    say_state(b, 2, 6, GOSSIP_ALIVE);
    tap_check(told(b, 2, MEMBERSHIP_JOINED));
    membership_free(b->m);
}

TAP_CASE(membership_does_not_learn_of_strangers_that_are_forgotten)
{
    struct bench *b = bench();

    say_state(b, 2, 5, GOSSIP_FORGOTTEN);
    tap_check(membership_find(b->m, 2) == NULL);
    membership_free(b->m);
}

static struct bench *forgetful(void)
{
    struct membership_settings settings = settings_of_test();

    settings.forget_after_ms = 10000;
    settings.remember_forgotten_ms = 20000;
    settings.suspicion_factor = 1000; /* Nobody dies but those we name. */
    return bench_with(&settings);
}

TAP_CASE(membership_forgets_the_dead_and_the_left_in_time)
{
    struct bench *b = forgetful();

    join(b, 5);
    say_state(b, 1, 5, GOSSIP_DEAD);
    say_state(b, 2, 5, GOSSIP_LEFT);
    pass(b, 8500);
    tap_equal(state_of(b, 1), GOSSIP_DEAD);
    pass(b, 3000);
    tap_equal(state_of(b, 1), GOSSIP_FORGOTTEN);
    tap_equal(state_of(b, 2), GOSSIP_FORGOTTEN);
    tap_check(told(b, 1, MEMBERSHIP_FORGOTTEN));
    while (told(b, 2, MEMBERSHIP_FORGOTTEN)) {
    }
    pass(b, 30000);
    tap_check(membership_find(b->m, 1) == NULL);
    tap_check(membership_find(b->m, 2) == NULL);
    tap_check(membership_find(b->m, 3) != NULL);
    membership_free(b->m);
}

TAP_CASE(membership_without_a_majority_forgets_no_dead)
{
    struct bench *b = forgetful();

    join(b, 3);
    say_state(b, 1, 5, GOSSIP_DEAD);
    say_state(b, 2, 5, GOSSIP_DEAD);
    pass(b, 60000);
    tap_equal(state_of(b, 1), GOSSIP_DEAD);
    tap_equal(membership_size(b->m), 4);
    membership_free(b->m);
}

TAP_CASE(membership_refuses_members_over_the_most_and_says_so)
{
    struct membership_settings settings = settings_of_test();
    struct bench *b;

    settings.members_max = 3;
    b = bench_with(&settings);
    say_state(b, 1, 5, GOSSIP_ALIVE);
    say_state(b, 2, 5, GOSSIP_ALIVE);
    tap_check(!told_kind(b, MEMBERSHIP_FULL));
    say_state(b, 3, 5, GOSSIP_ALIVE);
    tap_check(membership_find(b->m, 3) == NULL);
    tap_equal(membership_counters(b->m)->members_refused, 1);
    tap_check(told_kind(b, MEMBERSHIP_FULL));
    /* Those who are forgotten make room. */
    say_state(b, 2, 5, GOSSIP_FORGOTTEN);
    tap_check(told(b, 2, MEMBERSHIP_FORGOTTEN));
    while (told_kind(b, MEMBERSHIP_FORGOTTEN)) {
    }
    say_state(b, 3, 5, GOSSIP_ALIVE);
    tap_check(membership_find(b->m, 3) != NULL);
    tap_check(membership_find(b->m, 2) == NULL);
    membership_free(b->m);
}

TAP_CASE(membership_takes_a_restart_for_the_same_member)
{
    struct bench *b = bench();
    struct gossip_member again = record_of(2, GOSSIP_ALIVE);

    join(b, 2);
    again.incarnation = 6;
    again.run = 55;
    again.address = address_of(30);
    say(b, &again);
    tap_check(told(b, 2, MEMBERSHIP_MOVED));
    tap_equal(membership_size(b->m), 3);
    tap_equal(membership_find(b->m, 2)->address.port, 1030);
    membership_free(b->m);
}

TAP_CASE(membership_takes_over_from_its_own_past)
{
    struct bench *b = bench();
    struct gossip_member past = *membership_find(b->m, BENCH_ID);

    past.run = 6;
    past.started_ms -= 1000;
    past.incarnation += 10; /* The clock was set back. */
    past.state = GOSSIP_DEAD;
    say(b, &past);
    tap_equal(membership_find(b->m, BENCH_ID)->incarnation,
              past.incarnation + 1);
    tap_equal(membership_find(b->m, BENCH_ID)->rival, 6);
    tap_check(!told_kind(b, MEMBERSHIP_RIVAL));
    membership_free(b->m);
}

/* Another process with our id, that has seen us. */
static struct gossip_member rival(const struct bench *b, uint64_t started_ms)
{
    struct gossip_member other = *membership_find(b->m, BENCH_ID);

    other.run = 6;
    other.started_ms = started_ms;
    other.incarnation++;
    other.rival = BENCH_RUN;
    other.address = address_of(40);
    return other;
}

TAP_CASE(membership_stands_down_before_an_elder_with_its_id)
{
    struct bench *b = bench();
    struct gossip_member elder = rival(b, BENCH_WALL_MS - 1);
    struct membership_event event;

    join(b, 2);
    say(b, &elder);
    tap_check(membership_next_event(b->m, &event));
    tap_equal(event.kind, MEMBERSHIP_RIVAL);
    tap_equal(event.we_are_younger, true);
    tap_equal(event.member->run, 6);
    pass(b, 10000);
    tap_equal(b->sent_count, 0);
    tap_equal(membership_deadline_ms(b->m), MOMENT_NEVER);
    membership_free(b->m);
}

TAP_CASE(membership_tells_a_younger_with_its_id_that_it_is_seen)
{
    struct bench *b = bench();
    struct gossip_member younger = rival(b, BENCH_WALL_MS + 1);
    struct membership_event event;

    join(b, 2);
    younger.rival = 0; /* It does not know of us. */
    say(b, &younger);
    tap_check(!told_kind(b, MEMBERSHIP_RIVAL)); /* Does it live? */
    tap_equal(carries(sent(b, GOSSIP_NEWS, 40), BENCH_ID)->rival, 6);
    younger.rival = BENCH_RUN;
    younger.incarnation += 5;
    say(b, &younger);
    tap_check(membership_next_event(b->m, &event));
    tap_equal(event.kind, MEMBERSHIP_RIVAL);
    tap_equal(event.we_are_younger, false);
    say(b, &younger);
    tap_check(!told_kind(b, MEMBERSHIP_RIVAL)); /* Once. */
    pass(b, 2000);
    tap_check(sent(b, GOSSIP_PING, 0) != NULL);
    membership_free(b->m);
}

TAP_CASE(membership_announces_another_address_of_its_own)
{
    struct bench *b = bench();
    uint64_t incarnation = membership_find(b->m, BENCH_ID)->incarnation;
    struct membership_input in = {.kind = MEMBERSHIP_INPUT_ANNOUNCE};

    join(b, 1);
    in.announce.address = address_of(BENCH_ID);
    in.announce.urls = "http://us.example";
    step(b, &in);
    tap_equal(membership_find(b->m, BENCH_ID)->incarnation, incarnation);
    in.announce.address = address_of(41);
    in.announce.urls = "";
    step(b, &in);
    pass(b, 300);
    tap_equal(carries(sent(b, GOSSIP_NEWS, 1), BENCH_ID)->address.port, 1041);
    tap_equal(membership_find(b->m, BENCH_ID)->incarnation, incarnation + 1);
    membership_free(b->m);
}

TAP_CASE(membership_tells_a_member_that_is_suspected_at_first_sight_in_order)
{
    struct bench *b = bench();

    say_state(b, 1, 5, GOSSIP_SUSPECT);
    tap_check(told(b, 1, MEMBERSHIP_JOINED));
    tap_check(told(b, 1, MEMBERSHIP_SUSPECTED));
    tap_check(!told(b, 1, MEMBERSHIP_SUSPECTED));
    membership_free(b->m);
}

TAP_CASE(membership_counts_what_it_cannot_read)
{
    struct membership_input in = {.kind = MEMBERSHIP_INPUT_DATAGRAM};
    struct bench *b = bench();

    in.datagram.bytes = bytes_text("\xff garbage");
    in.datagram.source = address_of(1);
    step(b, &in);
    tap_equal(b->sent_count, 0);
    tap_equal(membership_counters(b->m)->datagrams_malformed, 1);
    tap_equal(membership_counters(b->m)->datagrams_received, 1);
    membership_free(b->m);
}

TAP_CASE(membership_keeps_no_more_to_be_sent_than_its_bound)
{
    struct gossip ping = {
        .kind = GOSSIP_PING, .from = 1, .sequence = 1, .target = BENCH_ID};
    struct membership_input in = {.kind = MEMBERSHIP_INPUT_DATAGRAM};
    struct bench *b = bench();
    struct buffer bytes;

    join(b, 1);
    buffer_init(&bytes, GOSSIP_BYTES_MAX);
    gossip_write(&ping, &bytes);
    in.datagram.bytes = buffer_view(&bytes);
    in.datagram.source = address_of(1);
    for (int i = 0; i < 1000; i++) {
        membership_step(b->m, b->now_ms, &in);
    }
    b->sent_count = 0;
    collect(b);
    tap_equal(b->sent_count, 128);
    tap_equal(membership_counters(b->m)->datagrams_dropped, 1000 - 128);
    buffer_done(&bytes);
    membership_free(b->m);
}

TAP_CASE(membership_table_merge_gives_back_what_was_written)
{
    static struct bench first;
    struct bench *b = bench();
    struct buffer table;
    uint64_t digest;

    join(b, 3);
    say_state(b, 2, 5, GOSSIP_DEAD);
    say_state(b, 3, 5, GOSSIP_LEFT);
    buffer_init(&table, GOSSIP_TABLE_BYTES_MAX);
    membership_table_write(b->m, &table);
    digest = membership_digest(b->m);
    first.m = b->m;
    b = bench();
    tap_equal(membership_table_merge(b->m, b->now_ms, buffer_view(&table)),
              RC_OK);
    tap_equal(membership_digest(b->m), digest);
    tap_equal(membership_size(b->m), 3);
    tap_check(told(b, 1, MEMBERSHIP_JOINED));
    tap_check(told(b, 2, MEMBERSHIP_DIED));
    tap_check(told(b, 3, MEMBERSHIP_LEFT));
    pass(b, 1000); /* The others have it: only we are news. */
    tap_check(carries(sent(b, GOSSIP_NEWS, 1), BENCH_ID) != NULL);
    tap_check(carries(sent(b, GOSSIP_NEWS, 1), 3) == NULL);
    tap_equal(membership_table_merge(b->m, b->now_ms, buffer_view(&table)),
              RC_OK);
    tap_equal(membership_digest(b->m), digest);
    membership_free(first.m);
    membership_free(b->m);
    buffer_done(&table);
}

TAP_CASE(membership_table_merge_takes_nothing_of_a_broken_table)
{
    struct bench *b = bench();
    struct buffer table;
    uint64_t digest;

    join(b, 3);
    buffer_init(&table, GOSSIP_TABLE_BYTES_MAX);
    membership_table_write(b->m, &table);
    membership_free(b->m);
    b = bench();
    digest = membership_digest(b->m);
    table.len--;
    tap_equal(membership_table_merge(b->m, b->now_ms, buffer_view(&table)),
              RC_MALFORMED);
    tap_equal(membership_digest(b->m), digest);
    tap_equal(membership_size(b->m), 1);
    membership_free(b->m);
    buffer_done(&table);
}

TAP_CASE(membership_digest_does_not_depend_on_the_order_of_news)
{
    uint64_t digests[2];

    for (int i = 0; i < 2; i++) {
        struct bench *b = bench();

        for (uint64_t k = 1; k <= 6; k++) {
            uint64_t id = i == 0 ? k : 7 - k;

            say_state(b, id, 5, id % 2 == 0 ? GOSSIP_DEAD : GOSSIP_ALIVE);
        }
        if (i == 1) {
            say_state(b, 1, 5, GOSSIP_SUSPECT); /* May come and go. */
        }
        digests[i] = membership_digest(b->m);
        membership_free(b->m);
    }
    tap_check(digests[0] == digests[1]);
}

TAP_MAIN()

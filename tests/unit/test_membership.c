/* Probes, suspicions and denials: every rule of SWIM and Lifeguard that one
 * membership keeps. Whole clusters are in tests/sim. */
#include "tests/lib/membership_bench.h"

TAP_CASE(membership_knows_itself_at_the_beginning)
{
    struct bench *b = bench();

    tap_equal(membership_size(b->m), 1);
    tap_equal(membership_reachable(b->m), 1);
    tap_equal(membership_at(b->m, 0)->id, BENCH_ID);
    tap_equal(membership_at(b->m, 0)->state, GOSSIP_ALIVE);
    tap_equal_text(bytes_text(membership_at(b->m, 0)->urls),
                   "http://us.example");
    tap_check(membership_at(b->m, 1) == NULL);
    tap_equal(membership_health(b->m), 0);
    membership_free(b->m);
}

TAP_CASE(membership_asks_all_seeds_with_backoff_while_it_is_alone)
{
    struct gossip_address seeds[3] = {
        address_of(1), address_of(2), address_of(BENCH_ID)};
    struct bench *b = bench();
    unsigned tries[2] = {0, 0};

    pass(b, 0);
    tap_check(told_kind(b, MEMBERSHIP_SEEDS_WANTED));
    step(b,
         &(struct membership_input){
             .kind = MEMBERSHIP_INPUT_SEEDS,
             .seeds = {.addresses = seeds, .count = 3},
         });
    pass(b, 10);
    tap_equal(b->sent_count, 2); /* Not to ourselves. */
    tap_check(carries(sent(b, GOSSIP_SYNC, 1), BENCH_ID) != NULL);
    tap_check(sent(b, GOSSIP_SYNC, 2) != NULL);
    pass(b, 10000);
    tries[0] = (unsigned)b->sent_count / 2;
    tap_check(told_kind(b, MEMBERSHIP_SEEDS_WANTED));
    pass(b, 200000);
    pass(b, 100000);
    tries[1] = (unsigned)b->sent_count / 2;
    tap_check(tries[0] >= 3 && tries[0] <= 6); /* 0.5, 1, 2, 4 s and so on */
    tap_check(tries[1] >= 2 && tries[1] <= 5); /* each 30 s */
    membership_free(b->m);
}

TAP_CASE(membership_tries_a_seed_that_is_nobody_known_now_and_then)
{
    struct membership_settings settings = settings_of_test();
    struct gossip_address seeds[2] = {address_of(1), address_of(9)};
    struct bench *b;

    settings.reach_interval_ms = 300;
    b = bench_with(&settings);
    join(b, 1);
    step(b,
         &(struct membership_input){
             .kind = MEMBERSHIP_INPUT_SEEDS,
             .seeds = {.addresses = seeds, .count = 2},
         });
    pass(b, 4000);
    tap_check(sent(b, GOSSIP_SYNC, 9) != NULL);
    tap_check(sent(b, GOSSIP_SYNC, 1) == NULL); /* It is a member. */
    membership_free(b->m);
}

TAP_CASE(membership_asks_its_seeds_at_once_when_the_last_has_died)
{
    struct gossip_address seed = address_of(1);
    struct bench *b = bench();

    join(b, 1);
    step(b,
         &(struct membership_input){
             .kind = MEMBERSHIP_INPUT_SEEDS,
             .seeds = {.addresses = &seed, .count = 1},
         });
    pass(b, 100);
    tap_check(sent(b, GOSSIP_SYNC, 1) == NULL);
    say_state(b, 1, 5, GOSSIP_DEAD);
    pass(b, 100);
    tap_check(sent(b, GOSSIP_SYNC, 1) != NULL);
    membership_free(b->m);
}

TAP_CASE(membership_tries_the_dead_now_and_then)
{
    struct membership_settings settings = settings_of_test();
    struct bench *b;

    settings.reach_interval_ms = 1000;
    b = bench_with(&settings);
    join(b, 2);
    say_state(b, 2, 5, GOSSIP_DEAD);
    pass(b, 4000);
    /* Told what is said of it, so that it can deny it. */
    tap_equal(carries(sent(b, GOSSIP_SYNC, 2), 2)->state, GOSSIP_DEAD);
    membership_free(b->m);
}

TAP_CASE(membership_answers_a_ping_that_is_for_it)
{
    struct gossip ping = {
        .kind = GOSSIP_PING, .from = 1, .sequence = 77, .target = BENCH_ID};
    struct bench *b = bench();

    join(b, 1);
    give(b, &ping);
    tap_equal(sent(b, GOSSIP_ACK, 1)->sequence, 77);
    tap_equal(sent(b, GOSSIP_ACK, 1)->target, BENCH_ID);
    ping.target = 55; /* Who had our address before. */
    give(b, &ping);
    tap_check(sent(b, GOSSIP_ACK, 0) == NULL);
    membership_free(b->m);
}

TAP_CASE(membership_probes_each_member_in_turn)
{
    struct bench *b = bench();
    unsigned pinged[4] = {0};

    join(b, 3);
    for (int period = 0; period < 6; period++) {
        const struct gossip *ping;

        pass(b, 1000);
        ping = sent(b, GOSSIP_PING, 0);
        tap_check(ping != NULL && ping->target >= 1 && ping->target <= 3);
        pinged[ping->target]++;
        answer(b, ping);
    }
    tap_equal(pinged[1], 2);
    tap_equal(pinged[2], 2);
    tap_equal(pinged[3], 2);
    tap_equal(membership_counters(b->m)->probes, 6);
    tap_equal(membership_counters(b->m)->probes_failed, 0);
    membership_free(b->m);
}

/* The first ping, and all before it dropped. */
static const struct gossip *await_ping(struct bench *b)
{
    for (int i = 0; i < 200; i++) {
        pass(b, 10);
        if (sent(b, GOSSIP_PING, 0) != NULL) {
            return sent(b, GOSSIP_PING, 0);
        }
    }
    tap_check(false);
    return NULL;
}

TAP_CASE(membership_asks_others_to_probe_who_does_not_answer)
{
    struct bench *b = bench();
    uint64_t target;
    uint32_t sequence;

    join(b, 5);
    target = await_ping(b)->target;
    sequence = sent(b, GOSSIP_PING, 0)->sequence;
    pass(b, 480);
    tap_check(sent(b, GOSSIP_PING_REQUEST, 0) == NULL);
    pass(b, 30);
    {
        struct gossip_address address = address_of(target);
        unsigned asked = 0;

        for (size_t i = 0; i < b->sent_count; i++) {
            if (b->sent[i].kind == GOSSIP_PING_REQUEST) {
                tap_equal(b->sent[i].target, target);
                tap_equal(b->sent[i].sequence, sequence);
                tap_check(
                    gossip_address_equal(&b->sent[i].target_address, &address));
                tap_check(!gossip_address_equal(&b->sent_to[i], &address));
                asked++;
            }
        }
        tap_equal(asked, 3);
    }
    tap_equal(membership_counters(b->m)->probes_indirect, 1);
    membership_free(b->m);
}

TAP_CASE(membership_takes_an_answer_by_way_of_another)
{
    struct bench *b = bench();
    uint64_t target;

    join(b, 5);
    target = await_ping(b)->target;
    pass(b, 600);
    give(b,
         &(struct gossip){
             .kind = GOSSIP_ACK,
             .from = target == 1 ? 2 : 1,
             .sequence = sent(b, GOSSIP_PING_REQUEST, 0)->sequence,
             .target = target,
         });
    pass(b, 450);
    tap_equal(state_of(b, target), GOSSIP_ALIVE);
    tap_equal(membership_health(b->m), 0);
    membership_free(b->m);
}

TAP_CASE(membership_suspects_who_does_not_answer_at_the_periods_end)
{
    struct bench *b = bench();
    uint64_t target;

    join(b, 5);
    target = await_ping(b)->target;
    pass(b, 980);
    tap_equal(state_of(b, target), GOSSIP_ALIVE);
    pass(b, 30);
    tap_equal(state_of(b, target), GOSSIP_SUSPECT);
    tap_check(told(b, target, MEMBERSHIP_SUSPECTED));
    tap_equal(membership_find(b->m, target)->accuser_count, 1);
    tap_equal(membership_find(b->m, target)->accusers[0], BENCH_ID);
    tap_equal(membership_reachable(b->m), 6); /* Still to be counted on. */
    membership_free(b->m);
}

TAP_CASE(membership_does_not_suspect_who_came_anew_while_it_was_probed)
{
    struct bench *b = bench();
    uint64_t target;

    join(b, 5);
    target = await_ping(b)->target;
    say_state(b, target, 6, GOSSIP_ALIVE);
    pass(b, 1010);
    tap_equal(state_of(b, target), GOSSIP_ALIVE);
    tap_equal(membership_counters(b->m)->probes_failed, 0);
    membership_free(b->m);
}

TAP_CASE(membership_takes_no_answer_of_another_probe)
{
    struct bench *b = bench();
    struct gossip wrong;

    join(b, 5);
    wrong = *await_ping(b);
    wrong.sequence++;
    answer(b, &wrong);
    wrong.sequence--;
    wrong.target = wrong.target % 5 + 1;
    answer(b, &wrong);
    pass(b, 1000);
    tap_equal(membership_counters(b->m)->probes_failed, 1);
    membership_free(b->m);
}

TAP_CASE(membership_doubts_itself_when_helpers_are_silent_too)
{
    struct bench *b = bench();
    struct gossip request;

    join(b, 5);
    await_ping(b);
    pass(b, 600);
    request = *sent(b, GOSSIP_PING_REQUEST, 0);
    /* One of three says that it did not hear from the target either. */
    give(b,
         &(struct gossip){
             .kind = GOSSIP_NACK,
             .from = request.target == 1 ? 2 : 1,
             .sequence = request.sequence,
             .target = request.target,
         });
    pass(b, 450);
    tap_equal(membership_health(b->m), 3); /* the probe, and two */
    membership_free(b->m);
}

TAP_CASE(membership_probes_more_slowly_the_worse_it_does)
{
    struct membership_settings settings = settings_of_test();
    unsigned pings = 0;
    struct bench *b;

    settings.suspicion_factor = 1000; /* It stays, though it is silent. */
    b = bench_with(&settings);

    join(b, 1);
    for (int i = 0; i < 20; i++) {
        say_state(b, BENCH_ID, UINT64_C(1) << 50, GOSSIP_ALIVE);
    }
    tap_equal(membership_health(b->m), 0); /* Of another process. */
    for (int i = 0; i < 20; i++) {
        struct gossip_member about_us = *membership_find(b->m, BENCH_ID);

        about_us.state = GOSSIP_SUSPECT;
        say(b, &about_us);
    }
    tap_equal(membership_health(b->m), 8);
    pass(b, 36000);
    for (size_t i = 0; i < b->sent_count; i++) {
        pings += b->sent[i].kind == GOSSIP_PING;
    }
    tap_check(pings >= 3 && pings <= 5); /* each 9 s */
    membership_free(b->m);
}

TAP_CASE(membership_recovers_with_each_probe_that_is_answered)
{
    struct bench *b = bench();
    struct gossip_member about_us;

    join(b, 1);
    for (int i = 0; i < 2; i++) {
        about_us = *membership_find(b->m, BENCH_ID);
        about_us.state = GOSSIP_SUSPECT;
        say(b, &about_us);
    }
    tap_equal(membership_health(b->m), 2);
    for (unsigned health = 2; health > 0; health--) {
        const struct gossip *ping = NULL;

        while (ping == NULL) {
            pass(b, 100);
            ping = sent(b, GOSSIP_PING, 0);
        }
        answer(b, ping);
        tap_equal(membership_health(b->m), health - 1);
    }
    membership_free(b->m);
}

static const struct gossip request_for_2 = {
    .kind = GOSSIP_PING_REQUEST,
    .from = 1,
    .sequence = 99,
    .target = 2,
    .target_address = {.ip = {[15] = 1}, .port = 1002},
};

TAP_CASE(membership_probes_for_another_and_hands_the_answer_on)
{
    struct bench *b = bench();
    const struct gossip *ping;

    join(b, 2);
    give(b, &request_for_2);
    ping = sent(b, GOSSIP_PING, 2);
    tap_equal(ping->target, 2);
    answer(b, ping);
    tap_equal(sent(b, GOSSIP_ACK, 1)->sequence, 99);
    tap_equal(sent(b, GOSSIP_ACK, 1)->target, 2);
    pass(b, 2000);
    tap_check(sent(b, GOSSIP_NACK, 0) == NULL);
    membership_free(b->m);
}

TAP_CASE(membership_tells_who_asked_that_there_is_no_answer_yet)
{
    struct bench *b = bench();
    struct gossip ping;

    join(b, 2);
    give(b, &request_for_2);
    ping = *sent(b, GOSSIP_PING, 2);
    pass(b, 390);
    tap_check(sent(b, GOSSIP_NACK, 0) == NULL);
    pass(b, 20);
    tap_equal(sent(b, GOSSIP_NACK, 1)->sequence, 99);
    answer(b, &ping); /* Late, but it is one. */
    tap_equal(sent(b, GOSSIP_ACK, 1)->sequence, 99);
    membership_free(b->m);
}

TAP_CASE(membership_probes_for_others_up_to_a_bound)
{
    struct bench *b = bench();

    join(b, 2);
    for (int i = 0; i < 32; i++) {
        give(b, &request_for_2);
        tap_check(sent(b, GOSSIP_PING, 2) != NULL);
    }
    give(b, &request_for_2);
    tap_check(sent(b, GOSSIP_PING, 2) == NULL);
    tap_equal(membership_counters(b->m)->datagrams_dropped, 1);
    pass(b, 2000);
    give(b, &request_for_2);
    tap_check(sent(b, GOSSIP_PING, 2) != NULL);
    membership_free(b->m);
}

TAP_CASE(membership_denies_what_is_said_about_it)
{
    enum gossip_state said[] = {
        GOSSIP_SUSPECT, GOSSIP_DEAD, GOSSIP_LEFT, GOSSIP_FORGOTTEN};

    for (size_t i = 0; i < 4; i++) {
        struct bench *b = bench();
        struct gossip_member about_us = *membership_find(b->m, BENCH_ID);
        uint64_t incarnation = about_us.incarnation;

        join(b, 2);
        about_us.state = said[i];
        say(b, &about_us);
        /* To who said so, at once. */
        about_us = *carries(sent(b, GOSSIP_NEWS, 1), BENCH_ID);
        tap_equal(about_us.state, GOSSIP_ALIVE);
        tap_equal(about_us.incarnation, incarnation + 1);
        tap_equal(membership_find(b->m, BENCH_ID)->incarnation,
                  incarnation + 1);
        tap_equal(membership_health(b->m), 1);
        tap_equal(membership_counters(b->m)->refutations, 1);
        membership_free(b->m);
    }
}

TAP_CASE(membership_does_not_deny_what_it_has_denied)
{
    struct bench *b = bench();
    struct gossip_member about_us = *membership_find(b->m, BENCH_ID);

    join(b, 1);
    about_us.state = GOSSIP_DEAD;
    say(b, &about_us);
    say(b, &about_us);
    tap_equal(membership_counters(b->m)->refutations, 1);
    tap_check(sent(b, GOSSIP_NEWS, 1) == NULL);
    membership_free(b->m);
}

TAP_CASE(membership_believes_the_higher_incarnation_then_the_worse_state)
{
    struct bench *b = bench();

    join(b, 2);
    say_state(b, 2, 4, GOSSIP_DEAD);
    tap_equal(state_of(b, 2), GOSSIP_ALIVE);
    say_state(b, 2, 5, GOSSIP_SUSPECT);
    tap_equal(state_of(b, 2), GOSSIP_SUSPECT);
    tap_check(told(b, 2, MEMBERSHIP_SUSPECTED));
    say_state(b, 2, 5, GOSSIP_ALIVE);
    tap_equal(state_of(b, 2), GOSSIP_SUSPECT);
    say_state(b, 2, 6, GOSSIP_ALIVE);
    tap_check(told(b, 2, MEMBERSHIP_CLEARED));
    say_state(b, 2, 6, GOSSIP_DEAD);
    tap_check(told(b, 2, MEMBERSHIP_DIED));
    say_state(b, 2, 6, GOSSIP_SUSPECT);
    say_state(b, 2, 6, GOSSIP_ALIVE);
    tap_equal(state_of(b, 2), GOSSIP_DEAD);
    say_state(b, 2, 7, GOSSIP_ALIVE);
    tap_check(told(b, 2, MEMBERSHIP_RETURNED));
    membership_free(b->m);
}

TAP_CASE(membership_buries_a_suspect_after_the_time_for_its_size)
{
    struct bench *b = bench();

    join(b, 9);
    say_state(b, 9, 5, GOSSIP_SUSPECT);
    tap_check(told(b, 9, MEMBERSHIP_SUSPECTED));
    b->sent_count = 0;
    /* 10 members, one accuser: 30 s. The others answer meanwhile. */
    for (int i = 0; i < 298; i++) {
        pass(b, 100);
        if (sent(b, GOSSIP_PING, 0) != NULL) {
            answer(b, sent(b, GOSSIP_PING, 0));
        }
    }
    tap_equal(state_of(b, 9), GOSSIP_SUSPECT);
    pass(b, 300);
    tap_equal(state_of(b, 9), GOSSIP_DEAD);
    tap_check(told(b, 9, MEMBERSHIP_DIED));
    tap_equal(carries(sent(b, GOSSIP_NEWS, 9), 9)->state, GOSSIP_DEAD);
    tap_equal(membership_size(b->m), 10);
    tap_equal(membership_reachable(b->m), 9);
    tap_equal(membership_counters(b->m)->deaths, 1);
    membership_free(b->m);
}

TAP_CASE(membership_buries_sooner_what_several_suspect)
{
    struct bench *b = bench();
    struct gossip_member doubted = record_of(9, GOSSIP_SUSPECT);

    join(b, 9);
    doubted.accuser_count = 1;
    for (uint64_t accuser = 1; accuser <= 4; accuser++) {
        doubted.accusers[0] = accuser;
        say(b, &doubted);
        say(b, &doubted); /* The same again is no confirmation. */
        tap_equal(membership_find(b->m, 9)->accuser_count, accuser);
    }
    pass(b, 4900);
    tap_equal(state_of(b, 9), GOSSIP_SUSPECT);
    pass(b, 200);
    tap_equal(state_of(b, 9), GOSSIP_DEAD);
    membership_free(b->m);
}

TAP_CASE(membership_tells_a_suspect_with_the_ping_that_it_is_one)
{
    struct bench *b = bench();

    join(b, 1);
    say_state(b, 1, 5, GOSSIP_SUSPECT);
    tap_equal(await_ping(b)->members[0].id, 1);
    tap_equal(sent(b, GOSSIP_PING, 1)->members[0].state, GOSSIP_SUSPECT);
    membership_free(b->m);
}

TAP_CASE(membership_tells_who_asks_that_it_is_thought_dead)
{
    struct gossip ping = {
        .kind = GOSSIP_PING, .from = 2, .sequence = 1, .target = BENCH_ID};
    struct bench *b = bench();

    join(b, 2);
    say_state(b, 2, 5, GOSSIP_DEAD);
    give(b, &ping);
    tap_equal(sent(b, GOSSIP_ACK, 2)->members[0].id, 2);
    tap_equal(sent(b, GOSSIP_ACK, 2)->members[0].state, GOSSIP_DEAD);
    /* It has a higher incarnation than we know of: it is asked. */
    ping.incarnation = 6;
    give(b, &ping);
    tap_check(sent(b, GOSSIP_SYNC, 2) != NULL);
    membership_free(b->m);
}

TAP_CASE(membership_tells_who_asks_what_it_does_not_know_of_itself)
{
    struct gossip ping = {
        .kind = GOSSIP_PING, .from = 2, .sequence = 1, .target = BENCH_ID};
    struct bench *b = bench();

    join(b, 2);
    pass(b, 3000); /* The news are told. */
    ping.incarnation = 5;
    give(b, &ping);
    tap_check(carries(sent(b, GOSSIP_ACK, 2), 2) == NULL);
    ping.incarnation = 4;
    give(b, &ping);
    tap_equal(carries(sent(b, GOSSIP_ACK, 2), 2)->incarnation, 5);
    membership_free(b->m);
}

TAP_CASE(membership_asks_a_stranger_who_it_is)
{
    struct gossip ping = {
        .kind = GOSSIP_PING, .from = 8, .sequence = 1, .target = BENCH_ID};
    struct bench *b = bench();

    join(b, 1);
    give(b, &ping);
    tap_check(sent(b, GOSSIP_ACK, 8) != NULL);
    tap_check(sent(b, GOSSIP_SYNC, 8) != NULL);
    membership_free(b->m);
}

TAP_CASE(membership_sends_its_table_where_digests_differ)
{
    struct gossip sync = {.kind = GOSSIP_SYNC, .from = 1};
    struct bench *b = bench();
    size_t members = 0;
    unsigned wanted = 0;

    join(b, 28);
    sync.digest = membership_digest(b->m);
    give(b, &sync);
    tap_equal(b->sent_count, 0);
    sync.digest++;
    give(b, &sync);
    for (size_t i = 0; i < b->sent_count; i++) {
        tap_equal(b->sent[i].kind, GOSSIP_TABLE);
        members += b->sent[i].member_count;
        wanted += b->sent[i].wanted;
    }
    tap_check(b->sent_count > 1);
    tap_equal(members, 29);
    tap_equal(wanted, 1);
    tap_check(b->sent[b->sent_count - 1].wanted);
    membership_free(b->m);
}

TAP_CASE(membership_answers_a_table_with_its_own)
{
    struct gossip table = {.kind = GOSSIP_TABLE, .from = 1, .member_count = 1};
    struct bench *b = bench();

    join(b, 1);
    table.members[0] = record_of(2, GOSSIP_ALIVE);
    give(b, &table);
    tap_check(sent(b, GOSSIP_TABLE, 1) == NULL);
    tap_check(told(b, 2, MEMBERSHIP_JOINED));
    table.wanted = true;
    give(b, &table);
    tap_check(carries(sent(b, GOSSIP_TABLE, 1), BENCH_ID) != NULL);
    tap_check(!sent(b, GOSSIP_TABLE, 1)->wanted);
    membership_free(b->m);
}

TAP_CASE(membership_does_not_count_time_that_it_did_not_have)
{
    struct bench *b = bench();
    uint64_t target;

    join(b, 5);
    target = await_ping(b)->target;
    b->now_ms += 60000; /* Stopped, and continued. */
    step(b, &(struct membership_input){.kind = MEMBERSHIP_INPUT_TICK});
    tap_equal(state_of(b, target), GOSSIP_ALIVE);
    tap_check(membership_counters(b->m)->late_ms > 59000);
    tap_check(membership_deadline_ms(b->m) > b->now_ms - MEMBERSHIP_LATE_MS);
    tap_check(membership_deadline_ms(b->m) <= b->now_ms + 1000);
    membership_free(b->m);
}

TAP_MAIN()

/* Clusters that meet one thing each: quiet, loss, a death, a goodbye, a healed
 * partition, clusters that were started apart, a copied directory. */
#include "base/rc.h"
#include "tests/lib/tap.h"
#include "tests/sim/membership_world.h"

#define MINUTE_MS 60000
#define TRIALS 40

struct watch {
    struct world world;
    size_t subject; /* whose changes are timed */
    uint64_t since_ms;
    uint64_t first_suspected_ms;
    uint64_t all_dead_ms;
    size_t died;
    size_t left;
    size_t suspicions;
};

static void notice(void *context,
                   size_t observer,
                   const struct membership_event *event)
{
    struct watch *watch = context;
    struct world *w = &watch->world;
    bool of_subject = event->member != NULL &&
                      event->member->id == w->nodes[watch->subject].id;

    (void)observer;
    watch->suspicions += event->kind == MEMBERSHIP_SUSPECTED;
    if (!of_subject) {
        return;
    }
    if (event->kind == MEMBERSHIP_SUSPECTED && watch->first_suspected_ms == 0) {
        watch->first_suspected_ms = w->now_ms - watch->since_ms;
    }
    if (event->kind == MEMBERSHIP_DIED) {
        watch->died++;
        watch->all_dead_ms = w->now_ms - watch->since_ms;
    }
    watch->left += event->kind == MEMBERSHIP_LEFT;
}

static void started(struct watch *watch, uint64_t seed, size_t count)
{
    *watch = (struct watch){.subject = 0};
    world_init(&watch->world, seed, count, &membership_settings_default);
    watch->world.notice = notice;
    watch->world.context = watch;
    for (size_t i = 0; i < count; i++) {
        world_start(&watch->world, i, false, false);
    }
    world_run(&watch->world, MINUTE_MS);
}

/* Whether each that runs believes this of `node`. */
static bool all_believe(const struct world *w,
                        size_t node,
                        enum gossip_state state)
{
    for (size_t i = 0; i < w->count; i++) {
        if (i != node && world_runs(w, i) &&
            world_belief(w, i, node) != state) {
            return false;
        }
    }
    return true;
}

static bool all_know_all(const struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (!all_believe(w, i, GOSSIP_ALIVE)) {
            return false;
        }
    }
    return true;
}

TAP_CASE(nodes_that_start_together_find_each_other_in_seconds)
{
    struct watch watch = {.subject = 0};
    struct world *w = &watch.world;

    world_init(w, 1, 30, &membership_settings_default);
    for (size_t i = 0; i < 30; i++) {
        world_start(w, i, false, false);
    }
    world_run(w, 5000);
    tap_check(all_know_all(w));
    world_done(w);
}

TAP_CASE(in_a_quiet_network_nobody_is_ever_suspected)
{
    struct watch watch;
    const struct membership_counters *counters;
    uint64_t sent;

    started(&watch, 1, 20);
    counters = membership_counters(watch.world.nodes[0].membership);
    sent = counters->datagrams_sent;
    world_run(&watch.world, 11 * MINUTE_MS);
    tap_check(all_know_all(&watch.world));
    tap_equal(watch.suspicions, 0);
    /* One ping and one answer a second, and a comparison now and then. */
    tap_check(counters->datagrams_sent - sent < 600 * 22 / 10);
    world_done(&watch.world);
}

TAP_CASE(with_5_percent_loss_nobody_dies_of_it)
{
    struct watch watch;

    started(&watch, 1, 20);
    watch.world.faults.loss_permille = 50;
    world_run(&watch.world, 61 * MINUTE_MS);
    for (size_t i = 0; i < 20; i++) {
        tap_equal(membership_counters(watch.world.nodes[i].membership)->deaths,
                  0);
    }
    tap_check(watch.suspicions > 0);
    world_done(&watch.world);
}

TAP_CASE(a_slow_node_does_not_suspect_the_others)
{
    struct watch watch;

    started(&watch, 1, 10);
    for (int i = 0; i < 20; i++) {
        world_pause(&watch.world, 0, 3000);
        world_run(&watch.world, watch.world.now_ms + 3500);
    }
    tap_equal(
        membership_counters(watch.world.nodes[0].membership)->probes_failed, 0);
    world_done(&watch.world);
}

/* SWIM, 3.1: the first to suspect does so after e / (e - 1) periods on average.
 * Its members are in step; ours are not, which adds up to half a period, for
 * the one that a probe has begun before the crash. */
TAP_CASE(a_death_is_found_and_known_within_the_time_that_swim_predicts)
{
    uint64_t suspected_ms = 0;
    uint64_t least_ms = 5000 * 1301 / 1000; /* alpha log10(20) periods */

    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct watch watch;

        started(&watch, seed, 20);
        world_run(&watch.world,
                  watch.world.now_ms + world_below(&watch.world, 1000));
        watch.subject = 7;
        watch.since_ms = watch.world.now_ms;
        world_crash(&watch.world, 7);
        world_run(&watch.world, watch.world.now_ms + MINUTE_MS);
        tap_equal(watch.died, 19);
        tap_check(watch.all_dead_ms < 19000 + least_ms);
        suspected_ms += watch.first_suspected_ms;
        world_done(&watch.world);
    }
    tap_check(suspected_ms / TRIALS < 1582 + 500);
}

TAP_CASE(a_goodbye_is_not_a_death)
{
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct watch watch;

        started(&watch, seed, 10);
        watch.subject = 4;
        watch.world.faults.loss_permille = 50;
        world_leave(&watch.world, 4);
        world_run(&watch.world, watch.world.now_ms + 2 * MINUTE_MS);
        tap_check(!world_runs(&watch.world, 4));
        tap_check(watch.world.nodes[4].left);
        tap_equal(watch.died, 0);
        tap_equal(watch.left, 9);
        tap_equal(membership_size(watch.world.nodes[0].membership), 9);
        world_done(&watch.world);
    }
}

TAP_CASE(a_healed_partition_heals)
{
    struct watch watch;
    struct world *w = &watch.world;
    uint64_t healed_ms;

    started(&watch, 1, 10);
    for (size_t from = 0; from < 10; from++) {
        for (size_t to = 0; to < 10; to++) {
            world_cut(w, from, to, (from < 4) != (to < 4));
        }
    }
    world_run(w, w->now_ms + 5 * MINUTE_MS);
    tap_equal(membership_reachable(w->nodes[0].membership), 4);
    tap_equal(membership_reachable(w->nodes[9].membership), 6);
    tap_equal(membership_size(w->nodes[0].membership), 10);
    world_heal(w);
    healed_ms = w->now_ms;
    while (!all_know_all(w) && w->now_ms < healed_ms + 2 * MINUTE_MS) {
        world_run(w, w->now_ms + 100);
    }
    tap_check(w->now_ms - healed_ms < 40000); /* the longest reach interval */
    world_done(w);
}

TAP_CASE(clusters_that_were_started_apart_meet_by_their_seeds)
{
    struct watch watch = {.subject = 0};
    struct world *w = &watch.world;

    world_init(w, 1, 6, &membership_settings_default);
    for (size_t from = 0; from < 6; from++) {
        for (size_t to = 0; to < 6; to++) {
            world_cut(w, from, to, from % 2 != to % 2);
        }
    }
    for (size_t i = 0; i < 6; i++) {
        world_start(w, i, false, false);
    }
    world_run(w, 2 * MINUTE_MS);
    tap_equal(membership_size(w->nodes[0].membership), 3);
    tap_equal(membership_size(w->nodes[1].membership), 3);
    world_heal(w);
    world_run(w, w->now_ms + 40000);
    tap_check(all_know_all(w));
    world_done(w);
}

TAP_CASE(a_node_that_comes_back_elsewhere_is_the_same_node)
{
    struct watch watch;
    struct world *w = &watch.world;

    started(&watch, 1, 5);
    world_crash(w, 3);
    world_run(w, w->now_ms + MINUTE_MS);
    tap_check(all_believe(w, 3, GOSSIP_DEAD));
    world_start(w, 3, true, true);
    world_run(w, w->now_ms + 5000);
    tap_check(all_know_all(w));
    tap_equal(membership_size(w->nodes[0].membership), 5);
    tap_check(gossip_address_equal(
        &membership_find(w->nodes[0].membership, w->nodes[3].id)->address,
        &w->nodes[3].address));
    world_done(w);
}

TAP_CASE(a_restart_too_quick_to_be_noticed_is_no_rival_of_the_process_before)
{
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct watch watch;
        struct world *w = &watch.world;

        started(&watch, seed, 5);
        world_crash(w, 3);
        world_run(w, w->now_ms + 50);
        world_start(w, 3, seed % 2 == 0, false);
        world_run(w, w->now_ms + MINUTE_MS);
        tap_check(!w->nodes[3].stood_down);
        tap_check(all_know_all(w));
        tap_equal(watch.died, 0);
        world_done(w);
    }
}

TAP_CASE(of_two_processes_with_one_id_the_younger_stands_down)
{
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct watch watch = {.subject = 0};
        struct world *w = &watch.world;

        world_init(w, seed, 5, &membership_settings_default);
        w->nodes[4].id = w->nodes[3].id; /* A copied directory. */
        w->faults.loss_permille = 100;
        for (size_t i = 0; i < 4; i++) {
            world_start(w, i, false, false);
        }
        world_run(w, 10000);
        world_start(w, 4, false, false);
        world_run(w, w->now_ms + 10000);
        tap_check(w->nodes[4].stood_down);
        tap_check(!w->nodes[3].stood_down);
        world_crash(w, 4);
        world_run(w, w->now_ms + MINUTE_MS);
        tap_equal(world_belief(w, 0, 3), GOSSIP_ALIVE);
        tap_check(
            membership_find(w->nodes[0].membership, w->nodes[3].id)->run ==
            w->nodes[3].run);
        world_done(w);
    }
}

TAP_CASE(who_is_forgotten_is_forgotten_by_all_and_not_brought_back)
{
    struct watch watch;
    struct world *w = &watch.world;

    started(&watch, 1, 5);
    world_crash(w, 2); /* with a table that has node 4 alive */
    world_crash(w, 4);
    world_run(w, w->now_ms + MINUTE_MS);
    tap_check(all_believe(w, 4, GOSSIP_DEAD));
    tap_equal(
        membership_forget(w->nodes[0].membership, w->now_ms, w->nodes[4].id),
        RC_OK);
    world_run(w, w->now_ms + 5000);
    tap_check(all_believe(w, 4, GOSSIP_FORGOTTEN));
    tap_equal(membership_size(w->nodes[1].membership), 4);
    world_start(w, 2, true, false);
    world_run(w, w->now_ms + 2 * MINUTE_MS);
    tap_check(all_believe(w, 4, GOSSIP_FORGOTTEN));
    tap_equal(membership_size(w->nodes[2].membership), 4);
    world_start(w, 4, true, false);
    world_run(w, w->now_ms + 5000);
    tap_check(all_know_all(w));
    world_done(w);
}

TAP_MAIN()

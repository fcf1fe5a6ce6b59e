/* What membership costs and how fast it is, by the size of the cluster, in
 * simulated time: membership_table [NODES...]. For doc/performance. */
#include "base/check.h"
#include "tests/sim/membership_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TABLE_QUIET_MS 120000 /* measured, without events */
#define TABLE_LOSS_MS 600000  /* measured, with loss */
#define TABLE_LOSS_PERMILLE 50
#define TABLE_SETTLE_MS 60000
#define TABLE_DETECT_MS 120000 /* a death is known by then */

struct table {
    struct world world;
    size_t dead; /* who was crashed */
    uint64_t crashed_ms;
    uint64_t first_suspected_ms;
    uint64_t first_died_ms;
    uint64_t last_died_ms;
    size_t died_count;
    uint64_t false_suspicions; /* raised by a probe, of somebody who lives */
    uint64_t false_deaths;
};

static void notice(void *context,
                   size_t observer,
                   const struct membership_event *event)
{
    struct table *t = context;
    uint64_t now_ms = t->world.now_ms;

    if (event->member == NULL ||
        event->member->id != t->world.nodes[t->dead].id ||
        world_runs(&t->world, t->dead)) {
        return;
    }
    (void)observer;
    if (event->kind == MEMBERSHIP_SUSPECTED && t->first_suspected_ms == 0) {
        t->first_suspected_ms = now_ms - t->crashed_ms;
    }
    if (event->kind == MEMBERSHIP_DIED) {
        t->first_died_ms =
            t->first_died_ms == 0 ? now_ms - t->crashed_ms : t->first_died_ms;
        t->last_died_ms = now_ms - t->crashed_ms;
        t->died_count++;
    }
}

static void start_all(struct table *t, uint64_t seed, size_t count)
{
    struct membership_settings settings = membership_settings_default;

    settings.members_max = MEMBERSHIP_MEMBERS_MAX;
    world_init(&t->world, seed, count, &settings);
    t->world.notice = notice;
    t->world.context = t;
    for (size_t i = 0; i < count; i++) {
        world_start(&t->world, i, false, false);
        if (i > 0) {
            world_introduce(&t->world, i, 0);
        }
    }
    for (size_t i = 1; i < count; i++) {
        world_introduce(&t->world, 0, i);
    }
    world_run(&t->world, TABLE_SETTLE_MS);
}

static void sums(const struct world *w, uint64_t *datagrams, uint64_t *bytes)
{
    *datagrams = 0;
    *bytes = 0;
    for (size_t i = 0; i < w->count; i++) {
        *datagrams += w->nodes[i].datagrams;
        *bytes += w->nodes[i].bytes;
    }
}

static void print_load(struct table *t, uint64_t ms)
{
    uint64_t datagrams[2];
    uint64_t bytes[2];
    double node_seconds = (double)t->world.count * (double)ms / 1000;

    sums(&t->world, &datagrams[0], &bytes[0]);
    world_run(&t->world, t->world.now_ms + ms);
    sums(&t->world, &datagrams[1], &bytes[1]);
    printf("  %6.2f datagrams, %6.0f bytes sent a node a second",
           (double)(datagrams[1] - datagrams[0]) / node_seconds,
           (double)(bytes[1] - bytes[0]) / node_seconds);
}

static void count_doubts(const struct world *w,
                         uint64_t *ret_failed,
                         uint64_t *ret_deaths)
{
    *ret_failed = 0;
    *ret_deaths = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (world_runs(w, i)) {
            const struct membership_counters *counters =
                membership_counters(w->nodes[i].membership);

            *ret_failed += counters->probes_failed;
            *ret_deaths += counters->deaths;
        }
    }
}

static void measure_detection(size_t count, unsigned trials)
{
    uint64_t sum[3] = {0};
    uint64_t max[3] = {0};

    for (unsigned trial = 0; trial < trials; trial++) {
        struct table t = {.crashed_ms = 0};
        uint64_t found[3];

        start_all(&t, 1000 + trial, count);
        world_run(&t.world, t.world.now_ms + world_below(&t.world, 1000));
        t.dead = world_below(&t.world, count);
        t.crashed_ms = t.world.now_ms;
        world_crash(&t.world, t.dead);
        while (t.died_count < count - 1) {
            check(t.world.now_ms < t.crashed_ms + TABLE_DETECT_MS);
            world_run(&t.world, t.world.now_ms + 100);
        }
        found[0] = t.first_suspected_ms;
        found[1] = t.first_died_ms;
        found[2] = t.last_died_ms;
        for (size_t i = 0; i < 3; i++) {
            sum[i] += found[i];
            max[i] = found[i] > max[i] ? found[i] : max[i];
        }
        world_done(&t.world);
    }
    printf("  a death, s, mean and max of %u:\n", trials);
    printf("    first suspected %5.2f %5.2f\n",
           (double)sum[0] / trials / 1000,
           (double)max[0] / 1000);
    printf("    first dead      %5.2f %5.2f\n",
           (double)sum[1] / trials / 1000,
           (double)max[1] / 1000);
    printf("    dead for all    %5.2f %5.2f\n",
           (double)sum[2] / trials / 1000,
           (double)max[2] / 1000);
}

static void measure_load(size_t count)
{
    struct table t = {.crashed_ms = 0};
    uint64_t failed[2];
    uint64_t deaths[2];
    double hours = (double)count * TABLE_LOSS_MS / 3600000;

    start_all(&t, 1, count);
    printf("  quiet:     ");
    print_load(&t, TABLE_QUIET_MS);
    printf("\n  5 %% lost:  ");
    count_doubts(&t.world, &failed[0], &deaths[0]);
    t.world.faults.loss_permille = TABLE_LOSS_PERMILLE;
    print_load(&t, TABLE_LOSS_MS);
    count_doubts(&t.world, &failed[1], &deaths[1]);
    printf("\n             %.2f false suspicions, %.2f false deaths "
           "a node an hour\n",
           (double)(failed[1] - failed[0]) / hours,
           (double)(deaths[1] - deaths[0]) / hours);
    world_done(&t.world);
}

int main(int argc, char **argv)
{
    static const char *const sizes[] = {"10", "100", "1000"};
    size_t count = argc > 1 ? (size_t)argc - 1 : 3;

    for (size_t i = 0; i < count; i++) {
        size_t nodes = strtoull(argc > 1 ? argv[i + 1] : sizes[i], NULL, 10);

        if (nodes < 3 || nodes > WORLD_NODES_MAX) {
            fprintf(stderr, "from 3 to %d nodes\n", WORLD_NODES_MAX);
            return EXIT_FAILURE;
        }
        printf("%zu nodes\n", nodes);
        measure_load(nodes);
        measure_detection(nodes, nodes > 200 ? 10 : 50);
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}

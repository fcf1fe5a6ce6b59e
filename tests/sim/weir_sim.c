/* Whole clusters under faults: first everything rages, then it stops, and soon
 * all nodes have the same, nothing is lost, and every subscriber has seen all.
 *
 *     weir_sim                 the seeds of `make check`, in TAP
 *     weir_sim --seed N        one seed, with its story
 *     weir_sim --seeds A-B     from A to B
 * and with either:
 *     --nodes N    so many nodes, in place of what the seed says
 *     --steps N    so many simulated milliseconds of faults
 *     --trace      what happens, as it happens */
#include "base/check.h"
#include "base/splitmix.h"
#include "tests/sim/cluster_client.h"
#include "tests/sim/cluster_faults.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SIM_SEEDS 300
#define SIM_SEEDS_SANITIZED 80 /* each takes ten times as long */
#define SIM_SEEDS_PER_LINE 20
#define SIM_RAGE_MS 40000
#define SIM_SETTLE_MS 120000
#define SIM_STEP_MS 10
#define SIM_FACTS_MAX 4000
#define SIM_STORY_LINES 4000
#define SIM_LINE_BYTES 160
#define SIM_LINES_SHOWN 60

struct options {
    size_t nodes; /* 0: as the seed says */
    uint64_t rage_ms;
    bool trace;
};

struct sim {
    struct options options;
    uint64_t seed;
    uint64_t random;
    struct world world;
    struct check check;
    struct sim_clients clients;
    struct faults faults;
    uint64_t publish_permille;     /* a step and node */
    char (*story)[SIM_LINE_BYTES]; /* a ring */
    size_t story_count;
};

static void tell(struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tell(struct sim *sim, const char *format, ...)
{
    char *line = sim->story[sim->story_count++ % SIM_STORY_LINES];
    int len =
        snprintf(line, SIM_LINE_BYTES, "%8" PRIu64 " ms  ", sim->world.now_ms);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line + len, SIM_LINE_BYTES - (size_t)len, format, arguments);
    va_end(arguments);
    if (sim->options.trace) {
        printf("# %s\n", line);
    }
}

static void on_told(void *context, size_t node, const char *text)
{
    tell(context, "%zu: %s", node, text);
}

static void on_wrong(void *context, size_t node, const char *text)
{
    struct sim *sim = context;

    check_wrong(&sim->check, "node %zu: %s", node, text);
}

static void on_started(void *context, size_t node)
{
    struct sim *sim = context;

    check_started(&sim->check, node);
}

static void on_stopped(void *context, size_t node)
{
    struct sim *sim = context;

    tell(sim, "%zu: does not run any more", node);
    check_stopped(&sim->check, node);
}

static void on_state(void *context, size_t node)
{
    struct sim *sim = context;
    const struct hub_state *state = &sim->world.nodes[node].state;

    if (sim->options.trace) {
        tell(sim,
             "%zu: %s%s",
             node,
             state->alone ? "alone" : "in a cluster",
             state->majority ? "" : ", no majority");
    }
    check_state(&sim->check, node);
}

static void on_stored(void *context, size_t node, int rc)
{
    struct sim *sim = context;

    (void)rc;
    check_stored(&sim->check, node);
}

static void on_batch(void *context, size_t node, struct batch *batch)
{
    struct sim *sim = context;

    if (sim->options.trace && batch->event_count > 0) {
        tell(sim,
             "%zu: shows %" PRIx64 " from %" PRIx64 " to %" PRIx64,
             node,
             batch->origin,
             batch->events[0]->sequence,
             batch->events[batch->event_count - 1]->sequence);
    } else if (sim->options.trace && batch->skip_to > 0) {
        tell(sim,
             "%zu: skips %" PRIx64 " to %" PRIx64,
             node,
             batch->origin,
             batch->skip_to);
    }
    check_batch(&sim->check, node, batch);
}

static bool good(const struct sim *sim)
{
    return sim->check.wrong[0] == '\0';
}

static void step(struct sim *sim)
{
    for (size_t i = 0; i < sim->world.count; i++) {
        if (splitmix_below(&sim->random, 1000) < sim->publish_permille) {
            clients_publish(&sim->clients, i);
        }
    }
    world_run(&sim->world, sim->world.now_ms + SIM_STEP_MS);
    clients_step(&sim->clients);
}

static void rage(struct sim *sim)
{
    uint64_t end_ms = sim->options.rage_ms;

    while (sim->world.now_ms < end_ms && good(sim)) {
        faults_strike(&sim->faults);
        step(sim);
    }
}

/* Also those that were about to leave when the faults ended. */
static void start_all(struct sim *sim)
{
    for (size_t i = 0; i < sim->world.count; i++) {
        if (!world_runs(&sim->world, i)) {
            world_start(&sim->world, i, true, false);
        }
    }
}

static void settle(struct sim *sim)
{
    uint64_t end_ms = sim->world.now_ms + SIM_SETTLE_MS;
    char text[CHECK_TEXT_BYTES] = "";
    unsigned steps = 0;

    sim->publish_permille = 0;
    sim->clients.calm = true;
    while (good(sim)) {
        start_all(sim);
        if (++steps % 20 == 0 && !clients_wait(&sim->clients) &&
            check_settled(&sim->check, text)) {
            tell(sim, "all is settled");
            return;
        }
        if (sim->world.now_ms >= end_ms) {
            check_wrong(&sim->check, "not settled: %s", text);
        }
        step(sim);
    }
}

static void heal(struct sim *sim)
{
    tell(sim, "all faults end");
    world_heal(&sim->world);
    settle(sim);
}

/* Every node takes events of both kinds again. */
static void go_on(struct sim *sim)
{
    uint64_t first = sim->check.fact_count + 1;

    for (size_t i = 0; good(sim) && i < 4 * sim->world.count; i++) {
        clients_publish(&sim->clients, i % sim->world.count);
    }
    settle(sim);
    for (uint64_t n = first; n <= sim->check.fact_count; n++) {
        if (sim->check.facts[n].fate != CHECK_SAFE &&
            !sim->check.facts[n].given_up) {
            check_wrong(&sim->check, "event %" PRIu64 " is not taken", n);
        }
    }
}

static void begin(struct sim *sim)
{
    struct world *w = &sim->world;
    size_t first = splitmix_below(&sim->random, 2) == 0 ? 1 : w->count;

    for (size_t i = 0; i < w->count; i++) {
        w->nodes[i].drift_permille =
            (int64_t)splitmix_below(&sim->random, 21) - 10;
    }
    world_start(w, 0, w->count == first, false);
    for (size_t i = 1; i < first; i++) {
        world_start(w, i, true, false);
    }
}

static struct sim *sim_run(uint64_t seed, const struct options *options)
{
    static const size_t sizes[] = {1, 2, 3, 3, 3, 4, 5, 5};
    struct sim *sim = calloc(1, sizeof(*sim));
    struct world_watcher watcher = {.context = sim,
                                    .started = on_started,
                                    .stopped = on_stopped,
                                    .state = on_state,
                                    .stored = on_stored,
                                    .batch = on_batch,
                                    .told = on_told,
                                    .wrong = on_wrong};
    size_t count;

    check(sim != NULL);
    sim->options = *options;
    sim->seed = seed;
    sim->random = seed;
    sim->story = calloc(SIM_STORY_LINES, sizeof(sim->story[0]));
    check(sim->story != NULL);
    count = sizes[splitmix_below(&sim->random, 8)];
    count = options->nodes > 0 ? options->nodes : count;
    world_init(&sim->world, splitmix_next(&sim->random), count, &watcher);
    check_init(&sim->check, &sim->world, SIM_FACTS_MAX);
    sim->check.trace = options->trace;
    clients_init(&sim->clients, &sim->world, &sim->check);
    faults_init(
        &sim->faults, &sim->world, &sim->check, splitmix_next(&sim->random));
    sim->faults.tell = on_told;
    sim->faults.context = sim;
    sim->publish_permille = 5 + splitmix_below(&sim->random, 200);
    begin(sim);
    rage(sim);
    if (good(sim)) {
        heal(sim);
    }
    if (good(sim)) {
        go_on(sim);
    }
    if (good(sim)) {
        check_nothing_lost(&sim->check);
    }
    return sim;
}

static void sim_free(struct sim *sim)
{
    world_done(&sim->world);
    clients_done(&sim->clients);
    check_done(&sim->check);
    faults_done(&sim->faults);
    free(sim->story);
    free(sim);
}

static void print_story(const struct sim *sim, size_t lines)
{
    size_t first = sim->story_count > lines ? sim->story_count - lines : 0;

    for (size_t i = first; i < sim->story_count; i++) {
        printf("# %s\n", sim->story[i % SIM_STORY_LINES]);
    }
}

/* Whether the seed holds; else says how to see it again, and what happened. */
static bool seed_holds(uint64_t seed, const struct options *options)
{
    struct sim *sim = sim_run(seed, options);
    bool holds = good(sim);

    if (!holds) {
        printf("# tests/sim/weir_sim --seed %" PRIu64 "\n", seed);
        print_story(sim, SIM_LINES_SHOWN);
        printf("# %s\n", sim->check.wrong);
    }
    sim_free(sim);
    return holds;
}

static int run_one(uint64_t seed, const struct options *options)
{
    struct sim *sim = sim_run(seed, options);
    bool holds = good(sim);

    if (!options->trace) {
        print_story(sim, SIM_STORY_LINES);
    }
    printf("# %zu nodes, %" PRIu64 " events, %zu safe, %zu seen, %zu gaps, "
           "%zu links, %zu blocked, %" PRIu64 " ms\n",
           sim->world.count,
           sim->check.fact_count,
           sim->check.acknowledged,
           sim->check.seen,
           sim->check.gaps,
           sim->world.connections,
           sim->world.blocked,
           sim->world.now_ms);
    printf("# %" PRIu64 " connections of clients, %zu cursors taken on, %zu of "
           "them ahead of the node, %zu publishes repeated, %zu doubled, %zu "
           "records mended\n",
           sim->clients.connections,
           sim->clients.moved,
           sim->clients.behind,
           sim->check.repeated,
           sim->check.doubled,
           sim->world.mended);
    printf("# %s, trace %016" PRIx64 "\n",
           holds ? "all is well" : sim->check.wrong,
           sim->world.trace);
    sim_free(sim);
    return holds ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool range_holds(uint64_t first,
                        uint64_t last,
                        const struct options *options)
{
    bool holds = true;

    for (uint64_t seed = first; seed <= last; seed++) {
        holds = seed_holds(seed, options) && holds;
    }
    return holds;
}

static bool repeats(uint64_t seed, const struct options *options)
{
    struct sim *first = sim_run(seed, options);
    struct sim *second = sim_run(seed, options);
    struct sim *other = sim_run(seed + 1, options);
    bool same = first->world.trace == second->world.trace &&
                first->world.trace != other->world.trace;

    sim_free(first);
    sim_free(second);
    sim_free(other);
    return same;
}

static int number;
static bool failed;

static void report(bool holds, const char *name)
{
    printf("%s %d - %s\n", holds ? "ok" : "not ok", ++number, name);
    fflush(stdout);
    failed = failed || !holds;
}

/* The seeds that once failed: a number a line, then why. */
static bool kept_hold(const struct options *options)
{
    const char *top = getenv("top_srcdir");
    char path[4096];
    char line[256];
    bool holds = true;
    FILE *file;

    snprintf(path, sizeof(path), "%s/tests/sim/seeds", top ? top : ".");
    file = fopen(path, "r");
    if (file == NULL) {
        printf("# cannot read '%s'\n", path);
        return false;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] >= '0' && line[0] <= '9') {
            holds = seed_holds(strtoull(line, NULL, 10), options) && holds;
        }
    }
    fclose(file);
    return holds;
}

static int run_all(const struct options *options)
{
    const char *sanitizers = getenv("sanitizers");
    bool sanitized = sanitizers != NULL && sanitizers[0] != '\0';
    uint64_t seeds = sanitized ? SIM_SEEDS_SANITIZED : SIM_SEEDS;
    char name[SIM_LINE_BYTES];

    printf("1..%" PRIu64 "\n", seeds / SIM_SEEDS_PER_LINE + 2);
    report(repeats(1, options), "the same seed gives the same trace");
    report(kept_hold(options), "seeds that once failed");
    for (uint64_t seed = 1; seed <= seeds; seed += SIM_SEEDS_PER_LINE) {
        uint64_t last = seed + SIM_SEEDS_PER_LINE - 1;

        snprintf(name,
                 sizeof(name),
                 "nothing is lost, twice or hidden: seeds %" PRIu64
                 " to %" PRIu64,
                 seed,
                 last);
        report(range_holds(seed, last, options), name);
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(void)
{
    fputs("usage: weir_sim [--seed N | --seeds A-B] [--nodes N] [--steps N] "
          "[--trace]\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct options options = {.rage_ms = SIM_RAGE_MS};
    const char *seed = NULL;
    const char *seeds = NULL;
    char *end;

    check(sodium_init() >= 0);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            options.trace = true;
        } else if (i + 1 == argc) {
            return usage();
        } else if (strcmp(argv[i], "--seed") == 0) {
            seed = argv[++i];
        } else if (strcmp(argv[i], "--seeds") == 0) {
            seeds = argv[++i];
        } else if (strcmp(argv[i], "--nodes") == 0) {
            options.nodes = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--steps") == 0) {
            options.rage_ms = strtoull(argv[++i], NULL, 10);
        } else {
            return usage();
        }
    }
    if (options.nodes > WORLD_NODES_MAX) {
        return usage();
    }
    if (seed != NULL) {
        return run_one(strtoull(seed, NULL, 10), &options);
    }
    if (seeds != NULL) {
        uint64_t first = strtoull(seeds, &end, 10);
        uint64_t last = *end == '-' ? strtoull(end + 1, NULL, 10) : first;

        return range_holds(first, last, &options) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    return run_all(&options);
}

/* A table of faults. */
#include "tests/sim/cluster_faults.h"

#include "base/check.h"
#include "base/splitmix.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define QUIET_MS 12000 /* for a node that was set back to find the others */

static uint64_t below(struct faults *f, uint64_t bound)
{
    return splitmix_below(&f->random, bound);
}

static void tell(struct faults *f, size_t node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(struct faults *f, size_t node, const char *format, ...)
{
    char text[96];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    f->tell(f->context, node, text);
}

static void strike_crash(struct faults *f, size_t node)
{
    bool power = below(f, 2) == 0;

    if (world_runs(f->world, node)) {
        tell(f, node, power ? "loses its power" : "is killed");
        world_crash(f->world, node, power);
    }
}

static void strike_start(struct faults *f, size_t node)
{
    bool move = below(f, 4) == 0;

    if (!world_runs(f->world, node)) {
        tell(f, node, move ? "starts at another address" : "starts");
        world_start(f->world, node, true, move);
    }
}

static void strike_pause(struct faults *f, size_t node)
{
    uint64_t ms = 100 + below(f, 12000);

    if (world_runs(f->world, node)) {
        tell(f, node, "is stopped for %" PRIu64 " ms", ms);
        world_pause(f->world, node, ms);
    }
}

static void strike_cut(struct faults *f, size_t node)
{
    size_t other = (size_t)below(f, f->world->count);
    bool both = below(f, 2) == 0;

    tell(f, node, "%s cut to %zu", both ? "is" : "is one way", other);
    f->world->cut[node][other] = node != other;
    if (both) {
        f->world->cut[other][node] = node != other;
    }
}

static void strike_isolate(struct faults *f, size_t node)
{
    tell(f, node, "is cut off");
    for (size_t i = 0; i < f->world->count; i++) {
        f->world->cut[node][i] = i != node;
        f->world->cut[i][node] = i != node;
    }
}

static void strike_mend(struct faults *f, size_t node)
{
    tell(f, node, "reaches all again, all cuts are mended");
    memset(f->world->cut, 0, sizeof(f->world->cut));
}

static void strike_reset(struct faults *f, size_t node)
{
    if (world_runs(f->world, node)) {
        tell(f, node, "has its connections reset");
        world_reset_sockets(f->world, node);
    }
}

static void strike_network(struct faults *f, size_t node)
{
    struct world_faults *n = &f->world->faults;

    n->loss_permille = (unsigned)below(f, 2) * (unsigned)below(f, 300);
    n->double_permille = (unsigned)below(f, 2) * (unsigned)below(f, 200);
    n->delay_max_ms = 1 + below(f, below(f, 2) == 0 ? 5 : 300);
    n->socket_bytes_max = 64u << below(f, 11);
    tell(f,
         node,
         "network: loss %u, doubles %u, delay %" PRIu64 " ms, buffers %zu",
         n->loss_permille,
         n->double_permille,
         n->delay_max_ms,
         n->socket_bytes_max);
}

static void strike_slow_disk(struct faults *f, size_t node)
{
    f->world->faults.sync_max_ms = 1 + below(f, below(f, 2) == 0 ? 5 : 700);
    tell(f,
         node,
         "disks take up to %" PRIu64 " ms",
         f->world->faults.sync_max_ms);
}

static void strike_full_disk(struct faults *f, size_t node)
{
    struct disk *d = &f->world->nodes[node].disk;

    if (world_runs(f->world, node)) {
        d->fault = d->fault == DISK_FULL ? DISK_GOOD : DISK_FULL;
        tell(f, node, d->fault == DISK_FULL ? "disk full" : "disk has room");
    }
}

static void strike_sync(struct faults *f, size_t node)
{
    struct disk *d = &f->world->nodes[node].disk;

    if (world_runs(f->world, node)) {
        d->fault = below(f, 2) == 0 ? DISK_FAILS_BEFORE : DISK_FAILS_AFTER;
        tell(f,
             node,
             "its next sync fails, %s",
             d->fault == DISK_FAILS_AFTER ? "with all there" : "nothing there");
    }
}

static void strike_flip(struct faults *f, size_t node)
{
    const struct disk_record *r;

    if (!f->world->nodes[node].has_disk) {
        return;
    }
    r = disk_flip(&f->world->nodes[node].disk, splitmix_next(&f->random));
    if (r != NULL) {
        check_damaged(f->check, node);
        tell(f,
             node,
             "a bit flips in %" PRIx64 "/%" PRIx64,
             r->origin,
             r->sequence);
    }
}

static void strike_copy(struct faults *f, size_t node)
{
    if (f->world->nodes[node].has_disk) {
        if (f->has_copy[node]) {
            disk_done(&f->copies[node]);
        }
        disk_copy(&f->copies[node], &f->world->nodes[node].disk);
        f->has_copy[node] = true;
        tell(f, node, "its disk is copied");
    }
}

static bool start_others(struct world *w, size_t node)
{
    bool any = false;

    for (size_t i = 0; i < w->count; i++) {
        if (i != node && !world_runs(w, i)) {
            world_start(w, i, true, false);
            any = true;
        }
    }
    return any;
}

/* Whoever restores a copy does it while the others are in reach. What was on
 * its way from the node is judged by the disk that it had. */
static void strike_set_back(struct faults *f, size_t node)
{
    struct world *w = f->world;

    if (!f->has_copy[node]) {
        return;
    }
    tell(f, node, "is set back to the copy of its disk; all others run");
    world_heal(w);
    if (world_runs(w, node)) {
        world_crash(w, node, false);
    }
    (void)start_others(w, node);
    do { /* one that was leaving has left then */
        world_run(w, w->now_ms + QUIET_MS);
    } while (start_others(w, node));
    disk_done(&w->nodes[node].disk);
    disk_copy(&w->nodes[node].disk, &f->copies[node]);
    check_damaged(f->check, node);
    if (!world_runs(w, node)) {
        world_start(w, node, true, false);
    }
    f->next_ms = w->now_ms + QUIET_MS;
}

static void strike_leave(struct faults *f, size_t node)
{
    if (world_runs(f->world, node)) {
        tell(f, node, "leaves");
        world_leave(f->world, node);
    }
}

/* As by `weir cluster forget`: one that is down, as far as this node knows. It
 * may come back all the same. */
static void strike_forget(struct faults *f, size_t node)
{
    struct world *w = f->world;
    uint64_t first = below(f, w->count);

    for (size_t i = 0; world_runs(w, node) && i < w->count; i++) {
        uint64_t other = (first + i) % w->count;

        if (world_forget(w, node, w->nodes[other].identity)) {
            tell(f, node, "is told to forget %" PRIu64, other);
            return;
        }
    }
}

static void strike_clock(struct faults *f, size_t node)
{
    int64_t ms = (int64_t)below(f, 240000) - 120000;

    f->world->nodes[node].wall_offset_ms += ms;
    tell(f, node, "its clock jumps by %" PRId64 " ms", ms);
}

static const struct {
    void (*strike)(struct faults *f, size_t node);
    unsigned weight;
    bool always; /* in each seed */
} kinds[] = {
    {strike_start, 8, true},
    {strike_mend, 4, true},
    {strike_crash, 4, false},
    {strike_pause, 2, false},
    {strike_cut, 3, false},
    {strike_isolate, 2, false},
    {strike_reset, 2, false},
    {strike_network, 3, false},
    {strike_slow_disk, 1, false},
    {strike_full_disk, 2, false},
    {strike_sync, 2, false},
    {strike_flip, 1, false},
    {strike_copy, 2, false},
    {strike_set_back, 1, false},
    {strike_leave, 1, false},
    {strike_clock, 1, false},
    {strike_forget, 4, false},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))
#define KIND_SET_BACK 13
#define KIND_CLOCK 15

void faults_init(struct faults *f,
                 struct world *w,
                 struct check *c,
                 uint64_t random)
{
    *f = (struct faults){.world = w, .check = c, .random = random};
    f->kinds = splitmix_next(&f->random);
    f->every_ms = 300 + below(f, 4000);
    /* A node that is set back and has its clock set back as well can know
     * neither what it has named nor when. */
    if ((f->kinds >> KIND_SET_BACK & 1) != 0) {
        f->kinds &= ~(UINT64_C(1) << KIND_CLOCK);
    }
}

void faults_done(struct faults *f)
{
    for (size_t i = 0; i < WORLD_NODES_MAX; i++) {
        if (f->has_copy[i]) {
            disk_done(&f->copies[i]);
        }
    }
}

void faults_strike(struct faults *f)
{
    unsigned sum = 0;
    uint64_t pick;

    if (f->world->now_ms < f->next_ms) {
        return;
    }
    f->next_ms = f->world->now_ms + 1 + below(f, f->every_ms);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].always || (f->kinds >> i & 1) != 0) {
            sum += kinds[i].weight;
        }
    }
    pick = below(f, sum);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (!kinds[i].always && (f->kinds >> i & 1) == 0) {
            continue;
        }
        if (pick < kinds[i].weight) {
            kinds[i].strike(f, (size_t)below(f, f->world->count));
            return;
        }
        pick -= kinds[i].weight;
    }
    check_unreachable();
}

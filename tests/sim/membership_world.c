/* One heap holds all that will happen, datagrams and ticks; what happens in the
 * same millisecond happens in the order in which it was decided. */
#include "tests/sim/membership_world.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/moment.h"
#include "base/splitmix.h"
#include "tests/sim/sim_address.h"

#include <stdlib.h>

#define ADDRESSES_MAX 65536

struct world_packet {
    uint64_t at_ms;
    uint64_t serial;
    size_t node;
    uint64_t run; /* of a tick: whose it is; 0: a datagram */
    struct gossip_address source;
    struct gossip_address to;
    uint8_t *data;
    size_t len;
};

uint64_t world_below(struct world *w, uint64_t bound)
{
    return splitmix_below(&w->random, bound);
}

static bool is_before(const struct world_packet *a,
                      const struct world_packet *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->serial < b->serial;
}

static void swap(struct world *w, size_t a, size_t b)
{
    struct world_packet packet = w->heap[a];

    w->heap[a] = w->heap[b];
    w->heap[b] = packet;
}

static void push(struct world *w, struct world_packet packet)
{
    size_t i = w->heap_count++;

    if (w->heap_count > w->heap_capacity) {
        w->heap_capacity = 2 * w->heap_count;
        w->heap = alloc_resize(w->heap, w->heap_capacity * sizeof(w->heap[0]));
    }
    packet.serial = w->serial++;
    w->heap[i] = packet;
    while (i > 0 && is_before(&w->heap[i], &w->heap[(i - 1) / 2])) {
        swap(w, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

static struct world_packet pop(struct world *w)
{
    struct world_packet first = w->heap[0];
    size_t i = 0;

    w->heap[0] = w->heap[--w->heap_count];
    for (;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++) {
            if (child < w->heap_count &&
                is_before(&w->heap[child], &w->heap[least])) {
                least = child;
            }
        }
        if (least == i) {
            return first;
        }
        swap(w, i, least);
        i = least;
    }
}

/* Who is at an address; false: nobody. */
static bool owner_of(const struct world *w,
                     const struct gossip_address *address,
                     size_t *ret)
{
    size_t number = sim_address_number(address);

    if (number >= w->address_count || w->address_owner[number] == 0) {
        return false;
    }
    *ret = w->address_owner[number] - 1u;
    return true;
}

static void give_address(struct world *w, size_t node)
{
    size_t number = w->address_count++;
    size_t old;

    check(number < ADDRESSES_MAX);
    if (owner_of(w, &w->nodes[node].address, &old) && old == node) {
        size_t left = sim_address_number(&w->nodes[node].address);

        w->address_owner[left] = 0;
    }
    w->nodes[node].address = sim_address_of(number);
    w->address_owner[number] = (uint16_t)(node + 1);
}

void world_init(struct world *w,
                uint64_t seed,
                size_t count,
                const struct membership_settings *settings)
{
    check(count <= WORLD_NODES_MAX);
    *w = (struct world){
        .random = seed,
        .settings = *settings,
        .faults = {.delay_min_ms = 1, .delay_max_ms = 3},
        .count = count,
        .nodes = alloc_zero(count * sizeof(struct world_node)),
        .cut = alloc_zero(count * count),
        .address_count = 1, /* the first is where new nodes have not been */
        .address_owner = alloc_zero(ADDRESSES_MAX * sizeof(uint16_t)),
    };
    buffer_init(&w->scratch, GOSSIP_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        w->nodes[i].id = splitmix_next(&w->random) >> 6 | 1;
        buffer_init(&w->nodes[i].saved, GOSSIP_TABLE_BYTES_MAX);
        give_address(w, i);
    }
}

void world_done(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        membership_free(w->nodes[i].membership);
        buffer_done(&w->nodes[i].saved);
    }
    for (size_t i = 0; i < w->heap_count; i++) {
        free(w->heap[i].data);
    }
    free(w->heap);
    free(w->nodes);
    free(w->cut);
    free(w->address_owner);
    buffer_done(&w->scratch);
}

static void post(struct world *w,
                 size_t from,
                 const struct gossip_address *to,
                 struct bytes bytes)
{
    unsigned copies = 1 + (world_below(w, 1000) < w->faults.double_permille);
    uint64_t spread = w->faults.delay_max_ms - w->faults.delay_min_ms;

    for (unsigned i = 0; i < copies; i++) {
        uint64_t delay = w->faults.delay_min_ms + world_below(w, spread + 1);
        bool lost = world_below(w, 1000) < w->faults.loss_permille;
        uint8_t *data;

        if (lost) {
            continue;
        }
        data = alloc_raw(bytes.len);
        memcpy(data, bytes.data, bytes.len);
        push(w,
             (struct world_packet){
                 .at_ms = w->now_ms + delay,
                 .node = from,
                 .source = w->nodes[from].address,
                 .to = *to,
                 .data = data,
                 .len = bytes.len,
             });
    }
}

static void stop(struct world *w, size_t index)
{
    struct world_node *node = &w->nodes[index];

    membership_free(node->membership);
    node->membership = NULL;
    node->paused_until_ms = 0;
}

static void give_seeds(struct world *w, struct world_node *node)
{
    struct gossip_address seeds[WORLD_SEED_NODES];
    size_t count = w->count < WORLD_SEED_NODES ? w->count : WORLD_SEED_NODES;
    struct membership_input in = {.kind = MEMBERSHIP_INPUT_SEEDS};

    for (size_t i = 0; i < count; i++) {
        seeds[i] = w->nodes[i].address;
    }
    in.seeds.addresses = seeds;
    in.seeds.count = count;
    membership_step(node->membership, w->now_ms, &in);
}

/* All that a node wants done after a step. */
static void settle(struct world *w, size_t index)
{
    struct world_node *node = &w->nodes[index];
    struct membership_event event;
    struct gossip_address to;
    bool gone = false;

    while (membership_next_event(node->membership, &event)) {
        if (w->notice != NULL) {
            w->notice(w->context, index, &event);
        }
        if (event.kind == MEMBERSHIP_SEEDS_WANTED) {
            give_seeds(w, node);
        }
        gone = gone || event.kind == MEMBERSHIP_GONE;
        node->stood_down =
            node->stood_down ||
            (event.kind == MEMBERSHIP_RIVAL && event.we_are_younger);
    }
    buffer_clear(&w->scratch);
    while (membership_next_send(node->membership, &to, &w->scratch)) {
        node->datagrams++;
        node->bytes += w->scratch.len + SEAL_EXTRA_BYTES;
        post(w, index, &to, buffer_view(&w->scratch));
        buffer_clear(&w->scratch);
    }
    if (gone) {
        node->left = true;
        stop(w, index);
        return;
    }
    if (membership_deadline_ms(node->membership) != node->timer_ms) {
        node->timer_ms = membership_deadline_ms(node->membership);
        if (node->timer_ms != MOMENT_NEVER) {
            push(w,
                 (struct world_packet){
                     .at_ms = node->timer_ms > w->now_ms ? node->timer_ms
                                                         : w->now_ms,
                     .node = index,
                     .run = node->run,
                 });
        }
    }
}

void world_start(struct world *w, size_t index, bool keep, bool move)
{
    struct world_node *node = &w->nodes[index];
    struct membership_options options = {
        .id = node->id,
        .run = splitmix_next(&w->random) | 1,
        .started_ms = WORLD_WALL_MS + w->now_ms,
        .urls = "https://events.example:8443",
        .random_seed = splitmix_next(&w->random),
        .settings = w->settings,
    };

    check(node->membership == NULL);
    if (move) {
        give_address(w, index);
    }
    options.address = node->address;
    node->run = options.run;
    node->left = false;
    node->stood_down = false;
    node->timer_ms = MOMENT_NEVER;
    node->membership = membership_new(&options, w->now_ms);
    if (keep) {
        check(membership_table_merge(node->membership,
                                     w->now_ms,
                                     buffer_view(&node->saved)) == RC_OK);
    }
    settle(w, index);
}

void world_crash(struct world *w, size_t index)
{
    struct world_node *node = &w->nodes[index];

    buffer_clear(&node->saved);
    membership_table_write(node->membership, &node->saved);
    stop(w, index);
}

void world_leave(struct world *w, size_t index)
{
    struct world_node *node = &w->nodes[index];

    buffer_clear(&node->saved);
    membership_table_write(node->membership, &node->saved);
    node->paused_until_ms = 0;
    membership_step(node->membership,
                    w->now_ms,
                    &(struct membership_input){
                        .kind = MEMBERSHIP_INPUT_LEAVE,
                    });
    settle(w, index);
}

void world_pause(struct world *w, size_t index, uint64_t ms)
{
    w->nodes[index].paused_until_ms = w->now_ms + ms;
}

void world_introduce(struct world *w, size_t from, size_t to)
{
    struct buffer table;

    buffer_init(&table, GOSSIP_TABLE_BYTES_MAX);
    membership_table_write(w->nodes[from].membership, &table);
    check(membership_table_merge(w->nodes[to].membership,
                                 w->now_ms,
                                 buffer_view(&table)) == RC_OK);
    buffer_done(&table);
    settle(w, to);
}

void world_cut(struct world *w, size_t from, size_t to, bool is_cut)
{
    w->cut[from * w->count + to] = is_cut;
}

void world_heal(struct world *w)
{
    memset(w->cut, 0, w->count * w->count);
    w->faults.loss_permille = 0;
    w->faults.double_permille = 0;
    for (size_t i = 0; i < w->count; i++) {
        w->nodes[i].paused_until_ms = 0;
    }
}

static void deliver(struct world *w, const struct world_packet *packet)
{
    struct membership_input in = {.kind = MEMBERSHIP_INPUT_DATAGRAM};
    uint64_t seen[4] = {packet->at_ms, packet->node, 0, 0};
    size_t index;

    if (!owner_of(w, &packet->to, &index) ||
        w->nodes[index].membership == NULL ||
        w->cut[packet->node * w->count + index]) {
        return;
    }
    if (w->nodes[index].paused_until_ms > w->now_ms) {
        /* In the buffer of its socket. */
        struct world_packet again = *packet;

        again.at_ms = w->nodes[index].paused_until_ms;
        again.data = alloc_raw(packet->len);
        memcpy(again.data, packet->data, packet->len);
        push(w, again);
        return;
    }
    seen[2] = index;
    seen[3] = hash_seeded(bytes_of(packet->data, packet->len), w->trace);
    w->trace = hash_seeded(bytes_of(seen, sizeof(seen)), w->trace);
    in.datagram.bytes = bytes_of(packet->data, packet->len);
    in.datagram.source = packet->source;
    membership_step(w->nodes[index].membership, w->now_ms, &in);
    settle(w, index);
}

static void tick(struct world *w, const struct world_packet *packet)
{
    struct world_node *node = &w->nodes[packet->node];

    if (node->membership == NULL || node->run != packet->run ||
        node->timer_ms > packet->at_ms) {
        return; /* It ended, or was moved. */
    }
    if (node->paused_until_ms > w->now_ms) {
        struct world_packet again = *packet;

        again.at_ms = node->paused_until_ms;
        push(w, again);
        return;
    }
    node->timer_ms = MOMENT_NEVER;
    membership_step(node->membership,
                    w->now_ms,
                    &(struct membership_input){
                        .kind = MEMBERSHIP_INPUT_TICK,
                    });
    settle(w, packet->node);
}

void world_run(struct world *w, uint64_t until_ms)
{
    while (w->heap_count > 0 && w->heap[0].at_ms <= until_ms) {
        struct world_packet packet = pop(w);

        w->now_ms = packet.at_ms;
        if (packet.run != 0) {
            tick(w, &packet);
        } else {
            deliver(w, &packet);
        }
        free(packet.data);
    }
    w->now_ms = until_ms;
}

bool world_runs(const struct world *w, size_t node)
{
    return w->nodes[node].membership != NULL;
}

enum gossip_state world_belief(const struct world *w,
                               size_t observer,
                               size_t node)
{
    const struct gossip_member *member =
        membership_find(w->nodes[observer].membership, w->nodes[node].id);

    return member != NULL ? member->state : (enum gossip_state)0;
}

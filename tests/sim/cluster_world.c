/* Time, the network, and who runs. */
#include "tests/sim/cluster_world.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/splitmix.h"
#include "tests/sim/sim_address.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PAUSED_MS 20 /* between looks whether a process goes on */
#define CONNECT_TIMEOUT_MS 2000
#define RETRY_MS 100    /* of a piece that a cut holds */
#define STALLED_MS 8000 /* then the writer's system gives up */
#define MONO_MS 1000000 /* at the beginning */

uint64_t world_below(struct world *w, uint64_t bound)
{
    return splitmix_below(&w->random, bound);
}

bool world_runs(const struct world *w, size_t node)
{
    return w->nodes[node].run != 0;
}

struct moment world_moment(const struct world *w, size_t node)
{
    const struct world_node *n = &w->nodes[node];
    int64_t drift = (int64_t)w->now_ms * n->drift_permille / 1000;

    return (struct moment){.mono_ms = MONO_MS + w->now_ms + (uint64_t)drift,
                           .wall_ms = WORLD_WALL_MS + w->now_ms +
                                      (uint64_t)n->wall_offset_ms};
}

uint64_t world_due(const struct world *w, size_t node, uint64_t mono_ms)
{
    uint64_t permille = (uint64_t)(1000 + w->nodes[node].drift_permille);
    uint64_t at;

    if (mono_ms == MOMENT_NEVER) {
        return MOMENT_NEVER;
    }
    if (mono_ms <= MONO_MS) {
        return w->now_ms;
    }
    at = ((mono_ms - MONO_MS) * 1000 + permille - 1) / permille + 1;
    return at > w->now_ms ? at : w->now_ms;
}

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

    check(number < WORLD_ADDRESSES_MAX);
    for (size_t i = 0; i < number; i++) {
        if (w->address_owner[i] == node + 1) {
            w->address_owner[i] = 0;
        }
    }
    w->nodes[node].address = sim_address_of(number);
    w->address_owner[number] = (uint8_t)(node + 1);
}

void world_init(struct world *w,
                uint64_t seed,
                size_t count,
                const struct world_watcher *watcher)
{
    check(count <= WORLD_NODES_MAX);
    *w = (struct world){.random = seed, .count = count, .watcher = *watcher};
    w->address_count = 1;
    w->faults = (struct world_faults){
        .delay_max_ms = 3, .sync_max_ms = 5, .socket_bytes_max = 64 * 1024};
    w->settings = hub_settings_default();
    w->settings.membership.reach_interval_ms = 5000;
    w->settings.membership.sync_interval_ms = 10000;
    w->settings.membership.join_retry_max_ms = 5000;
    w->settings.link.inflight_bytes_max = WORLD_INFLIGHT_BYTES_MAX;
    w->settings.link.output_bytes_max = WORLD_INFLIGHT_BYTES_MAX;
    list_init(&w->sockets);
    world_rules_init(w);
    for (size_t i = 0; i < sizeof(w->secret); i++) {
        w->secret[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < count; i++) {
        struct world_node *n = &w->nodes[i];

        n->world = w;
        n->index = i;
        n->identity = (splitmix_next(&w->random) >> 8 | UINT64_C(1) << 54) &
                      ~EVENT_ORIGIN_QUORUM;
        buffer_init(&n->table, GOSSIP_TABLE_BYTES_MAX);
        give_address(w, i);
    }
}

void world_done(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (world_runs(w, i)) {
            world_node_end(w, i);
        }
        if (w->nodes[i].has_disk) {
            disk_done(&w->nodes[i].disk);
        }
        buffer_done(&w->nodes[i].table);
    }
    net_done(&w->queue);
    net_sockets_free(&w->sockets);
    world_rules_done(w);
}

static void give_seeds(struct world *w, size_t node)
{
    struct gossip_address seeds[WORLD_NODES_MAX];
    struct hub_input in = {.kind = HUB_INPUT_SEEDS, .addresses = seeds};

    for (size_t i = 0; i < w->count; i++) {
        seeds[in.address_count++] = w->nodes[i].address;
    }
    world_node_step(w, node, &in);
}

void world_start(struct world *w, size_t node, bool joins, bool move)
{
    struct world_node *n = &w->nodes[node];

    if (!n->has_disk) {
        disk_init(&n->disk,
                  n->identity,
                  60 + world_below(w, 600),
                  w->windows,
                  WORLD_NAMESPACES);
        n->has_disk = true;
    }
    if (move) {
        give_address(w, node);
    }
    world_node_begin(w, node, joins);
    w->watcher.started(w->watcher.context, node);
    if (joins) {
        give_seeds(w, node);
    }
    world_node_settle(w, node);
}

static bool is_alive(const struct world *w, const struct net_socket *s)
{
    return s->open && !s->heard &&
           (s->role == NET_CLIENT || s->run == w->nodes[s->node].run);
}

void world_crash(struct world *w, size_t node, bool power)
{
    list_each(entry, &w->sockets)
    {
        struct net_socket *s = list_entry(entry, struct net_socket, entry);

        if (s->role != NET_CLIENT && s->node == node && is_alive(w, s)) {
            s->open = false;
            if (!power && !s->ended) {
                world_write(w, s, (struct bytes){0});
            }
        }
    }
    world_node_interrupt(w, node);
    world_node_end(w, node);
    w->watcher.stopped(w->watcher.context, node);
}

/* As a process does: first it sends its clients away. */
void world_leave(struct world *w, size_t node)
{
    struct world_node *n = &w->nodes[node];

    if (n->drains) {
        return;
    }
    n->drains = true;
    world_shards_drain(w, n);
    net_push(&w->queue,
             (struct net_event){.at_ms = w->now_ms + WORLD_DRAIN_MS,
                                .kind = NET_LEAVE,
                                .node = node,
                                .run = n->run});
}

bool world_forget(struct world *w, size_t node, uint64_t member)
{
    struct hub *hub = w->nodes[node].hub;
    struct hub_input in = {.kind = HUB_INPUT_TICK};
    int rc = membership_forget(
        hub_membership_mutable(hub), world_moment(w, node).mono_ms, member);

    world_node_step(w, node, &in);
    return rc == 0;
}

void world_pause(struct world *w, size_t node, uint64_t ms)
{
    w->nodes[node].paused_until_ms = w->now_ms + ms;
}

/* Whose end it was is told that the connection is no more. */
static void tell_closed(struct world *w, struct net_socket *s, bool reset)
{
    struct hub_input hub = {.kind = HUB_INPUT_CLOSED, .link = s->link};
    struct shard_input shard = {
        .kind = SHARD_INPUT_EOF, .client = s->client, .reset = reset};

    switch (s->role) {
    case NET_HUB:
        s->open = false;
        world_node_step(w, s->node, &hub);
        break;
    case NET_SERVER:
        s->heard = true;
        world_shard_step(w, &w->nodes[s->node], s->shard, &shard);
        break;
    case NET_CLIENT:
        s->open = false;
        w->clients.closed(s->owner);
        break;
    }
}

static void reset(struct world *w, struct net_socket *s)
{
    while (net_socket_first(s) != NULL) {
        net_socket_drop_first(s);
    }
    if (is_alive(w, s)) {
        tell_closed(w, s, true);
    }
}

void world_reset_sockets(struct world *w, size_t node)
{
    list_each(entry, &w->sockets)
    {
        struct net_socket *s = list_entry(entry, struct net_socket, entry);

        if (s->role != NET_CLIENT && s->node == node && s->open) {
            reset(w, s);
            reset(w, s->other);
        }
    }
}

void world_heal(struct world *w)
{
    list_each(entry, &w->sockets)
    {
        list_entry(entry, struct net_socket, entry)->bytes_max = 64 * 1024;
    }
    memset(w->cut, 0, sizeof(w->cut));
    w->faults = (struct world_faults){
        .delay_max_ms = 3, .sync_max_ms = 5, .socket_bytes_max = 64 * 1024};
    for (size_t i = 0; i < w->count; i++) {
        w->nodes[i].paused_until_ms = 0;
        w->nodes[i].disk.fault = DISK_GOOD;
    }
}

struct net_socket *world_connect(struct world *w,
                                 size_t node,
                                 size_t shard,
                                 void *owner)
{
    struct world_node *n = &w->nodes[node];
    struct net_socket *s;

    if (!world_runs(w, node) || !n->ready || n->drains ||
        n->paused_until_ms > w->now_ms) {
        return NULL;
    }
    s = net_socket_pair(&w->sockets);
    s->role = NET_CLIENT;
    s->owner = owner;
    s->open = true;
    s->bytes_max = SIZE_MAX;
    s->other->role = NET_SERVER;
    s->other->node = node;
    s->other->shard = shard;
    s->other->run = n->run;
    s->other->bytes_max = 256 + world_below(w, w->faults.socket_bytes_max);
    s->other->open = true;
    world_accept(w, n, s->other);
    return s;
}

void world_disconnect(struct world *w, struct net_socket *s, bool silent)
{
    s->open = false;
    s->owner = NULL;
    s->orderly = !silent;
    if (!silent) {
        world_write(w, s, (struct bytes){0});
    }
}

void world_post(struct world *w,
                size_t node,
                const struct gossip_address *to,
                struct bytes bytes)
{
    unsigned copies = 1 + (world_below(w, 1000) < w->faults.double_permille);

    for (unsigned i = 0; i < copies; i++) {
        struct net_event event = {
            .at_ms = w->now_ms + 1 + world_below(w, w->faults.delay_max_ms),
            .kind = NET_DATAGRAM,
            .node = node,
            .address = *to,
            .source = w->nodes[node].address,
            .len = bytes.len};

        if (world_below(w, 1000) < w->faults.loss_permille) {
            continue;
        }
        event.data = alloc_raw(bytes.len);
        memcpy(event.data, bytes.data, bytes.len);
        net_push(&w->queue, event);
    }
}

void world_write(struct world *w, struct net_socket *s, struct bytes bytes)
{
    net_socket_write(
        s, w->now_ms + 1 + world_below(w, w->faults.delay_max_ms), bytes);
    net_push(&w->queue,
             (struct net_event){
                 .at_ms = s->last_at_ms, .kind = NET_PUMP, .socket = s});
}

/* What comes while a process is stopped waits in its system. */
static bool is_paused(struct world *w, size_t node, struct net_event *event)
{
    if (!world_runs(w, node) || w->nodes[node].paused_until_ms <= w->now_ms) {
        return false;
    }
    event->at_ms = w->now_ms + PAUSED_MS;
    net_push(&w->queue, *event);
    event->data = NULL;
    return true;
}

static void take_datagram(struct world *w, struct net_event *event)
{
    struct hub_input in = {.kind = HUB_INPUT_DATAGRAM,
                           .bytes = bytes_of(event->data, event->len),
                           .source = event->source};
    size_t node;

    if (owner_of(w, &event->address, &node) && world_runs(w, node) &&
        !w->cut[event->node][node] && !is_paused(w, node, event)) {
        world_node_step(w, node, &in);
    }
}

static struct net_socket *open_socket(struct world *w,
                                      struct net_socket *s,
                                      size_t node,
                                      struct hub_input *in)
{
    s->node = node;
    s->run = w->nodes[node].run;
    s->bytes_max = 1 + world_below(w, w->faults.socket_bytes_max);
    s->open = true;
    in->socket = s;
    hub_step(w->nodes[node].hub, world_moment(w, node), in);
    s->link = in->link;
    if (s->link == NULL) {
        s->open = false;
        world_write(w, s, (struct bytes){0});
    }
    return s;
}

static void refuse(struct world *w, const struct net_event *event)
{
    struct hub_input in = {.kind = HUB_INPUT_REFUSED, .node = event->peer};

    world_node_step(w, event->node, &in);
}

static void take_connect(struct world *w, struct net_event *event)
{
    struct hub_input connected = {.kind = HUB_INPUT_CONNECTED,
                                  .node = event->peer};
    struct hub_input accepted = {.kind = HUB_INPUT_ACCEPTED};
    struct net_socket *s;
    size_t node;

    if (w->nodes[event->node].run != event->run ||
        is_paused(w, event->node, event)) {
        return;
    }
    if (event->address.port == 0 || !owner_of(w, &event->address, &node) ||
        !world_runs(w, node)) {
        refuse(w, event);
        return;
    }
    if (w->cut[event->node][node] || w->cut[node][event->node]) {
        event->at_ms += CONNECT_TIMEOUT_MS;
        event->address.port = 0;
        net_push(&w->queue, *event);
        return;
    }
    w->connections++;
    s = net_socket_pair(&w->sockets);
    open_socket(w, s->other, node, &accepted);
    open_socket(w, s, event->node, &connected);
    world_node_settle(w, node);
    world_node_settle(w, event->node);
}

static void give_room(struct world *w, struct net_socket *s)
{
    struct shard_input in = {.kind = SHARD_INPUT_WRITABLE, .client = s->client};

    if (!is_alive(w, s) || !s->wants_room) {
        return;
    }
    s->wants_room = false;
    if (s->role == NET_HUB) {
        hub_link_writable(w->nodes[s->node].hub, s->link);
        world_node_settle(w, s->node);
    } else {
        world_shard_step(w, &w->nodes[s->node], s->shard, &in);
    }
}

static void take_bytes(struct world *w,
                       struct net_socket *s,
                       struct bytes bytes)
{
    struct hub_input hub = {
        .kind = HUB_INPUT_BYTES, .link = s->link, .bytes = bytes};
    struct shard_input shard = {
        .kind = SHARD_INPUT_BYTES, .client = s->client, .bytes = bytes};

    switch (s->role) {
    case NET_HUB:
        world_node_step(w, s->node, &hub);
        break;
    case NET_SERVER:
        world_shard_step(w, &w->nodes[s->node], s->shard, &shard);
        break;
    case NET_CLIENT:
        w->clients.received(s->owner, bytes);
        break;
    }
}

/* A piece has come to where `s` leads. Who is not there any more, on a machine
 * that is, says so. */
static void arrive(struct world *w,
                   struct net_socket *s,
                   const struct net_piece *piece)
{
    struct net_socket *to = s->other;

    if (!is_alive(w, to)) {
        if (piece->len > 0 &&
            (to->role == NET_CLIENT || world_runs(w, to->node))) {
            world_write(w, to, (struct bytes){0});
        }
    } else if (piece->len == 0) {
        tell_closed(w, to, s->role == NET_CLIENT && !s->orderly);
    } else {
        take_bytes(w, to, bytes_of(piece->data, piece->len));
    }
}

static bool is_cut(const struct world *w, const struct net_socket *s)
{
    return s->role == NET_HUB && w->cut[s->node][s->other->node];
}

/* Whether who should read does not, and it stays in the socket. */
static bool waits(struct world *w,
                  const struct net_socket *to,
                  struct net_event *event)
{
    bool reads = true;

    if (to->role != NET_CLIENT && is_paused(w, to->node, event)) {
        return true;
    }
    if (to->role == NET_CLIENT) {
        reads = !to->open || w->clients.reads(to->owner);
    } else if (to->role == NET_SERVER && is_alive(w, to)) {
        reads = shard_wants_read(to->client);
    }
    if (!reads) {
        event->at_ms = w->now_ms + PAUSED_MS;
        net_push(&w->queue, *event);
    }
    return !reads;
}

static void pump(struct world *w, struct net_event *event)
{
    struct net_socket *s = event->socket;
    struct net_piece *piece = net_socket_first(s);

    if (piece == NULL || waits(w, s->other, event)) {
        return;
    }
    if (is_cut(w, s)) {
        s->stalled_ms = s->stalled_ms == 0 ? w->now_ms : s->stalled_ms;
        if (w->now_ms - s->stalled_ms >= STALLED_MS) {
            reset(w, s);
            return;
        }
        event->at_ms += RETRY_MS;
        net_push(&w->queue, *event);
        return;
    }
    s->stalled_ms = 0;
    list_remove(&piece->entry);
    s->bytes -= piece->len;
    arrive(w, s, piece);
    free(piece);
    give_room(w, s);
}

/* What is for a process that does not run any more is for nobody. */
static bool is_for_nobody(struct world *w, struct net_event *event)
{
    return w->nodes[event->node].run != event->run ||
           is_paused(w, event->node, event);
}

static void take_tick(struct world *w, const struct net_event *event)
{
    struct world_node *n = &w->nodes[event->node];
    struct hub_input in = {.kind = HUB_INPUT_TICK};

    if (n->tick_ms <= event->at_ms) {
        n->tick_ms = MOMENT_NEVER;
        world_node_step(w, event->node, &in);
    }
}

static void take_turn(struct world *w, const struct net_event *event)
{
    struct world_node *n = &w->nodes[event->node];

    if (n->turn_ms <= event->at_ms && !n->storing) {
        n->turn_ms = MOMENT_NEVER;
        world_node_turn(w, event->node);
    }
}

static void take_shard(struct world *w, const struct net_event *event)
{
    struct world_node *n = &w->nodes[event->node];
    struct world_shard *s = &n->shards[event->len];

    if (event->kind == NET_SHARD && s->turn_ms <= event->at_ms) {
        s->turn_ms = MOMENT_NEVER;
        world_shard_turn(w, n, event->len);
    } else if (event->kind == NET_SHARD_TICK && s->tick_ms <= event->at_ms) {
        s->tick_ms = MOMENT_NEVER;
        world_shard_tick(w, n, event->len);
    }
}

static void note(struct world *w, const struct net_event *event)
{
    uint64_t seen[5] = {event->at_ms, event->kind, event->node, event->len, 0};

    if (event->data != NULL) {
        seen[4] = hash_seeded(bytes_of(event->data, event->len), w->trace);
    } else if (event->kind == NET_PUMP) {
        const struct net_piece *piece = net_socket_first(event->socket);

        seen[4] = piece == NULL ? 0
                                : hash_seeded(bytes_of(piece->data, piece->len),
                                              w->trace);
    }
    w->trace = hash_seeded(bytes_of(seen, sizeof(seen)), w->trace);
}

static void happen(struct world *w, struct net_event *event)
{
    note(w, event);
    switch (event->kind) {
    case NET_TICK:
        if (!is_for_nobody(w, event)) {
            take_tick(w, event);
        }
        break;
    case NET_DATAGRAM:
        take_datagram(w, event);
        break;
    case NET_CONNECT:
        take_connect(w, event);
        break;
    case NET_PUMP:
        pump(w, event);
        break;
    case NET_LOG:
        if (!is_for_nobody(w, event)) {
            take_turn(w, event);
        }
        break;
    case NET_STORED:
        if (!is_for_nobody(w, event)) {
            world_node_stored(w, event->node);
        }
        break;
    case NET_SHARD:
    case NET_SHARD_TICK:
        if (!is_for_nobody(w, event)) {
            take_shard(w, event);
        }
        break;
    case NET_LEAVE:
        if (!is_for_nobody(w, event)) {
            world_node_step(
                w, event->node, &(struct hub_input){.kind = HUB_INPUT_LEAVE});
        }
        break;
    }
}

/* Those that have said goodbye end. */
static void end_gone(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (world_runs(w, i) && w->nodes[i].gone) {
            w->nodes[i].left = true;
            world_crash(w, i, false);
        }
    }
}

void world_run(struct world *w, uint64_t until_ms)
{
    struct net_event event;

    while (net_pop(&w->queue, until_ms, &event)) {
        check(event.at_ms >= w->now_ms);
        w->now_ms = event.at_ms;
        happen(w, &event);
        free(event.data);
        end_gone(w);
    }
    w->now_ms = until_ms;
}

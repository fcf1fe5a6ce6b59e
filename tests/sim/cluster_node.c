/* A node: a hub and a committer, between which, and the shards, the world
 * carries what they have for each other, as threads do. */
#include "base/alloc.h"
#include "base/check.h"
#include "base/splitmix.h"
#include "src/io/peer_batch.h"
#include "tests/sim/cluster_mend.h"
#include "tests/sim/cluster_world.h"

#include <stdio.h>
#include <stdlib.h>

#define REPAIR_MS 1500 /* between two looks for holes */
#define IDLE_MS 1000   /* then the log thread steps although nothing has come */

static void have(void *context, struct vector *ret)
{
    const struct world_node *n = context;

    *ret = n->disk.have;
}

static void low_water(void *context, struct vector *ret)
{
    const struct world_node *n = context;

    *ret = (struct vector){0};
    for (size_t i = 0; i < n->disk.low.count; i++) {
        const struct vector_entry *e = &n->disk.low.entries[i];

        if (e->sequence > 0) {
            (void)vector_raise(ret, e->origin, e->sequence);
        }
    }
}

static uint64_t seek(void *context, const struct vector *after)
{
    struct world_node *n = context;

    return disk_seek(&n->disk, after);
}

static int read(void *context,
                uint64_t from,
                size_t bytes_max,
                bool (*visit)(void *visitor,
                              const struct replication_record *r),
                void *visitor)
{
    struct world_node *n = context;

    disk_read(&n->disk, from, bytes_max, visit, visitor);
    return 0;
}

static void take_batch(struct world_node *n, struct batch *batch)
{
    list_push_back(&n->batches, &batch->node);
    world_node_plan_turn(n->world, n->index, n->world->now_ms);
}

static void store(void *context, const struct peer_events *events)
{
    struct world_node *n = context;
    struct batch *batch = peer_batch_new(&n->intake, WORLD_SHARDS, events);

    if (batch == NULL) {
        n->world->watcher.wrong(n->world->watcher.context,
                                n->index,
                                "a peer sent events that are not whole");
        return;
    }
    take_batch(n, batch);
}

static void forked(void *context, uint64_t origin, uint64_t from, uint64_t to)
{
    struct world_node *n = context;
    char text[96];

    snprintf(text,
             sizeof(text),
             "misses of %llx what is between %llx and %llx",
             (unsigned long long)origin,
             (unsigned long long)from,
             (unsigned long long)to);
    n->world->watcher.told(n->world->watcher.context, n->index, text);
}

static void skip(void *context, uint64_t origin, uint64_t from, uint64_t to)
{
    struct world_node *n = context;
    char text[96];

    snprintf(text,
             sizeof(text),
             "hears that %llx has gone from %llx to %llx",
             (unsigned long long)origin,
             (unsigned long long)from,
             (unsigned long long)to);
    n->world->watcher.told(n->world->watcher.context, n->index, text);
    take_batch(n, batch_new_skip(&n->intake, WORLD_SHARDS, origin, from, to));
}

/* What is being put back is not looked for. */
static size_t holes(void *context, struct replication_hole *ret, size_t max)
{
    struct world_node *n = context;

    if (!list_empty(&n->mends) || n->world->now_ms < n->repair_ms) {
        return 0;
    }
    n->repair_ms = n->world->now_ms + REPAIR_MS;
    return mend_holes(&n->disk, ret, max);
}

static void repair(void *context,
                   const struct replication_hole *hole,
                   const struct peer_events *events)
{
    struct world_node *n = context;
    const struct log_hole there = {.origin = hole->origin,
                                   .after = hole->after,
                                   .until = hole->until,
                                   .after_place = hole->after_place,
                                   .until_place = hole->until_place};

    list_push_back(&n->mends, &log_mend_new(&there, events)->node);
    world_node_plan_turn(n->world, n->index, n->world->now_ms);
}

/* One hole a turn. */
static void mend(struct world *w, struct world_node *n)
{
    struct list *entry = list_pop_front(&n->mends);
    struct log_mend *m;
    size_t count;

    if (entry != NULL) {
        m = list_entry(entry, struct log_mend, node);
        count = mend_fill(&n->disk, m);
        w->mended += count;
        n->repair_ms = count > 0 ? 0 : n->repair_ms;
        free(m);
    }
}

static void entropy(void *context, void *ret, size_t len)
{
    struct world_node *n = context;
    uint8_t *out = ret;

    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)splitmix_next(&n->world->random);
    }
}

static void issuers(void *context, const struct peer_issuers *given)
{
    (void)context;
    (void)given;
}

static void begin_hub(struct world *w, struct world_node *n, bool joins)
{
    const struct hub_options options = {
        .identity = n->identity,
        .run = n->run,
        .address = n->address,
        .urls = "https://events.example:8443",
        .secret = w->secret,
        .table = buffer_view(&n->table),
        .joins = joins,
        .random_seed = splitmix_next(&w->random),
        .settings = w->settings,
        .replication = {.context = n,
                        .have = have,
                        .low_water = low_water,
                        .seek = seek,
                        .read = read,
                        .store = store,
                        .skip = skip,
                        .forked = forked,
                        .holes = holes,
                        .repair = repair},
        .entropy = entropy,
        .issuers = issuers,
    };

    n->hub = hub_new(&options, world_moment(w, n->index));
}

static bool defer_hidden(void *context, const struct replication_record *r)
{
    struct world_node *n = context;
    struct log_shown shown;
    struct record record;
    struct event *event;
    struct batch *batch;

    disk_show_now(&n->disk, &shown);
    if (log_show_covers(&shown, r->place, r->origin, r->sequence) ||
        (r->origin & EVENT_ORIGIN_QUORUM) == 0) {
        return true;
    }
    check(record_decode(r->bytes, &record) == 0);
    event = event_new_keyed(record.channel, record.content, record.key);
    event->origin = r->origin;
    event->sequence = r->sequence;
    event->predecessor = r->predecessor;
    event->place = r->place;
    batch = batch_new(&n->intake, WORLD_SHARDS);
    batch->origin = r->origin;
    batch_add_event(batch, event);
    commit_defer(n->commit, batch);
    return true;
}

static void post_batch(struct world_node *n, struct batch *batch, bool all)
{
    for (size_t i = 0; i < WORLD_SHARDS; i++) {
        if (all || !list_empty(&batch->answers[i])) {
            world_shard_mail(n->world, n, i, batch);
        }
    }
    batch_unref(batch);
}

static void answer_early(void *context, struct batch *batch)
{
    struct world_node *n = context;

    n->world->watcher.batch(n->world->watcher.context, n->index, batch);
    post_batch(n, batch, false);
}

/* As src/io/log_commit does. */
static void begin_commit(struct world *w, struct world_node *n)
{
    const struct vector none = {0};
    struct log_shown shown;
    struct commit_options options = {
        .log = disk_commit_log(&n->disk),
        .identity = n->identity,
        .quorum_timeout_ms = WORLD_QUORUM_TIMEOUT_MS,
        .seed = splitmix_next(&w->random),
        .shard_count = WORLD_SHARDS,
        .intake = &n->intake,
        .metrics = &n->metrics,
        .answer = answer_early,
        .answer_context = n,
    };

    disk_show_now(&n->disk, &shown);
    for (size_t i = 0; i < n->disk.have.count; i++) {
        const struct vector_entry *e = &n->disk.have.entries[i];

        if ((e->origin & EVENT_ORIGIN_QUORUM) == 0) {
            (void)vector_raise(&shown.vector, e->origin, e->sequence);
        }
    }
    options.shown = shown.vector;
    options.shown_place = shown.place;
    n->commit = commit_new(&options);
    if (!shown.all) {
        disk_read(&n->disk, 1, SIZE_MAX, defer_hidden, n);
        commit_deferred(n->commit, &n->disk.have);
    }
    commit_cluster(n->commit, &none, false, false);
    disk_show_now(&n->disk, &shown);
    n->walked = shown.vector;
    n->walked_place = shown.place;
    world_shards_begin(w, n);
}

void world_node_begin(struct world *w, size_t node, bool joins)
{
    struct world_node *n = &w->nodes[node];

    check(n->run == 0);
    n->run = splitmix_next(&w->random) | 1;
    n->started_ms = w->now_ms;
    n->paused_until_ms = 0;
    n->intake = (struct intake){.bytes_max = WORLD_INTAKE_BYTES_MAX};
    n->unfinished = (struct intake){.bytes_max = WORLD_INTAKE_BYTES_MAX};
    n->metrics = (struct metrics){0};
    n->tick_ms = MOMENT_NEVER;
    n->turn_ms = MOMENT_NEVER;
    n->storing = false;
    n->state_changed = false;
    n->ready = false;
    n->gone = false;
    n->left = false;
    n->drains = false;
    n->told = (struct hub_state){0};
    list_init(&n->publishes);
    list_init(&n->batches);
    list_init(&n->mends);
    n->repair_ms = 0;
    disk_open(&n->disk);
    begin_commit(w, n);
    begin_hub(w, n, joins);
    n->table_digest = 0;
}

static void drop_batches(struct list *batches)
{
    struct list *entry;

    while ((entry = list_pop_front(batches)) != NULL) {
        batch_unref(list_entry(entry, struct batch, node));
    }
}

void world_node_end(struct world *w, size_t node)
{
    struct world_node *n = &w->nodes[node];
    struct list *entry;

    check(n->run != 0);
    n->run = 0;
    world_shards_end(n);
    hub_free(n->hub);
    commit_free(n->commit);
    n->hub = NULL;
    n->commit = NULL;
    drop_batches(&n->batches);
    while ((entry = list_pop_front(&n->mends)) != NULL) {
        free(list_entry(entry, struct log_mend, node));
    }
    while ((entry = list_pop_front(&n->publishes)) != NULL) {
        struct publish *p = list_entry(entry, struct publish, node);

        intake_release(&n->intake, p->bytes);
        publish_free(p);
    }
}

static void take_events(struct world *w, struct world_node *n)
{
    struct hub_event event;
    char text[96];

    while (hub_next_event(n->hub, &event)) {
        switch (event.kind) {
        case HUB_MEMBER:
            if (event.node != 0) {
                disk_expect(&n->disk, event.node);
                disk_expect(&n->disk, event.node | EVENT_ORIGIN_QUORUM);
            }
            snprintf(text,
                     sizeof(text),
                     "%s %llx",
                     membership_event_name(event.member),
                     (unsigned long long)event.node);
            break;
        case HUB_LINKED:
            snprintf(text,
                     sizeof(text),
                     "linked with %llx",
                     (unsigned long long)event.node);
            break;
        case HUB_UNLINKED:
        case HUB_STRANGER:
            snprintf(text,
                     sizeof(text),
                     "%s %llx: %s",
                     event.kind == HUB_UNLINKED ? "unlinked from" : "stranger",
                     (unsigned long long)event.node,
                     link_end_label(event.end));
            break;
        case HUB_DUPLICATE:
            snprintf(text, sizeof(text), "another node has our identity");
            w->watcher.wrong(w->watcher.context, n->index, text);
            break;
        case HUB_GONE:
            n->gone = true;
            snprintf(text, sizeof(text), "has said goodbye");
            break;
        case HUB_SEEDS_WANTED:
            continue;
        }
        w->watcher.told(w->watcher.context, n->index, text);
    }
}

static void give_output(struct world *w, struct world_node *n)
{
    struct hub_link *link;
    void *socket;
    struct bytes bytes;

    while (hub_link_next_output(n->hub, &link, &socket, &bytes)) {
        struct net_socket *s = socket;
        size_t room = s->bytes < s->bytes_max ? s->bytes_max - s->bytes : 0;
        size_t take = bytes.len < room ? bytes.len : room;

        if (take > 1 && world_below(w, 8) == 0) {
            take = 1 + world_below(w, take);
        }
        if (take > 0) {
            world_write(w, s, bytes_of(bytes.data, take));
        }
        s->wants_room = take < bytes.len;
        w->blocked += s->wants_room;
        hub_link_sent(n->hub, link, take);
    }
}

static void take_state(struct world *w, struct world_node *n)
{
    struct hub_state state;

    if (hub_next_state(n->hub, &state)) {
        n->state = state;
        n->state_changed = true;
        w->watcher.state(w->watcher.context, n->index);
        world_node_plan_turn(w, n->index, w->now_ms);
    }
}

static void save_table(struct world_node *n)
{
    uint64_t digest = hub_table_digest(n->hub);

    if (digest != n->table_digest) {
        n->table_digest = digest;
        buffer_clear(&n->table);
        hub_table(n->hub, &n->table);
    }
}

static void plan_tick(struct world *w, struct world_node *n)
{
    uint64_t at = world_due(w, n->index, hub_deadline_ms(n->hub));

    if (at != n->tick_ms) {
        n->tick_ms = at;
        if (at != MOMENT_NEVER) {
            net_push(&w->queue,
                     (struct net_event){.at_ms = at,
                                        .kind = NET_TICK,
                                        .node = n->index,
                                        .run = n->run});
        }
    }
}

void world_node_settle(struct world *w, size_t node)
{
    struct world_node *n = &w->nodes[node];
    struct buffer datagram;
    struct gossip_address to;
    void *socket;
    struct net_event connect = {
        .kind = NET_CONNECT, .node = node, .run = n->run};

    take_events(w, n);
    buffer_init(&datagram, GOSSIP_DATAGRAM_BYTES_MAX);
    while (hub_next_datagram(n->hub, &to, &datagram)) {
        world_post(w, node, &to, buffer_view(&datagram));
        buffer_clear(&datagram);
    }
    buffer_done(&datagram);
    while (hub_connect_next(n->hub, &connect.peer, &connect.address)) {
        connect.at_ms = w->now_ms + 1 + world_below(w, w->faults.delay_max_ms);
        net_push(&w->queue, connect);
    }
    give_output(w, n);
    while (hub_link_next_close(n->hub, &socket)) {
        struct net_socket *s = socket;

        s->open = false;
        world_write(w, s, (struct bytes){0});
    }
    take_events(w, n);
    take_state(w, n);
    n->ready = hub_ready(n->hub, world_moment(w, node));
    save_table(n);
    plan_tick(w, n);
}

void world_node_step(struct world *w, size_t node, struct hub_input *in)
{
    hub_step(w->nodes[node].hub, world_moment(w, node), in);
    world_node_settle(w, node);
}

void world_node_plan_turn(struct world *w, size_t node, uint64_t at_ms)
{
    struct world_node *n = &w->nodes[node];

    if (!n->storing && at_ms < n->turn_ms) {
        n->turn_ms = at_ms;
        net_push(
            &w->queue,
            (struct net_event){
                .at_ms = at_ms, .kind = NET_LOG, .node = node, .run = n->run});
    }
}

static void tell_batch(struct world *w, struct world_node *n, struct batch *b)
{
    w->watcher.batch(w->watcher.context, n->index, b);
    for (size_t i = 0; i < b->event_count; i++) {
        (void)vector_raise(&n->walked, b->origin, b->events[i]->sequence);
        n->walked_place = b->events[i]->place;
    }
    if (b->skip_to > 0) {
        (void)vector_raise(&n->walked, b->origin, b->skip_to);
    }
    post_batch(n, b, true);
}

/* The log thread takes what waits; it is on the disk once that is done. */
void world_node_turn(struct world *w, size_t node)
{
    struct world_node *n = &w->nodes[node];
    struct list *entry;

    commit_publish(n->commit, &n->publishes);
    while ((entry = list_pop_front(&n->batches)) != NULL) {
        commit_store(n->commit, list_entry(entry, struct batch, node));
    }
    if (n->state_changed) {
        n->told = n->state;
        commit_cluster(
            n->commit, &n->told.safe, n->told.alone, n->told.majority);
        n->state_changed = false;
    }
    n->storing = true;
    net_push(&w->queue,
             (struct net_event){
                 .at_ms = w->now_ms +
                          (commit_waiting(n->commit)
                               ? 1 + world_below(w, w->faults.sync_max_ms)
                               : 0),
                 .kind = NET_STORED,
                 .node = node,
                 .run = n->run});
}

static void plan_next_turn(struct world *w, struct world_node *n)
{
    uint64_t due;

    if (commit_waiting(n->commit) || !list_empty(&n->batches) ||
        !list_empty(&n->publishes) || !list_empty(&n->mends) ||
        n->state_changed) {
        world_node_plan_turn(
            w, n->index, w->now_ms + (n->disk.fault == DISK_FULL ? 50 : 0));
    }
    due = world_due(w, n->index, commit_deadline_ms(n->commit));
    if (due > w->now_ms + IDLE_MS) {
        due = w->now_ms + IDLE_MS;
    }
    world_node_plan_turn(w, n->index, due);
}

void world_node_stored(struct world *w, size_t node)
{
    struct hub_input in = {.kind = HUB_INPUT_COMMITTED};
    struct world_node *n = &w->nodes[node];
    struct why why = {{0}};
    struct batch *batch;
    int rc = commit_step(n->commit, world_moment(w, node), &why);

    n->storing = false;
    if (rc == RC_IO) {
        w->watcher.told(w->watcher.context, node, "the disk failed");
        world_crash(w, node, false);
        return;
    }
    mend(w, n);
    w->watcher.stored(w->watcher.context, node, rc);
    while ((batch = commit_take(n->commit)) != NULL) {
        tell_batch(w, n, batch);
    }
    disk_trim(&n->disk);
    (void)commit_take_appended(n->commit);
    world_node_step(w, node, &in);
    plan_next_turn(w, n);
}

/* A process ends while it stores: all of it was synced, or nothing was. */
void world_node_interrupt(struct world *w, size_t node)
{
    struct world_node *n = &w->nodes[node];
    struct why why;

    if (n->storing && world_below(w, 2) == 0) {
        (void)commit_step(n->commit, world_moment(w, node), &why);
    }
}

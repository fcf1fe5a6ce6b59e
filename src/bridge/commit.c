/* One turn: an own batch of each origin and those of the peers, one append. */
#include "src/bridge/commit.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/rc.h"

#include <stdlib.h>

/* Own events that need no quorum, and those that do. */
enum { LOCAL, QUORUM, OWN_COUNT };

struct commit {
    struct commit_options options;
    struct frontier frontier;
    struct sequencer sequencers[OWN_COUNT];
    struct list publishes[OWN_COUNT];
    struct list foreign; /* batches of peers, in the order they came */
    bool majority;
    bool refused; /* the log took nothing, the last time */
    size_t appended;
    size_t lost;
};

struct commit *commit_new(const struct commit_options *options)
{
    struct commit *c = alloc_zero(sizeof(*c));
    const struct commit_log *log = &options->log;

    check((options->identity & EVENT_ORIGIN_QUORUM) == 0);
    c->options = *options;
    c->majority = true;
    frontier_init(&c->frontier,
                  &options->shown,
                  options->shown_place,
                  options->quorum_timeout_ms);
    for (uint64_t i = 0; i < OWN_COUNT; i++) {
        uint64_t origin = options->identity + i;

        list_init(&c->publishes[i]);
        sequencer_init(&c->sequencers[i],
                       origin,
                       log->last_sequence(log->context, origin),
                       i == LOCAL ? log->reserved(log->context) : 0);
    }
    list_init(&c->foreign);
    return c;
}

void commit_free(struct commit *c)
{
    struct list *node;

    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < OWN_COUNT; i++) {
        while ((node = list_pop_front(&c->publishes[i])) != NULL) {
            struct publish *publish = list_entry(node, struct publish, node);

            intake_release(c->options.intake, publish->bytes);
            publish_free(publish);
        }
    }
    batch_unref_all(&c->foreign);
    frontier_done(&c->frontier);
    free(c);
}

void commit_publish(struct commit *c, struct list *publishes)
{
    struct list *node;

    while ((node = list_pop_front(publishes)) != NULL) {
        bool quorum = list_entry(node, struct publish, node)->durability ==
                      NAMESPACE_QUORUM;

        list_push_back(&c->publishes[quorum ? QUORUM : LOCAL], node);
    }
}

void commit_store(struct commit *c, struct batch *batch)
{
    list_push_back(&c->foreign, &batch->node);
}

void commit_defer(struct commit *c, struct batch *batch)
{
    frontier_defer(&c->frontier, batch);
}

void commit_deferred(struct commit *c, const struct vector *have)
{
    for (size_t i = 0; i < have->count; i++) {
        const struct vector_entry *e = &have->entries[i];
        uint64_t last = frontier_last(&c->frontier, e->origin);

        if (e->sequence > last) {
            frontier_defer(&c->frontier,
                           batch_new_skip(c->options.intake,
                                          c->options.shard_count,
                                          e->origin,
                                          last,
                                          e->sequence));
        }
    }
}

static void show(struct commit *c)
{
    const struct commit_log *log = &c->options.log;

    log->show(log->context,
              c->frontier.alone && list_empty(&c->frontier.deferred),
              c->frontier.shown_place,
              &c->frontier.shown);
}

void commit_prune(struct commit *c, const struct vector *have)
{
    frontier_prune(
        &c->frontier,
        batch_new_prune(c->options.intake, c->options.shard_count, have));
    show(c);
}

void commit_cluster(struct commit *c,
                    const struct vector *safe,
                    bool alone,
                    bool majority)
{
    c->majority = majority;
    frontier_safe(&c->frontier, safe, alone);
    show(c);
}

/* Whether publishes that need a quorum are refused: none is in reach, or it has
 * not come for as much as may wait for it. */
static bool refuses_quorum(const struct commit *c)
{
    const struct frontier *f = &c->frontier;

    return !f->alone &&
           (!c->majority || (frontier_full(f) && !list_empty(&f->deferred)));
}

/* While much waits for one, further publishes wait before they are named. */
static bool takes_quorum(const struct commit *c)
{
    return !frontier_full(&c->frontier) || refuses_quorum(c);
}

bool commit_waiting(const struct commit *c)
{
    return !list_empty(&c->publishes[LOCAL]) || !list_empty(&c->foreign) ||
           (!list_empty(&c->publishes[QUORUM]) && takes_quorum(c));
}

/* How far ahead of the clock sequences are reserved for answers that do not
 * wait for the disk; renewed, with a commit, when half of it is gone. */
#define RESERVE_MS UINT64_C(5000)

/* What one transaction of this turn is made of. */
struct turn {
    size_t answered; /* events whose publishers were, before the log has them */
    struct batch *own[OWN_COUNT]; /* NULL: nothing waits there */
    struct list foreign;
    struct vector taken; /* up to where it has events, of each origin */
    struct event **events;
    size_t event_count;
};

static void note_taken(struct turn *turn, const struct batch *batch)
{
    if (batch->event_count > 0) {
        (void)vector_raise(&turn->taken,
                           batch->origin,
                           batch->events[batch->event_count - 1]->sequence);
    }
}

static int find_key(void *context,
                    struct bytes channel,
                    struct bytes key,
                    uint64_t *ret_origin,
                    uint64_t *ret_sequence)
{
    struct commit *c = context;
    const struct commit_log *log = &c->options.log;
    int rc =
        log->find_key(log->context, channel, key, ret_origin, ret_sequence);

    /* The first one's own publisher was told that its outcome is unknown, and
     * it still is. */
    if (rc == 0 && !list_empty(&c->frontier.deferred) &&
        frontier_hides(&c->frontier, *ret_origin, *ret_sequence)) {
        return RC_BUSY;
    }
    return rc;
}

static void take_own(struct commit *c,
                     struct moment now,
                     int kind,
                     struct turn *turn)
{
    const struct sequencer_known known = {
        .seed = c->options.seed, .find = find_key, .context = c};
    struct batch *batch;

    if (list_empty(&c->publishes[kind]) ||
        (kind == QUORUM && !takes_quorum(c))) {
        return;
    }
    batch = batch_new(c->options.intake, c->options.shard_count);
    batch->origin = c->sequencers[kind].origin;
    sequencer_fill(
        &c->sequencers[kind], now, &c->publishes[kind], &known, batch);
    if (kind == QUORUM && refuses_quorum(c)) {
        batch_fail(batch, PROBLEM_QUORUM);
    }
    turn->own[kind] = batch;
    note_taken(turn, batch);
}

/* Those whose namespace says memory have their answers now, unless the log is
 * full, or a crash could make their names another event's. */
static void answer_early(struct commit *c, struct turn *turn)
{
    const struct commit_log *log = &c->options.log;
    struct batch *batch = turn->own[LOCAL];
    uint64_t last = c->sequencers[LOCAL].last_given;
    uint64_t reserved;

    if (batch == NULL || batch->memory_count == 0) {
        return;
    }
    reserved = log->reserved(log->context);
    if (last <= reserved && !c->refused) {
        c->options.answer(c->options.answer_context,
                          batch_split_memory(batch, &turn->answered));
    }
    if (last + (RESERVE_MS / 2 << 16) > reserved) {
        log->reserve(log->context, last + (RESERVE_MS << 16));
    }
}

/* Whether the peer's batch, less what is there, follows from that. An origin
 * that was set back names an older predecessor: nothing is missing then. */
static bool follows(uint64_t last, struct batch *batch)
{
    batch_drop_until(batch, last);
    return batch->event_count > 0 && batch->events[0]->predecessor <= last;
}

static bool is_skip(const struct batch *batch)
{
    return batch->skip_to > 0;
}

/* Up to the next skip, which begins the next turn. */
static void take_foreign(struct commit *c, struct turn *turn)
{
    const struct commit_log *log = &c->options.log;
    size_t bytes = 0;

    while (!list_empty(&c->foreign) && bytes < BATCH_FOREIGN_BYTES_MAX) {
        struct batch *batch = list_entry(c->foreign.next, struct batch, node);
        uint64_t stored = log->last_sequence(log->context, batch->origin);
        uint64_t taken = vector_get(&turn->taken, batch->origin);

        if (is_skip(batch)) {
            return;
        }
        list_remove(&batch->node);
        if (follows(stored > taken ? stored : taken, batch) &&
            frontier_has_room(&c->frontier, batch)) {
            bytes += batch->record_bytes;
            note_taken(turn, batch);
            list_push_back(&turn->foreign, &batch->node);
        } else {
            batch_unref(batch);
        }
    }
}

static void add_events(struct turn *turn, const struct batch *batch)
{
    if (batch != NULL && batch->event_count > 0) {
        memcpy(turn->events + turn->event_count,
               batch->events,
               batch->event_count * sizeof(turn->events[0]));
        turn->event_count += batch->event_count;
    }
}

static void gather(struct turn *turn)
{
    size_t count = 1;

    for (size_t i = 0; i < OWN_COUNT; i++) {
        count += turn->own[i] == NULL ? 0 : turn->own[i]->event_count;
    }
    list_each(node, &turn->foreign)
    {
        count += list_entry(node, struct batch, node)->event_count;
    }
    turn->events = alloc_raw(count * sizeof(struct event *));
    for (size_t i = 0; i < OWN_COUNT; i++) {
        add_events(turn, turn->own[i]);
    }
    list_each(node, &turn->foreign)
    {
        add_events(turn, list_entry(node, struct batch, node));
    }
}

static void settle_own(struct commit *c, struct turn *turn, struct moment now)
{
    for (size_t i = 0; i < OWN_COUNT; i++) {
        if (turn->own[i] != NULL) {
            sequencer_stored(&c->sequencers[i], turn->own[i]);
            metrics_add(c->options.metrics,
                        events_repeated,
                        turn->own[i]->repeated_count);
            metrics_add(c->options.metrics, events, turn->own[i]->event_count);
            frontier_add(&c->frontier, turn->own[i], now);
        }
    }
}

/* A node that was set back takes its own events from its peers. */
static void restore(struct commit *c, const struct batch *batch)
{
    for (size_t i = 0; i < OWN_COUNT; i++) {
        if (batch->origin == c->sequencers[i].origin) {
            sequencer_restore(&c->sequencers[i],
                              c->options.log.last_sequence(
                                  c->options.log.context, batch->origin));
        }
    }
}

static int take_skip(struct commit *c,
                     struct batch *batch,
                     struct moment now,
                     struct why *why)
{
    const struct commit_log *log = &c->options.log;
    uint64_t last = log->last_sequence(log->context, batch->origin);
    bool follows = batch->skip_from <= last && last < batch->skip_to;
    int rc = 0;

    if (follows || batch->forked) {
        rc = log->skip(log->context, batch, why);
    }
    if (rc != 0) {
        return rc;
    }
    list_remove(&batch->node);
    if (follows && !batch->forked) {
        restore(c, batch);
        frontier_add(&c->frontier, batch, now);
    } else {
        batch_unref(batch);
    }
    return 0;
}

/* Skips are no part of the events' transaction: each may be refused alone. */
static int take_skips(struct commit *c, struct moment now, struct why *why)
{
    int rc = 0;

    while (rc == 0 && !list_empty(&c->foreign)) {
        struct batch *batch = list_entry(c->foreign.next, struct batch, node);

        if (!is_skip(batch)) {
            break;
        }
        rc = take_skip(c, batch, now, why);
    }
    return rc;
}

static void settle(struct commit *c, struct turn *turn, struct moment now)
{
    struct list *node;

    settle_own(c, turn, now);
    while ((node = list_pop_front(&turn->foreign)) != NULL) {
        restore(c, list_entry(node, struct batch, node));
        frontier_add(&c->frontier, list_entry(node, struct batch, node), now);
    }
    c->appended += turn->event_count;
    metrics_add(c->options.metrics, log_batch_events_sum, turn->event_count);
    metrics_add(
        c->options.metrics, log_batch_events_count, turn->event_count > 0);
}

/* Own publishes are answered. What the peers sent is dropped: they are asked
 * again, and would not stop sending it into a queue. */
static void refuse(struct commit *c, struct turn *turn, struct moment now)
{
    for (size_t i = 0; i < OWN_COUNT; i++) {
        if (turn->own[i] != NULL) {
            batch_fail(turn->own[i], PROBLEM_STORAGE);
            frontier_add(&c->frontier, turn->own[i], now);
        }
    }
    batch_unref_all(&turn->foreign);
    batch_unref_all(&c->foreign);
    metrics_add(c->options.metrics, log_failures, 1);
    metrics_add(c->options.metrics, events_lost, turn->answered);
    c->lost += turn->answered;
}

static int move_deferred(struct commit *c, struct moment now, struct why *why)
{
    const struct commit_log *log = &c->options.log;
    struct event **events;
    size_t count;
    int rc = 0;

    while (rc == 0 && (count = frontier_to_move(&c->frontier, &events)) > 0) {
        rc = log->move(log->context, events, count, why);
        if (rc == 0) {
            frontier_moved(&c->frontier, events[0]->origin, now);
        }
        free(events);
    }
    return rc;
}

int commit_step(struct commit *c, struct moment now, struct why *why)
{
    const struct commit_log *log = &c->options.log;
    struct turn turn = {0};
    int skip_rc = take_skips(c, now, why);
    int rc = 0;

    if (skip_rc == RC_IO) {
        return RC_IO;
    }
    if (skip_rc != 0) {
        batch_unref_all(&c->foreign);
    }
    list_init(&turn.foreign);
    for (int kind = 0; kind < OWN_COUNT; kind++) {
        take_own(c, now, kind, &turn);
    }
    answer_early(c, &turn);
    take_foreign(c, &turn);
    gather(&turn);
    if (turn.event_count > 0) {
        rc = log->append(log->context, turn.events, turn.event_count, why);
    }
    c->refused = rc != 0;
    free(turn.events);
    if (rc == 0) {
        settle(c, &turn, now);
        rc = move_deferred(c, now, why);
    } else {
        refuse(c, &turn, now);
    }
    frontier_advance(&c->frontier, now);
    show(c);
    return rc != 0 ? rc : skip_rc;
}

uint64_t commit_deadline_ms(const struct commit *c)
{
    return frontier_deadline_ms(&c->frontier);
}

size_t commit_under_way(const struct commit *c)
{
    return frontier_waiting(&c->frontier, c->sequencers[QUORUM].origin);
}

struct batch *commit_take(struct commit *c)
{
    return frontier_take(&c->frontier);
}

size_t commit_take_appended(struct commit *c)
{
    size_t appended = c->appended;

    c->appended = 0;
    return appended;
}

size_t commit_take_lost(struct commit *c)
{
    size_t lost = c->lost;

    c->lost = 0;
    return lost;
}

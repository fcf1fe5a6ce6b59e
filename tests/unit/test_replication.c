/* Replications of a few nodes over real links, on logs in memory: who asks
 * whom, and what of that arrives. */
#include "cluster/replication.h"

#include "base/alloc.h"
#include "base/event.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

#define NODES_MAX 4
#define RECORDS_MAX 64
#define STEPS_MAX 64
#define EVEN UINT64_C(0x100) /* of node 0; those of the others follow */

struct cable {
    struct link *link; /* NULL: cut */
    struct replication_peer *peer;
    struct vector told;
};

struct node {
    struct replication *replication;
    struct vector have;
    struct replication_record records[RECORDS_MAX]; /* by place, from 1 on */
    size_t count;
    bool coarse;           /* seeks to the first place */
    uint64_t refused;      /* an origin whose events it does not take */
    uint64_t skipped_from; /* of the last skip */
    uint64_t skipped_to;
    uint64_t forked_from; /* of the last fork */
    uint64_t forked_to;
    size_t received; /* records, those dropped included */
    struct cable cables[NODES_MAX];
};

struct world {
    struct node nodes[NODES_MAX];
    size_t count;
    uint64_t now_ms;
    size_t inflight_max;
};

static uint64_t id(size_t node)
{
    return EVEN + 2 * node;
}

static void have(void *context, struct vector *ret)
{
    const struct node *n = context;

    *ret = n->have;
}

static void low_water(void *context, struct vector *ret)
{
    (void)context;
    *ret = (struct vector){0};
}

static uint64_t seek(void *context, const struct vector *after)
{
    const struct node *n = context;

    for (size_t i = 0; i < n->count && !n->coarse; i++) {
        if (n->records[i].sequence > vector_get(after, n->records[i].origin)) {
            return n->records[i].place;
        }
    }
    return n->coarse ? 1 : n->count + 1;
}

static int read(void *context,
                uint64_t from,
                size_t bytes_max,
                bool (*visit)(void *visitor,
                              const struct replication_record *r),
                void *visitor)
{
    const struct node *n = context;
    size_t bytes = 0;

    for (size_t i = from - 1; i < n->count; i++) {
        const struct replication_record *r = &n->records[i];

        if (r->bytes.len == 0) {
            continue;
        }
        bytes += r->bytes.len;
        if (bytes > bytes_max && bytes > r->bytes.len) {
            break;
        }
        if (!visit(visitor, r)) {
            break;
        }
    }
    return 0;
}

/* A record in this test is its numbers, and some weight. */
struct body {
    uint64_t sequence;
    uint64_t predecessor;
    uint8_t weight[200];
};

static void append_heavy(struct node *n,
                         uint64_t origin,
                         uint64_t sequence,
                         uint64_t predecessor,
                         size_t len)
{
    struct body *body = alloc_zero(len);

    tap_check(n->count < RECORDS_MAX);
    *body = (struct body){.sequence = sequence, .predecessor = predecessor};
    n->records[n->count] =
        (struct replication_record){.place = n->count + 1,
                                    .origin = origin,
                                    .sequence = sequence,
                                    .predecessor = predecessor,
                                    .bytes = bytes_of(body, len)};
    n->count++;
    (void)vector_raise(&n->have, origin, sequence);
}

static void append(struct node *n,
                   uint64_t origin,
                   uint64_t sequence,
                   uint64_t predecessor)
{
    append_heavy(n, origin, sequence, predecessor, sizeof(struct body));
}

static void store(void *context, const struct peer_events *events)
{
    struct node *n = context;
    struct peer_events rest = *events;
    struct bytes bytes;

    while (peer_events_next(&rest, &bytes)) {
        uint64_t last = vector_get(&n->have, events->origin);
        struct body body;

        memcpy(&body, bytes.data, sizeof(body));
        n->received++;
        if (events->origin != n->refused && body.sequence > last &&
            body.predecessor <= last) {
            append(n, events->origin, body.sequence, body.predecessor);
        }
    }
}

static void forked(void *context, uint64_t origin, uint64_t from, uint64_t to)
{
    struct node *n = context;

    (void)origin;
    n->forked_from = from;
    n->forked_to = to;
}

static void skip(void *context, uint64_t origin, uint64_t from, uint64_t to)
{
    struct node *n = context;

    n->skipped_from = from;
    n->skipped_to = to;
    tap_check(from >= vector_get(&n->have, origin));
    if (from == vector_get(&n->have, origin)) {
        (void)vector_raise(&n->have, origin, to);
    }
}

static void begin(struct world *w, size_t count)
{
    *w = (struct world){.count = count, .now_ms = 1000};
    w->inflight_max = 1 << 20;
    for (size_t i = 0; i < count; i++) {
        const struct replication_options options = {.identity = id(i),
                                                    .context = &w->nodes[i],
                                                    .have = have,
                                                    .low_water = low_water,
                                                    .seek = seek,
                                                    .read = read,
                                                    .store = store,
                                                    .skip = skip,
                                                    .forked = forked};

        w->nodes[i].replication = replication_new(&options);
    }
}

static void unplug(struct world *w, size_t a, size_t b)
{
    size_t ends[2] = {a, b};

    for (size_t i = 0; i < 2; i++) {
        struct node *n = &w->nodes[ends[i]];
        struct cable *cable = &n->cables[ends[1 - i]];

        if (cable->link != NULL) {
            replication_close(n->replication, w->now_ms, cable->peer);
            link_free(cable->link);
            *cable = (struct cable){0};
        }
    }
}

/* To nothing. */
static void set_back(struct node *n)
{
    for (size_t i = 0; i < n->count; i++) {
        free((void *)(uintptr_t)n->records[i].bytes.data);
    }
    n->count = 0;
    n->have = (struct vector){0};
}

static void end(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        for (size_t k = 0; k < i; k++) {
            unplug(w, i, k);
        }
    }
    for (size_t i = 0; i < w->count; i++) {
        replication_free(w->nodes[i].replication);
        set_back(&w->nodes[i]);
    }
}

static struct link *new_link(struct world *w, size_t from, size_t to)
{
    const struct link_settings settings = {.handshake_timeout_ms = 1000,
                                           .ping_interval_ms = 1000000,
                                           .silence_timeout_ms = 1000000,
                                           .output_bytes_max = 1 << 20,
                                           .inflight_bytes_max =
                                               w->inflight_max};
    struct peer_hello hello = {.version = PEER_VERSION,
                               .version_least = PEER_VERSION_LEAST,
                               .node = id(from),
                               .run = 1,
                               .have = w->nodes[from].have};
    uint8_t psk[HANDSHAKE_PSK_BYTES] = {1};
    uint8_t ephemeral[HANDSHAKE_EPHEMERAL_BYTES] = {(uint8_t)(1 + from)};

    vector_remove(&hello.have, VECTOR_FLOOR);
    w->nodes[from].cables[to].told = hello.have;
    return link_new(from < to ? HANDSHAKE_INITIATOR : HANDSHAKE_RESPONDER,
                    psk,
                    ephemeral,
                    &settings,
                    &hello,
                    (struct moment){.mono_ms = w->now_ms});
}

static void plug(struct world *w, size_t a, size_t b)
{
    w->nodes[a].cables[b].link = new_link(w, a, b);
    w->nodes[b].cables[a].link = new_link(w, b, a);
}

struct feed {
    struct world *world;
    struct node *node;
    struct cable *cable;
};

static int on_frame(void *context, const struct peer_frame *frame)
{
    struct feed *f = context;

    if (frame->kind == PEER_HELLO) {
        f->cable->peer = replication_open(f->node->replication,
                                          f->world->now_ms,
                                          f->cable->link,
                                          &frame->hello,
                                          &f->cable->told);
    } else {
        replication_frame(
            f->node->replication, f->world->now_ms, f->cable->peer, frame);
    }
    return 0;
}

/* Bytes from one node to another; false: none were there. */
static bool carry(struct world *w, size_t from, size_t to)
{
    struct feed feed = {
        .world = w, .node = &w->nodes[to], .cable = &w->nodes[to].cables[from]};
    struct link *link = w->nodes[from].cables[to].link;
    struct bytes bytes;

    if (link == NULL) {
        return false;
    }
    bytes = link_output(link);
    if (bytes.len == 0) {
        return false;
    }
    tap_equal(link_feed(feed.cable->link,
                        (struct moment){.mono_ms = w->now_ms},
                        bytes,
                        on_frame,
                        &feed),
              0);
    link_output_sent(link, bytes.len);
    replication_committed(w->nodes[to].replication, w->now_ms);
    return true;
}

/* Until nobody has anything to say. */
static void run(struct world *w)
{
    bool moved = true;

    for (size_t steps = 0; moved; steps++) {
        tap_check(steps < STEPS_MAX);
        moved = false;
        for (size_t from = 0; from < w->count; from++) {
            for (size_t to = 0; to < w->count; to++) {
                moved = carry(w, from, to) || moved;
            }
        }
    }
}

static void tick(struct world *w)
{
    w->now_ms += REPLICATION_RETRY_MS;
    for (size_t i = 0; i < w->count; i++) {
        replication_tick(w->nodes[i].replication, w->now_ms);
    }
    run(w);
}

static void publish(struct world *w, size_t node, uint64_t sequence)
{
    struct node *n = &w->nodes[node];
    uint64_t origin = id(node) | EVENT_ORIGIN_QUORUM;

    append(n, origin, sequence, vector_get(&n->have, origin));
    replication_committed(n->replication, w->now_ms);
}

static uint64_t has(const struct world *w, size_t node, size_t of)
{
    return vector_get(&w->nodes[node].have, id(of) | EVENT_ORIGIN_QUORUM);
}

/* The record is not there any more, or damaged. */
static void lose(struct world *w, size_t node, size_t of, uint64_t sequence)
{
    struct node *n = &w->nodes[node];

    for (size_t i = 0; i < n->count; i++) {
        struct replication_record *r = &n->records[i];

        if (r->origin == (id(of) | EVENT_ORIGIN_QUORUM) &&
            r->sequence == sequence) {
            free((void *)(uintptr_t)r->bytes.data);
            r->bytes = (struct bytes){0};
        }
    }
}

TAP_CASE(what_was_there_before_comes_and_then_what_follows)
{
    struct world w;

    begin(&w, 2);
    publish(&w, 0, 10);
    publish(&w, 0, 20);
    plug(&w, 0, 1);
    run(&w);
    tap_equal(has(&w, 1, 0), 20);
    publish(&w, 0, 30);
    publish(&w, 1, 40);
    run(&w);
    tap_equal(has(&w, 1, 0), 30);
    tap_equal(has(&w, 0, 1), 40);
    tap_equal(w.nodes[1].received, 3);
    end(&w);
}

TAP_CASE(what_a_node_has_that_is_away_comes_from_another)
{
    struct world w;

    begin(&w, 3);
    plug(&w, 0, 1);
    publish(&w, 0, 10);
    run(&w);
    unplug(&w, 0, 1);
    plug(&w, 1, 2);
    run(&w);
    tap_equal(has(&w, 2, 0), 10);
    end(&w);
}

TAP_CASE(with_all_in_reach_each_event_comes_once)
{
    struct world w;

    begin(&w, 3);
    plug(&w, 0, 1);
    plug(&w, 0, 2);
    plug(&w, 1, 2);
    run(&w);
    publish(&w, 0, 10);
    run(&w);
    publish(&w, 0, 20);
    run(&w);
    tap_equal(has(&w, 1, 0), 20);
    tap_equal(has(&w, 2, 0), 20);
    tap_equal(w.nodes[1].received, 2);
    tap_equal(w.nodes[2].received, 2);
    end(&w);
}

TAP_CASE(safe_is_what_more_than_half_of_the_members_have)
{
    const uint64_t members[] = {id(0), id(1), id(2), id(3)};
    uint64_t origin = id(0) | EVENT_ORIGIN_QUORUM;
    struct vector safe;
    struct world w;

    begin(&w, 3);
    publish(&w, 0, 10);
    replication_safe(w.nodes[0].replication, members, 1, &safe);
    tap_equal(vector_get(&safe, origin), 10);
    replication_safe(w.nodes[0].replication, members, 3, &safe);
    tap_equal(vector_get(&safe, origin), 0);
    plug(&w, 0, 1);
    run(&w);
    publish(&w, 0, 20);
    replication_safe(w.nodes[0].replication, members, 3, &safe);
    tap_equal(vector_get(&safe, origin), 10);
    replication_safe(w.nodes[0].replication, members, 4, &safe);
    tap_equal(vector_get(&safe, origin), 0);
    run(&w);
    replication_safe(w.nodes[1].replication, members, 3, &safe);
    tap_equal(vector_get(&safe, origin), 20);
    /* It counts on when the link has ended, until it is forgotten. */
    unplug(&w, 0, 1);
    replication_safe(w.nodes[0].replication, members, 3, &safe);
    tap_equal(vector_get(&safe, origin), 20);
    replication_forget(w.nodes[0].replication, id(1));
    replication_safe(w.nodes[0].replication, members, 3, &safe);
    tap_equal(vector_get(&safe, origin), 0);
    end(&w);
}

/* Nodes 0 and 1 have 10, 20, 30, 40 of node 0, node 2 has nothing. */
static void begin_lagging(struct world *w)
{
    begin(w, 3);
    plug(w, 0, 1);
    for (uint64_t sequence = 10; sequence <= 40; sequence += 10) {
        publish(w, 0, sequence);
    }
    run(w);
    tap_equal(has(w, 1, 0), 40);
}

TAP_CASE(what_one_lacks_is_asked_of_another)
{
    struct world w;

    begin_lagging(&w);
    lose(&w, 0, 0, 20);
    lose(&w, 1, 0, 30);
    plug(&w, 0, 2);
    plug(&w, 1, 2);
    run(&w);
    tick(&w);
    tap_equal(has(&w, 2, 0), 40);
    tap_equal(w.nodes[2].skipped_to, 0);
    tap_equal(w.nodes[2].count, 4);
    end(&w);
}

TAP_CASE(what_nobody_has_is_skipped_and_no_more)
{
    struct world w;

    begin_lagging(&w);
    lose(&w, 0, 0, 20);
    lose(&w, 0, 0, 30);
    lose(&w, 1, 0, 20);
    plug(&w, 0, 2);
    plug(&w, 1, 2);
    run(&w);
    tick(&w);
    tick(&w);
    tap_equal(has(&w, 2, 0), 40);
    tap_equal(w.nodes[2].skipped_from, 10);
    tap_equal(w.nodes[2].skipped_to, 20);
    tap_equal(w.nodes[2].count, 3);
    end(&w);
}

TAP_CASE(what_a_member_without_a_link_may_have_is_not_skipped_yet)
{
    struct world w;

    begin_lagging(&w);
    lose(&w, 1, 0, 20);
    replication_await(w.nodes[2].replication, true);
    plug(&w, 1, 2);
    run(&w);
    tap_equal(has(&w, 2, 0), 10);
    tap_equal(w.nodes[2].skipped_to, 0);
    plug(&w, 0, 2);
    run(&w);
    tap_equal(has(&w, 2, 0), 40);
    tap_equal(w.nodes[2].skipped_to, 0);
    tap_equal(w.nodes[2].count, 4);
    end(&w);
}

TAP_CASE(a_member_that_gets_no_link_is_not_waited_for_for_ever)
{
    struct world w;

    begin_lagging(&w);
    lose(&w, 1, 0, 20);
    replication_await(w.nodes[2].replication, true);
    plug(&w, 1, 2);
    run(&w);
    for (uint64_t ms = 0; ms < REPLICATION_PATIENCE_MS;
         ms += REPLICATION_RETRY_MS) {
        tap_equal(w.nodes[2].skipped_to, 0);
        tick(&w);
    }
    tap_equal(has(&w, 2, 0), 40);
    tap_equal(w.nodes[2].skipped_from, 10);
    tap_equal(w.nodes[2].skipped_to, 20);
    end(&w);
}

TAP_CASE(what_is_missing_at_the_end_is_told_as_well)
{
    struct world w;

    begin_lagging(&w);
    unplug(&w, 0, 1);
    lose(&w, 1, 0, 30);
    lose(&w, 1, 0, 40);
    plug(&w, 1, 2);
    run(&w);
    tap_equal(has(&w, 2, 0), 40);
    tap_equal(w.nodes[2].skipped_from, 20);
    tap_equal(w.nodes[2].skipped_to, 40);
    end(&w);
}

TAP_CASE(an_own_node_that_was_set_back_is_not_waited_for)
{
    struct world w;

    begin_lagging(&w);
    unplug(&w, 0, 1);
    set_back(&w.nodes[0]);
    plug(&w, 0, 2);
    run(&w);
    plug(&w, 1, 2);
    run(&w);
    tick(&w);
    tap_equal(has(&w, 2, 0), 40);
    tap_equal(has(&w, 0, 0), 40);
    end(&w);
}

TAP_CASE(who_is_silent_is_not_the_only_one_that_is_asked)
{
    struct world w;

    begin_lagging(&w);
    plug(&w, 0, 2);
    plug(&w, 1, 2);
    run(&w);
    tap_equal(has(&w, 2, 0), 40);
    /* Node 1 has more, which node 0 was set back from. */
    append(&w.nodes[1], id(0) | EVENT_ORIGIN_QUORUM, 50, 40);
    unplug(&w, 0, 1);
    replication_committed(w.nodes[1].replication, w.now_ms);
    run(&w);
    tick(&w);
    tick(&w);
    tap_equal(has(&w, 2, 0), 50);
    end(&w);
}

TAP_CASE(what_is_in_flight_is_bounded_and_taken_off)
{
    struct world w;

    begin(&w, 2);
    w.inflight_max = 500;
    for (uint64_t sequence = 1; sequence <= 20; sequence++) {
        publish(&w, 0, sequence);
    }
    plug(&w, 0, 1);
    run(&w);
    tap_equal(has(&w, 1, 0), 20);
    tap_equal(w.nodes[1].received, 20);
    tap_equal(link_inflight_bytes(w.nodes[0].cables[1].link), 0);
    end(&w);
}

/* As those are that wait for a majority, when no more of them may. */
TAP_CASE(what_is_not_taken_keeps_no_other_origin_waiting)
{
    struct world w;

    begin(&w, 2);
    w.inflight_max = 500;
    w.nodes[1].refused = id(0) | EVENT_ORIGIN_QUORUM;
    for (uint64_t sequence = 1; sequence <= 20; sequence++) {
        publish(&w, 0, sequence);
    }
    for (uint64_t sequence = 1; sequence <= 20; sequence++) {
        append(&w.nodes[0], id(0), sequence, sequence - 1);
    }
    replication_committed(w.nodes[0].replication, w.now_ms);
    plug(&w, 0, 1);
    run(&w);
    tick(&w);
    tick(&w);
    tap_equal(has(&w, 1, 0), 0);
    tap_equal(vector_get(&w.nodes[1].have, id(0)), 20);
    w.nodes[1].refused = 0;
    tick(&w);
    tick(&w);
    tap_equal(has(&w, 1, 0), 20);
    end(&w);
}

TAP_CASE(a_node_has_caught_up_when_it_has_what_its_peers_had)
{
    struct world w;

    begin(&w, 2);
    w.inflight_max = 500;
    tap_check(replication_caught_up(w.nodes[1].replication));
    for (uint64_t sequence = 1; sequence <= 20; sequence++) {
        publish(&w, 0, sequence);
    }
    plug(&w, 0, 1);
    for (int i = 0; i < 4; i++) {
        (void)carry(&w, 0, 1);
        (void)carry(&w, 1, 0);
    }
    tap_check(has(&w, 1, 0) < 20);
    tap_check(!replication_caught_up(w.nodes[1].replication));
    run(&w);
    tap_check(replication_caught_up(w.nodes[1].replication));
    end(&w);
}

/* Or a peer would have, and tell of, what we do not know to have. */
TAP_CASE(what_the_log_has_is_sent_once_replication_knows_of_it)
{
    struct world w;
    struct node *n = &w.nodes[0];

    begin(&w, 2);
    plug(&w, 0, 1);
    run(&w);
    publish(&w, 0, 1);
    run(&w);
    append(n, id(0) | EVENT_ORIGIN_QUORUM, 2, 1);
    replication_pump(n->replication, n->cables[1].peer);
    tap_check(!carry(&w, 0, 1));
    replication_committed(n->replication, w.now_ms);
    run(&w);
    tap_equal(has(&w, 1, 0), 2);
    tap_check(replication_has_ours(n->replication, id(1)));
    end(&w);
}

/* Node 2 has gone for good, and node 0 has forgotten it. */
TAP_CASE(what_the_log_has_pruned_is_not_asked_for_again)
{
    struct world w;
    struct vector v;

    begin(&w, 4);
    publish(&w, 2, 10);
    plug(&w, 2, 0);
    plug(&w, 2, 1);
    run(&w);
    unplug(&w, 2, 0);
    unplug(&w, 2, 1);
    vector_remove(&w.nodes[0].have, id(2) | EVENT_ORIGIN_QUORUM);
    (void)vector_raise(&w.nodes[0].have, VECTOR_FLOOR, 10);
    plug(&w, 0, 1);
    run(&w);
    tick(&w);
    tap_equal(w.nodes[0].received, 1);
    tap_check(replication_caught_up(w.nodes[0].replication));
    tap_check(replication_caught_up(w.nodes[1].replication));
    tap_check(replication_known(w.nodes[0].replication, id(1), &v));
    tap_check(!vector_knows(&v, id(2) | EVENT_ORIGIN_QUORUM));
    tap_check(replication_known(w.nodes[1].replication, id(0), &v));
    tap_equal(vector_get(&v, VECTOR_FLOOR), 0); /* each one's own */

    /* It comes back after all. */
    publish(&w, 2, 20);
    plug(&w, 2, 0);
    run(&w);
    tap_equal(has(&w, 0, 2), 20);
    tap_equal(has(&w, 1, 2), 20);
    tap_equal(w.nodes[0].received, 2);
    end(&w);
}

TAP_CASE(a_node_that_was_set_back_and_went_on_alone_hears_what_it_misses)
{
    const uint64_t origin = id(0) | EVENT_ORIGIN_QUORUM;
    struct world w;

    begin(&w, 2);
    for (uint64_t sequence = 10; sequence <= 50; sequence += 10) {
        append(&w.nodes[1], origin, sequence, sequence - 10);
    }
    publish(&w, 0, 10);
    publish(&w, 0, 20);
    publish(&w, 0, 60); /* behind 20 */
    publish(&w, 0, 70);
    plug(&w, 0, 1);
    run(&w);
    tap_equal(w.nodes[0].forked_from, 20);
    tap_equal(w.nodes[0].forked_to, 50);
    tap_equal(w.nodes[1].forked_to, 0);
    tap_equal(has(&w, 1, 0), 70);
    tap_equal(has(&w, 0, 0), 70);
    end(&w);
}

TAP_CASE(who_has_all_of_a_node_that_was_set_back_misses_nothing)
{
    const uint64_t origin = id(0) | EVENT_ORIGIN_QUORUM;
    struct world w;

    begin(&w, 3);
    for (size_t node = 1; node < 3; node++) {
        append(&w.nodes[node], origin, 10, 0);
        append(&w.nodes[node], origin, 50, 10);
    }
    append(&w.nodes[1], origin, 60, 10);
    plug(&w, 1, 2);
    run(&w);
    tap_equal(has(&w, 2, 0), 60);
    tap_equal(w.nodes[1].forked_to, 0);
    tap_equal(w.nodes[2].forked_to, 0);
    end(&w);
}

TAP_CASE(what_stands_far_from_its_mark_is_looked_for_all_the_same)
{
    const uint64_t origin = id(0) | EVENT_ORIGIN_QUORUM;
    struct world w;

    begin(&w, 3);
    w.nodes[1].coarse = true;
    append(&w.nodes[1], origin, 10, 0);
    for (uint64_t n = 1; n <= 4; n++) {
        append_heavy(&w.nodes[1], id(1), n, n - 1, REPLICATION_PAGE_BYTES / 2);
    }
    append(&w.nodes[1], origin, 50, 10);
    append(&w.nodes[1], origin, 60, 10);
    append(&w.nodes[2], origin, 10, 0);
    append(&w.nodes[2], origin, 50, 10);
    plug(&w, 1, 2);
    run(&w);
    tap_equal(has(&w, 2, 0), 60);
    tap_equal(w.nodes[1].forked_to, 0);
    end(&w);
}

/* Its floor is above what it had of one of them: nothing of that is missing. */
TAP_CASE(what_a_peer_prunes_first_is_not_skipped)
{
    struct world w;

    begin(&w, 4);
    append(&w.nodes[0], id(2), 10, 0);
    append(&w.nodes[0], id(3), 20, 0);
    plug(&w, 0, 1);
    run(&w);
    tap_equal(w.nodes[1].received, 2);
    vector_remove(&w.nodes[0].have, id(2));
    vector_remove(&w.nodes[0].have, id(3));
    (void)vector_raise(&w.nodes[0].have, VECTOR_FLOOR, 20);
    replication_committed(w.nodes[0].replication, w.now_ms);
    run(&w);
    tick(&w);
    tap_equal(w.nodes[1].skipped_to, 0);
    tap_equal(vector_get(&w.nodes[1].have, id(2)), 10);
    end(&w);
}

/* What a peer has pruned it has by its floor, which is no event's. */
TAP_CASE(a_node_that_was_pruned_has_not_been_set_back)
{
    struct world w;

    begin(&w, 2);
    publish(&w, 0, 10);
    (void)vector_raise(&w.nodes[1].have, VECTOR_FLOOR, 15);
    publish(&w, 0, 20);
    plug(&w, 0, 1);
    run(&w);
    tap_equal(w.nodes[0].forked_to, 0);
    tap_equal(has(&w, 1, 0), 20);
    end(&w);
}

TAP_CASE(a_node_gets_its_own_events_back)
{
    struct world w;

    begin_lagging(&w);
    unplug(&w, 0, 1);
    set_back(&w.nodes[0]);
    plug(&w, 0, 1);
    run(&w);
    tick(&w);
    tap_equal(has(&w, 0, 0), 40);
    end(&w);
}

TAP_MAIN()

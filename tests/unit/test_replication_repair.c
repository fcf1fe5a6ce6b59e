/* Several replications on logs in memory, joined by real links: what one of
 * them cannot read is asked for, of one peer after the other. */
#include "base/splitmix.h"
#include "cluster/replication.h"
#include "tests/lib/tap.h"

#define ORIGIN UINT64_C(0x10)
#define LAST 20
#define NODES_MAX 4
#define TICK_MS 500

static const struct link_settings settings = {
    .handshake_timeout_ms = 5000,
    .ping_interval_ms = 1000,
    .silence_timeout_ms = 100000,
    .output_bytes_max = 1 << 20,
    .inflight_bytes_max = 1 << 16,
};
static const uint8_t psk[HANDSHAKE_PSK_BYTES] = {1};

/* A node: of the origin's events 1 to LAST, at places of the same number, those
 * that it can read; as records, their number is their only byte. */
struct node {
    uint64_t id;
    struct replication *replication;
    bool lacks[LAST + 1];
    bool deaf; /* it answers no FETCH, as an older one */
    struct replication_hole hole;
    unsigned hole_count;
    unsigned fetches; /* it was asked */
    uint8_t got[LAST + 1];
    size_t got_count;
};

struct end {
    struct node *node;
    struct link *link;
    struct replication_peer *peer;
    uint64_t now_ms;
};

static void have(void *context, struct vector *ret)
{
    (void)context;
    *ret = (struct vector){0};
    (void)vector_raise(ret, ORIGIN, LAST);
}

static void low_water(void *context, struct vector *ret)
{
    (void)context;
    *ret = (struct vector){0};
}

static uint64_t seek(void *context, const struct vector *after)
{
    (void)context;
    return vector_get(after, ORIGIN) + 1;
}

static int read_log(void *context,
                    uint64_t from,
                    size_t bytes_max,
                    bool (*visit)(void *visitor,
                                  const struct replication_record *r),
                    void *visitor)
{
    const struct node *n = context;

    (void)bytes_max;
    for (uint64_t place = from; place <= LAST; place++) {
        uint8_t byte = (uint8_t)place;
        const struct replication_record r = {.place = place,
                                             .origin = ORIGIN,
                                             .sequence = place,
                                             .predecessor = place - 1,
                                             .bytes = bytes_of(&byte, 1)};

        if (!n->lacks[place] && !visit(visitor, &r)) {
            break;
        }
    }
    return 0;
}

static void store(void *context, const struct peer_events *events)
{
    (void)context;
    (void)events;
    tap_check(false); /* all have all */
}

static void forked(void *context, uint64_t origin, uint64_t from, uint64_t to)
{
    (void)context;
    (void)origin;
    (void)from;
    (void)to;
    tap_check(false);
}

static void skip(void *context, uint64_t origin, uint64_t from, uint64_t to)
{
    (void)context;
    (void)origin;
    (void)from;
    (void)to;
    tap_check(false);
}

static size_t holes(void *context, struct replication_hole *ret, size_t max)
{
    struct node *n = context;

    tap_equal(max, REPLICATION_HOLES_MAX);
    if (n->hole_count == 0) {
        return 0;
    }
    n->hole_count--;
    *ret = n->hole;
    return 1;
}

static void repair(void *context,
                   const struct replication_hole *hole,
                   const struct peer_events *events)
{
    struct node *n = context;
    struct peer_events rest = *events;
    struct bytes record;

    tap_equal(hole->after, n->hole.after);
    tap_equal(hole->until_place, n->hole.until_place);
    tap_equal(events->origin, ORIGIN);
    while (peer_events_next(&rest, &record)) {
        n->got[n->got_count++] = record.data[0];
    }
}

static int on_frame(void *context, const struct peer_frame *frame)
{
    struct end *e = context;
    const struct vector none = {0};

    if (frame->kind == PEER_HELLO) {
        e->peer = replication_open(
            e->node->replication, 0, e->link, &frame->hello, &none);
        return 0;
    }
    e->node->fetches += frame->kind == PEER_FETCH;
    if (frame->kind != PEER_FETCH || !e->node->deaf) {
        replication_frame(e->node->replication, e->now_ms, e->peer, frame);
    }
    return 0;
}

struct world {
    uint64_t now_ms;
    struct node nodes[NODES_MAX];
    size_t count;
    struct end ends[NODES_MAX][2]; /* of the first node and of another */
};

static struct link *link_of(enum handshake_role role, const struct node *n)
{
    uint8_t ephemeral[HANDSHAKE_EPHEMERAL_BYTES];
    struct peer_hello hello = {.version = PEER_VERSION,
                               .version_least = PEER_VERSION_LEAST,
                               .node = n->id};

    have(NULL, &hello.have);
    memset(ephemeral, (int)n->id + (int)role, sizeof(ephemeral));
    return link_new(
        role, psk, ephemeral, &settings, &hello, (struct moment){0});
}

/* What the links hold goes over, until nothing more comes. */
static void settle(struct world *w)
{
    bool moved;

    do {
        moved = false;
        for (size_t i = 1; i < w->count; i++) {
            for (size_t side = 0; side < 2 && w->ends[i][0].link; side++) {
                struct end *from = &w->ends[i][side];
                struct end *to = &w->ends[i][1 - side];
                struct bytes out = link_output(from->link);

                to->now_ms = w->now_ms;
                if (out.len > 0) {
                    tap_equal(
                        link_feed(
                            to->link, (struct moment){0}, out, on_frame, to),
                        0);
                    link_output_sent(from->link, out.len);
                    moved = true;
                }
            }
        }
    } while (moved);
}

/* `count` nodes; the first is linked to all others and has a hole. */
static void init(struct world *w, size_t count, uint64_t after, uint64_t until)
{
    memset(w, 0, sizeof(*w));
    w->count = count;
    for (size_t i = 0; i < count; i++) {
        struct node *n = &w->nodes[i];
        const struct replication_options options = {.identity = 2 * i + 2,
                                                    .context = n,
                                                    .have = have,
                                                    .low_water = low_water,
                                                    .seek = seek,
                                                    .read = read_log,
                                                    .store = store,
                                                    .skip = skip,
                                                    .forked = forked,
                                                    .holes = holes,
                                                    .repair = repair};

        n->id = 2 * i + 2;
        n->replication = replication_new(&options);
    }
    for (size_t i = 1; i < count; i++) {
        w->ends[i][0].node = &w->nodes[0];
        w->ends[i][0].link = link_of(HANDSHAKE_INITIATOR, &w->nodes[0]);
        w->ends[i][1].node = &w->nodes[i];
        w->ends[i][1].link = link_of(HANDSHAKE_RESPONDER, &w->nodes[i]);
    }
    w->nodes[0].hole = (struct replication_hole){.origin = ORIGIN,
                                                 .after = after,
                                                 .until = until,
                                                 .after_place = after,
                                                 .until_place = until + 1};
    w->nodes[0].hole_count = 1;
    settle(w);
}

static void cut(struct world *w, size_t i)
{
    for (size_t side = 0; side < 2; side++) {
        struct end *e = &w->ends[i][side];

        replication_close(e->node->replication, w->now_ms, e->peer);
        link_free(e->link);
        e->link = NULL;
    }
}

static void done(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->ends[i][0].link != NULL) {
            cut(w, i);
        }
    }
    for (size_t i = 0; i < w->count; i++) {
        replication_free(w->nodes[i].replication);
    }
}

static void tick(struct world *w)
{
    w->now_ms += TICK_MS;
    replication_tick(w->nodes[0].replication, w->now_ms);
    settle(w);
}

TAP_CASE(what_is_missing_comes_from_a_peer)
{
    struct world w;

    init(&w, 3, 4, 7);
    tick(&w);
    tap_equal(w.nodes[0].got_count, 3);
    for (uint8_t i = 0; i < 3; i++) {
        tap_equal(w.nodes[0].got[i], 5 + i);
    }
    tap_equal(w.nodes[1].fetches, 1);
    tap_equal(w.nodes[2].fetches, 0);
    tick(&w);
    tap_equal(w.nodes[1].fetches, 1);
    done(&w);
}

TAP_CASE(who_has_nothing_of_it_is_passed_over)
{
    struct world w;

    init(&w, 4, 4, 5);
    w.nodes[1].lacks[5] = true;
    w.nodes[2].lacks[5] = true;
    tick(&w);
    tap_equal(w.nodes[1].fetches, 1);
    tap_equal(w.nodes[2].fetches, 1);
    tap_equal(w.nodes[0].got_count, 1);
    tap_equal(w.nodes[0].got[0], 5);
    done(&w);
}

TAP_CASE(who_does_not_answer_is_not_waited_for_long)
{
    struct world w;

    init(&w, 3, 4, 5);
    w.nodes[1].deaf = true;
    tick(&w);
    tap_equal(w.nodes[1].fetches, 1);
    for (unsigned i = 0; i < REPLICATION_RETRY_MS / TICK_MS; i++) {
        tap_equal(w.nodes[0].got_count, 0);
        tick(&w);
    }
    tap_equal(w.nodes[0].got_count, 1);
    done(&w);
}

TAP_CASE(who_goes_away_is_not_waited_for)
{
    struct world w;

    init(&w, 3, 4, 5);
    w.nodes[1].deaf = true;
    tick(&w);
    cut(&w, 1);
    tick(&w);
    tap_equal(w.nodes[0].got_count, 1);
    done(&w);
}

TAP_CASE(what_nobody_has_is_given_up_until_it_is_named_again)
{
    struct world w;

    init(&w, 3, 4, 5);
    w.nodes[1].lacks[5] = true;
    w.nodes[2].lacks[5] = true;
    for (unsigned i = 0; i < 10; i++) {
        tick(&w);
    }
    tap_equal(w.nodes[0].got_count, 0);
    tap_equal(w.nodes[1].fetches, 1);
    tap_equal(w.nodes[2].fetches, 1);
    w.nodes[2].lacks[5] = false;
    w.nodes[0].hole_count = 1;
    tick(&w);
    tap_equal(w.nodes[1].fetches, 2);
    tap_equal(w.nodes[0].got_count, 1);
    done(&w);
}

TAP_CASE(a_part_of_it_is_better_than_nothing)
{
    struct world w;

    init(&w, 2, 4, 8);
    w.nodes[1].lacks[5] = true;
    w.nodes[1].lacks[7] = true;
    w.nodes[1].lacks[8] = true;
    tick(&w);
    tap_equal(w.nodes[0].got_count, 1);
    tap_equal(w.nodes[0].got[0], 6);
    done(&w);
}

TAP_CASE(without_peers_nobody_asks)
{
    struct world w;

    init(&w, 1, 4, 8);
    tick(&w);
    tap_equal(w.nodes[0].hole_count, 1);
    done(&w);
}

TAP_MAIN()

/* What is asked for, of whom; what is known of each. */
#include "cluster/replication_private.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/event.h"

#include <stdlib.h>

struct replication *replication_new(const struct replication_options *options)
{
    struct replication *r = alloc_zero(sizeof(*r));

    r->options = *options;
    list_init(&r->peers);
    buffer_init(&r->scratch, PEER_FRAME_BYTES_MAX);
    options->have(options->context, &r->have);
    return r;
}

void replication_free(struct replication *r)
{
    if (r == NULL) {
        return;
    }
    while (!list_empty(&r->peers)) {
        free(replication_peer_of(list_pop_front(&r->peers)));
    }
    buffer_done(&r->scratch);
    free(r);
}

/* Where the node is, or known_count. */
static size_t find_known(const struct replication *r, uint64_t node)
{
    size_t at = 0;

    while (at < r->known_count && r->known[at].node != node) {
        at++;
    }
    return at;
}

static struct replication_known *known(struct replication *r, uint64_t node)
{
    size_t at = find_known(r, node);

    if (at == r->known_count) {
        if (r->known_count == REPLICATION_KNOWN_MAX) {
            at = 0; /* the one that was known first */
        } else {
            r->known_count++;
        }
        r->known[at] = (struct replication_known){.node = node};
    }
    return &r->known[at];
}

bool replication_known(const struct replication *r,
                       uint64_t node,
                       struct vector *ret)
{
    size_t at = find_known(r, node);

    if (at == r->known_count) {
        return false;
    }
    *ret = r->known[at].have;
    return true;
}

void replication_forget(struct replication *r, uint64_t node)
{
    size_t at = find_known(r, node);

    if (at < r->known_count) {
        r->known[at] = r->known[--r->known_count];
    }
}

static struct replication_want *want_of(struct replication *r, uint64_t origin)
{
    for (size_t i = 0; i < r->want_count; i++) {
        if (r->wants[i].origin == origin) {
            return &r->wants[i];
        }
    }
    return NULL;
}

void replication_send_stop(struct replication_peer *peer, uint64_t origin)
{
    const struct peer_frame frame = {.kind = PEER_STOP,
                                     .stop = {.count = 1, .origins = {origin}}};

    (void)link_send(peer->link, &frame);
}

/* A link that has no room now is asked again by the tick. */
static void ask(struct replication *r,
                uint64_t now_ms,
                uint64_t origin,
                struct replication_peer *peer)
{
    struct replication_want *want = want_of(r, origin);
    struct peer_frame frame = {.kind = PEER_WANT};

    if (want == NULL) {
        if (r->want_count == VECTOR_ORIGINS_MAX) {
            return;
        }
        want = &r->wants[r->want_count++];
        *want = (struct replication_want){.origin = origin};
    }
    if (want->peer != NULL && want->peer != peer) {
        replication_send_stop(want->peer, origin);
    }
    *want = (struct replication_want){.origin = origin,
                                      .peer = peer,
                                      .since_ms = now_ms,
                                      .have = vector_get(&r->have, origin)};
    (void)vector_raise(&frame.want, origin, want->have);
    (void)link_send(peer->link, &frame);
}

/* The tick asks again. */
static void rest(struct replication_want *want, uint64_t now_ms)
{
    replication_send_stop(want->peer, want->origin);
    want->rests = true;
    want->since_ms = now_ms;
}

/* Ask for an origin, if somebody has to be asked who is not yet. */
static void assign(struct replication *r, uint64_t now_ms, uint64_t origin)
{
    const struct replication_want *want = want_of(r, origin);
    struct replication_peer *current = want == NULL ? NULL : want->peer;
    struct replication_peer *best = replication_source_best(r, origin, NULL);

    if (r->have.count > REPLICATION_ORIGINS_MAX &&
        !vector_knows(&r->have, origin)) {
        return;
    }
    if (best != NULL && best != current &&
        (current == NULL || best->node == replication_node_of(origin)) &&
        !(current != NULL &&
          replication_source_gap(best, origin, vector_get(&r->have, origin)) !=
              NULL)) {
        ask(r, now_ms, origin, best);
    }
}

static void assign_all(struct replication *r, uint64_t now_ms)
{
    list_each(node, &r->peers)
    {
        const struct replication_peer *peer = replication_peer_of(node);

        assign(r, now_ms, peer->node);
        assign(r, now_ms, peer->node | EVENT_ORIGIN_QUORUM);
        for (size_t i = 0; i < peer->have.count; i++) {
            assign(r, now_ms, peer->have.entries[i].origin);
        }
    }
}

struct replication_peer *replication_open(struct replication *r,
                                          uint64_t now_ms,
                                          struct link *link,
                                          const struct peer_hello *hello,
                                          const struct vector *told)
{
    struct replication_peer *peer = alloc_zero(sizeof(*peer));

    peer->link = link;
    peer->node = hello->node;
    peer->have = hello->have;
    peer->had = hello->have;
    peer->told = *told;
    list_push_back(&r->peers, &peer->entry);
    /* In place of what it said before: a node can be set back. */
    known(r, hello->node)->have = hello->have;
    replication_prune(r);
    replication_committed(r, now_ms);
    return peer;
}

void replication_close(struct replication *r,
                       uint64_t now_ms,
                       struct replication_peer *peer)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->want_count; i++) {
        if (r->wants[i].peer != peer) {
            r->wants[kept++] = r->wants[i];
        }
    }
    r->want_count = kept;
    replication_repair_close(r, peer);
    list_remove(&peer->entry);
    free(peer);
    assign_all(r, now_ms);
}

static void take_have(struct replication *r,
                      uint64_t now_ms,
                      struct replication_peer *peer,
                      const struct vector *have)
{
    vector_merge(&peer->have, have);
    vector_merge(&known(r, peer->node)->have, have);
    replication_stream_had(peer, have);
    for (size_t i = 0; i < have->count; i++) {
        assign(r, now_ms, have->entries[i].origin);
    }
    replication_stream(r, peer);
}

void replication_await(struct replication *r, bool somebody)
{
    r->awaits = somebody;
}

/* Whether what is missing may come with a link that is not there yet; NULL: of
 * too many gaps, one that was not noted. */
static bool waits(const struct replication *r,
                  uint64_t now_ms,
                  const struct replication_gap *gap)
{
    return r->awaits &&
           (gap == NULL || now_ms - gap->since_ms < REPLICATION_PATIENCE_MS);
}

/* The peer does not have what is between two events. When another may have it,
 * that one is asked; when nobody has, it is lost. */
static void take_gap(struct replication *r,
                     uint64_t now_ms,
                     struct replication_peer *peer,
                     const struct peer_gap *told)
{
    const struct replication_options *o = &r->options;
    struct replication_want *want = want_of(r, told->origin);
    uint64_t have = vector_get(&r->have, told->origin);
    uint64_t from = told->from > have ? told->from : have;
    /* What it has by its floor alone is none of that origin's. */
    uint64_t has = vector_get(&peer->have, told->origin);
    uint64_t to = told->to < has ? told->to : has;
    struct replication_peer *other;

    if (to <= from) {
        return;
    }
    replication_source_note(
        r, now_ms, peer, &(struct peer_gap){told->origin, told->from, to});
    if (want == NULL || want->peer != peer) {
        return; /* who is asked now will say what it has */
    }
    other = replication_source_whole(r, told->origin, from, peer);
    if (other != NULL) {
        ask(r, now_ms, told->origin, other);
        return;
    }
    if (waits(r, now_ms, replication_source_gap(peer, told->origin, from))) {
        rest(want, now_ms);
        return;
    }
    list_each(node, &r->peers)
    {
        const struct replication_gap *gap = replication_source_gap(
            replication_peer_of(node), told->origin, from);

        if (gap != NULL && gap->to < to) {
            to = gap->to;
        }
    }
    o->skip(o->context, told->origin, from, to);
}

static void note_came(struct replication *r, uint64_t origin)
{
    struct replication_want *want = want_of(r, origin);

    if (want != NULL) {
        want->came = true;
    }
}

void replication_frame(struct replication *r,
                       uint64_t now_ms,
                       struct replication_peer *peer,
                       const struct peer_frame *frame)
{
    const struct replication_options *o = &r->options;

    switch (frame->kind) {
    case PEER_HAVE:
        take_have(r, now_ms, peer, &frame->have);
        break;
    case PEER_WANT:
        replication_stream_begin(r, peer, &frame->want);
        break;
    case PEER_STOP:
        for (size_t i = 0; i < frame->stop.count; i++) {
            vector_remove(&peer->sent, frame->stop.origins[i]);
            link_inflight_forget(peer->link, frame->stop.origins[i]);
        }
        break;
    case PEER_EVENTS:
        note_came(r, frame->events.origin);
        o->store(o->context, &frame->events);
        break;
    case PEER_GAP:
        take_gap(r, now_ms, peer, &frame->gap);
        break;
    case PEER_FETCH:
        replication_repair_fetch(r, peer, &frame->fetch);
        break;
    case PEER_FETCHED:
        replication_repair_fetched(r, now_ms, peer, &frame->events);
        break;
    case PEER_SKIPPED:
    case PEER_HELLO:
    case PEER_ISSUERS:
    case PEER_MEMBERS:
    case PEER_PING:
    case PEER_PONG:
    case PEER_GOODBYE:
    case PEER_ERROR:
        break;
    }
}

/* What has changed of ours since the peer was told. */
static void tell(const struct replication *r, struct replication_peer *peer)
{
    struct peer_frame frame = {.kind = PEER_HAVE};

    for (size_t i = 0; i < r->have.count; i++) {
        const struct vector_entry *e = &r->have.entries[i];

        if (e->origin != VECTOR_FLOOR &&
            e->sequence > vector_get(&peer->told, e->origin)) {
            (void)vector_raise(&frame.have, e->origin, e->sequence);
        }
    }
    if (frame.have.count > 0 && link_send(peer->link, &frame) == 0) {
        vector_merge(&peer->told, &frame.have);
    }
}

void replication_committed(struct replication *r, uint64_t now_ms)
{
    uint64_t floor = vector_get(&r->have, VECTOR_FLOOR);

    r->options.have(r->options.context, &r->have);
    if (vector_get(&r->have, VECTOR_FLOOR) > floor) {
        replication_prune(r);
    }
    list_each(node, &r->peers)
    {
        struct replication_peer *peer = replication_peer_of(node);

        tell(r, peer);
        replication_stream(r, peer);
    }
    assign_all(r, now_ms);
}

void replication_pump(struct replication *r, struct replication_peer *peer)
{
    tell(r, peer);
    replication_stream(r, peer);
}

/* We have no more than long ago. */
static void ask_again(struct replication *r,
                      uint64_t now_ms,
                      struct replication_want *want)
{
    uint64_t have = vector_get(&r->have, want->origin);
    struct replication_peer *other =
        replication_source_best(r, want->origin, want->peer);

    if (other != NULL && vector_get(&other->have, want->origin) > have) {
        ask(r, now_ms, want->origin, other);
    } else if (want->came && !want->rests) {
        rest(want, now_ms);
    } else if (vector_get(&want->peer->have, want->origin) > have) {
        ask(r, now_ms, want->origin, want->peer);
    } else {
        want->since_ms = now_ms; /* nobody has more */
    }
}

void replication_tick(struct replication *r, uint64_t now_ms)
{
    for (size_t i = 0; i < r->want_count; i++) {
        struct replication_want *want = &r->wants[i];
        uint64_t have = vector_get(&r->have, want->origin);

        if (have > want->have && want->rests) {
            ask(r, now_ms, want->origin, want->peer);
        } else if (have > want->have) {
            want->have = have;
            want->came = false;
            want->since_ms = now_ms;
        } else if (now_ms - want->since_ms >= REPLICATION_RETRY_MS) {
            ask_again(r, now_ms, want);
        }
    }
    assign_all(r, now_ms);
    replication_repair(r, now_ms);
}

static int descending(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? 1 : left > right ? -1 : 0;
}

/* The highest sequence that more than half of the members have. */
static uint64_t majority_has(const struct replication *r,
                             const uint64_t *members,
                             size_t member_count,
                             uint64_t origin)
{
    uint64_t *has = alloc_zero(member_count * sizeof(uint64_t));
    uint64_t sequence;

    for (size_t i = 0; i < member_count; i++) {
        size_t at = find_known(r, members[i]);

        if (members[i] == r->options.identity) {
            has[i] = vector_get(&r->have, origin);
        } else if (at < r->known_count) {
            has[i] = vector_get(&r->known[at].have, origin);
        }
    }
    qsort(has, member_count, sizeof(has[0]), descending);
    sequence = has[member_count / 2];
    free(has);
    return sequence;
}

void replication_safe(const struct replication *r,
                      const uint64_t *members,
                      size_t member_count,
                      struct vector *ret)
{
    *ret = (struct vector){0};
    check(member_count > 0);
    for (size_t i = 0; i < r->have.count; i++) {
        uint64_t origin = r->have.entries[i].origin;

        if ((origin & EVENT_ORIGIN_QUORUM) != 0) {
            (void)vector_raise(
                ret, origin, majority_has(r, members, member_count, origin));
        }
    }
}

bool replication_caught_up(const struct replication *r)
{
    list_each(node, &r->peers)
    {
        if (!vector_covers(&r->have, &replication_peer_of(node)->had)) {
            return false;
        }
    }
    return true;
}

bool replication_has_ours(const struct replication *r, uint64_t node)
{
    uint64_t origin = r->options.identity;

    list_each(entry, &r->peers)
    {
        const struct replication_peer *peer = replication_peer_of(entry);

        if (peer->node == node) {
            return vector_get(&r->have, origin) >=
                       vector_get(&peer->have, origin) &&
                   vector_get(&r->have, origin | EVENT_ORIGIN_QUORUM) >=
                       vector_get(&peer->have, origin | EVENT_ORIGIN_QUORUM);
        }
    }
    return false;
}

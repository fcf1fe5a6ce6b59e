/* Records that are damaged here, fetched from who has them whole; and those
 * that are damaged elsewhere, given. */
#include "base/event.h"
#include "cluster/replication_private.h"

/* What one answer holds, unless its one record is longer. */
#define FETCHED_BYTES_MAX (256 * 1024)

/* How much of the log one question may cost. An origin whose events are further
 * apart than its marks let them be found is not served. */
#define FETCH_READ_BYTES_MAX ((size_t)32 << 20)

/* The next one, by identity, that has the events and was not asked yet. */
static struct replication_peer *next_peer(const struct replication *r,
                                          const struct replication_fetch *f)
{
    struct replication_peer *next = NULL;

    list_each(node, &r->peers)
    {
        struct replication_peer *peer = replication_peer_of(node);

        if (peer->node > f->asked &&
            vector_get(&peer->have, f->hole.origin) >= f->hole.until &&
            (next == NULL || peer->node < next->node)) {
            next = peer;
        }
    }
    return next;
}

/* False: everybody in reach was asked. */
static bool ask(const struct replication *r,
                uint64_t now_ms,
                struct replication_fetch *f)
{
    const struct peer_frame frame = {.kind = PEER_FETCH,
                                     .fetch = {.origin = f->hole.origin,
                                               .after = f->hole.after,
                                               .until = f->hole.until}};

    f->peer = next_peer(r, f);
    if (f->peer == NULL) {
        return false;
    }
    f->asked = f->peer->node;
    f->since_ms = now_ms;
    (void)link_send(f->peer->link, &frame); /* no room: no answer in time */
    return true;
}

/* Those that are due ask on; those that nobody can answer are given up, until
 * the log names them again. */
static void ask_due(struct replication *r, uint64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->fetch_count; i++) {
        struct replication_fetch f = r->fetches[i];
        bool due =
            f.peer == NULL || now_ms - f.since_ms >= REPLICATION_RETRY_MS;

        if (!due || ask(r, now_ms, &f)) {
            r->fetches[kept++] = f;
        }
    }
    r->fetch_count = kept;
}

void replication_repair(struct replication *r, uint64_t now_ms)
{
    const struct replication_options *o = &r->options;
    struct replication_hole holes[REPLICATION_HOLES_MAX];

    if (o->holes == NULL || list_empty(&r->peers)) {
        return;
    }
    ask_due(r, now_ms);
    if (r->fetch_count == 0) {
        r->fetch_count = o->holes(o->context, holes, REPLICATION_HOLES_MAX);
        for (size_t i = 0; i < r->fetch_count; i++) {
            r->fetches[i] = (struct replication_fetch){.hole = holes[i]};
        }
        ask_due(r, now_ms);
    }
}

void replication_repair_fetched(struct replication *r,
                                uint64_t now_ms,
                                struct replication_peer *peer,
                                const struct peer_events *events)
{
    const struct replication_options *o = &r->options;
    size_t at = 0;

    while (at < r->fetch_count &&
           (r->fetches[at].peer != peer ||
            r->fetches[at].hole.origin != events->origin)) {
        at++;
    }
    if (at == r->fetch_count) {
        return; /* it comes too late */
    }
    if (events->count == 0) {
        r->fetches[at].peer = NULL;
        ask_due(r, now_ms);
        return;
    }
    o->repair(o->context, &r->fetches[at].hole, events);
    r->fetch_count--;
    for (; at < r->fetch_count; at++) {
        r->fetches[at] = r->fetches[at + 1];
    }
}

void replication_repair_close(struct replication *r,
                              const struct replication_peer *peer)
{
    for (size_t i = 0; i < r->fetch_count; i++) {
        if (r->fetches[i].peer == peer) {
            r->fetches[i].peer = NULL;
        }
    }
}

struct giving {
    const struct peer_fetch *fetch;
    struct peer_events_writer writer;
    uint64_t next_place;
    size_t read_bytes;
    bool done;
};

static bool give(void *context, const struct replication_record *record)
{
    struct giving *g = context;
    uint8_t *room;

    g->next_place = record->place + 1;
    g->read_bytes += record->bytes.len;
    if (record->origin != g->fetch->origin ||
        record->sequence <= g->fetch->after) {
        return true;
    }
    g->done = record->sequence >= g->fetch->until ||
              g->writer.out->len >= FETCHED_BYTES_MAX;
    if (record->sequence <= g->fetch->until) {
        room = peer_events_add(&g->writer, record->bytes.len);
        if (room == NULL) {
            g->done = true;
        } else {
            memcpy(room, record->bytes.data, record->bytes.len);
        }
    }
    return !g->done;
}

/* Where the first of them may stand. */
static uint64_t seek(const struct replication_options *o,
                     const struct peer_fetch *fetch)
{
    struct vector after;

    o->have(o->context, &after);
    if (vector_get(&after, fetch->origin) <= fetch->after) {
        return UINT64_MAX;
    }
    (void)vector_set(&after, fetch->origin, fetch->after);
    return o->seek(o->context, &after);
}

void replication_repair_fetch(struct replication *r,
                              struct replication_peer *peer,
                              const struct peer_fetch *fetch)
{
    const struct replication_options *o = &r->options;
    struct giving g = {.fetch = fetch, .next_place = seek(o, fetch)};
    struct peer_frame frame = {.kind = PEER_FETCHED};
    uint64_t place;

    buffer_clear(&r->scratch);
    peer_events_begin(&g.writer, fetch->origin, &r->scratch);
    do {
        place = g.next_place;
        if (place == UINT64_MAX ||
            o->read(o->context, place, REPLICATION_PAGE_BYTES, give, &g) != 0) {
            break;
        }
    } while (!g.done && g.next_place > place &&
             g.read_bytes < FETCH_READ_BYTES_MAX);
    frame.events.origin = fetch->origin;
    frame.events.count = g.writer.count;
    frame.events.fields = bytes_from(buffer_view(&r->scratch), PEER_HEAD_BYTES);
    (void)link_send(peer->link, &frame); /* no room: it asks another */
}

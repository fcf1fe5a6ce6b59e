/* The stream to one peer: one walk over the log's places for all the origins
 * that it wants. */
#include "cluster/replication_private.h"

/* What a walk is doing: records of one origin that follow each other go into
 * one frame. */
struct walk {
    struct replication *replication;
    struct replication_peer *peer;
    struct peer_events_writer writer;
    bool writing;
    uint64_t origin;      /* of the frame being written */
    uint64_t sent_before; /* of that origin */
    uint64_t first_place; /* in the frame */
    bool stopped;
    size_t visited;
};

/* Send what is written. Without room for it, it has not been. */
static bool flush(struct walk *w)
{
    struct replication_peer *peer = w->peer;
    struct bytes frame;

    if (!w->writing) {
        return true;
    }
    w->writing = false;
    peer_events_end(&w->writer);
    frame = buffer_view(&w->replication->scratch);
    if (frame.len == 0 || link_send_events(peer->link,
                                           w->origin,
                                           vector_get(&peer->sent, w->origin),
                                           frame) == 0) {
        return true;
    }
    (void)vector_set(&peer->sent, w->origin, w->sent_before);
    peer->next_place = w->first_place;
    w->stopped = true;
    return false;
}

/* What the peer was sent last and `to` stand next to each other here. Whether
 * somebody else has what was between them, is the peer's to find out. */
static bool send_gap(struct replication_peer *peer,
                     uint64_t origin,
                     uint64_t to)
{
    const struct peer_frame frame = {
        .kind = PEER_GAP,
        .gap = {.origin = origin,
                .from = vector_get(&peer->sent, origin),
                .to = to}};

    if (link_send(peer->link, &frame) != 0) {
        return false;
    }
    (void)vector_set(&peer->sent, origin, to);
    return true;
}

/* The record's predecessor was neither sent nor is it here: it was trimmed, is
 * damaged, or never came. */
static bool bridge(struct walk *w, const struct replication_record *record)
{
    if (!flush(w)) {
        return false;
    }
    if (send_gap(w->peer, record->origin, record->predecessor)) {
        return true;
    }
    w->stopped = true;
    return false;
}

static bool add(struct walk *w, const struct replication_record *record)
{
    uint8_t *room;

    if (!w->writing) {
        buffer_clear(&w->replication->scratch);
        peer_events_begin(&w->writer, record->origin, &w->replication->scratch);
        w->writing = true;
        w->origin = record->origin;
        w->sent_before = vector_get(&w->peer->sent, record->origin);
        w->first_place = record->place;
    }
    room = peer_events_add(&w->writer, record->bytes.len);
    if (room == NULL) {
        return false;
    }
    memcpy(room, record->bytes.data, record->bytes.len);
    (void)vector_set(&w->peer->sent, record->origin, record->sequence);
    return true;
}

struct search {
    uint64_t origin;
    uint64_t
        sequence; /* of the event, or of the one behind where it would be */
    uint64_t next_place;
    bool done;
};

static bool look(void *context, const struct replication_record *record)
{
    struct search *s = context;

    s->next_place = record->place + 1;
    if (record->origin == s->origin && record->sequence >= s->sequence) {
        s->done = true;
        s->sequence = record->sequence;
    }
    return !s->done;
}

/* Between where it may stand and an event behind it, as there is one, may be
 * much of other origins. */
static bool is_here(const struct replication *r,
                    uint64_t origin,
                    uint64_t sequence)
{
    const struct replication_options *o = &r->options;
    struct search s = {.origin = origin, .sequence = sequence};
    struct vector after = r->have;
    uint64_t place;

    (void)vector_set(&after, origin, sequence - 1);
    s.next_place = o->seek(o->context, &after);
    do {
        place = s.next_place;
        if (o->read(o->context, place, REPLICATION_PAGE_BYTES, look, &s) != 0) {
            return true; /* for all we know */
        }
    } while (!s.done && s.next_place > place);
    return s.done && s.sequence == sequence;
}

/* The peer has an event that the record's origin would name as the one before,
 * had it known of it. What the peer has by its floor alone is no event; and
 * what is gone may have begun before what the peer has. */
static void look_for_fork(const struct walk *w,
                          const struct replication_record *record,
                          uint64_t sent)
{
    const struct replication_options *o = &w->replication->options;

    if (!record->gone && record->predecessor < sent &&
        vector_knows(&w->peer->have, record->origin) &&
        vector_get(&w->peer->have, record->origin) == sent &&
        !is_here(w->replication, record->origin, sent)) {
        o->forked(o->context, record->origin, record->predecessor, sent);
    }
}

static bool visit(void *context, const struct replication_record *record)
{
    struct walk *w = context;
    struct vector *sent = &w->peer->sent;

    w->visited++;
    w->peer->next_place = record->place;
    /* It is there before we are told so. A peer that had it and said so by then
     * would seem to have an event that we lack. */
    if (record->sequence > vector_get(&w->replication->have, record->origin)) {
        w->stopped = true;
        return false;
    }
    if (vector_knows(sent, record->origin) &&
        record->sequence > vector_get(sent, record->origin)) {
        if (record->predecessor > vector_get(sent, record->origin) &&
            !bridge(w, record)) {
            return false;
        }
        if (w->writing && w->origin != record->origin && !flush(w)) {
            return false;
        }
        look_for_fork(w, record, vector_get(sent, record->origin));
        if (!add(w, record) && (!flush(w) || !add(w, record))) {
            w->stopped = true;
            return false;
        }
    }
    w->peer->next_place = record->place + 1;
    return true;
}

/* The walk has come to its end: what `have` knows beyond what was sent is not
 * here. */
static void tell_missing(struct replication_peer *peer,
                         const struct vector *have)
{
    for (size_t i = 0; i < peer->sent.count; i++) {
        const struct vector_entry *e = &peer->sent.entries[i];
        uint64_t last = vector_get(have, e->origin);

        if (last > e->sequence && !send_gap(peer, e->origin, last)) {
            return; /* the next walk does */
        }
    }
}

void replication_stream(struct replication *r, struct replication_peer *peer)
{
    const struct replication_options *o = &r->options;
    struct walk w = {.replication = r, .peer = peer};
    struct vector have;

    if (peer->sent.count == 0) {
        return;
    }
    do {
        size_t room = link_events_room(peer->link);

        if (room == 0) {
            return;
        }
        w.visited = 0;
        o->have(o->context, &have); /* the walk meets all of it */
        if (o->read(o->context,
                    peer->next_place,
                    room < REPLICATION_PAGE_BYTES ? room
                                                  : REPLICATION_PAGE_BYTES,
                    visit,
                    &w) != 0) {
            w.stopped = true;
        }
        (void)flush(&w);
    } while (!w.stopped && w.visited > 0);
    if (!w.stopped) {
        tell_missing(peer, &have);
    }
}

/* Were it sent what it has, it would have no reason to say so again, and the
 * link would count that as in flight for ever. */
void replication_stream_had(struct replication_peer *peer,
                            const struct vector *have)
{
    for (size_t i = 0; i < have->count; i++) {
        const struct vector_entry *e = &have->entries[i];

        if (vector_knows(&peer->sent, e->origin)) {
            (void)vector_raise(&peer->sent, e->origin, e->sequence);
        }
    }
}

void replication_stream_begin(struct replication *r,
                              struct replication_peer *peer,
                              const struct vector *want)
{
    const struct replication_options *o = &r->options;
    struct vector after;
    uint64_t place;

    for (size_t i = 0; i < want->count; i++) {
        (void)vector_set(
            &peer->sent, want->entries[i].origin, want->entries[i].sequence);
        link_inflight_forget(peer->link, want->entries[i].origin);
    }
    replication_stream_had(peer, &peer->have);
    o->have(o->context, &after);
    for (size_t i = 0; i < peer->sent.count; i++) {
        (void)vector_set(&after,
                         peer->sent.entries[i].origin,
                         peer->sent.entries[i].sequence);
    }
    place = o->seek(o->context, &after);
    if (peer->next_place == 0 || place < peer->next_place) {
        peer->next_place = place;
    }
    replication_stream(r, peer);
}

/* The hub's links, from the first byte of a connection to its last. */
#include "base/alloc.h"
#include "base/check.h"
#include "cluster/hub_state.h"

#include <sodium.h>
#include <stdlib.h>

struct hub_link *hub_link_find(const struct hub *h, uint64_t node)
{
    list_each(entry, &h->links)
    {
        struct hub_link *l = list_entry(entry, struct hub_link, node);

        if (l->member == node) {
            return l;
        }
    }
    return NULL;
}

bool hub_link_with_all(const struct hub *h)
{
    const struct gossip_member *m;

    for (size_t i = 0; (m = membership_at(h->membership, i)) != NULL; i++) {
        bool lives = m->state == GOSSIP_ALIVE || m->state == GOSSIP_SUSPECT;
        const struct hub_link *l = hub_link_find(h, m->id);

        if (m->id != h->options.identity && lives &&
            (l == NULL || !l->told_members)) {
            return false;
        }
    }
    return true;
}

void hub_link_free(struct hub_link *l)
{
    link_free(l->link);
    free(l);
}

/* The URLs, which are one text by spaces, as HELLO has them. */
static void split_urls(const char *urls, struct peer_hello *hello)
{
    struct bytes rest = bytes_text(urls);
    struct bytes url;

    while (hello->url_count < PEER_URLS_MAX && bytes_split(&rest, ' ', &url)) {
        if (url.len > 0) {
            hello->urls[hello->url_count++] = url;
        }
    }
}

/* Take it out of use; the world still has its socket. */
static void end_link(struct hub *h, struct moment now, struct hub_link *l)
{
    struct hub_event event = {.kind = HUB_STRANGER, .node = l->member};

    event.end = link_end(l->link);
    list_remove(&l->node);
    h->link_count--;
    h->ends[event.end]++;
    if (l->peer != NULL) {
        event.kind = HUB_UNLINKED;
        replication_close(h->replication, now.mono_ms, l->peer);
        l->peer = NULL;
        h->dirty = true;
    }
    hub_note(h, &event);
    /* Whoever could be connected to but did not open is not tried at once. */
    if (event.kind == HUB_STRANGER && l->member != 0) {
        hub_connect_failed(h, now, l->member);
    } else if (event.kind == HUB_UNLINKED) {
        hub_connect_ended(h, now, l->member, now.mono_ms - l->opened_ms);
    }
}

static void close_link(struct hub *h, struct moment now, struct hub_link *l)
{
    end_link(h, now, l);
    list_push_back(&h->closing, &l->node);
}

/* Make room: a flood of strangers keeps no node out for longer than it takes to
 * shake hands. */
static void crowd_out(struct hub *h, struct moment now)
{
    list_each_safe(node, &h->links)
    {
        struct hub_link *l = list_entry(node, struct hub_link, node);

        if (l->member == 0) {
            link_crowd_out(l->link);
            close_link(h, now, l);
            return;
        }
    }
}

struct hub_link *hub_link_begin(struct hub *h,
                                struct moment now,
                                void *socket,
                                uint64_t node)
{
    const struct replication_options *log = &h->options.replication;
    struct peer_hello hello = {.version = PEER_VERSION,
                               .version_least = PEER_VERSION_LEAST,
                               .node = h->options.identity,
                               .run = h->options.run,
                               .wall_ms = now.wall_ms};
    uint8_t ephemeral[HANDSHAKE_EPHEMERAL_BYTES];
    struct hub_link *l;

    if (h->link_count == HUB_LINKS_MAX) {
        crowd_out(h, now);
    }
    if (h->link_count == HUB_LINKS_MAX) {
        return NULL;
    }
    split_urls(h->urls, &hello);
    log->have(log->context, &hello.have);
    log->low_water(log->context, &hello.low_water);
    vector_remove(&hello.have, VECTOR_FLOOR); /* it is each node's own */
    vector_remove(&hello.low_water, VECTOR_FLOOR);
    h->options.entropy(log->context, ephemeral, sizeof(ephemeral));
    l = alloc_zero(sizeof(*l));
    l->socket = socket;
    l->member = node;
    l->told = hello.have;
    l->link = link_new(node != 0 ? HANDSHAKE_INITIATOR : HANDSHAKE_RESPONDER,
                       h->link_key,
                       ephemeral,
                       &h->options.settings.link,
                       &hello,
                       now);
    sodium_memzero(ephemeral, sizeof(ephemeral));
    h->link_count++;
    list_push_back(&h->links, &l->node);
    return l;
}

void hub_link_gone(struct hub *h, struct moment now, struct hub_link *l)
{
    end_link(h, now, l);
    hub_link_free(l);
}

static void send_members(struct hub *h, struct hub_link *l)
{
    struct buffer table;
    struct peer_frame frame = {.kind = PEER_MEMBERS};

    buffer_init(&table, PEER_CONTROL_BYTES_MAX);
    membership_table_write(h->membership, &table);
    frame.members = buffer_view(&table);
    if (!table.overflowed) {
        (void)link_send(l->link, &frame);
    }
    buffer_done(&table);
}

static void send_issuers(struct hub *h, struct hub_link *l)
{
    struct bytes rest = buffer_view(&h->issuers);
    struct peer_frame frame;

    if (rest.len > 0 && peer_decode(&rest, &frame) == 0) {
        (void)link_send(l->link, &frame);
        peer_frame_done(&frame);
    }
}

void hub_link_issuers(struct hub *h, const struct peer_issuers *issuers)
{
    const struct peer_frame frame = {.kind = PEER_ISSUERS, .issuers = *issuers};

    buffer_clear(&h->issuers);
    peer_encode(&frame, &h->issuers);
    list_each(node, &h->links)
    {
        struct hub_link *l = list_entry(node, struct hub_link, node);

        if (l->peer != NULL) {
            send_issuers(h, l);
        }
    }
}

void hub_link_goodbye(struct hub *h)
{
    const struct peer_frame frame = {.kind = PEER_GOODBYE,
                                     .goodbye = PEER_GOODBYE_LEAVING};

    list_each(node, &h->links)
    {
        struct hub_link *l = list_entry(node, struct hub_link, node);

        (void)link_send(l->link, &frame);
        link_refuse(l->link);
    }
}

static void refuse(struct hub_link *l, enum peer_fault fault, const char *text)
{
    const struct peer_frame frame = {
        .kind = PEER_ERROR, .error = {.code = fault, .text = bytes_text(text)}};

    (void)link_send(l->link, &frame);
}

/* Which link is being fed, and when. */
struct feed {
    struct hub *hub;
    struct moment now;
    struct hub_link *link;
};

static int take_hello(struct feed *f, const struct peer_hello *hello)
{
    struct hub *h = f->hub;
    struct hub_link *l = f->link;
    struct hub_link *old;

    if (hello->node == h->options.identity) {
        refuse(l, PEER_FAULT_IDENTITY, "another node has your identity");
        return RC_DENIED;
    }
    if (l->member != 0 && l->member != hello->node) {
        return RC_DENIED; /* somebody else at that address; gossip will say */
    }
    l->member = 0;
    old = hub_link_find(h, hello->node);
    if (old != NULL) {
        close_link(h, f->now, old);
    }
    l->member = hello->node;
    l->run = hello->run;
    l->opened_ms = f->now.mono_ms;
    l->peer = replication_open(
        h->replication, f->now.mono_ms, l->link, hello, &l->told);
    send_members(h, l);
    send_issuers(h, l);
    hub_note(h, &(struct hub_event){.kind = HUB_LINKED, .node = l->member});
    h->dirty = true;
    return 0;
}

static int on_frame(void *context, const struct peer_frame *frame)
{
    struct feed *f = context;
    struct hub *h = f->hub;

    switch (frame->kind) {
    case PEER_HELLO:
        return take_hello(f, &frame->hello);
    case PEER_MEMBERS:
        (void)membership_table_merge(
            h->membership, f->now.mono_ms, frame->members);
        f->link->told_members = true;
        h->dirty = true;
        break;
    case PEER_ISSUERS:
        h->options.issuers(h->options.replication.context, &frame->issuers);
        break;
    case PEER_GAP:
        replication_await(h->replication, !hub_link_with_all(h));
        replication_frame(h->replication, f->now.mono_ms, f->link->peer, frame);
        break;
    case PEER_HAVE:
    case PEER_WANT:
    case PEER_STOP:
    case PEER_EVENTS:
    case PEER_FETCH:
    case PEER_FETCHED:
        replication_frame(h->replication, f->now.mono_ms, f->link->peer, frame);
        h->dirty = h->dirty || frame->kind == PEER_HAVE;
        break;
    case PEER_SKIPPED:
    case PEER_PING:
    case PEER_PONG:
    case PEER_GOODBYE:
    case PEER_ERROR:
        break;
    }
    return 0;
}

void hub_link_bytes(struct hub *h,
                    struct moment now,
                    struct hub_link *l,
                    struct bytes bytes)
{
    struct feed feed = {.hub = h, .now = now, .link = l};

    (void)link_feed(l->link, now, bytes, on_frame, &feed);
}

void hub_link_tick_all(struct hub *h, struct moment now)
{
    list_each(node, &h->links)
    {
        link_tick(list_entry(node, struct hub_link, node)->link, now);
    }
}

bool hub_link_next_output(struct hub *h,
                          struct hub_link **ret_link,
                          void **ret_socket,
                          struct bytes *ret)
{
    list_each(node, &h->links)
    {
        struct hub_link *l = list_entry(node, struct hub_link, node);
        struct bytes output;

        if (l->blocked) {
            continue;
        }
        output = link_output(l->link);
        if (output.len == 0 && l->peer != NULL && l->drained) {
            l->drained = false;
            replication_pump(h->replication, l->peer);
            output = link_output(l->link);
        }
        if (output.len > 0) {
            *ret_link = l;
            *ret_socket = l->socket;
            *ret = output;
            return true;
        }
    }
    return false;
}

void hub_link_sent(struct hub *h, struct hub_link *link, size_t taken)
{
    size_t wanted = link_output(link->link).len;

    (void)h;
    link_output_sent(link->link, taken);
    link->drained = link->drained || taken > 0;
    link->blocked = taken < wanted;
}

void hub_link_writable(struct hub *h, struct hub_link *link)
{
    (void)h;
    link->blocked = false;
}

/* A link that has ended is closed once what it had to say is out. */
bool hub_link_next_close(struct hub *h, void **ret_socket)
{
    struct list *entry;
    struct hub_link *l;
    struct moment now = {.mono_ms = h->now_ms};

    list_each_safe(node, &h->links)
    {
        l = list_entry(node, struct hub_link, node);
        if (link_end(l->link) != LINK_OPEN &&
            (l->blocked || link_output(l->link).len == 0)) {
            close_link(h, now, l);
        }
    }
    entry = list_pop_front(&h->closing);
    if (entry == NULL) {
        return false;
    }
    l = list_entry(entry, struct hub_link, node);
    *ret_socket = l->socket;
    hub_link_free(l);
    return true;
}

void hub_link_stat(const struct hub *h,
                   uint64_t node,
                   struct hub_link_stat *ret)
{
    const struct hub_link *l = hub_link_find(h, node);

    *ret = (struct hub_link_stat){0};
    if (l != NULL && l->peer != NULL) {
        ret->open = true;
        ret->lag_ms = link_lag_ms(l->link);
        ret->inflight_bytes = link_inflight_bytes(l->link);
    }
    ret->known = replication_known(h->replication, node, &ret->have);
}

size_t hub_link_open_count(const struct hub *h)
{
    size_t count = 0;

    list_each(node, &h->links)
    {
        count += list_entry(node, struct hub_link, node)->peer != NULL;
    }
    return count;
}

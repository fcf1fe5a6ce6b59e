/* Membership says who is there, links carry what replication has to say. */
#include "cluster/hub.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/event.h"
#include "base/splitmix.h"
#include "cluster/hub_state.h"

#include <sodium.h>
#include <stdlib.h>

struct hub_settings hub_settings_default(void)
{
    return (struct hub_settings){
        .membership = membership_settings_default,
        .link = {.handshake_timeout_ms = 5000,
                 .ping_interval_ms = 2000,
                 .silence_timeout_ms = 10000,
                 .output_bytes_max = (size_t)8 << 20,
                 .inflight_bytes_max = (size_t)4 << 20},
        .connect_min_ms = 100,
        .connect_max_ms = 5000,
        .join_timeout_ms = 5000,
    };
}

struct hub *hub_new(const struct hub_options *options, struct moment now)
{
    struct hub *h = alloc_zero(sizeof(*h));
    const struct membership_options membership = {
        .id = options->identity,
        .run = options->run,
        .started_ms = now.wall_ms,
        .address = options->address,
        .urls = options->urls,
        .random_seed = options->random_seed,
        .settings = options->settings.membership,
    };

    check((options->identity & EVENT_ORIGIN_QUORUM) == 0);
    h->options = *options;
    h->options.replication.identity = options->identity;
    h->random = options->random_seed;
    h->started_ms = now.mono_ms;
    h->urls = alloc_text(options->urls);
    cluster_secret_derive(options->secret, SEAL_GOSSIP_CONTEXT, h->gossip_key);
    cluster_secret_derive(options->secret, "weir link 1", h->link_key);
    h->options.secret = NULL;
    h->membership = membership_new(&membership, now.mono_ms);
    h->replication = replication_new(&h->options.replication);
    list_init(&h->links);
    list_init(&h->closing);
    list_init(&h->events);
    buffer_init(&h->plain, GOSSIP_DATAGRAM_BYTES_MAX);
    buffer_init(&h->issuers, PEER_CONTROL_BYTES_MAX);
    if (options->table.len > 0) {
        (void)membership_table_merge(
            h->membership, now.mono_ms, options->table);
    }
    h->dirty = true;
    return h;
}

void hub_free(struct hub *h)
{
    struct list *node;

    if (h == NULL) {
        return;
    }
    list_splice_back(&h->closing, &h->links);
    while ((node = list_pop_front(&h->closing)) != NULL) {
        hub_link_free(list_entry(node, struct hub_link, node));
    }
    while ((node = list_pop_front(&h->events)) != NULL) {
        free(list_entry(node, struct hub_note, node));
    }
    replication_free(h->replication);
    membership_free(h->membership);
    buffer_done(&h->plain);
    buffer_done(&h->issuers);
    sodium_memzero(h->gossip_key, sizeof(h->gossip_key));
    sodium_memzero(h->link_key, sizeof(h->link_key));
    free(h->urls);
    free(h);
}

void hub_note(struct hub *h, const struct hub_event *event)
{
    struct hub_note *note;

    if (h->event_count == HUB_EVENTS_MAX) {
        return; /* nobody has pulled for very long */
    }
    note = alloc_zero(sizeof(*note));
    note->event = *event;
    h->event_count++;
    list_push_back(&h->events, &note->node);
}

bool hub_next_event(struct hub *h, struct hub_event *ret)
{
    struct list *node = list_pop_front(&h->events);

    if (node == NULL) {
        return false;
    }
    *ret = list_entry(node, struct hub_note, node)->event;
    free(list_entry(node, struct hub_note, node));
    h->event_count--;
    return true;
}

static void take_datagram(struct hub *h,
                          struct moment now,
                          const struct hub_input *in)
{
    struct membership_input input = {.kind = MEMBERSHIP_INPUT_DATAGRAM};

    buffer_clear(&h->plain);
    if (seal_open(h->gossip_key, in->bytes, &h->plain, &h->seal) != 0) {
        return;
    }
    input.datagram.bytes = buffer_view(&h->plain);
    input.datagram.source = in->source;
    membership_step(h->membership, now.mono_ms, &input);
}

static void take_member_event(struct hub *h,
                              const struct membership_event *event)
{
    struct hub_event told = {.kind = HUB_MEMBER, .member = event->kind};

    told.node = event->member == NULL ? 0 : event->member->id;
    switch (event->kind) {
    case MEMBERSHIP_SEEDS_WANTED:
        told.kind = HUB_SEEDS_WANTED;
        break;
    case MEMBERSHIP_GONE:
        hub_link_goodbye(h);
        told.kind = HUB_GONE;
        break;
    case MEMBERSHIP_RIVAL:
        if (!event->we_are_younger) {
            return;
        }
        told.kind = HUB_DUPLICATE;
        break;
    case MEMBERSHIP_FORGOTTEN:
        replication_forget(h->replication, told.node);
        break;
    case MEMBERSHIP_JOINED:
    case MEMBERSHIP_RETURNED:
    case MEMBERSHIP_SUSPECTED:
    case MEMBERSHIP_CLEARED:
    case MEMBERSHIP_MOVED:
    case MEMBERSHIP_DIED:
    case MEMBERSHIP_LEFT:
    case MEMBERSHIP_FULL:
        break;
    }
    hub_note(h, &told);
}

static void take_member_events(struct hub *h)
{
    struct membership_event event;

    while (membership_next_event(h->membership, &event)) {
        take_member_event(h, &event);
        h->dirty = true;
    }
}

static void tick(struct hub *h, struct moment now)
{
    const struct membership_input input = {.kind = MEMBERSHIP_INPUT_TICK};

    membership_step(h->membership, now.mono_ms, &input);
    hub_link_tick_all(h, now);
    if (now.mono_ms >= h->replication_due_ms) {
        replication_tick(h->replication, now.mono_ms);
        h->replication_due_ms = now.mono_ms + HUB_REPLICATION_TICK_MS;
    }
}

static void seeds(struct hub *h, struct moment now, const struct hub_input *in)
{
    const struct membership_input input = {
        .kind = MEMBERSHIP_INPUT_SEEDS,
        .seeds = {.addresses = in->addresses, .count = in->address_count}};

    membership_step(h->membership, now.mono_ms, &input);
}

void hub_step(struct hub *h, struct moment now, struct hub_input *in)
{
    const struct membership_input leave = {.kind = MEMBERSHIP_INPUT_LEAVE};

    switch (in->kind) {
    case HUB_INPUT_TICK:
        tick(h, now);
        break;
    case HUB_INPUT_DATAGRAM:
        take_datagram(h, now, in);
        break;
    case HUB_INPUT_SEEDS:
        seeds(h, now, in);
        break;
    case HUB_INPUT_CONNECTED:
        in->link = hub_link_begin(h, now, in->socket, in->node);
        break;
    case HUB_INPUT_REFUSED:
        hub_connect_failed(h, now, in->node);
        break;
    case HUB_INPUT_ACCEPTED:
        in->link = hub_link_begin(h, now, in->socket, 0);
        break;
    case HUB_INPUT_BYTES:
        hub_link_bytes(h, now, in->link, in->bytes);
        break;
    case HUB_INPUT_CLOSED:
        hub_link_gone(h, now, in->link);
        break;
    case HUB_INPUT_COMMITTED:
        replication_committed(h->replication, now.mono_ms);
        h->dirty = true;
        break;
    case HUB_INPUT_ISSUERS:
        hub_link_issuers(h, in->issuers);
        break;
    case HUB_INPUT_LEAVE:
        membership_step(h->membership, now.mono_ms, &leave);
        break;
    }
    take_member_events(h);
    hub_connect_plan(h, now);
}

uint64_t hub_deadline_ms(const struct hub *h)
{
    uint64_t due = membership_deadline_ms(h->membership);

    due = due < h->replication_due_ms ? due : h->replication_due_ms;
    due = due < h->connect_due_ms ? due : h->connect_due_ms;
    list_each(node, &h->links)
    {
        uint64_t at =
            link_deadline_ms(list_entry(node, struct hub_link, node)->link);

        due = due < at ? due : at;
    }
    return due;
}

bool hub_next_datagram(struct hub *h,
                       struct gossip_address *ret_to,
                       struct buffer *out)
{
    const struct hub_options *o = &h->options;
    uint8_t nonce[SEAL_NONCE_BYTES];

    buffer_clear(&h->plain);
    if (!membership_next_send(h->membership, ret_to, &h->plain)) {
        return false;
    }
    o->entropy(o->replication.context, nonce, sizeof(nonce));
    seal_write(h->gossip_key, nonce, buffer_view(&h->plain), out);
    return true;
}

/* The members that have not left, we included. */
static size_t list_members(const struct hub *h,
                           uint64_t ret[MEMBERSHIP_MEMBERS_MAX])
{
    const struct gossip_member *m;
    size_t count = 0;

    for (size_t i = 0; (m = membership_at(h->membership, i)) != NULL; i++) {
        if (m->id == h->options.identity ||
            (m->state != GOSSIP_LEFT && m->state != GOSSIP_FORGOTTEN)) {
            ret[count++] = m->id;
        }
    }
    return count;
}

/* A peer that has not said whom it knows may know of members that we have yet
 * to hear of. */
static bool is_counted(const struct hub *h, uint64_t node)
{
    const struct hub_link *l = hub_link_find(h, node);

    return l != NULL && l->told_members &&
           replication_has_ours(h->replication, node);
}

/* Whether more than half are in reach, and linked to us. A node that was set
 * back to an old copy has, with these, all of its own events that a majority
 * has: before that, it must not name others after them. */
static bool has_majority(const struct hub *h,
                         const uint64_t *members,
                         size_t count)
{
    size_t linked = 1;

    for (size_t i = 0; i < count; i++) {
        linked += is_counted(h, members[i]);
    }
    return linked * 2 > count &&
           membership_reachable(h->membership) * 2 > count;
}

bool hub_next_state(struct hub *h, struct hub_state *ret)
{
    uint64_t members[MEMBERSHIP_MEMBERS_MAX];
    size_t count;

    if (!h->dirty) {
        return false;
    }
    h->dirty = false;
    count = list_members(h, members);
    replication_safe(h->replication, members, count, &ret->safe);
    ret->alone = count == 1;
    ret->majority = has_majority(h, members, count);
    if (h->state_told && ret->alone == h->state.alone &&
        ret->majority == h->state.majority &&
        vector_equal(&ret->safe, &h->state.safe)) {
        return false;
    }
    h->state = *ret;
    h->state_told = true;
    return true;
}

bool hub_ready(struct hub *h, struct moment now)
{
    bool waited =
        now.mono_ms - h->started_ms >= h->options.settings.join_timeout_ms;
    bool alone = !h->options.joins && membership_size(h->membership) == 1;
    bool open = false;

    if (h->ready) {
        return true;
    }
    list_each(node, &h->links)
    {
        open = open || list_entry(node, struct hub_link, node)->peer != NULL;
    }
    h->ready = (waited || alone || (open && hub_link_with_all(h))) &&
               replication_caught_up(h->replication);
    return h->ready;
}

/* One that is suspected as well, and has no link, is taken to be gone. */
static bool linked_with_the_alive(const struct hub *h)
{
    const struct gossip_member *m;

    for (size_t i = 0; (m = membership_at(h->membership, i)) != NULL; i++) {
        const struct hub_link *l = hub_link_find(h, m->id);

        if (m->id != h->options.identity && m->state == GOSSIP_ALIVE &&
            (l == NULL || l->peer == NULL)) {
            return false;
        }
    }
    return true;
}

bool hub_handed_on(const struct hub *h)
{
    const struct hub_options *o = &h->options;
    struct vector have;
    struct vector theirs;

    if (!linked_with_the_alive(h)) {
        return false;
    }
    o->replication.have(o->replication.context, &have);
    list_each(node, &h->links)
    {
        const struct hub_link *l = list_entry(node, struct hub_link, node);

        if (l->peer != NULL &&
            (!replication_known(h->replication, l->member, &theirs) ||
             !vector_covers(&theirs, &have))) {
            return false;
        }
    }
    return true;
}

void hub_table(const struct hub *h, struct buffer *out)
{
    membership_table_write(h->membership, out);
}

uint64_t hub_table_digest(const struct hub *h)
{
    return membership_digest(h->membership);
}

const struct membership *hub_membership(const struct hub *h)
{
    return h->membership;
}

struct membership *hub_membership_mutable(struct hub *h)
{
    return h->membership;
}

const struct seal_counters *hub_seal_counters(const struct hub *h)
{
    return &h->seal;
}

uint64_t hub_link_ends(const struct hub *h, enum link_end end)
{
    return h->ends[end];
}

uint64_t hub_identity(const struct hub *h)
{
    return h->options.identity;
}

void hub_have(const struct hub *h, struct vector *ret)
{
    h->options.replication.have(h->options.replication.context, ret);
}

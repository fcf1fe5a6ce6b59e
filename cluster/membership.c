/* The door: hands what happened to the files that know what it means, and keeps
 * the time. */
#include "cluster/membership.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/splitmix.h"
#include "cluster/belief.h"
#include "cluster/membership_state.h"
#include "cluster/notice.h"
#include "cluster/outbox.h"
#include "cluster/probe.h"
#include "cluster/reach.h"

#include <stdlib.h>

#define FANOUT_MAX 8

const struct membership_settings membership_settings_default = {
    .members_max = 32,
    .probe_interval_ms = 1000,
    .probe_timeout_ms = 500,
    .indirect_probes = 3,
    .suspicion_factor = 5,
    .suspicion_max_factor = 6,
    .confirmations = 3,
    .health_max = 8,
    .retransmit_factor = 4,
    .news_interval_ms = 200,
    .news_fanout = 3,
    .sync_interval_ms = 30 * 1000,
    .reach_interval_ms = 30 * 1000,
    .join_retry_min_ms = 500,
    .join_retry_max_ms = 30 * 1000,
    .leave_timeout_ms = 5 * 1000,
    .forget_after_ms = UINT64_C(7) * 24 * 3600 * 1000,
    .remember_forgotten_ms = UINT64_C(30) * 24 * 3600 * 1000,
};

struct membership *membership_new(const struct membership_options *options,
                                  uint64_t now_ms)
{
    const struct membership_settings *settings = &options->settings;
    struct membership *m = alloc_zero(sizeof(*m));

    check(options->id != 0 && options->run != 0);
    check(settings->members_max >= 1 &&
          settings->members_max <= MEMBERSHIP_MEMBERS_MAX);
    check(settings->probe_timeout_ms > 0 &&
          settings->probe_timeout_ms < settings->probe_interval_ms);
    check(settings->news_interval_ms > 0 && settings->join_retry_min_ms > 0);
    check(settings->retransmit_factor > 0 && settings->suspicion_factor > 0);
    m->options = *options;
    m->random = options->random_seed;
    m->now_ms = now_ms;
    m->sequence = (uint32_t)splitmix_next(&m->random);
    list_init(&m->suspects);
    list_init(&m->changes);
    dissemination_init(&m->news);
    member_list_init(&m->members, settings->members_max);
    belief_begin(m);
    m->options.urls = NULL; /* borrowed for this call only */
    /* Nodes that start together do not fall into step. */
    m->probe.end_ms =
        now_ms + splitmix_below(&m->random, settings->probe_interval_ms);
    m->sync_next_ms =
        now_ms + splitmix_below(&m->random, settings->sync_interval_ms + 1);
    m->news_next_ms = now_ms;
    m->reach_next_ms = now_ms;
    m->forget_next_ms = now_ms + MEMBERSHIP_FORGET_CHECK_MS;
    m->deadline_ms = now_ms;
    return m;
}

void membership_free(struct membership *m)
{
    if (m != NULL) {
        member_list_done(&m->members);
        free(m);
    }
}

static void hear_all(struct membership *m, const struct gossip_address *source)
{
    for (size_t i = 0; i < m->incoming.member_count; i++) {
        belief_hear(m, &m->incoming.members[i], source);
    }
}

static void receive(struct membership *m,
                    struct bytes datagram,
                    const struct gossip_address *source)
{
    const struct gossip *message = &m->incoming;

    m->counters.datagrams_received++;
    if (gossip_read(datagram, &m->incoming) != RC_OK) {
        m->counters.datagrams_malformed++;
        return;
    }
    hear_all(m, source);
    if (message->from == m->self->record.id || m->silent) {
        return; /* A seed that is we, or another process with our id. */
    }
    reach_met(m, message, source);
    switch (message->kind) {
    case GOSSIP_NEWS:
        break;
    case GOSSIP_PING:
        probe_pinged(m, message, source);
        break;
    case GOSSIP_PING_REQUEST:
        probe_asked(m, message, source);
        break;
    case GOSSIP_ACK:
    case GOSSIP_NACK:
        probe_answered(m, message);
        break;
    case GOSSIP_SYNC:
    case GOSSIP_TABLE:
        reach_compared(m, message, source);
        break;
    }
}

static bool accept_live(const void *context, const struct member *member)
{
    return membership_is_live(context, member);
}

static void tell_news(struct membership *m)
{
    struct member *members[FANOUT_MAX];
    unsigned fanout = m->options.settings.news_fanout;
    size_t count;

    if (m->now_ms < m->news_next_ms || m->news.count == 0) {
        return;
    }
    m->news_next_ms = m->now_ms + m->options.settings.news_interval_ms;
    count = member_list_pick(&m->members,
                             &m->random,
                             accept_live,
                             m,
                             members,
                             fanout < FANOUT_MAX ? fanout : FANOUT_MAX);
    for (size_t i = 0; i < count; i++) {
        outbox_push(m,
                    &(struct membership_outgoing){
                        .kind = GOSSIP_NEWS,
                        .to = members[i]->record.address,
                    });
    }
}

static void tick(struct membership *m)
{
    belief_tick(m);
    probe_tick(m);
    reach_tick(m);
    tell_news(m);
}

static void leave(struct membership *m)
{
    if (m->leaving) {
        return;
    }
    m->leaving = true;
    m->leave_end_ms = m->now_ms + m->options.settings.leave_timeout_ms;
    m->news_next_ms = m->now_ms;
    belief_leave(m);
}

static uint64_t next_deadline_ms(const struct membership *m)
{
    uint64_t deadline_ms = belief_deadline_ms(m);

    if (notice_goodbye_is_told(m) && !m->gone) {
        return m->now_ms; /* GONE is to be told. */
    }
    if (m->silent || m->gone) {
        return MOMENT_NEVER;
    }
    deadline_ms = membership_earlier(deadline_ms, probe_deadline_ms(m));
    deadline_ms = membership_earlier(deadline_ms, reach_deadline_ms(m));
    if (m->news.count > 0 && m->live_count > 0) {
        deadline_ms = membership_earlier(deadline_ms, m->news_next_ms);
    }
    if (m->leaving) {
        deadline_ms = membership_earlier(deadline_ms, m->leave_end_ms);
    }
    return deadline_ms;
}

static void reschedule(struct membership *m)
{
    uint64_t deadline_ms = next_deadline_ms(m);

    m->deadline_ms = deadline_ms > m->now_ms ? deadline_ms : m->now_ms;
}

/* What passed between the deadline and a late step did not pass, for us. */
static void advance(struct membership *m, uint64_t now_ms)
{
    uint64_t ours_ms = now_ms - m->counters.late_ms;

    if (m->deadline_ms != MOMENT_NEVER &&
        ours_ms > m->deadline_ms + MEMBERSHIP_LATE_MS) {
        m->counters.late_ms += ours_ms - m->deadline_ms;
        ours_ms = m->deadline_ms;
    }
    check(ours_ms >= m->now_ms);
    m->now_ms = ours_ms;
}

void membership_step(struct membership *m,
                     uint64_t now_ms,
                     const struct membership_input *in)
{
    advance(m, now_ms);
    if (m->silent) {
        return;
    }
    switch (in->kind) {
    case MEMBERSHIP_INPUT_TICK:
        tick(m);
        break;
    case MEMBERSHIP_INPUT_DATAGRAM:
        receive(m, in->datagram.bytes, &in->datagram.source);
        break;
    case MEMBERSHIP_INPUT_SEEDS:
        reach_seeds(m, in->seeds.addresses, in->seeds.count);
        break;
    case MEMBERSHIP_INPUT_ANNOUNCE:
        belief_announce(m, &in->announce.address, in->announce.urls);
        break;
    case MEMBERSHIP_INPUT_LEAVE:
        leave(m);
        break;
    }
    reschedule(m);
}

uint64_t membership_deadline_ms(const struct membership *m)
{
    return m->deadline_ms == MOMENT_NEVER
               ? MOMENT_NEVER
               : m->deadline_ms + m->counters.late_ms;
}

bool membership_next_send(struct membership *m,
                          struct gossip_address *ret_to,
                          struct buffer *out)
{
    bool sent = !m->silent && outbox_next(m, ret_to, out);

    /* Told once more, news may be news no longer. */
    reschedule(m);
    return sent;
}

int membership_forget(struct membership *m, uint64_t now_ms, uint64_t id)
{
    struct member *member = member_list_find(&m->members, id);

    advance(m, now_ms);
    if (member == NULL || member->record.state == GOSSIP_FORGOTTEN) {
        return RC_NOT_FOUND;
    }
    if (member == m->self || membership_is_live(m, member)) {
        return RC_BUSY;
    }
    belief_forget(m, member);
    reschedule(m);
    return RC_OK;
}

static void take_record(void *context, const struct gossip_member *record)
{
    struct membership *m = context;

    /* From nowhere: a denial goes to the living by itself. */
    belief_hear(m, record, &m->self->record.address);
}

int membership_table_merge(struct membership *m,
                           uint64_t now_ms,
                           struct bytes table)
{
    int rc;

    advance(m, now_ms);
    m->merging = true;
    rc = gossip_table_read(table, take_record, m);
    m->merging = false;
    reschedule(m);
    return rc;
}

void membership_table_write(const struct membership *m, struct buffer *out)
{
    for (size_t i = 0; i < m->members.count; i++) {
        gossip_table_append(&m->members.by_id[i]->record, out);
    }
}

uint64_t membership_digest(const struct membership *m)
{
    return m->digest;
}

bool membership_next_event(struct membership *m, struct membership_event *ret)
{
    bool told = notice_next(m, ret);

    reschedule(m); /* Once GONE is told, there is nothing more to wait for. */
    return told;
}

const char *membership_event_name(enum membership_event_kind kind)
{
    static const char *const names[] = {
        [MEMBERSHIP_JOINED] = "joined",
        [MEMBERSHIP_RETURNED] = "returned",
        [MEMBERSHIP_SUSPECTED] = "suspected",
        [MEMBERSHIP_CLEARED] = "cleared",
        [MEMBERSHIP_MOVED] = "moved",
        [MEMBERSHIP_DIED] = "died",
        [MEMBERSHIP_LEFT] = "left",
        [MEMBERSHIP_FORGOTTEN] = "forgotten",
        [MEMBERSHIP_SEEDS_WANTED] = "seeds_wanted",
        [MEMBERSHIP_GONE] = "gone",
        [MEMBERSHIP_FULL] = "full",
        [MEMBERSHIP_RIVAL] = "rival",
    };

    check((size_t)kind < sizeof(names) / sizeof(names[0]));
    return names[kind];
}

const struct gossip_member *membership_at(const struct membership *m,
                                          size_t index)
{
    return index < m->members.count ? &m->members.by_id[index]->record : NULL;
}

const struct gossip_member *membership_find(const struct membership *m,
                                            uint64_t id)
{
    const struct member *member = member_list_find(&m->members, id);

    return member != NULL ? &member->record : NULL;
}

uint64_t membership_since_ms(const struct membership *m, size_t index)
{
    check(index < m->members.count);
    return m->members.by_id[index]->since_ms + m->counters.late_ms;
}

size_t membership_size(const struct membership *m)
{
    size_t size = 0;

    for (size_t i = 0; i < m->members.count; i++) {
        enum gossip_state state = m->members.by_id[i]->record.state;

        size += state != GOSSIP_LEFT && state != GOSSIP_FORGOTTEN;
    }
    return size;
}

size_t membership_reachable(const struct membership *m)
{
    return m->live_count + !m->leaving;
}

unsigned membership_health(const struct membership *m)
{
    return m->health;
}

const struct membership_counters *membership_counters(
    const struct membership *m)
{
    return &m->counters;
}

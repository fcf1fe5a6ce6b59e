/* A period has one probe, whose outcome is judged at the period's end: an
 * answer counts by whatever way and however late within it. */
#include "cluster/probe.h"

#include "cluster/belief.h"
#include "cluster/outbox.h"

#define INDIRECT_MAX 8

void probe_health(struct membership *m, int change)
{
    int health = (int)m->health + change;
    int max = (int)m->options.settings.health_max;

    health = health < 0 ? 0 : health;
    m->health = (unsigned)(health < max ? health : max);
}

static bool accept_live(const void *context, const struct member *member)
{
    return membership_is_live(context, member);
}

static bool accept_helper(const void *context, const struct member *member)
{
    const struct membership *m = context;

    return membership_is_live(m, member) &&
           member->record.id != m->probe.target;
}

/* The id of whom we doubt, so that it hears of it from us (Lifeguard, IV.C: the
 * buddy system); 0: we do not. */
static uint64_t doubted(const struct membership *m, uint64_t id)
{
    const struct member *member = member_list_find(&m->members, id);

    return member != NULL && member->record.state != GOSSIP_ALIVE ? id : 0;
}

/* Likewise for who asks, and when it does not know what is said of it: it has a
 * past, or a rival, that was heard since. */
static uint64_t denied(const struct membership *m, const struct gossip *message)
{
    const struct member *member = member_list_find(&m->members, message->from);

    return member != NULL && (member->record.state != GOSSIP_ALIVE ||
                              member->record.incarnation > message->incarnation)
               ? message->from
               : 0;
}

static void ping(struct membership *m,
                 uint64_t target,
                 const struct gossip_address *address,
                 uint32_t sequence)
{
    outbox_push(m,
                &(struct membership_outgoing){
                    .kind = GOSSIP_PING,
                    .sequence = sequence,
                    .target = target,
                    .to = *address,
                    .about = {doubted(m, target)},
                });
}

static void answer(struct membership *m,
                   enum gossip_kind kind,
                   uint64_t target,
                   uint32_t sequence,
                   const struct gossip_address *to)
{
    outbox_push(m,
                &(struct membership_outgoing){
                    .kind = kind,
                    .sequence = sequence,
                    .target = target,
                    .to = *to,
                });
}

void probe_pinged(struct membership *m,
                  const struct gossip *message,
                  const struct gossip_address *source)
{
    if (message->target != m->self->record.id) {
        return; /* For another, who was at our address before us. */
    }
    outbox_push(m,
                &(struct membership_outgoing){
                    .kind = GOSSIP_ACK,
                    .sequence = message->sequence,
                    .target = message->target,
                    .to = *source,
                    .about = {denied(m, message)},
                });
}

void probe_asked(struct membership *m,
                 const struct gossip *message,
                 const struct gossip_address *source)
{
    const struct membership_settings *settings = &m->options.settings;

    for (size_t i = 0; i < MEMBERSHIP_RELAYS_MAX; i++) {
        struct membership_relay *relay = &m->relays[i];

        if (!relay->active) {
            *relay = (struct membership_relay){
                .active = true,
                .asker = *source,
                .asker_sequence = message->sequence,
                .target = message->target,
                .sequence = ++m->sequence,
                /* In time for the asker's period to end with it. */
                .nack_ms = m->now_ms + settings->probe_timeout_ms * 8 / 10,
                .end_ms = m->now_ms + settings->probe_interval_ms,
            };
            ping(m, message->target, &message->target_address, m->sequence);
            return;
        }
    }
    m->counters.datagrams_dropped++;
}

/* An answer to a ping that we made for somebody else. */
static void hand_on(struct membership *m, const struct gossip *message)
{
    for (size_t i = 0; i < MEMBERSHIP_RELAYS_MAX; i++) {
        struct membership_relay *relay = &m->relays[i];

        if (relay->active && relay->sequence == message->sequence &&
            relay->target == message->target) {
            answer(m,
                   GOSSIP_ACK,
                   relay->target,
                   relay->asker_sequence,
                   &relay->asker);
            relay->active = false;
        }
    }
}

void probe_answered(struct membership *m, const struct gossip *message)
{
    struct membership_probe *probe = &m->probe;
    bool ours = probe->phase != MEMBERSHIP_PHASE_IDLE &&
                probe->sequence == message->sequence &&
                probe->target == message->target;

    if (!ours) {
        if (message->kind == GOSSIP_ACK) {
            hand_on(m, message);
        }
    } else if (message->kind == GOSSIP_ACK) {
        probe->phase = MEMBERSHIP_PHASE_IDLE;
        probe_health(m, -1);
    } else if (probe->nacks_wanted > 0) {
        probe->nacks_wanted--;
    }
}

static uint64_t stretched(const struct membership *m, uint64_t ms)
{
    return ms * (m->health + 1);
}

static void begin(struct membership *m)
{
    const struct membership_settings *settings = &m->options.settings;
    struct member *target =
        member_list_next(&m->members, &m->random, accept_live, m);

    m->probe = (struct membership_probe){
        .end_ms = m->now_ms + stretched(m, settings->probe_interval_ms),
    };
    if (target == NULL) {
        return;
    }
    m->counters.probes++;
    m->probe.phase = MEMBERSHIP_PHASE_DIRECT;
    m->probe.target = target->record.id;
    m->probe.incarnation = target->record.incarnation;
    m->probe.sequence = ++m->sequence;
    m->probe.indirect_ms = m->now_ms + stretched(m, settings->probe_timeout_ms);
    ping(m, target->record.id, &target->record.address, m->sequence);
}

static void go_indirect(struct membership *m)
{
    const struct member *target =
        member_list_find(&m->members, m->probe.target);
    struct member *helpers[INDIRECT_MAX];
    unsigned wanted = m->options.settings.indirect_probes;
    size_t count = 0;

    m->probe.phase = MEMBERSHIP_PHASE_INDIRECT;
    if (target != NULL) {
        wanted = wanted < INDIRECT_MAX ? wanted : INDIRECT_MAX;
        count = member_list_pick(
            &m->members, &m->random, accept_helper, m, helpers, wanted);
    }
    for (size_t i = 0; i < count; i++) {
        outbox_push(m,
                    &(struct membership_outgoing){
                        .kind = GOSSIP_PING_REQUEST,
                        .sequence = m->probe.sequence,
                        .target = m->probe.target,
                        .target_address = target->record.address,
                        .to = helpers[i]->record.address,
                    });
    }
    m->probe.nacks_wanted = (unsigned)count;
    m->counters.probes_indirect++;
}

static void judge(struct membership *m)
{
    struct member *target = member_list_find(&m->members, m->probe.target);

    if (m->probe.phase == MEMBERSHIP_PHASE_IDLE || target == NULL ||
        !membership_is_live(m, target) ||
        m->probe.incarnation != target->record.incarnation) {
        return; /* Or it spoke up, or came anew, in between. */
    }
    m->counters.probes_failed++;
    /* Helpers that were not heard either speak against us. */
    probe_health(m, 1 + (int)m->probe.nacks_wanted);
    belief_suspect(m, target);
}

static void tick_relay(struct membership *m, struct membership_relay *relay)
{
    if (!relay->nacked && m->now_ms >= relay->nack_ms) {
        relay->nacked = true;
        answer(m,
               GOSSIP_NACK,
               relay->target,
               relay->asker_sequence,
               &relay->asker);
    }
    relay->active = m->now_ms < relay->end_ms;
}

void probe_tick(struct membership *m)
{
    for (size_t i = 0; i < MEMBERSHIP_RELAYS_MAX; i++) {
        if (m->relays[i].active) {
            tick_relay(m, &m->relays[i]);
        }
    }
    if (m->probe.phase == MEMBERSHIP_PHASE_DIRECT &&
        m->now_ms >= m->probe.indirect_ms) {
        go_indirect(m);
    }
    if (m->now_ms >= m->probe.end_ms && !m->leaving) {
        judge(m);
        begin(m);
    }
}

uint64_t probe_deadline_ms(const struct membership *m)
{
    uint64_t deadline_ms = m->leaving ? MOMENT_NEVER : m->probe.end_ms;

    if (m->probe.phase == MEMBERSHIP_PHASE_DIRECT) {
        deadline_ms = membership_earlier(deadline_ms, m->probe.indirect_ms);
    }
    for (size_t i = 0; i < MEMBERSHIP_RELAYS_MAX; i++) {
        const struct membership_relay *relay = &m->relays[i];

        if (relay->active) {
            deadline_ms = membership_earlier(
                deadline_ms, relay->nacked ? relay->end_ms : relay->nack_ms);
        }
    }
    return deadline_ms;
}

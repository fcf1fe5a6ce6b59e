/* Tables are compared by their digests first, so that a cluster in agreement
 * pays one small datagram for it. */
#include "cluster/reach.h"

#include "base/splitmix.h"
#include "cluster/outbox.h"

/* Of the dead, at each try while nobody is in reach. */
#define DEAD_TRIED_MAX 3

/* Above so many members, tables are compared less often. */
#define SYNC_MEMBERS 32

static void sync(struct membership *m,
                 const struct gossip_address *to,
                 uint64_t about)
{
    outbox_push(m,
                &(struct membership_outgoing){
                    .kind = GOSSIP_SYNC,
                    .to = *to,
                    .about = {m->self->record.id, about},
                });
}

static bool is_seed(const struct membership *m,
                    const struct gossip_address *address)
{
    for (size_t i = 0; i < m->seed_count; i++) {
        if (gossip_address_equal(&m->seeds[i], address)) {
            return true;
        }
    }
    return false;
}

void reach_seeds(struct membership *m,
                 const struct gossip_address *addresses,
                 size_t count)
{
    bool new = false;

    count = count < MEMBERSHIP_SEEDS_MAX ? count : MEMBERSHIP_SEEDS_MAX;
    for (size_t i = 0; i < count; i++) {
        new = new || !is_seed(m, &addresses[i]);
    }
    memcpy(m->seeds, addresses, count * sizeof(addresses[0]));
    m->seed_count = count;
    if (new) {
        m->reach_next_ms = m->now_ms;
    }
}

void reach_met(struct membership *m,
               const struct gossip *message,
               const struct gossip_address *source)
{
    const struct member *member = member_list_find(&m->members, message->from);

    /* A comparison, or a table, says it all anyway. */
    if (message->kind == GOSSIP_SYNC || message->kind == GOSSIP_TABLE) {
        return;
    }
    if (member == NULL || (!membership_is_live(m, member) &&
                           message->incarnation > member->record.incarnation)) {
        sync(m, source, 0);
    }
}

void reach_compared(struct membership *m,
                    const struct gossip *message,
                    const struct gossip_address *source)
{
    if (message->kind == GOSSIP_SYNC && message->digest != m->digest) {
        outbox_table(m, source, true);
    } else if (message->kind == GOSSIP_TABLE && message->wanted) {
        outbox_table(m, source, false);
    }
}

/* Around `ms`, so that nodes do not fall into step. */
static uint64_t jittered(struct membership *m, uint64_t ms)
{
    return ms - ms / 4 + splitmix_below(&m->random, ms / 2 + 1);
}

static bool accept_dead(const void *context, const struct member *member)
{
    (void)context;
    return member->record.state == GOSSIP_DEAD;
}

static bool accept_live(const void *context, const struct member *member)
{
    return membership_is_live(context, member);
}

/* Whether a seed's address is that of somebody in reach, or our own. */
static bool is_taken(const struct membership *m,
                     const struct gossip_address *address)
{
    for (size_t i = 0; i < m->members.count; i++) {
        const struct member *member = m->members.by_id[i];

        if ((member == m->self || membership_is_live(m, member)) &&
            gossip_address_equal(&member->record.address, address)) {
            return true;
        }
    }
    return false;
}

static void try_dead(struct membership *m, size_t count)
{
    struct member *dead[DEAD_TRIED_MAX];

    count =
        member_list_pick(&m->members, &m->random, accept_dead, m, dead, count);
    for (size_t i = 0; i < count; i++) {
        sync(m, &dead[i]->record.address, dead[i]->record.id);
    }
}

static void try_all(struct membership *m)
{
    for (size_t i = 0; i < m->seed_count; i++) {
        if (!is_taken(m, &m->seeds[i])) {
            sync(m, &m->seeds[i], 0);
        }
    }
    try_dead(m, DEAD_TRIED_MAX);
}

/* A seed that nobody known is at, or else one of the dead; each with a chance
 * of one half where there are both. */
static void try_one(struct membership *m)
{
    size_t first = splitmix_below(&m->random, m->seed_count + 1);
    bool dead_first = splitmix_below(&m->random, 2) == 0;

    if (dead_first) {
        try_dead(m, 1);
    }
    for (size_t i = 0; i < m->seed_count && !dead_first; i++) {
        const struct gossip_address *seed =
            &m->seeds[(first + i) % m->seed_count];

        if (!is_taken(m, seed)) {
            sync(m, seed, 0);
            return;
        }
    }
    if (!dead_first) {
        try_dead(m, 1);
    }
}

static void reach(struct membership *m)
{
    const struct membership_settings *settings = &m->options.settings;

    m->seeds_wanted = true;
    if (m->live_count > 0) {
        m->reach_wait_ms = 0;
        m->reach_next_ms = m->now_ms + jittered(m, settings->reach_interval_ms);
        try_one(m);
        return;
    }
    m->reach_wait_ms =
        membership_earlier(2 * m->reach_wait_ms, settings->join_retry_max_ms);
    if (m->reach_wait_ms < settings->join_retry_min_ms) {
        m->reach_wait_ms = settings->join_retry_min_ms;
    }
    m->reach_next_ms = m->now_ms + jittered(m, m->reach_wait_ms);
    try_all(m);
}

static void compare_tables(struct membership *m)
{
    uint64_t interval_ms = m->options.settings.sync_interval_ms;
    struct member *member;

    for (size_t size = SYNC_MEMBERS; size < m->live_count; size *= 2) {
        interval_ms += m->options.settings.sync_interval_ms;
    }
    m->sync_next_ms = m->now_ms + jittered(m, interval_ms);
    if (member_list_pick(&m->members, &m->random, accept_live, m, &member, 1) ==
        1) {
        sync(m, &member->record.address, 0);
    }
}

void reach_tick(struct membership *m)
{
    if (m->leaving) {
        return;
    }
    if (m->now_ms >= m->reach_next_ms) {
        reach(m);
    }
    if (m->now_ms >= m->sync_next_ms) {
        compare_tables(m);
    }
}

uint64_t reach_deadline_ms(const struct membership *m)
{
    return m->leaving ? MOMENT_NEVER
                      : membership_earlier(m->reach_next_ms, m->sync_next_ms);
}

/* Every change of a record goes through set(), which keeps all that is derived
 * from records: who is live, who is suspected, the digest, the news. */
#include "cluster/belief.h"

#include "base/check.h"
#include "base/splitmix.h"
#include "cluster/outbox.h"
#include "cluster/probe.h"
#include "cluster/suspicion.h"

/* A suspect counts as alive here, so that suspicions that come and go do not
 * make tables differ; who is forgotten is nobody. */
static uint64_t digest_of(const struct gossip_member *record)
{
    bool suspect = record->state == GOSSIP_SUSPECT;
    uint64_t state = suspect ? GOSSIP_ALIVE : record->state;
    uint64_t digest = record->id;

    if (record->state == GOSSIP_FORGOTTEN) {
        return 0;
    }
    digest = splitmix_next(&digest) ^ record->incarnation;
    digest = splitmix_next(&digest) ^ record->run;
    digest = splitmix_next(&digest) ^ state;
    return splitmix_next(&digest);
}

static bool differs(const struct gossip_member *a,
                    const struct gossip_member *b)
{
    return a->run != b->run || strcmp(a->urls, b->urls) != 0 ||
           !gossip_address_equal(&a->address, &b->address);
}

static void set(struct membership *m,
                struct member *member,
                const struct gossip_member *record)
{
    bool was_live = membership_is_live(m, member);

    if (member->record.state != record->state ||
        record->state == GOSSIP_SUSPECT) {
        member->since_ms = m->now_ms;
    }
    member->moved = member->moved || differs(&member->record, record);
    member->record = *record;
    m->digest ^= member->digest;
    member->digest = digest_of(record);
    m->digest ^= member->digest;

    list_remove(&member->suspects);
    if (record->state == GOSSIP_SUSPECT) {
        list_push_back(&m->suspects, &member->suspects);
    }
    m->live_count += membership_is_live(m, member);
    m->live_count -= was_live;
    if (was_live && m->live_count == 0) {
        /* Alone: do not wait for the long interval of a cluster. */
        m->reach_wait_ms = 0;
        m->reach_next_ms = m->now_ms;
    }
    if (member != m->self) {
        list_remove(&member->changes);
        list_push_back(&m->changes, &member->changes);
    }
    if (!m->merging || member == m->self) {
        dissemination_add(&m->news, member);
    }
}

/* We are `record` from now on, with an incarnation above `above`. */
static void raise(struct membership *m,
                  struct gossip_member *record,
                  uint64_t above)
{
    check(above < GOSSIP_INCARNATION_MAX);
    record->incarnation = above + 1;
    set(m, m->self, record);
}

void belief_begin(struct membership *m)
{
    const struct membership_options *options = &m->options;
    struct gossip_member record = {
        .id = options->id,
        /* So that, with a clock that is about right, what was said about the
         * process before need not be denied first. */
        .incarnation = options->started_ms,
        .state = GOSSIP_ALIVE,
        .address = options->address,
        .started_ms = options->started_ms,
        .run = options->run,
    };

    check(strlen(options->urls) <= GOSSIP_URLS_BYTES_MAX);
    memcpy(record.urls, options->urls, strlen(options->urls));
    m->self = member_list_add(&m->members, options->id, &m->random);
    set(m, m->self, &record);
}

void belief_announce(struct membership *m,
                     const struct gossip_address *address,
                     const char *urls)
{
    struct gossip_member record = m->self->record;

    check(strlen(urls) <= GOSSIP_URLS_BYTES_MAX);
    record.address = *address;
    memset(record.urls, 0, sizeof(record.urls));
    memcpy(record.urls, urls, strlen(urls));
    if (differs(&record, &m->self->record)) {
        raise(m, &record, record.incarnation);
    }
}

void belief_leave(struct membership *m)
{
    struct gossip_member record = m->self->record;

    record.state = GOSSIP_LEFT;
    set(m, m->self, &record);
}

static void tell_of_us(struct membership *m, const struct gossip_address *to)
{
    if (gossip_address_equal(to, &m->self->record.address)) {
        return;
    }
    outbox_push(m,
                &(struct membership_outgoing){
                    .kind = GOSSIP_NEWS,
                    .to = *to,
                    .about = {m->self->record.id},
                });
}

/* A record of another process with our id. It may have ended long ago; that it
 * lives is known when it says that it has seen us, which it says as we do: by a
 * record that names the other as its rival. */
static void hear_of_rival(struct membership *m,
                          const struct gossip_member *heard,
                          const struct gossip_address *source)
{
    struct gossip_member ours = m->self->record;
    bool elder = heard->started_ms != ours.started_ms
                     ? heard->started_ms < ours.started_ms
                     : heard->run < ours.run;

    if (heard->rival == ours.run && m->rival.run != heard->run) {
        m->rival = *heard;
        m->rival_news = true;
        m->silent = elder;
    }
    if (m->silent || gossip_member_compare(&ours, heard) > 0) {
        return;
    }
    ours.rival = heard->run;
    raise(m, &ours, heard->incarnation);
    tell_of_us(m, source);
    tell_of_us(m, &heard->address);
}

static void hear_of_us(struct membership *m,
                       const struct gossip_member *heard,
                       const struct gossip_address *source)
{
    struct gossip_member ours = m->self->record;

    if (heard->incarnation == GOSSIP_INCARNATION_MAX) {
        m->counters.datagrams_malformed++;
        return;
    }
    if (heard->run != ours.run) {
        hear_of_rival(m, heard, source);
        return;
    }
    if (gossip_member_compare(&ours, heard) >= 0) {
        return;
    }
    m->counters.refutations++;
    probe_health(m, 1); /* Lifeguard: we were too slow to answer. */
    raise(m, &ours, heard->incarnation);
    tell_of_us(m, source);
}

/* Room for a member that was not known, or NULL. Of those that are forgotten,
 * the one that was longest goes first. */
static struct member *make_room(struct membership *m, uint64_t id)
{
    struct member *oldest = NULL;

    for (size_t i = 0;
         m->members.count == m->members.max && i < m->members.count;
         i++) {
        struct member *member = m->members.by_id[i];

        if (member->record.state == GOSSIP_FORGOTTEN &&
            list_empty(&member->changes) &&
            (oldest == NULL || member->since_ms < oldest->since_ms)) {
            oldest = member;
        }
    }
    if (oldest != NULL) {
        dissemination_remove(&m->news, oldest);
        member_list_remove(&m->members, oldest);
    }
    return member_list_add(&m->members, id, &m->random);
}

static void hear_of_stranger(struct membership *m,
                             const struct gossip_member *heard)
{
    struct member *member;

    if (heard->state == GOSSIP_FORGOTTEN) {
        return; /* Else it would be handed round and remembered for ever. */
    }
    member = make_room(m, heard->id);
    if (member == NULL) {
        m->counters.members_refused++;
        m->full = true;
        return;
    }
    m->counters.suspicions += heard->state == GOSSIP_SUSPECT;
    set(m, member, heard);
}

void belief_hear(struct membership *m,
                 const struct gossip_member *heard,
                 const struct gossip_address *source)
{
    struct member *member = member_list_find(&m->members, heard->id);
    int order;

    if (member == NULL) {
        hear_of_stranger(m, heard);
        return;
    }
    if (member == m->self) {
        hear_of_us(m, heard, source);
        return;
    }
    order = gossip_member_compare(&member->record, heard);
    if (order < 0) {
        m->counters.suspicions += heard->state == GOSSIP_SUSPECT;
        set(m, member, heard);
    } else if (order == 0 && heard->state == GOSSIP_SUSPECT &&
               suspicion_accuse(
                   &member->record, heard->accusers, heard->accuser_count)) {
        dissemination_add(&m->news, member); /* Lifeguard: a confirmation. */
    }
}

void belief_suspect(struct membership *m, struct member *member)
{
    struct gossip_member doubted = member->record;

    check(membership_is_live(m, member));
    doubted.state = GOSSIP_SUSPECT;
    doubted.accuser_count = 1;
    doubted.accusers[0] = m->self->record.id;
    belief_hear(m, &doubted, &m->self->record.address);
}

static uint64_t burial_ms(const struct membership *m,
                          const struct member *member)
{
    const struct membership_settings *settings = &m->options.settings;
    struct suspicion_rule rule = {
        .interval_ms = settings->probe_interval_ms,
        .factor = settings->suspicion_factor,
        .max_factor = settings->suspicion_max_factor,
        .confirmations = settings->confirmations,
    };

    return member->since_ms +
           suspicion_timeout_ms(
               &rule, m->live_count + 1, member->record.accuser_count);
}

static void bury(struct membership *m, struct member *member)
{
    struct gossip_member dead = member->record;

    dead.state = GOSSIP_DEAD;
    dead.accuser_count = 0;
    m->counters.deaths++;
    set(m, member, &dead);
    /* The news go to the living: if it is one of them, it can deny. */
    outbox_push(m,
                &(struct membership_outgoing){
                    .kind = GOSSIP_NEWS,
                    .to = dead.address,
                    .about = {dead.id},
                });
}

void belief_forget(struct membership *m, struct member *member)
{
    struct gossip_member forgotten = member->record;

    check(member != m->self);
    forgotten.state = GOSSIP_FORGOTTEN;
    set(m, member, &forgotten);
}

static bool is_overdue(const struct membership *m, const struct member *member)
{
    uint64_t after = m->options.settings.forget_after_ms;
    enum gossip_state state = member->record.state;

    if ((state != GOSSIP_LEFT && state != GOSSIP_DEAD) || member == m->self ||
        after == MOMENT_NEVER || m->now_ms - member->since_ms < after) {
        return false;
    }
    /* Only those who reach a majority forget the dead by themselves: a node
     * that is cut off must not come to think that it is all there is. */
    return state == GOSSIP_LEFT ||
           2 * membership_reachable(m) > membership_size(m);
}

static void forget_overdue(struct membership *m)
{
    uint64_t remember = m->options.settings.remember_forgotten_ms;

    for (size_t i = m->members.count; i-- > 0;) {
        struct member *member = m->members.by_id[i];

        if (is_overdue(m, member)) {
            belief_forget(m, member);
        } else if (member->record.state == GOSSIP_FORGOTTEN &&
                   m->now_ms - member->since_ms >= remember &&
                   list_empty(&member->changes)) {
            dissemination_remove(&m->news, member);
            member_list_remove(&m->members, member);
        }
    }
}

void belief_tick(struct membership *m)
{
    list_each_safe(node, &m->suspects)
    {
        struct member *member = list_entry(node, struct member, suspects);

        if (burial_ms(m, member) <= m->now_ms) {
            bury(m, member);
        }
    }
    if (m->now_ms >= m->forget_next_ms) {
        m->forget_next_ms = m->now_ms + MEMBERSHIP_FORGET_CHECK_MS;
        forget_overdue(m);
    }
}

uint64_t belief_deadline_ms(const struct membership *m)
{
    uint64_t deadline_ms = m->forget_next_ms;

    list_each(node, &m->suspects)
    {
        deadline_ms = membership_earlier(
            deadline_ms,
            burial_ms(m, list_entry(node, struct member, suspects)));
    }
    return deadline_ms;
}

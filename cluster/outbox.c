/* A datagram's members are chosen when it is sent: what a step learnt after it
 * decided to send is in it already. */
#include "cluster/outbox.h"

#include "base/check.h"
#include "cluster/dissemination.h"

#include <assert.h>

static_assert(MEMBERSHIP_OUTBOX_MAX > 2 * MEMBERSHIP_SEEDS_MAX,
              "a try at all seeds leaves room for the rest");

void outbox_push(struct membership *m,
                 const struct membership_outgoing *outgoing)
{
    size_t last = m->outbox_first + m->outbox_count;

    if (m->outbox_count == MEMBERSHIP_OUTBOX_MAX) {
        m->counters.datagrams_dropped++;
        return;
    }
    m->outbox[last % MEMBERSHIP_OUTBOX_MAX] = *outgoing;
    m->outbox_count++;
}

void outbox_table(struct membership *m,
                  const struct gossip_address *to,
                  bool wanted)
{
    struct membership_table *table = NULL;

    for (size_t i = 0; i < MEMBERSHIP_TABLES_MAX; i++) {
        if (!m->tables[i].active) {
            table = &m->tables[i];
        } else if (gossip_address_equal(&m->tables[i].to, to)) {
            return; /* It is on its way. */
        }
    }
    if (table == NULL) {
        m->counters.datagrams_dropped++;
        return;
    }
    m->counters.syncs++;
    *table = (struct membership_table){
        .active = true,
        .wanted = wanted,
        .to = *to,
    };
}

static void begin(struct membership *m, enum gossip_kind kind)
{
    struct gossip *message = &m->outgoing;

    message->kind = kind;
    message->from = m->self->record.id;
    message->incarnation = m->self->record.incarnation;
    message->sequence = 0;
    message->target = 0;
    message->target_address = (struct gossip_address){.port = 0};
    message->digest = 0;
    message->wanted = false;
    message->member_count = 0;
}

/* Whether there is something to say. */
static bool compose(struct membership *m,
                    const struct membership_outgoing *outgoing)
{
    size_t room = GOSSIP_BYTES_MAX - GOSSIP_HEAD_BYTES_MAX;
    struct gossip *message = &m->outgoing;
    unsigned times = dissemination_times(m->options.settings.retransmit_factor,
                                         m->live_count + 1);

    begin(m, outgoing->kind);
    message->sequence = outgoing->sequence;
    message->target = outgoing->target;
    message->target_address = outgoing->target_address;
    message->digest = outgoing->kind == GOSSIP_SYNC ? m->digest : 0;
    for (size_t i = 0; i < 2 && outgoing->about[i] != 0; i++) {
        const struct member *member =
            member_list_find(&m->members, outgoing->about[i]);

        if (member != NULL) {
            message->members[message->member_count++] = member->record;
            room -= gossip_member_bytes(&member->record);
        }
    }
    dissemination_fill(&m->news, times, room, message);
    return message->kind != GOSSIP_NEWS || message->member_count > 0;
}

/* Whether there is more to be sent: what was left may have gone meanwhile. */
static bool compose_table(struct membership *m, struct membership_table *table)
{
    size_t room = GOSSIP_BYTES_MAX - GOSSIP_HEAD_BYTES_MAX;
    struct gossip *message = &m->outgoing;
    const struct member *member = member_list_after(&m->members, table->after);

    begin(m, GOSSIP_TABLE);
    while (member != NULL && message->member_count < GOSSIP_MEMBERS_MAX &&
           gossip_member_bytes(&member->record) <= room) {
        room -= gossip_member_bytes(&member->record);
        message->members[message->member_count++] = member->record;
        table->after = member->record.id;
        member = member_list_after(&m->members, table->after);
    }
    table->active = member != NULL;
    message->wanted = table->wanted && !table->active;
    return message->member_count > 0;
}

static void write(struct membership *m, struct buffer *out)
{
    gossip_write(&m->outgoing, out);
    check(!out->overflowed && out->len <= GOSSIP_BYTES_MAX);
    m->counters.datagrams_sent++;
    m->counters.bytes_sent += out->len;
}

bool outbox_next(struct membership *m,
                 struct gossip_address *ret_to,
                 struct buffer *out)
{
    check(out->len == 0);
    while (m->outbox_count > 0) {
        struct membership_outgoing *first = &m->outbox[m->outbox_first];

        m->outbox_first = (m->outbox_first + 1) % MEMBERSHIP_OUTBOX_MAX;
        m->outbox_count--;
        if (compose(m, first)) {
            *ret_to = first->to;
            write(m, out);
            return true;
        }
    }
    for (size_t i = 0; i < MEMBERSHIP_TABLES_MAX; i++) {
        struct membership_table *table = &m->tables[i];

        if (table->active && compose_table(m, table)) {
            *ret_to = table->to;
            write(m, out);
            return true;
        }
    }
    return false;
}

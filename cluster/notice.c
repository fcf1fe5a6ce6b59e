/* A member that comes and is suspected at once is told as two events. */
#include "cluster/notice.h"

#include "base/check.h"

bool notice_goodbye_is_told(const struct membership *m)
{
    return m->leaving && (m->live_count == 0 || list_empty(&m->self->news) ||
                          m->now_ms >= m->leave_end_ms);
}

/* A member that is alive or suspected, and was neither when last told of. */
static enum membership_event_kind arrival(enum gossip_state noticed)
{
    return noticed == GOSSIP_DEAD || noticed == GOSSIP_LEFT
               ? MEMBERSHIP_RETURNED
               : MEMBERSHIP_JOINED;
}

/* The next event that leads from what was told to what is; false: none. */
static bool next_of(struct member *member, enum membership_event_kind *ret)
{
    enum gossip_state noticed = member->noticed;
    enum gossip_state state = member->record.state;
    bool was_live = noticed == GOSSIP_ALIVE || noticed == GOSSIP_SUSPECT;
    bool is_live = state == GOSSIP_ALIVE || state == GOSSIP_SUSPECT;
    bool moved = member->moved;

    member->moved = false;
    if (is_live && !was_live) {
        member->noticed = GOSSIP_ALIVE;
        *ret = arrival(noticed);
        return true;
    }
    if (is_live && moved) {
        member->noticed = GOSSIP_ALIVE;
        *ret = MEMBERSHIP_MOVED;
        return true;
    }
    member->noticed = state;
    if (state == noticed) {
        return false;
    }
    switch (state) {
    case GOSSIP_ALIVE:
        *ret = MEMBERSHIP_CLEARED;
        return true;
    case GOSSIP_SUSPECT:
        *ret = MEMBERSHIP_SUSPECTED;
        return true;
    case GOSSIP_DEAD:
        *ret = MEMBERSHIP_DIED;
        return true;
    case GOSSIP_LEFT:
        *ret = MEMBERSHIP_LEFT;
        return true;
    case GOSSIP_FORGOTTEN:
        *ret = MEMBERSHIP_FORGOTTEN;
        return true;
    }
    check_unreachable();
}

static bool next_of_members(struct membership *m, struct membership_event *ret)
{
    while (!list_empty(&m->changes)) {
        struct member *member =
            list_entry(m->changes.next, struct member, changes);

        if (next_of(member, &ret->kind)) {
            ret->member = &member->record;
            return true;
        }
        list_remove(&member->changes);
    }
    return false;
}

/* Whether a flag was set; it is not any more. */
static bool taken(bool *flag)
{
    bool was = *flag;

    *flag = false;
    return was;
}

bool notice_next(struct membership *m, struct membership_event *ret)
{
    *ret = (struct membership_event){.member = NULL};
    if (taken(&m->rival_news)) {
        ret->kind = MEMBERSHIP_RIVAL;
        ret->member = &m->rival;
        ret->we_are_younger = m->silent;
        return true;
    }
    if (next_of_members(m, ret)) {
        return true;
    }
    if (m->full && !m->full_told) {
        m->full_told = true;
        ret->kind = MEMBERSHIP_FULL;
        return true;
    }
    if (taken(&m->seeds_wanted)) {
        ret->kind = MEMBERSHIP_SEEDS_WANTED;
        return true;
    }
    if (!m->gone && notice_goodbye_is_told(m)) {
        m->gone = true;
        ret->kind = MEMBERSHIP_GONE;
        return true;
    }
    return false;
}

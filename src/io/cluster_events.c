/* What the hub says has happened: told, saved, handed on. */
#include "base/cleanup.h"
#include "src/io/clock.h"
#include "src/io/cluster_address.h"
#include "src/io/cluster_state.h"
#include "src/io/file.h"
#include "src/io/logger.h"
#include "src/io/logger_flood.h"

/* After the members could not be saved. */
#define SAVE_RETRY_MS 5000

void cluster_events_post(struct cluster_loop *c, enum mail_kind kind)
{
    mailbox_post(
        c->options.server, &(struct mail){.kind = kind, .content = c}, 1);
}

static const char *end_text(enum link_end end)
{
    return end == LINK_OPEN ? "the connection broke" : link_end_text(end);
}

/* Its events may come, and cursors that have them. */
static void expect(struct cluster_loop *c, uint64_t node)
{
    log_seek_expect(c->options.log, node);
    log_seek_expect(c->options.log, node | EVENT_ORIGIN_QUORUM);
}

static void tell_member(const struct cluster_loop *c,
                        const struct hub_event *event)
{
    const struct gossip_member *m =
        membership_find(hub_membership(c->hub), event->node);
    char address[CLUSTER_ADDRESS_TEXT_BYTES] = "?";

    if (m != NULL) {
        cluster_address_print(&m->address, address);
    }
    logger_line(LOGGER_INFO,
                "cluster.member",
                "node=%016llx state=%s address=%s",
                (unsigned long long)event->node,
                membership_event_name(event->member),
                address);
}

void cluster_events_take(struct cluster_loop *c, const struct hub_event *event)
{
    switch (event->kind) {
    case HUB_MEMBER:
        tell_member(c, event);
        if (event->node != 0 && event->member != MEMBERSHIP_FORGOTTEN) {
            expect(c, event->node);
        }
        break;
    case HUB_LINKED:
        logger_line(LOGGER_INFO,
                    "cluster.linked",
                    "node=%016llx",
                    (unsigned long long)event->node);
        break;
    case HUB_UNLINKED:
        logger_line(LOGGER_INFO,
                    "cluster.unlinked",
                    "node=%016llx reason=\"%s\"",
                    (unsigned long long)event->node,
                    end_text(event->end));
        break;
    case HUB_STRANGER:
        logger_flood(
            LOGGER_FLOOD_STRANGER, 1, "reason=\"%s\"", end_text(event->end));
        break;
    case HUB_DUPLICATE:
        logger_line(LOGGER_ERROR,
                    "cluster.duplicate",
                    "reason=\"another node that has been up for longer has "
                    "this node's identity\" action=\"the node ends; give it "
                    "a directory of its own\"");
        cluster_events_post(c, MAIL_DUPLICATE);
        break;
    case HUB_GONE:
        c->said_goodbye = true;
        break;
    case HUB_SEEDS_WANTED:
        cluster_seeds_look_up(c);
        break;
    }
}

void cluster_events_save(struct cluster_loop *c)
{
    CLEANUP(buffer_done) struct buffer table;
    uint64_t digest = hub_table_digest(c->hub);
    struct why why;

    buffer_init(&table, CLUSTER_TABLE_BYTES_MAX);
    if (digest == c->table_digest || clock_now().mono_ms < c->save_due_ms) {
        return;
    }
    hub_table(c->hub, &table);
    if (file_write(c->table_file, 0600, buffer_view(&table), &why) == 0) {
        c->table_digest = digest;
    } else {
        c->save_due_ms = clock_now().mono_ms + SAVE_RETRY_MS;
        logger_line(LOGGER_ERROR, "cluster.table", "reason=\"%s\"", why.text);
    }
}

/* Whom to connect to: every member that lives and has a higher identity. */
#include "base/splitmix.h"
#include "cluster/hub_state.h"

static struct hub_connect *find(struct hub *h, uint64_t node)
{
    for (size_t i = 0; i < h->connect_count; i++) {
        if (h->connects[i].node == node) {
            return &h->connects[i];
        }
    }
    return NULL;
}

static bool is_wanted(const struct hub *h, uint64_t node)
{
    const struct gossip_member *m = membership_find(h->membership, node);

    return m != NULL && node > h->options.identity &&
           (m->state == GOSSIP_ALIVE || m->state == GOSSIP_SUSPECT) &&
           !gossip_address_is_nowhere(&m->address) &&
           hub_link_find(h, node) == NULL;
}

static void drop_unwanted(struct hub *h)
{
    size_t kept = 0;

    for (size_t i = 0; i < h->connect_count; i++) {
        if (h->connects[i].trying || is_wanted(h, h->connects[i].node)) {
            h->connects[kept++] = h->connects[i];
        }
    }
    h->connect_count = kept;
}

static void add_wanted(struct hub *h, struct moment now)
{
    const struct gossip_member *m;

    for (size_t i = 0; (m = membership_at(h->membership, i)) != NULL; i++) {
        if (is_wanted(h, m->id) && find(h, m->id) == NULL &&
            h->connect_count < MEMBERSHIP_MEMBERS_MAX) {
            h->connects[h->connect_count++] = (struct hub_connect){
                .node = m->id,
                .due_ms = now.mono_ms,
                .wait_ms = h->options.settings.connect_min_ms};
        }
    }
}

void hub_connect_plan(struct hub *h, struct moment now)
{
    drop_unwanted(h);
    add_wanted(h, now);
    h->now_ms = now.mono_ms;
    h->connect_due_ms = MOMENT_NEVER;
    for (size_t i = 0; i < h->connect_count; i++) {
        const struct hub_connect *c = &h->connects[i];

        if (!c->trying && c->due_ms < h->connect_due_ms) {
            h->connect_due_ms = c->due_ms;
        }
    }
}

bool hub_connect_next(struct hub *h,
                      uint64_t *ret_node,
                      struct gossip_address *ret_address)
{
    for (size_t i = 0; i < h->connect_count; i++) {
        struct hub_connect *c = &h->connects[i];
        const struct gossip_member *m = membership_find(h->membership, c->node);

        if (!c->trying && c->due_ms <= h->now_ms && m != NULL) {
            c->trying = true;
            *ret_node = c->node;
            *ret_address = m->address;
            return true;
        }
    }
    return false;
}

void hub_connect_failed(struct hub *h, struct moment now, uint64_t node)
{
    struct hub_connect *c = find(h, node);

    if (c == NULL) {
        return;
    }
    c->trying = false;
    c->due_ms = now.mono_ms + c->wait_ms / 2 +
                splitmix_below(&h->random, c->wait_ms / 2 + 1);
    c->wait_ms *= 2;
    if (c->wait_ms > h->options.settings.connect_max_ms) {
        c->wait_ms = h->options.settings.connect_max_ms;
    }
}

void hub_connect_ended(struct hub *h,
                       struct moment now,
                       uint64_t node,
                       uint64_t lived_ms)
{
    struct hub_connect *c = find(h, node);

    if (c != NULL && lived_ms >= h->options.settings.connect_max_ms) {
        c->trying = false;
        c->due_ms = now.mono_ms;
        c->wait_ms = h->options.settings.connect_min_ms;
    } else {
        hub_connect_failed(h, now, node);
    }
}

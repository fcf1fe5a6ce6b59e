/* One walk over the members fills all forms. */
#include "src/io/cluster_status.h"

#include "base/check.h"
#include "base/event.h"
#include "cluster/hub.h"
#include "src/io/cluster_address.h"

#include <inttypes.h>
#include <stdio.h>

void cluster_status_init(struct cluster_status *s)
{
    check(pthread_mutex_init(&s->lock, NULL) == 0);
    for (size_t i = 0; i < CLUSTER_STATUS_FORMS; i++) {
        buffer_init(&s->forms[i], CLUSTER_STATUS_BYTES_MAX);
    }
}

void cluster_status_done(struct cluster_status *s)
{
    for (size_t i = 0; i < CLUSTER_STATUS_FORMS; i++) {
        buffer_done(&s->forms[i]);
    }
    pthread_mutex_destroy(&s->lock);
}

#define MS_TEXT_BYTES 32

/* One member, as it is told. */
struct line {
    uint64_t node;
    bool self;
    const char *state;
    uint64_t since_ms;
    const char *address;
    const char *urls;
    bool open; /* its link; never of ourselves */
    uint64_t lag_ms;
    size_t inflight_bytes;
    uint64_t behind_ms; /* what it lacks of ours, in time */
    bool behind_known;
    bool reachable;
};

/* The URLs stand in one text by spaces; they are printable ASCII. */
static bool write_urls(struct buffer *out, const char *urls, bool any)
{
    struct bytes rest = bytes_text(urls);
    struct bytes url;

    while (bytes_split(&rest, ' ', &url)) {
        if (url.len > 0) {
            buffer_text(out, any ? ",\"" : "\"");
            buffer_append(out, url);
            buffer_text(out, "\"");
            any = true;
        }
    }
    return any;
}

static const char *link_text(const struct line *l)
{
    return l->open ? "open" : "none";
}

static void write_json(struct buffer *out, const struct line *l, bool first)
{
    buffer_printf(out,
                  "%s{\"node\":\"%016" PRIx64 "\",\"self\":%s,\"state\":\"%s\","
                  "\"since_ms\":%" PRIu64 ",\"address\":\"%s\",\"urls\":[",
                  first ? "" : ",",
                  l->node,
                  l->self ? "true" : "false",
                  l->state,
                  l->since_ms,
                  l->address);
    (void)write_urls(out, l->urls, false);
    buffer_text(out, "]");
    if (!l->self) {
        buffer_printf(out,
                      ",\"link\":\"%s\",\"lag_ms\":%" PRIu64
                      ",\"inflight_bytes\":%zu",
                      link_text(l),
                      l->lag_ms,
                      l->inflight_bytes);
        if (l->behind_known) {
            buffer_printf(out, ",\"behind_ms\":%" PRIu64, l->behind_ms);
        }
    }
    buffer_text(out, "}");
}

/* "12 ms", or `otherwise` when there is no such time. */
static void print_ms(bool known, uint64_t ms, const char *otherwise, char *ret)
{
    if (known) {
        (void)snprintf(ret, MS_TEXT_BYTES, "%" PRIu64 " ms", ms);
    } else {
        (void)snprintf(ret, MS_TEXT_BYTES, "%s", otherwise);
    }
}

static void write_text(struct buffer *out, const struct line *l)
{
    char lag[MS_TEXT_BYTES];
    char behind[MS_TEXT_BYTES];

    print_ms(l->open, l->lag_ms, "-", lag);
    print_ms(l->behind_known, l->behind_ms, l->self ? "-" : "?", behind);
    buffer_printf(out,
                  "%016" PRIx64 "  %-9s %7" PRIu64
                  " s  %-4s %9s  %10s  %s%s%s\n",
                  l->node,
                  l->state,
                  l->since_ms / 1000,
                  l->self ? "self" : link_text(l),
                  lag,
                  behind,
                  l->address,
                  l->urls[0] != '\0' ? "  " : "",
                  l->urls);
}

/* How much older the newest that `have` has is than ours, at most. False: of
 * some origin it has nothing, and so there is no time to tell. */
static bool find_behind(const struct vector *ours,
                        const struct vector *have,
                        uint64_t *ret_ms)
{
    *ret_ms = 0;
    for (size_t i = 0; i < ours->count; i++) {
        const struct vector_entry *e = &ours->entries[i];
        uint64_t theirs = vector_get(have, e->origin);
        uint64_t apart;

        if (e->origin == VECTOR_FLOOR || theirs >= e->sequence) {
            continue;
        }
        if (theirs == 0) {
            return false;
        }
        apart = event_sequence_ms(e->sequence) - event_sequence_ms(theirs);
        *ret_ms = apart > *ret_ms ? apart : *ret_ms;
    }
    return true;
}

static void begin(struct cluster_status *s)
{
    for (size_t i = 0; i < CLUSTER_STATUS_FORMS; i++) {
        buffer_clear(&s->forms[i]);
    }
    buffer_text(&s->forms[CLUSTER_STATUS_TEXT],
                "node              state          for  link       lag  "
                "    behind  address  urls\n");
    buffer_text(&s->forms[CLUSTER_STATUS_URLS], "{\"urls\":[");
}

static void end(struct cluster_status *s)
{
    buffer_text(&s->forms[CLUSTER_STATUS_URLS], "]}");
    buffer_text(&s->forms[CLUSTER_STATUS_JSON], "]}");
}

static void add(struct cluster_status *s,
                const struct line *l,
                bool first,
                bool *any_url)
{
    write_json(&s->forms[CLUSTER_STATUS_JSON], l, first);
    write_text(&s->forms[CLUSTER_STATUS_TEXT], l);
    if (l->reachable) {
        *any_url =
            write_urls(&s->forms[CLUSTER_STATUS_URLS], l->urls, *any_url);
    }
}

void cluster_status_write(struct cluster_status *s,
                          const struct hub *hub,
                          uint64_t now_ms)
{
    const struct membership *members = hub_membership(hub);
    uint64_t self = hub_identity(hub);
    const struct gossip_member *m;
    struct vector ours;
    bool any_url = false;

    hub_have(hub, &ours);
    pthread_mutex_lock(&s->lock);
    begin(s);
    buffer_printf(&s->forms[CLUSTER_STATUS_JSON],
                  "{\"node\":\"%016" PRIx64
                  "\",\"size\":%zu,\"reachable\":%zu,\"members\":[",
                  self,
                  membership_size(members),
                  membership_reachable(members));
    for (size_t i = 0; (m = membership_at(members, i)) != NULL; i++) {
        char address[CLUSTER_ADDRESS_TEXT_BYTES];
        struct hub_link_stat stat;
        struct line line = {.node = m->id,
                            .self = m->id == self,
                            .state = gossip_state_name(m->state),
                            .address = address,
                            .urls = m->urls};

        cluster_address_print(&m->address, address);
        hub_link_stat(hub, m->id, &stat);
        line.since_ms = now_ms - membership_since_ms(members, i);
        line.open = stat.open;
        line.lag_ms = stat.lag_ms;
        line.inflight_bytes = stat.inflight_bytes;
        line.behind_known = !line.self && stat.known &&
                            find_behind(&ours, &stat.have, &line.behind_ms);
        line.reachable = m->state == GOSSIP_ALIVE || m->state == GOSSIP_SUSPECT;
        add(s, &line, i == 0, &any_url);
    }
    end(s);
    pthread_mutex_unlock(&s->lock);
}

void cluster_status_write_alone(struct cluster_status *s,
                                uint64_t identity,
                                const char *urls)
{
    const struct line line = {.node = identity,
                              .self = true,
                              .state = "alive",
                              .address = "",
                              .urls = urls,
                              .reachable = true};
    bool any_url = false;

    pthread_mutex_lock(&s->lock);
    begin(s);
    buffer_printf(&s->forms[CLUSTER_STATUS_JSON],
                  "{\"node\":\"%016" PRIx64
                  "\",\"size\":1,\"reachable\":1,\"members\":[",
                  identity);
    add(s, &line, true, &any_url);
    end(s);
    pthread_mutex_unlock(&s->lock);
}

void cluster_status_copy(struct cluster_status *s,
                         enum cluster_status_form form,
                         struct buffer *out)
{
    pthread_mutex_lock(&s->lock);
    buffer_append(out, buffer_view(&s->forms[form]));
    pthread_mutex_unlock(&s->lock);
}

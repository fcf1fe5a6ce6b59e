/* The shards of a node, each with what src/io/shard_loop has around it: what
 * happens is told to the shard at once, what it wants done is done at the end
 * of its turn. */
#include "base/alloc.h"
#include "base/check.h"
#include "base/splitmix.h"
#include "tests/sim/cluster_pages.h"
#include "tests/sim/cluster_world.h"

#include <stdlib.h>

#define MAIL_MS_MAX 4    /* that a batch is under way */
#define PAGES_PER_TURN 4 /* of the log */

static void plan_turn(struct world *w,
                      struct world_node *n,
                      size_t shard,
                      uint64_t at_ms)
{
    struct world_shard *s = &n->shards[shard];

    if (at_ms < s->turn_ms) {
        s->turn_ms = at_ms;
        net_push(&w->queue,
                 (struct net_event){.at_ms = at_ms,
                                    .kind = NET_SHARD,
                                    .node = n->index,
                                    .run = n->run,
                                    .len = shard});
    }
}

static void plan_tick(struct world *w, struct world_node *n, size_t shard)
{
    struct world_shard *s = &n->shards[shard];
    uint64_t at_ms = world_due(w, n->index, shard_deadline_ms(s->shard));

    if (at_ms != s->tick_ms) {
        s->tick_ms = at_ms;
        if (at_ms != MOMENT_NEVER) {
            net_push(&w->queue,
                     (struct net_event){.at_ms = at_ms,
                                        .kind = NET_SHARD_TICK,
                                        .node = n->index,
                                        .run = n->run,
                                        .len = shard});
        }
    }
}

static void show_cluster(void *context,
                         enum shard_cluster_form form,
                         struct buffer *out)
{
    (void)context;
    (void)form;
    buffer_text(out, "{}");
}

static bool forget_member(void *context, uint64_t node)
{
    (void)context;
    (void)node;
    return false;
}

void world_shards_begin(struct world *w, struct world_node *n)
{
    for (size_t i = 0; i < WORLD_SHARDS; i++) {
        struct world_shard *s = &n->shards[i];
        struct log_shown shown;
        struct shard_options options = {
            .index = (uint32_t)i,
            .seed = splitmix_next(&w->random),
            .random_seed = splitmix_next(&w->random),
            .lookup = pages_lookup(&n->disk),
            .cluster = {.show = show_cluster, .forget = forget_member},
            .limits = &w->limits,
            .namespaces = &w->namespaces,
            .authority = w->authority,
            .intake = &n->intake,
            .unfinished = &n->unfinished,
            .metrics = &s->metrics,
            .clustered = true,
        };

        disk_show_now(&n->disk, &shown);
        options.last_place = shown.place;
        *s = (struct world_shard){.turn_ms = MOMENT_NEVER,
                                  .tick_ms = MOMENT_NEVER};
        s->shard = shard_new(&options);
    }
}

void world_shards_end(struct world_node *n)
{
    for (size_t i = 0; i < WORLD_SHARDS; i++) {
        struct world_shard *s = &n->shards[i];

        shard_free(s->shard);
        s->shard = NULL;
        for (size_t k = 0; k < s->mail_count; k++) {
            batch_unref(s->mail[k]);
        }
        free(s->mail);
    }
}

void world_shards_drain(struct world *w, struct world_node *n)
{
    for (size_t i = 0; i < WORLD_SHARDS; i++) {
        struct shard_input in = {.kind = SHARD_INPUT_DRAIN,
                                 .drain_ms = WORLD_DRAIN_MS / 2};

        world_shard_step(w, n, i, &in);
    }
}

void world_shard_mail(struct world *w,
                      struct world_node *n,
                      size_t shard,
                      struct batch *batch)
{
    struct world_shard *s = &n->shards[shard];

    if (s->mail_count == s->mail_capacity) {
        s->mail_capacity = 2 * s->mail_capacity + 16;
        s->mail = alloc_resize(s->mail, s->mail_capacity * sizeof(s->mail[0]));
    }
    s->mail[s->mail_count++] = batch_ref(batch);
    plan_turn(w, n, shard, w->now_ms + world_below(w, MAIL_MS_MAX));
}

void world_shard_step(struct world *w,
                      struct world_node *n,
                      size_t shard,
                      struct shard_input *in)
{
    shard_step(n->shards[shard].shard, world_moment(w, n->index), in);
    plan_turn(w, n, shard, w->now_ms);
}

void world_accept(struct world *w, struct world_node *n, struct net_socket *s)
{
    struct shard_input in = {.kind = SHARD_INPUT_OPENED, .socket = s};

    world_shard_step(w, n, s->shard, &in);
    s->client = in.client;
}

static void take_mail(struct world *w, struct world_node *n, size_t shard)
{
    struct world_shard *s = &n->shards[shard];

    for (size_t i = 0; i < s->mail_count; i++) {
        struct shard_input in = {.kind = SHARD_INPUT_BATCHES,
                                 .batches = {.list = &s->mail[i], .count = 1}};

        shard_step(s->shard, world_moment(w, n->index), &in);
        batch_unref(s->mail[i]);
    }
    s->mail_count = 0;
}

static void send_all(struct world *w, struct world_node *n, struct shard *shard)
{
    struct moment now = world_moment(w, n->index);
    struct client *client;
    struct bytes bytes;
    void *opaque;

    while (shard_next_send(shard, now, &client, &opaque, &bytes)) {
        struct net_socket *s = opaque;
        size_t room = s->bytes < s->bytes_max ? s->bytes_max - s->bytes : 0;
        size_t take = bytes.len < room ? bytes.len : room;

        check(s->client == client && s->open);
        if (take > 0) {
            check(!s->ended && !s->wants_room);
            world_write(w, s, bytes_of(bytes.data, take));
        }
        s->wants_room = take < bytes.len;
        w->blocked += s->wants_room;
        shard_sent(shard, now, client, take);
    }
}

struct paging {
    struct world *world;
    struct world_node *node;
    struct shard *shard;
};

static void step_page(void *context, struct shard_input *in)
{
    const struct paging *p = context;

    shard_step(p->shard, world_moment(p->world, p->node->index), in);
}

static bool read_pages(struct world *w,
                       struct world_node *n,
                       struct shard *shard)
{
    struct paging p = {.world = w, .node = n, .shard = shard};
    struct shard_page page;
    size_t count = 0;

    while (count < PAGES_PER_TURN && shard_next_page(shard, &page)) {
        pages_read(&n->disk, &page, step_page, &p);
        count++;
    }
    return count > 0;
}

static void close_all(struct world *w, struct shard *shard)
{
    void *opaque;
    bool half;

    while (shard_next_close(shard, &opaque, &half)) {
        struct net_socket *s = opaque;

        if (!s->ended) {
            s->ended = true;
            world_write(w, s, (struct bytes){0});
        }
        if (!half) {
            s->open = false;
            s->client = NULL;
        }
    }
}

void world_shard_turn(struct world *w, struct world_node *n, size_t shard)
{
    struct shard *core = n->shards[shard].shard;
    struct list publishes;

    take_mail(w, n, shard);
    send_all(w, n, core);
    if (read_pages(w, n, core)) {
        send_all(w, n, core);
        plan_turn(w, n, shard, w->now_ms + 1);
    }
    close_all(w, core);
    list_init(&publishes);
    shard_take_publishes(core, &publishes);
    if (!list_empty(&publishes)) {
        list_splice_back(&n->publishes, &publishes);
        world_node_plan_turn(w, n->index, w->now_ms);
    }
    plan_tick(w, n, shard);
}

void world_shard_tick(struct world *w, struct world_node *n, size_t shard)
{
    struct shard_input in = {.kind = SHARD_INPUT_TICK};

    world_shard_step(w, n, shard, &in);
}

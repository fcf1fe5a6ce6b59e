/* One subscription from the log to the present. */
#include "src/bridge/replay.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/ws_session.h"

#include <stdlib.h>

/* By how much the clocks of two nodes may differ. */
#define CLOCKS_APART_MS_MAX (UINT64_C(5) * 60 * 1000)

/* Whether what a cursor covers and we have not can be on its way: a cursor that
 * another node gave out is for what is on a disk. Our clock may have been set
 * back: what has come from the others shows theirs. */
static bool may_come(const struct shard *shard,
                     struct moment now,
                     const struct vector *have,
                     uint64_t sequence)
{
    uint64_t latest_ms = now.wall_ms;

    for (size_t i = 0; i < have->count; i++) {
        uint64_t ms = event_sequence_ms(have->entries[i].sequence);

        latest_ms = latest_ms > ms ? latest_ms : ms;
    }
    return shard->options.clustered &&
           event_sequence_ms(sequence) < latest_ms + CLOCKS_APART_MS_MAX;
}

/* What is shown when a subscription begins: that its shard may have yet to walk
 * to some of it is nobody's business. */
struct present {
    uint64_t place;
    struct vector at;
};

static enum problem place_after(const struct shard *shard,
                                struct moment now,
                                const struct present *present,
                                const struct vector *after,
                                uint64_t *ret_place)
{
    const struct shard_lookup *lookup = &shard->options.lookup;

    for (size_t i = 0; i < after->count; i++) {
        const struct vector_entry *e = &after->entries[i];

        if (!lookup->knows(lookup->context, e->origin) ||
            (e->sequence > vector_get(&present->at, e->origin) &&
             !may_come(shard, now, &present->at, e->sequence))) {
            return PROBLEM_CURSOR_UNKNOWN;
        }
    }
    *ret_place = lookup->seek(lookup->context, after);
    return PROBLEM_NONE;
}

/* Sequences begin with the clock's milliseconds: everything below the one of
 * that moment counts as seen. */
static void place_since(const struct shard *shard,
                        struct moment now,
                        const struct present *present,
                        uint64_t seconds,
                        struct replay_start *ret)
{
    const struct shard_lookup *lookup = &shard->options.lookup;
    uint64_t ms =
        seconds * 1000 < now.wall_ms ? now.wall_ms - seconds * 1000 : 0;
    struct vector low;

    ret->at = present->at;
    vector_cap(&ret->at, ms == 0 ? 0 : (ms << 16) - 1);
    lookup->low_water(lookup->context, bytes_of(NULL, 0), &low);
    vector_merge(&ret->at, &low);
    ret->place = lookup->seek(lookup->context, &ret->at);
}

static enum problem place_now(const struct present *present,
                              struct replay_start *ret)
{
    ret->place = present->place + 1;
    ret->at = present->at;
    return PROBLEM_NONE;
}

/* Whether all events of that channel or pattern can be had later. */
static bool has_history(const struct shard *shard, struct bytes name_space)
{
    const struct namespace_rules *rules =
        namespace_table_find(shard->options.namespaces, name_space);

    return rules == NULL || rules->history;
}

static bool all_have_history(const struct shard *shard,
                             const struct channel_name *patterns,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!has_history(shard, channel_name_namespace(&patterns[i]))) {
            return false;
        }
    }
    return true;
}

/* What the windows hold: where it begins, or further on where `ret` is. */
static enum problem place_kept(const struct shard *shard,
                               const struct present *present,
                               const struct channel_name *patterns,
                               size_t pattern_count,
                               struct replay_start *ret)
{
    const struct shard_lookup *lookup = &shard->options.lookup;
    uint64_t kept = lookup->kept_from(lookup->context, patterns, pattern_count);
    struct vector at;

    ret->only_kept = true;
    ret->since_place = present->place;
    if (kept <= ret->place && ret->at.count > 0) {
        return PROBLEM_NONE; /* the cursor there is known */
    }
    ret->place = kept > ret->place ? kept : ret->place;
    if (lookup->vector_at(lookup->context, ret->place - 1, &at) != 0) {
        return PROBLEM_STORAGE_READ;
    }
    vector_merge(&ret->at, &at);
    return PROBLEM_NONE;
}

enum problem replay_find(struct shard *shard,
                         struct moment now,
                         const struct channel_name *patterns,
                         size_t pattern_count,
                         const struct replay_request *request,
                         struct replay_start *ret)
{
    const struct shard_lookup *lookup = &shard->options.lookup;
    struct present present;

    present.place = lookup->vector(lookup->context, &present.at);
    *ret = (struct replay_start){.place = 1};
    if (!all_have_history(shard, patterns, pattern_count)) {
        ret->since_place = present.place;
    }
    switch (request->kind) {
    case REPLAY_NONE:
        return place_now(&present, ret);
    case REPLAY_AFTER:
        ret->at = request->after;
        return place_after(shard, now, &present, &request->after, &ret->place);
    case REPLAY_LAST:
        if (request->count == 0 || present.place == 0) {
            return place_now(&present, ret);
        }
        if (pattern_count > 1 || patterns[0].wildcard) {
            ret->last = request->count;
            ret->place = present.place;
            ret->only_kept = true;
            ret->since_place = present.place;
            lookup->low_water(lookup->context, bytes_of(NULL, 0), &ret->at);
            return PROBLEM_NONE;
        }
        ret->place = lookup->last(
            lookup->context, channel_name_view(&patterns[0]), request->count);
        if (ret->place == 0) {
            return place_now(&present, ret);
        }
        break;
    case REPLAY_SECONDS:
        place_since(shard, now, &present, request->count, ret);
        break;
    case REPLAY_ALL:
        break;
    }
    return place_kept(shard, &present, patterns, pattern_count, ret);
}

bool replay_waits(const struct replay *replay)
{
    return !replay->only_kept && replay->since_place != REPLAY_SLOW &&
           replay->since_place > replay->subscription->client->shard->place;
}

void replay_begin(struct shard *shard,
                  struct subscription *subscription,
                  const struct replay_start *start)
{
    struct replay *replay = alloc_zero(sizeof(*replay));

    list_init(&replay->node);
    list_init(&replay->wait_node);
    replay->subscription = subscription;
    replay->from_place = start->place;
    replay->since_place = start->since_place;
    replay->only_kept = start->only_kept;
    replay->at = vector_compact(&start->at);
    replay->last = start->last;
    replay->first_place = start->place + 1;
    subscription_replay(subscription, replay);
    if (replay_waits(replay)) {
        list_push_back(&shard->pages.walkless, &replay->wait_node);
    } else {
        list_push_back(&subscription->client->replays, &replay->node);
    }
    shard_count(shard, replays_begun, 1);
    replay_offer(subscription->client);
}

/* Whether there is something for the subscription that cannot be had later. */
static bool lacks_history(const struct shard *shard,
                          const struct subscription *s)
{
    for (size_t i = 0; i < s->link_count; i++) {
        struct bytes rest = bytes_from(s->links[i].topic->node.key, 1);
        struct bytes name_space;

        if (bytes_split(&rest, '/', &name_space) &&
            !has_history(shard, name_space)) {
            return true;
        }
    }
    return false;
}

void replay_begin_at(struct shard *shard,
                     struct subscription *subscription,
                     const struct event *event)
{
    struct replay_start start = {.place = event->place, .at = shard->vector};

    (void)vector_set(&start.at, event->origin, shard->sequence_before);
    if (subscription->format != SUBSCRIPTION_PLAIN &&
        subscription->format != SUBSCRIPTION_HISTORY &&
        lacks_history(shard, subscription)) {
        start.since_place = REPLAY_SLOW;
    }
    replay_begin(shard, subscription, &start);
}

void replay_end(struct replay *replay)
{
    struct shard *shard = replay->subscription->client->shard;

    list_remove(&replay->wait_node);
    list_remove(&replay->node);
    list_push_back(&shard->ended_replays, &replay->node);
    replay->subscription->replay = NULL;
}

void replay_free(struct replay *replay)
{
    free(replay->at);
    free(replay);
}

void replay_offer(struct client *client)
{
    struct replay *replay;

    if (list_empty(&client->replays) || !client_takes_page(client)) {
        return;
    }
    replay = list_entry(client->replays.next, struct replay, node);
    if (list_empty(&replay->wait_node)) {
        replay_page_want(client->shard, replay);
    }
}

static void go_live(struct replay *replay)
{
    struct subscription *s = replay->subscription;

    subscription_replay(s, NULL);
    s->after_place = s->client->shard->place;
    replay_end(replay);
}

/* Its client's next replay has the next page. One whose cursor was got at
 * another shard may cover events that this one has yet to walk to, which would
 * come again if it were live: it waits for them, and is not its client's next
 * meanwhile. */
static void go_on(struct replay *replay, const struct replay_page *page)
{
    struct client *client = replay->subscription->client;
    struct shard *shard = client->shard;

    replay->from_place = page->next_place;
    free(replay->at);
    replay->at = vector_compact(&page->at);
    replay->last = page->last;
    replay->first_place = page->first_place;
    list_remove(&replay->node);
    if (!page->back && replay->from_place > shard->place) {
        list_push_back(&shard->pages.walkless, &replay->wait_node);
    } else {
        list_push_back(&client->replays, &replay->node);
    }
}

/* A page that is full, or has come to the end, is answered, also when its
 * cursor covers what has yet to come here; one that waits does so live, or
 * until that has come. Returns whether the subscription is still there. */
static bool end_history_page(struct replay *replay,
                             const struct replay_page *page,
                             bool at_end,
                             struct moment now)
{
    struct client *client = replay->subscription->client;
    struct vector at = page->at;

    if (at_end && history_wants(client)) {
        vector_merge(&at, &client->shard->vector);
    }
    history_page_end(client, now, &at, at_end);
    return client->state == CLIENT_HISTORY;
}

void replay_give(struct replay *replay,
                 const struct replay_page *page,
                 bool live,
                 struct moment now)
{
    struct subscription *s = replay->subscription;
    struct client *client = s->client;
    struct shard *shard = client->shard;
    bool at_end = page->next_place > shard->place;

    if (page->back) {
        if (page->last == 0) {
            delivery_begun(shard, s, &page->at);
        }
        go_on(replay, page);
        replay_offer(client);
        return;
    }
    if (page->gapped && s->format == SUBSCRIPTION_HISTORY &&
        client->history->count > 0) {
        history_end(client, now, replay->at);
        return; /* the gap begins the next request's page */
    }
    if (page->gapped) {
        shard_count(shard, gaps, 1);
        delivery_gap(shard, s, now, &page->gap);
    }
    if (client->state == CLIENT_CLOSING) {
        return; /* its subscriptions leave with it */
    }
    delivery_page_give(shard, s, page->mark);
    if (s->format == SUBSCRIPTION_HISTORY && history_lags(client)) {
        live = at_end = false;
    }
    if (s->format == SUBSCRIPTION_HISTORY &&
        !end_history_page(replay, page, at_end, now)) {
        return;
    }
    if (live) {
        go_live(replay);
    } else {
        go_on(replay, page);
    }
    replay_offer(client);
}

void replay_fail(struct replay *replay, struct moment now)
{
    struct client *client = replay->subscription->client;

    if (client->state == CLIENT_HISTORY) {
        history_fail(client, now, PROBLEM_STORAGE_READ);
    } else {
        ws_session_close(client, now, 1011, "the log cannot be read");
    }
}

/* One subscription from the log to the present. */
#include "src/bridge/replay.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/bridge/catchup.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/ws_session.h"

#include <stdlib.h>

static struct replay *first_replay(const struct client *client)
{
    check(!list_empty(&client->replays));
    return list_entry(client->replays.next, struct replay, node);
}

static enum problem place_after(struct shard *shard,
                                const struct vector *after,
                                uint64_t *ret_place)
{
    const struct shard_lookup *lookup = &shard->options.lookup;
    struct vector have;

    /* A cursor is given out for what is on disk, so the log has it. */
    lookup->vector(lookup->context, &have);
    for (size_t i = 0; i < after->count; i++) {
        if (!vector_knows(&have, after->entries[i].origin)) {
            return PROBLEM_CURSOR_UNKNOWN;
        }
    }
    if (!vector_covers(&have, after)) {
        return PROBLEM_CURSOR_UNKNOWN;
    }
    *ret_place = lookup->seek(lookup->context, after);
    return PROBLEM_NONE;
}

/* Sequences begin with the clock's milliseconds: everything below the one of
 * that moment counts as seen. */
static void place_since(struct shard *shard,
                        struct moment now,
                        uint64_t seconds,
                        struct replay_start *ret)
{
    const struct shard_lookup *lookup = &shard->options.lookup;
    uint64_t ms =
        seconds * 1000 < now.wall_ms ? now.wall_ms - seconds * 1000 : 0;
    uint64_t before = ms == 0 ? 0 : (ms << 16) - 1;
    struct vector low;

    lookup->vector(lookup->context, &ret->at);
    for (size_t i = 0; i < ret->at.count; i++) {
        if (ret->at.entries[i].sequence > before) {
            ret->at.entries[i].sequence = before;
        }
    }
    lookup->low_water(lookup->context, &low);
    vector_merge(&ret->at, &low);
    ret->place = lookup->seek(lookup->context, &ret->at);
}

enum problem replay_find(struct shard *shard,
                         struct moment now,
                         const struct channel_name *patterns,
                         size_t pattern_count,
                         const struct replay_request *request,
                         struct replay_start *ret)
{
    const struct shard_lookup *lookup = &shard->options.lookup;

    switch (request->kind) {
    case REPLAY_NONE:
        ret->place = shard->place + 1;
        ret->at = shard->vector;
        return PROBLEM_NONE;
    case REPLAY_AFTER:
        ret->at = request->after;
        return place_after(shard, &request->after, &ret->place);
    case REPLAY_LAST:
        ret->place = lookup->last(
            lookup->context, patterns, pattern_count, request->count);
        break;
    case REPLAY_SECONDS:
        place_since(shard, now, request->count, ret);
        return PROBLEM_NONE;
    case REPLAY_ALL:
        ret->place = 1;
        break;
    }
    return lookup->vector_at(lookup->context, ret->place - 1, &ret->at) == 0
               ? PROBLEM_NONE
               : PROBLEM_STORAGE_READ;
}

void replay_begin(struct shard *shard,
                  struct subscription *subscription,
                  const struct replay_start *start)
{
    struct replay *replay = alloc_zero(sizeof(*replay));

    check(subscription->replay == NULL);
    replay->subscription = subscription;
    replay->from_place = start->place;
    replay->at = start->at;
    subscription->replay = replay;
    list_push_back(&subscription->client->replays, &replay->node);
    shard_count(shard, replays_begun, 1);
    catchup_offer(shard, subscription->client);
}

void replay_free(struct replay *replay)
{
    if (replay != NULL) {
        list_remove(&replay->node);
        free(replay);
    }
}

/* Tell of everything up to `to`, which goes into what the replay has seen. */
static void tell_gap(struct shard *shard,
                     struct replay *replay,
                     struct moment now,
                     const struct vector *to,
                     const char *reason)
{
    struct subscription *s = replay->subscription;
    struct answer_gap gap = {.reason = reason, .from = replay->at};

    vector_merge(&replay->at, to);
    gap.to = replay->at;
    shard_count(shard, gaps, 1);
    delivery_gap(shard, s, now, &gap);
}

void replay_page(struct shard *shard,
                 struct client *client,
                 struct moment now,
                 struct shard_page *ret)
{
    const struct shard_lookup *lookup = &shard->options.lookup;
    struct replay *replay = first_replay(client);
    struct vector low;

    /* The log is asked for its low-water marks before it is read: what goes
     * while it is read is noticed at the end of the page. */
    lookup->low_water(lookup->context, &low);
    if (!vector_covers(&replay->at, &low)) {
        tell_gap(shard, replay, now, &low, "retention");
    }
    replay->before = replay->at;
    client->page_out_len = client->out.len;
    ret->client = client;
    ret->from = replay->from_place;
    ret->channel = subscription_channel(replay->subscription);
}

/* The record comes after others of its origin that were never given. */
static void notice_hole(struct shard *shard,
                        struct replay *replay,
                        struct moment now,
                        const struct shard_input *in)
{
    struct vector to = {0};

    (void)vector_raise(&to, in->record.origin, in->record.predecessor);
    if (!vector_covers(&replay->at, &to)) {
        tell_gap(shard, replay, now, &to, "corrupt");
    }
}

void replay_record(struct shard *shard,
                   struct client *client,
                   struct moment now,
                   const struct shard_input *in)
{
    struct replay *replay = first_replay(client);
    struct subscription *s = replay->subscription;
    bool scan = subscription_channel(s).len == 0;

    check(in->record.place >= replay->from_place);
    if (in->record.place > shard->place) {
        return; /* comes live */
    }
    shard_count(shard, replay_records, 1);
    replay->from_place = in->record.place + 1;
    if (vector_get(&replay->at, in->record.origin) >= in->record.sequence) {
        return; /* what the cursor covers */
    }
    if (scan) {
        notice_hole(shard, replay, now, in);
    }
    (void)vector_raise(&replay->at, in->record.origin, in->record.sequence);
    if (client->state != CLIENT_CLOSING) {
        delivery_replay(shard, s, &replay->at, in);
    }
}

bool replay_wants(const struct client *client)
{
    if (client->state == CLIENT_HISTORY && !history_wants(client)) {
        return false;
    }
    return client->state != CLIENT_CLOSING &&
           first_replay(client)->from_place <= client->shard->place &&
           client->out.len <= client->shard->options.limits->send_buffer_max;
}

static void go_live(struct shard *shard, struct replay *replay)
{
    replay->subscription->replay = NULL;
    replay->subscription->after_place = shard->place;
    replay_free(replay);
}

/* Whether all that was given, and no more, is what the shard has walked to. A
 * cursor that was got at another shard may cover events that this one has yet
 * to walk to, which would then come again. */
static bool meets_present(const struct shard *shard,
                          const struct replay *replay,
                          uint64_t covered_place)
{
    return covered_place >= shard->place &&
           vector_covers(&shard->vector, &replay->at);
}

/* What is behind the shard's place was passed over, to come live. */
static void move_on(const struct shard *shard,
                    struct replay *replay,
                    uint64_t covered_place)
{
    if (covered_place > shard->place) {
        covered_place = shard->place;
    }
    if (covered_place >= replay->from_place) {
        replay->from_place = covered_place + 1;
    }
}

/* A page that is full, or has come to the end, is answered; one that waits is
 * live meanwhile. */
static void end_history_page(struct shard *shard,
                             struct client *client,
                             struct moment now,
                             uint64_t covered_place)
{
    struct replay *replay = first_replay(client);
    bool live = meets_present(shard, replay, covered_place);
    struct vector at = replay->at;

    if (live && history_wants(client)) {
        vector_merge(&at, &shard->vector);
    }
    move_on(shard, replay, covered_place);
    history_page_end(client, now, &at, live);
    if (client->state == CLIENT_HISTORY && live) {
        go_live(shard, replay);
    } else {
        catchup_offer(shard, client);
    }
}

/* Whether events that the page should hold were trimmed while it was read. */
static bool torn(struct shard *shard, const struct replay *replay)
{
    const struct shard_lookup *lookup = &shard->options.lookup;
    struct vector low;

    lookup->low_water(lookup->context, &low);
    return !vector_covers(&replay->before, &low);
}

void replay_page_end(struct shard *shard,
                     struct client *client,
                     struct moment now,
                     const struct shard_input *in)
{
    struct replay *replay;

    if (client->state == CLIENT_CLOSING || list_empty(&client->replays)) {
        return;
    }
    replay = first_replay(client);
    if (in->page.failed && client->state == CLIENT_HISTORY) {
        history_fail(client, now);
        return;
    }
    if (in->page.failed) {
        ws_session_close(client, now, 1011, "the log cannot be read");
        return;
    }
    if (torn(shard, replay)) {
        /* What was trimmed while it was read may be missing from the page. */
        client->out.len = client->page_out_len;
        replay->at = replay->before;
        history_clear(client->history);
        replay->from_place = in->page.from;
    } else if (client->state == CLIENT_HISTORY) {
        end_history_page(shard, client, now, in->page.covered_place);
        return;
    } else if (meets_present(shard, replay, in->page.covered_place)) {
        go_live(shard, replay);
    } else {
        move_on(shard, replay, in->page.covered_place);
        list_remove(&replay->node);
        list_push_back(&client->replays, &replay->node);
    }
    if (client->out.len == 0) {
        catchup_offer(shard, client);
    }
}

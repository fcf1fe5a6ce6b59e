/* Gathering those who want a page, reading it, and giving it to them. */
#include "src/bridge/replay_page.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/bridge/replay.h"
#include "src/bridge/replay_back.h"
#include "src/bridge/replay_gap.h"
#include "src/bridge/shard_state.h"

#include <stdlib.h>

/* So much is a write worth, however short. */
#define GIVEN_BYTES_MIN 4096

/* So often a page is read again when the log is trimmed meanwhile. */
#define AGAIN_MAX 4

#define KEY_BYTES_MAX                              \
    (sizeof(struct form) + sizeof(struct vector) + \
     SUBSCRIPTION_TOPICS_BYTES_MAX)

/* What a page depends on beside its channels and the cursor. */
struct form {
    uint64_t from_place;
    uint64_t since_place;
    uint64_t only_kept;
    uint64_t format;
    uint64_t bytes_max;
    uint64_t count_max;
    uint64_t last;
    uint64_t first_place;
};

void replay_page_queue_init(struct replay_page_queue *pages, uint64_t seed)
{
    map_init(&pages->groups, seed);
    list_init(&pages->queue);
    list_init(&pages->walkless);
    buffer_init(&pages->key, KEY_BYTES_MAX);
}

static void free_group(struct replay_page_queue *pages,
                       struct replay_group *group)
{
    check(list_empty(&group->members));
    list_remove(&group->queue_node);
    map_remove(&pages->groups, &group->node);
    free(group);
}

void replay_page_queue_done(struct replay_page_queue *pages)
{
    check(list_empty(&pages->walkless));
    while (!list_empty(&pages->queue)) {
        free_group(
            pages,
            list_entry(pages->queue.next, struct replay_group, queue_node));
    }
    map_done(&pages->groups);
    buffer_done(&pages->key);
}

static struct form form_of(const struct shard *shard,
                           const struct replay *replay)
{
    const struct subscription *s = replay->subscription;
    size_t bytes_max = shard->options.limits->send_buffer_max;
    struct form form = {
        .from_place = replay->from_place,
        .since_place = replay->since_place,
        .only_kept = replay->only_kept,
        .format = s->format,
        .bytes_max = bytes_max < REPLAY_PAGE_BYTES_MAX ? bytes_max
                                                       : REPLAY_PAGE_BYTES_MAX,
        .count_max = UINT64_MAX,
        .last = replay->last,
        .first_place = replay->last > 0 ? replay->first_place : 0,
    };

    if (s->format == SUBSCRIPTION_HISTORY) {
        history_room(s->client, &form.bytes_max, &form.count_max);
    }
    return form;
}

static struct bytes key_of(struct shard *shard, const struct replay *replay)
{
    struct buffer *key = &shard->pages.key;
    const struct form form = form_of(shard, replay);

    buffer_clear(key);
    buffer_append(key, bytes_of(&form, sizeof(form)));
    buffer_append(key, bytes_of(replay->at, vector_bytes(replay->at)));
    subscription_print_topics(replay->subscription, key);
    check(!key->overflowed);
    return buffer_view(key);
}

static struct replay_group *new_group(struct replay_page_queue *pages,
                                      struct bytes key)
{
    struct replay_group *group = alloc_raw(sizeof(*group) + key.len);

    group->again_count = 0;
    memcpy(group->key, key.data, key.len);
    list_init(&group->members);
    list_push_back(&pages->queue, &group->queue_node);
    map_insert(&pages->groups, &group->node, bytes_of(group->key, key.len));
    return group;
}

void replay_page_want(struct shard *shard, struct replay *replay)
{
    struct replay_page_queue *pages = &shard->pages;
    struct bytes key = key_of(shard, replay);
    struct map_node *node = map_find(&pages->groups, key);
    struct replay_group *group =
        node != NULL ? map_entry(node, struct replay_group, node)
                     : new_group(pages, key);

    check(list_empty(&replay->wait_node));
    list_push_back(&group->members, &replay->wait_node);
}

void replay_page_walked(struct shard *shard)
{
    struct list waited;
    struct list *node;

    list_init(&waited);
    list_splice_back(&waited, &shard->pages.walkless);
    while ((node = list_pop_front(&waited)) != NULL) {
        struct replay *replay = list_entry(node, struct replay, wait_node);
        struct client *client = replay->subscription->client;

        if (replay_waits(replay)) {
            list_push_back(&shard->pages.walkless, node);
        } else {
            list_push_back(&client->replays, &replay->node);
            replay_offer(client);
        }
    }
}

/* The first that can take a page; others are left out: they leave, or have
 * output again and are offered a page when that is out. */
static struct replay *first_member(struct replay_group *group)
{
    while (!list_empty(&group->members)) {
        struct list *node = group->members.next;
        struct replay *replay = list_entry(node, struct replay, wait_node);

        if (client_takes_page(replay->subscription->client)) {
            return replay;
        }
        list_remove(node);
    }
    return NULL;
}

static void begin(struct shard *shard,
                  struct replay_page *page,
                  struct replay_group *group,
                  struct replay *leader)
{
    const struct form form = form_of(shard, leader);

    page->group = group;
    page->leader = leader;
    page->next_place = leader->from_place;
    vector_copy(&page->at, leader->at);
    page->mark = delivery_mark(&shard->deliveries);
    page->bytes = 0;
    page->bytes_max = form.bytes_max;
    page->count = 0;
    page->count_max = form.count_max;
    page->back = form.last > 0;
    page->last = form.last;
    page->first_place = form.first_place;
    page->gapped = false;
    page->ended = false;
    page->corrupt = false;
    if (!page->back) {
        replay_gap_begin(shard, page);
    }
    vector_copy(&page->begin, &page->at);
}

bool replay_page_next(struct shard *shard, struct shard_page *ret)
{
    struct replay_page_queue *pages = &shard->pages;
    struct replay_page *page = &pages->page;

    check(page->group == NULL);
    while (!list_empty(&pages->queue)) {
        struct replay_group *group =
            list_entry(pages->queue.next, struct replay_group, queue_node);
        struct replay *leader = first_member(group);

        if (leader == NULL) {
            free_group(pages, group);
            continue;
        }
        begin(shard, page, group, leader);
        ret->shard = shard;
        ret->from = leader->from_place;
        ret->channel = subscription_channel(leader->subscription);
        ret->back = page->back;
        ret->until = shard->place;
        ret->since = leader->since_place;
        ret->at = &page->begin;
        return true;
    }
    return false;
}

bool replay_page_wants(const struct shard *shard)
{
    const struct replay_page *page = &shard->pages.page;

    if (page->back) {
        return page->last > 0;
    }
    return !page->ended && page->next_place <= shard->place &&
           page->count < page->count_max && page->bytes <= page->bytes_max;
}

/* Whether the events that a subscriber who was slow would be given are said to
 * be missed instead: they are kept for nobody. */
static const char *reason_of(const struct replay *replay)
{
    return replay->since_place == REPLAY_SLOW ? "slow" : "retention";
}

/* What was there before a subscription that knows no gaps is not missed. */
static bool is_past(const struct replay *replay, uint64_t place)
{
    return replay->subscription->format == SUBSCRIPTION_PLAIN &&
           place <= replay->since_place;
}

void replay_page_missed(struct shard *shard, const struct shard_input *in)
{
    struct replay_page *page = &shard->pages.page;
    const struct replay *replay = page->leader;

    check(in->missed.place <= shard->place);
    if (!replay_gap_fits(page)) {
        page->ended = true;
        return;
    }
    if (is_past(replay, in->missed.place)) {
        vector_merge(&page->at, in->missed.to);
    } else {
        replay_gap_add(page, in->missed.to, reason_of(replay));
        page->gap.counted = in->missed.exact;
        page->gap.missed = in->missed.count;
    }
    page->next_place = in->missed.place + 1;
}

void replay_page_corrupt(struct shard *shard)
{
    shard->pages.page.corrupt = true;
}

/* The record comes after others of its origin that were never given, or after
 * one that cannot be read. True when the gap must wait for the next page. */
static bool hole_ends_page(struct replay_page *page,
                           const struct shard_input *in,
                           bool scan)
{
    struct vector to = {0};

    (void)vector_raise(&to, in->record.origin, in->record.predecessor);
    if (!page->corrupt && (!scan || vector_covers(&page->at, &to))) {
        return false;
    }
    if (!replay_gap_fits(page)) {
        return true;
    }
    replay_gap_add(page, &to, "corrupt");
    page->corrupt = false;
    return false;
}

enum fate {
    FATE_GIVEN,
    FATE_NOT_MISSED,
    FATE_MISSED,
};

/* What the subscription has of an event that was found by a scan. */
static enum fate fate_of(const struct replay *replay,
                         const struct shard_input *in)
{
    switch (in->record.state) {
    case SHARD_RECORD_KEPT:
        return FATE_GIVEN;
    case SHARD_RECORD_LEFT_BEFORE:
        return replay->only_kept ? FATE_NOT_MISSED : FATE_MISSED;
    case SHARD_RECORD_LEFT:
        return is_past(replay, in->record.place) ? FATE_NOT_MISSED
                                                 : FATE_MISSED;
    case SHARD_RECORD_NEVER_KEPT:
        if (replay->since_place != REPLAY_SLOW &&
            in->record.place > replay->since_place) {
            return FATE_GIVEN;
        }
        return replay->only_kept ? FATE_NOT_MISSED : FATE_MISSED;
    }
    check_unreachable();
}

/* The event joins the page's gap; false when it has to be the next page's. */
static bool add_missed(struct replay_page *page, const struct shard_input *in)
{
    const char *reason = in->record.state == SHARD_RECORD_NEVER_KEPT
                             ? reason_of(page->leader)
                             : "retention";

    if (page->count > 0 ||
        (page->gapped && strcmp(page->gap.reason, reason) != 0)) {
        return false;
    }
    if (!page->gapped) {
        struct vector none = {0};

        replay_gap_add(page, &none, reason);
        page->gap.counted = true;
    }
    page->gap.missed++;
    (void)vector_raise(&page->at, in->record.origin, in->record.sequence);
    page->gap.to = page->at;
    return true;
}

/* Of what left the log it is not known how much is for the subscription. */
static bool add_gone(struct replay_page *page, const struct shard_input *in)
{
    bool added = add_missed(page, in);

    page->gap.counted = page->gap.counted && !added;
    return added;
}

static bool is_missed(const struct shard *shard,
                      const struct subscription *s,
                      const struct shard_input *in)
{
    return in->record.gone ? subscription_in(s, in->record.channel)
                           : subscription_matches(
                                 &shard->subscriptions, s, in->record.channel);
}

/* The page has what it has, whatever the record is. */
static bool add_record(struct shard *shard,
                       struct replay_page *page,
                       const struct shard_input *in)
{
    struct subscription *s = page->leader->subscription;
    enum fate fate = fate_of(page->leader, in);
    size_t bytes = 0;

    if (fate == FATE_MISSED && is_missed(shard, s, in)) {
        return in->record.gone ? add_gone(page, in) : add_missed(page, in);
    }
    (void)vector_raise(&page->at, in->record.origin, in->record.sequence);
    if (fate == FATE_GIVEN) {
        bytes = delivery_page_add(shard, s, &page->at, in);
    }
    page->bytes += bytes;
    page->count += bytes > 0;
    return true;
}

void replay_page_record(struct shard *shard, const struct shard_input *in)
{
    struct replay_page *page = &shard->pages.page;
    bool scan = subscription_channel(page->leader->subscription).len == 0;

    if (page->back) {
        replay_back_record(shard, page, in);
        return;
    }
    check(in->record.place >= page->next_place);
    if (in->record.place > shard->place) {
        page->next_place = shard->place + 1; /* it comes live */
        page->ended = true;
        return;
    }
    if (vector_get(&page->at, in->record.origin) >= in->record.sequence) {
        page->corrupt = false; /* what was corrupt was covered as well */
    } else if (hole_ends_page(page, in, scan) || !add_record(shard, page, in)) {
        page->ended = true;
        return;
    }
    shard_count(shard, replay_records, 1);
    page->next_place = in->record.place + 1;
}

/* What is behind the shard's place was passed over, to come live; a page that
 * ended itself knows best where. */
static void move_on(const struct shard *shard,
                    struct replay_page *page,
                    uint64_t covered_place)
{
    if (covered_place > shard->place) {
        covered_place = shard->place;
    }
    if (!page->ended && covered_place >= page->next_place) {
        page->next_place = covered_place + 1;
    }
}

static void fail(struct replay_page *page, struct moment now)
{
    struct list *node;

    while ((node = list_pop_front(&page->group->members)) != NULL) {
        replay_fail(list_entry(node, struct replay, wait_node), now);
    }
}

/* As many members as may be given it now; returns the bytes. */
static size_t give(struct shard *shard,
                   struct replay_page *page,
                   struct moment now)
{
    bool live = page->next_place > shard->place &&
                vector_covers(&shard->vector, &page->at);
    size_t given = 0;

    do {
        struct replay *replay = first_member(page->group);

        if (replay == NULL) {
            break;
        }
        list_remove(&replay->wait_node);
        given += page->bytes > GIVEN_BYTES_MIN ? page->bytes : GIVEN_BYTES_MIN;
        replay_give(replay, page, live, now);
    } while (given < REPLAY_PAGE_GIVEN_BYTES_MAX);
    return given;
}

/* Whether some of what it was to have left the log meanwhile, and it is read
 * again rather than given: its gap is then told as one. */
static bool again(struct shard *shard, struct replay_page *page)
{
    if (!replay_gap_trimmed(shard, page)) {
        page->group->again_count = 0;
        return false;
    }
    return page->group->again_count++ < AGAIN_MAX;
}

void replay_page_end(struct shard *shard,
                     struct moment now,
                     struct shard_input *in)
{
    struct replay_page_queue *pages = &shard->pages;
    struct replay_page *page = &pages->page;
    struct replay_group *group = page->group;

    check(group != NULL);
    shard_count(shard, replay_pages, 1);
    in->page.given_bytes = 0;
    if (in->page.failed ||
        (page->back && !replay_back_end(shard, page, in->page.covered_place))) {
        fail(page, now);
    } else if (page->back) {
        in->page.given_bytes = give(shard, page, now);
    } else {
        replay_gap_corrupt(shard, page, in->page.covered_place);
        if (!again(shard, page)) {
            move_on(shard, page, in->page.covered_place);
            replay_gap_tail(shard, page);
            in->page.given_bytes = give(shard, page, now);
        }
    }
    delivery_truncate(&shard->deliveries, page->mark);
    page->group = NULL;
    if (list_empty(&group->members)) {
        free_group(pages, group);
    } else {
        list_remove(&group->queue_node);
        list_push_back(&pages->queue, &group->queue_node);
    }
}

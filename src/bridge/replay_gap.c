/* A gap that does not fit is left to the next page, which begins with it. */
#include "src/bridge/replay_gap.h"

#include "src/bridge/replay.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/subscription.h"

void replay_gap_add(struct replay_page *page,
                    const struct vector *to,
                    const char *reason)
{
    page->gapped = true;
    page->gap = (struct answer_gap){.reason = reason, .from = page->at};
    vector_merge(&page->at, to);
    page->gap.to = page->at;
}

bool replay_gap_fits(const struct replay_page *page)
{
    return !page->gapped && page->count == 0;
}

/* Told by a page of its own. */
void replay_gap_corrupt(struct shard *shard,
                        struct replay_page *page,
                        uint64_t covered_place)
{
    const struct shard_lookup *lookup = &shard->options.lookup;
    struct vector to = shard->vector;

    if (!page->corrupt || page->ended) {
        return;
    }
    if (!replay_gap_fits(page)) {
        page->ended = true;
        return;
    }
    if (covered_place < shard->place &&
        lookup->vector_at(lookup->context, covered_place, &to) != 0) {
        to = page->at;
    }
    replay_gap_add(page, &to, "corrupt");
}

/* A scan has been given every event up to the present, and none after its
 * origin's last shows that this one was missing: its cursor shows it, told by a
 * page of its own, which reads the last place again. */
void replay_gap_tail(const struct shard *shard, struct replay_page *page)
{
    bool scan = subscription_channel(page->leader->subscription).len == 0;

    if (!scan || page->ended || page->next_place <= shard->place ||
        vector_covers(&page->at, &shard->vector)) {
        return;
    }
    if (replay_gap_fits(page)) {
        replay_gap_add(page, &shard->vector, "corrupt");
    } else {
        page->next_place = shard->place;
    }
}

static bool gone(const struct shard *shard,
                 const struct replay_page *page,
                 const struct vector *after)
{
    const struct shard_lookup *lookup = &shard->options.lookup;

    return lookup->gone(lookup->context,
                        subscription_channel(page->leader->subscription),
                        after);
}

static void add_gone(const struct shard *shard, struct replay_page *page)
{
    const struct shard_lookup *lookup = &shard->options.lookup;
    struct vector low;

    lookup->low_water(lookup->context,
                      subscription_channel(page->leader->subscription),
                      &low);
    replay_gap_add(page, &low, "retention");
}

void replay_gap_begin(const struct shard *shard, struct replay_page *page)
{
    if (gone(shard, page, &page->at)) {
        add_gone(shard, page);
    }
}

/* The log is asked for its low-water marks once more when it was read. What has
 * gone while it was may be missing from the page. */
bool replay_gap_trimmed(struct shard *shard, struct replay_page *page)
{
    if (!gone(shard, page, &page->begin)) {
        return false;
    }
    delivery_truncate(&shard->deliveries, page->mark);
    page->count = 0;
    page->bytes = 0;
    page->next_place = page->leader->from_place;
    page->ended = true;
    vector_copy(&page->at, page->leader->at);
    add_gone(shard, page);
    return true;
}

/* Backwards, only places are found; the events are given on the way forward. */
#include "src/bridge/replay_back.h"

#include "base/check.h"
#include "src/bridge/replay.h"
#include "src/bridge/replay_page.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/subscription.h"

void replay_back_record(struct shard *shard,
                        struct replay_page *page,
                        const struct shard_input *in)
{
    check(in->record.place <= page->next_place);
    page->next_place = in->record.place - 1;
    if (in->record.state == SHARD_RECORD_KEPT &&
        subscription_matches(&shard->subscriptions,
                             page->leader->subscription,
                             in->record.channel)) {
        page->first_place = in->record.place;
        page->last--;
    }
}

bool replay_back_end(struct shard *shard,
                     struct replay_page *page,
                     uint64_t covered_place)
{
    const struct shard_lookup *lookup = &shard->options.lookup;

    page->next_place = covered_place - 1;
    if (page->last > 0 && page->next_place > 0) {
        return true;
    }
    page->last = 0;
    page->next_place = page->first_place;
    return lookup->vector_at(
               lookup->context, page->first_place - 1, &page->at) == 0;
}

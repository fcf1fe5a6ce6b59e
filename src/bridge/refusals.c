/* Two leaky buckets an address: one leaks in seconds, one in minutes. */
#include "src/bridge/refusals.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define UNIT 1000 /* what one refusal is, so that a millisecond leaks some */
#define SLOW_LEAK_MS (60000 / REFUSALS_SLOW_AFTER) /* of one refusal */
#define SLOW_MAX (3 * REFUSALS_SLOW_AFTER) /* which takes minutes to leak */

struct refusals_entry {
    struct map_node node;
    struct list recency;
    struct refusals_address address;
    uint64_t at_ms; /* when both were so full */
    uint64_t checks;
    uint64_t slow;
};

struct refusals_address refusals_address_of(struct bytes ip)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct refusals_address ret = {.bytes = {0}};

    if (ip.len == 4) {
        memcpy(ret.bytes, mapped, sizeof(mapped));
        memcpy(ret.bytes + sizeof(mapped), ip.data, 4);
    } else if (ip.len == 16) {
        bool four = memcmp(ip.data, mapped, sizeof(mapped)) == 0;

        memcpy(ret.bytes, ip.data, four ? 16 : 8);
    }
    return ret;
}

void refusals_init(struct refusals *r, uint64_t seed)
{
    map_init(&r->map, seed);
    list_init(&r->recency);
}

static void forget_oldest(struct refusals *r)
{
    struct list *oldest = list_pop_front(&r->recency);
    struct refusals_entry *entry;

    check(oldest != NULL);
    entry = list_entry(oldest, struct refusals_entry, recency);
    map_remove(&r->map, &entry->node);
    free(entry);
}

void refusals_done(struct refusals *r)
{
    while (!list_empty(&r->recency)) {
        forget_oldest(r);
    }
    map_done(&r->map);
}

static struct refusals_entry *find(const struct refusals *r,
                                   const struct refusals_address *address)
{
    struct map_node *node =
        map_find(&r->map, bytes_of(address->bytes, sizeof(address->bytes)));

    return node == NULL ? NULL : map_entry(node, struct refusals_entry, node);
}

static uint64_t leaked(uint64_t level, uint64_t leak)
{
    return level > leak ? level - leak : 0;
}

static uint64_t checks_now(const struct refusals_entry *e, struct moment now)
{
    return leaked(e->checks, (now.mono_ms - e->at_ms) * REFUSALS_PER_S);
}

static uint64_t slow_now(const struct refusals_entry *e, struct moment now)
{
    return leaked(e->slow, (now.mono_ms - e->at_ms) * UNIT / SLOW_LEAK_MS);
}

static struct refusals_entry *make(struct refusals *r,
                                   const struct refusals_address *address)
{
    struct refusals_entry *e;

    if (r->map.count == REFUSALS_ADDRESSES_MAX) {
        forget_oldest(r);
    }
    e = alloc_zero(sizeof(*e));
    e->address = *address;
    map_insert(&r->map,
               &e->node,
               bytes_of(e->address.bytes, sizeof(e->address.bytes)));
    list_push_back(&r->recency, &e->recency);
    return e;
}

void refusals_add(struct refusals *r,
                  const struct refusals_address *address,
                  struct moment now)
{
    struct refusals_entry *e = find(r, address);

    if (e == NULL) {
        e = make(r, address);
    }
    e->checks = checks_now(e, now) + UNIT;
    e->slow = slow_now(e, now) + UNIT;
    if (e->slow > SLOW_MAX * UNIT) {
        e->slow = SLOW_MAX * UNIT;
    }
    e->at_ms = now.mono_ms;
    list_remove(&e->recency);
    list_push_back(&r->recency, &e->recency);
}

bool refusals_allow(const struct refusals *r,
                    const struct refusals_address *address,
                    struct moment now)
{
    const struct refusals_entry *e = find(r, address);

    return e == NULL || checks_now(e, now) + UNIT <= REFUSALS_MAX * UNIT;
}

bool refusals_slow(const struct refusals *r,
                   const struct refusals_address *address,
                   struct moment now)
{
    const struct refusals_entry *e = find(r, address);

    return e != NULL && slow_now(e, now) > REFUSALS_SLOW_AFTER * UNIT;
}

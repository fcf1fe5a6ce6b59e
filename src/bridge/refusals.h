/* What bad keys cost whoever sends them: counted by address, as those who send
 * many have many connections; each shard counts what comes to it. A key is bad
 * here when it names an issuer that we believe and was not signed by it;
 * finding that out costs 35 us, and every byte of it can be made up.
 *
 * Behind a proxy all clients have one address, so the limits are wide, and bear
 * on keys that have not been checked before only: a key that was found good
 * once is never asked about here. */
#ifndef BRIDGE_REFUSALS_H
#define BRIDGE_REFUSALS_H

#include "base/list.h"
#include "base/map.h"
#include "base/moment.h"

#define REFUSALS_ADDRESSES_MAX 4096 /* the one seen least lately makes room */
#define REFUSALS_SLOW_AFTER 200     /* in a minute: answers are held back */
#define REFUSALS_MAX 1000           /* at once: then no more are checked, */
#define REFUSALS_PER_S 100          /* but so many a second */

/* An IPv4 address, or the network of an IPv6 address (/64): whoever has one
 * address of that has all. All zeros: none is known. */
struct refusals_address {
    uint8_t bytes[16];
};

struct refusals {
    struct map map;
    struct list recency; /* the least recently refused is first */
};

/* Of the 4 or 16 bytes of an IP address. */
struct refusals_address refusals_address_of(struct bytes ip);

void refusals_init(struct refusals *r, uint64_t seed);
void refusals_done(struct refusals *r);

/* A key from there was checked, and was bad. */
void refusals_add(struct refusals *r,
                  const struct refusals_address *address,
                  struct moment now);

/* Whether another key from there may be checked. */
bool refusals_allow(const struct refusals *r,
                    const struct refusals_address *address,
                    struct moment now);

/* Whether there were so many that answers are held back. */
bool refusals_slow(const struct refusals *r,
                   const struct refusals_address *address,
                   struct moment now);

#endif

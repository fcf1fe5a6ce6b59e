/* What a key allowed, for as long as the key does: every open connection and
 * every subscription holds the lease of the key that it was begun with. When
 * that key ends, so does all that holds its lease.
 *
 * A shard has a lease for each key of which it holds something; who knows the
 * issuer and the id of a key finds all that was begun with it. Private to
 * src/bridge. */
#ifndef BRIDGE_LEASE_H
#define BRIDGE_LEASE_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/moment.h"
#include "proto/api_key.h"

struct lease;

/* One that holds a lease, or none; part of a client or a subscription. */
struct lease_holder {
    struct list node;
    struct lease *lease; /* NULL: none */
};

enum lease_kind {
    LEASE_CLIENT,       /* the holder is client.lease */
    LEASE_SUBSCRIPTION, /* the holder is subscription.lease */
    LEASE_KIND_COUNT,
};

struct lease_table {
    struct map leases; /* by issuer, end and id */
    struct heap ends;  /* of those that end */
};

void lease_table_init(struct lease_table *t, uint64_t seed);
void lease_table_done(struct lease_table *t); /* nobody holds any more */

void lease_holder_init(struct lease_holder *h);

/* Hold the lease of `key`, and no other any more. */
void lease_hold(struct lease_table *t,
                struct lease_holder *h,
                enum lease_kind kind,
                const struct api_key *key);
void lease_release(struct lease_table *t, struct lease_holder *h);

/* The second, of Unix time, with which the holder's key ends; UINT64_MAX: with
 * none. */
uint64_t lease_end_s(const struct lease_holder *h);

/* When the next ends, in milliseconds of wall time; MOMENT_NEVER. */
uint64_t lease_next_ms(const struct lease_table *t);

/* One that holds what has ended, clients before subscriptions, and holds it no
 * more; NULL: nobody does. */
struct lease_holder *lease_take_ended(struct lease_table *t,
                                      struct moment now,
                                      enum lease_kind *ret_kind);

#endif

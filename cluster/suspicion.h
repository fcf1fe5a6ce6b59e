/* How long a suspect has to clear itself (Lifeguard, IV.B): the less, the more
 * members say of themselves that they do not reach it. */
#ifndef CLUSTER_SUSPICION_H
#define CLUSTER_SUSPICION_H

#include "proto/gossip.h"

struct suspicion_rule {
    uint64_t interval_ms;   /* SWIM's protocol period */
    unsigned factor;        /* Lifeguard's alpha */
    unsigned max_factor;    /* Lifeguard's beta */
    unsigned confirmations; /* Lifeguard's K */
};

/* From the least, alpha log10(size) periods, with K confirmations, to beta
 * times that with none; between them falling with the logarithm. `size`: the
 * members alive. Where too few are left to confirm, fewer are waited for. */
uint64_t suspicion_timeout_ms(const struct suspicion_rule *rule,
                              size_t size,
                              size_t accusers);

/* Have the accusers of `heard` as well; whether one of them is new. Those over
 * GOSSIP_ACCUSERS_MAX do not matter: K is reached. */
bool suspicion_accuse(struct gossip_member *suspect,
                      const uint64_t *accusers,
                      size_t count);

/* 1,000 times the logarithm to the base 10, rounded; of 0: 0. */
unsigned suspicion_log10_milli(uint64_t value);

#endif

/* Whole numbers only: all nodes, and the same node again in the simulator, come
 * to the same millisecond. */
#include "cluster/suspicion.h"

#include "base/check.h"

/* log2 by squaring: each step gives one more binary digit. */
#define FRACTION_BITS 16

unsigned suspicion_log10_milli(uint64_t value)
{
    unsigned whole = 0;
    uint64_t log2_fixed;
    uint64_t x;

    if (value == 0) {
        return 0;
    }
    while (value >> whole > 1) {
        whole++;
    }
    /* x is in [1, 2), with 31 bits behind the point. */
    x = whole > 31 ? value >> (whole - 31) : value << (31 - whole);
    log2_fixed = (uint64_t)whole << FRACTION_BITS;
    for (unsigned bit = FRACTION_BITS; bit-- > 0;) {
        x = x * x >> 31;
        if (x >= UINT64_C(1) << 32) {
            x >>= 1;
            log2_fixed |= UINT64_C(1) << bit;
        }
    }
    /* log10(2) = 0.30103 */
    return (
        unsigned)((log2_fixed * 30103 / 100 + (1u << (FRACTION_BITS - 1))) >>
                  FRACTION_BITS);
}

uint64_t suspicion_timeout_ms(const struct suspicion_rule *rule,
                              size_t size,
                              size_t accusers)
{
    unsigned nodes = suspicion_log10_milli(size);
    uint64_t least =
        rule->factor * rule->interval_ms * (nodes > 1000 ? nodes : 1000) / 1000;
    uint64_t most = rule->max_factor * least;
    size_t others = size > 2 ? size - 2 : 0; /* but for us and the suspect */
    size_t wanted = rule->confirmations < others ? rule->confirmations : others;
    size_t confirmations = accusers > 1 ? accusers - 1 : 0;

    check(rule->max_factor >= 1);
    if (confirmations >= wanted) {
        return least;
    }
    return most - (most - least) * suspicion_log10_milli(confirmations + 1) /
                      suspicion_log10_milli(wanted + 1);
}

bool suspicion_accuse(struct gossip_member *suspect,
                      const uint64_t *accusers,
                      size_t count)
{
    bool news = false;

    for (size_t i = 0; i < count; i++) {
        bool known = false;

        for (size_t k = 0; k < suspect->accuser_count; k++) {
            known = known || suspect->accusers[k] == accusers[i];
        }
        if (!known && suspect->accuser_count < GOSSIP_ACCUSERS_MAX) {
            suspect->accusers[suspect->accuser_count++] = accusers[i];
            news = true;
        }
    }
    return news;
}

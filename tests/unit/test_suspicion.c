/* How long a suspect has: Lifeguard's formula, in whole milliseconds. */
#include "cluster/suspicion.h"
#include "tests/lib/tap.h"

static const struct suspicion_rule rule = {
    .interval_ms = 1000,
    .factor = 5,
    .max_factor = 6,
    .confirmations = 3,
};

TAP_CASE(suspicion_log10_milli_is_the_logarithm)
{
    tap_equal(suspicion_log10_milli(0), 0);
    tap_equal(suspicion_log10_milli(1), 0);
    tap_equal(suspicion_log10_milli(2), 301);
    tap_equal(suspicion_log10_milli(3), 477);
    tap_equal(suspicion_log10_milli(10), 1000);
    tap_equal(suspicion_log10_milli(100), 2000);
    tap_equal(suspicion_log10_milli(1000), 3000);
    tap_equal(suspicion_log10_milli(UINT64_C(1) << 40), 12041);
    tap_equal(suspicion_log10_milli(UINT64_MAX), 19266);
}

TAP_CASE(suspicion_timeout_is_the_longest_with_one_accuser)
{
    tap_equal(suspicion_timeout_ms(&rule, 10, 1), 30000);
    tap_equal(suspicion_timeout_ms(&rule, 100, 1), 60000);
    tap_equal(suspicion_timeout_ms(&rule, 1000, 1), 90000);
}

TAP_CASE(suspicion_timeout_falls_with_the_logarithm_of_confirmations)
{
    /* 30 - 25 log(C + 1) / log(K + 1) */
    tap_equal(suspicion_timeout_ms(&rule, 10, 2), 17500);
    tap_equal(suspicion_timeout_ms(&rule, 10, 3), 10192);
}

TAP_CASE(suspicion_timeout_is_the_least_with_all_confirmations)
{
    tap_equal(suspicion_timeout_ms(&rule, 10, 4), 5000);
    tap_equal(suspicion_timeout_ms(&rule, 10, 99), 5000);
    tap_equal(suspicion_timeout_ms(&rule, 100, 4), 10000);
}

TAP_CASE(suspicion_timeout_waits_for_no_more_than_there_are)
{
    tap_equal(suspicion_timeout_ms(&rule, 2, 1), 5000);
    tap_equal(suspicion_timeout_ms(&rule, 3, 1), 30000);
    tap_equal(suspicion_timeout_ms(&rule, 3, 2), 5000);
    tap_equal(suspicion_timeout_ms(&rule, 4, 3), 5000);
}

TAP_CASE(suspicion_accuse_counts_each_accuser_once_up_to_the_most)
{
    struct gossip_member suspect = {.id = 1};
    uint64_t accusers[] = {10, 11, 10, 12, 13, 14};

    tap_check(suspicion_accuse(&suspect, accusers, 1));
    tap_check(!suspicion_accuse(&suspect, accusers, 1));
    tap_check(suspicion_accuse(&suspect, accusers, 3));
    tap_equal(suspect.accuser_count, 2);
    tap_check(suspicion_accuse(&suspect, accusers, 6));
    tap_equal(suspect.accuser_count, GOSSIP_ACCUSERS_MAX);
    tap_equal(suspect.accusers[3], 13);
    tap_check(!suspicion_accuse(&suspect, &accusers[5], 1));
}

TAP_MAIN()

/* So many are remembered, and those asked for lately stay. */
#include "src/bridge/recall.h"

#include "tests/lib/tap.h"

static const uint8_t *hash_of(unsigned number)
{
    static uint8_t hash[RECALL_HASH_BYTES];

    memset(hash, 0, sizeof(hash));
    memcpy(hash + 7, &number, sizeof(number));
    return hash;
}

TAP_CASE(what_was_added_is_there_and_nothing_else)
{
    struct recall r;

    recall_init(&r, 1, 10);
    tap_check(!recall_has(&r, hash_of(1)));
    recall_add(&r, hash_of(1));
    tap_check(recall_has(&r, hash_of(1)));
    tap_check(!recall_has(&r, hash_of(2)));
    recall_done(&r);
}

TAP_CASE(the_one_asked_for_least_lately_makes_room)
{
    struct recall r;

    recall_init(&r, 1, 3);
    for (unsigned i = 1; i <= 3; i++) {
        recall_add(&r, hash_of(i));
    }
    tap_check(recall_has(&r, hash_of(1)));
    recall_add(&r, hash_of(4));
    tap_check(recall_has(&r, hash_of(1)));
    tap_check(!recall_has(&r, hash_of(2)));
    tap_check(recall_has(&r, hash_of(3)));
    tap_check(recall_has(&r, hash_of(4)));
    tap_equal(r.map.count, 3);
    recall_done(&r);
}

TAP_MAIN()

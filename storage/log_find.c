/* Finding an event by its channel and idempotency key: a table of hashes says
 * where it may be, the record there says whether it is. So the table is small,
 * and hashes that are alike by chance do no harm. A record that is damaged
 * while the log is open leaves its entry behind until the next start: its key
 * can no longer be read. */
#include "storage/log_private.h"

#include "base/check.h"
#include "base/hash.h"

/* Places that share a hash: one, unless chance or a damaged record has it. */
#define PLACES_MAX 16

/* The key is seeded, so nobody can choose channels and keys that are alike. The
 * length in front keeps "a" on "b/c" apart from "a/b" on "c". */
static uint64_t hash_of(const struct log *log,
                        struct bytes channel,
                        struct bytes key)
{
    uint8_t text[1 + 2 * UINT8_MAX];

    check(key.len > 0 && key.len <= UINT8_MAX);
    check(channel.len > 0 && channel.len <= UINT8_MAX);
    text[0] = (uint8_t)key.len;
    memcpy(text + 1, key.data, key.len);
    memcpy(text + 1 + key.len, channel.data, channel.len);
    return hash_seeded(bytes_of(text, 1 + key.len + channel.len),
                       log->key_seed);
}

void log_find_add(struct log *log,
                  struct bytes channel,
                  struct bytes key,
                  uint64_t place)
{
    if (key.len > 0 && !log->read_only) {
        key_table_add(&log->keys, hash_of(log, channel, key), place);
    }
}

void log_find_forget(struct log *log,
                     struct bytes channel,
                     struct bytes key,
                     uint64_t place)
{
    if (key.len > 0) {
        key_table_remove(&log->keys, hash_of(log, channel, key), place);
    }
}

struct search {
    struct bytes channel;
    struct bytes key;
    uint64_t place; /* of the first that has both; 0: none yet */
    uint64_t origin;
    uint64_t sequence;
};

static bool compare(uint64_t place, const struct record *record, void *context)
{
    struct search *search = context;

    if (bytes_equal(record->key, search->key) &&
        bytes_equal(record->channel, search->channel) &&
        (search->place == 0 || place < search->place)) {
        search->place = place;
        search->origin = record->origin;
        search->sequence = record->sequence;
    }
    return true;
}

int log_find_key(struct log *log,
                 struct bytes channel,
                 struct bytes key,
                 uint64_t *ret_origin,
                 uint64_t *ret_sequence,
                 struct why *why)
{
    struct search search = {.channel = channel, .key = key};
    uint64_t places[PLACES_MAX];
    size_t count = key_table_find(
        &log->keys, hash_of(log, channel, key), places, PLACES_MAX);
    int rc;

    check(!log->read_only);
    if (count == 0) {
        return RC_NOT_FOUND;
    }
    rc = log_read_places(log, places, count, compare, &search, why);
    if (rc != 0) {
        return rc;
    }
    if (search.place == 0) {
        return RC_NOT_FOUND;
    }
    *ret_origin = search.origin;
    *ret_sequence = search.sequence;
    return 0;
}

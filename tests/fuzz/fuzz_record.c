/* Records from anywhere: decoding never reads past the end, and what passes is
 * what encoding would have written. Each input is tried as it is and with the
 * checksum put right, so that mutations get behind it. */
#include "storage/record.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void encode_again(struct bytes bytes, const struct record *record)
{
    struct event *event =
        event_new_keyed(record->channel, record->content, record->key);
    uint8_t *again = alloc_raw(bytes.len);

    event->origin = record->origin;
    event->sequence = record->sequence;
    event->predecessor = record->predecessor;
    event->gone = record->gone;
    check(record_len(event) == bytes.len);
    check(record_len_decoded(record) == bytes.len);
    record_encode(event, again);
    check(memcmp(again, bytes.data, bytes.len) == 0);
    free(again);
    event_unref(event);
}

static void try_bytes(struct bytes bytes)
{
    struct record record;

    if (record_decode(bytes, &record) == 0) {
        encode_again(bytes, &record);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *sealed;
    uint64_t sum;

    try_bytes(bytes_of(data, len));
    if (len < sizeof(sum)) {
        return 0;
    }
    sealed = alloc_raw(len);
    memcpy(sealed, data, len);
    sum = hash_checksum(bytes_of(sealed, len - sizeof(sum)));
    for (size_t n = 0; n < sizeof(sum); n++) {
        sealed[len - sizeof(sum) + n] = (uint8_t)(sum >> (8 * n));
    }
    try_bytes(bytes_of(sealed, len));
    free(sealed);
    return 0;
}

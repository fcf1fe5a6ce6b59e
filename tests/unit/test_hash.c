/* The hashes: keyed, and fixed for ever where they are on disk. */
#include "base/hash.h"
#include "tests/lib/tap.h"

TAP_CASE(the_seed_changes_the_hash)
{
    struct bytes text = bytes_text("/default/a");

    tap_check(hash_seeded(text, 1) != hash_seeded(text, 2));
    tap_check(hash_seeded(text, 1) == hash_seeded(text, 1));
}

TAP_CASE(every_byte_changes_the_hash)
{
    uint8_t data[64] = {0};
    uint64_t all_zero = hash_checksum(bytes_of(data, sizeof(data)));

    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = 1;
        tap_check(hash_checksum(bytes_of(data, sizeof(data))) != all_zero);
        data[i] = 0;
    }
}

TAP_CASE(the_length_changes_the_hash)
{
    uint8_t data[64] = {0};
    uint64_t empty = hash_checksum(bytes_of(NULL, 0));

    for (size_t len = 1; len <= sizeof(data); len++) {
        tap_check(hash_checksum(bytes_of(data, len)) != empty);
    }
}

/* Values that are on disks: they may not change from release to release. */
TAP_CASE(the_checksum_is_the_same_in_every_release)
{
    tap_equal(hash_checksum(bytes_of(NULL, 0)), UINT64_C(0x89e72045c4fe3b22));
    tap_equal(hash_checksum(bytes_text("weir")), UINT64_C(0x351e1aec75debb5d));
}

TAP_MAIN()

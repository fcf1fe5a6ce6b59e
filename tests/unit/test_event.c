/* Events: one allocation, a count of references, sequences that only grow, and
 * identifiers that turn back into (origin, sequence). */
#include "base/event.h"
#include "tests/lib/tap.h"

#include <pthread.h>

TAP_CASE(a_new_event_copies_channel_and_content)
{
    char channel[] = "/default/a";
    char content[] = "{\"a\":1}";
    struct event *event = event_new(bytes_text(channel), bytes_text(content));

    channel[1] = 'x';
    content[1] = 'x';

    tap_equal_text(event->channel, "/default/a");
    tap_equal_text(event->content, "{\"a\":1}");
    tap_equal(event->origin, 0);
    tap_equal(event->sequence, 0);
    tap_equal(event->predecessor, 0);
    tap_equal(event->place, 0);
    event_unref(event);
}

TAP_CASE(a_new_event_copies_its_key)
{
    char key[] = "order-7";
    struct event *event =
        event_new_keyed(bytes_text("/a"), bytes_text("1"), bytes_text(key));

    key[0] = 'x';

    tap_equal_text(event->channel, "/a");
    tap_equal_text(event->content, "1");
    tap_equal_text(event->key, "order-7");
    event_unref(event);
}

TAP_CASE(an_event_may_be_empty)
{
    struct event *event = event_new(bytes_of(NULL, 0), bytes_of(NULL, 0));

    tap_equal(event->channel.len, 0);
    tap_equal(event->content.len, 0);
    tap_equal(event->key.len, 0);
    event_unref(event);
}

TAP_CASE(unref_accepts_null)
{
    event_unref(NULL);
    tap_check(true);
}

TAP_CASE(an_event_lives_until_its_last_reference)
{
    struct event *event = event_new(bytes_text("/a"), bytes_text("1"));

    tap_check(event_ref(event) == event);
    event_unref(event);
    tap_equal_text(event->content, "1");
    tap_equal(atomic_load(&event->refs), 1);
    event_unref(event);
}

static void *ref_and_unref(void *event)
{
    for (int i = 0; i < 10000; i++) {
        event_unref(event_ref(event));
    }
    return NULL;
}

TAP_CASE(threads_may_share_an_event)
{
    struct event *event = event_new(bytes_text("/a"), bytes_text("1"));
    pthread_t other;

    tap_equal(pthread_create(&other, NULL, ref_and_unref, event), 0);
    ref_and_unref(event);
    pthread_join(other, NULL);

    tap_equal(atomic_load(&event->refs), 1);
    event_unref(event);
}

TAP_CASE(a_sequence_follows_the_clock_when_it_is_ahead)
{
    uint64_t sequence = event_sequence_next(0, 1700000000000);

    tap_equal(event_sequence_ms(sequence), 1700000000000);
    tap_equal(sequence, UINT64_C(1700000000000) << 16);
}

TAP_CASE(a_sequence_counts_within_one_millisecond)
{
    uint64_t first = event_sequence_next(0, 1000);

    tap_equal(event_sequence_next(first, 1000), first + 1);
}

TAP_CASE(a_sequence_grows_when_the_clock_goes_back)
{
    uint64_t first = event_sequence_next(0, 1000);

    tap_equal(event_sequence_next(first, 10), first + 1);
    tap_equal(event_sequence_next(first, 0), first + 1);
}

TAP_CASE(a_full_counter_borrows_from_the_next_millisecond)
{
    uint64_t last = UINT64_C(1000) << 16 | 0xffff;
    uint64_t next = event_sequence_next(last, 1000);

    tap_equal(next, UINT64_C(1001) << 16);
    tap_equal(event_sequence_next(next, 1001), next + 1);
}

static void check_round_trip(uint64_t origin, uint64_t sequence)
{
    uint8_t id[16];
    uint64_t origin_back;
    uint64_t sequence_back;

    event_uuid(origin, sequence, id);
    tap_equal(id[6] >> 4, 7);
    tap_equal(id[8] >> 6, 2);
    tap_check(event_from_uuid(id, &origin_back, &sequence_back));
    tap_equal(origin_back, origin);
    tap_equal(sequence_back, sequence);
}

TAP_CASE(an_identifier_holds_origin_and_sequence_exactly)
{
    check_round_trip(1, 0);
    check_round_trip(EVENT_ORIGIN_MAX, UINT64_MAX);
    check_round_trip(1, UINT64_MAX);
    check_round_trip(EVENT_ORIGIN_MAX, 0);
    check_round_trip(UINT64_C(0x123456789abcdef), 0xfedcba9876543210);
    for (unsigned bit = 0; bit < 64; bit++) {
        check_round_trip(UINT64_C(1) << bit % 58, UINT64_C(1) << bit);
    }
}

TAP_CASE(an_identifier_begins_with_the_milliseconds)
{
    uint8_t id[16];

    event_uuid(1, UINT64_C(0x0123456789ab) << 16, id);

    tap_check(
        bytes_equal(bytes_of(id, 6), bytes_of("\x01\x23\x45\x67\x89\xab", 6)));
}

TAP_CASE(identifiers_of_one_origin_sort_as_its_sequences)
{
    uint8_t one[16];
    uint8_t two[16];

    for (uint64_t sequence = 0xfff0; sequence < 0x10010; sequence++) {
        event_uuid(7, sequence, one);
        event_uuid(7, sequence + 1, two);
        tap_check(memcmp(one, two, 16) < 0);
    }
}

TAP_CASE(other_versions_and_variants_are_refused)
{
    uint8_t id[16];
    uint64_t origin = 42;
    uint64_t sequence = 42;

    event_uuid(1, 1, id);
    id[6] = 0x40;
    tap_check(!event_from_uuid(id, &origin, &sequence));
    event_uuid(1, 1, id);
    id[8] |= 0x40;
    tap_check(!event_from_uuid(id, &origin, &sequence));
    id[8] = 0x00;
    tap_check(!event_from_uuid(id, &origin, &sequence));
    tap_equal(origin, 42);
    tap_equal(sequence, 42);
}

TAP_CASE(event_gone_of_looks_at_whole_names_of_namespaces)
{
    tap_check(event_gone_of(bytes_text("/a/bc"), bytes_text("/a/x")));
    tap_check(event_gone_of(bytes_text("/a/bc"), bytes_text("/bc")));
    tap_check(!event_gone_of(bytes_text("/a/bc"), bytes_text("/b/a")));
    tap_check(!event_gone_of(bytes_text("/a/bc"), bytes_text("/ab/x")));
    tap_check(event_gone_of(bytes_text(EVENT_GONE_ANY), bytes_text("/z/x")));
}

TAP_MAIN()

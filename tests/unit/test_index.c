/* The index: places in order, dropped from the front, found by binary search;
 * compared at the end with a plain model under a random walk. */
#include "storage/index.h"

#include "base/alloc.h"
#include "tests/lib/tap.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED 7
#define SPAN (UINT64_C(1) << 32)

static struct bytes channel(unsigned n)
{
    static char names[4][32];
    static unsigned next;
    char *name = names[next++ % 4];

    snprintf(name, sizeof(names[0]), "/default/%u", n);
    return bytes_text(name);
}

static void add_run(struct index *i, uint64_t first, uint64_t last)
{
    for (uint64_t place = first; place <= last; place++) {
        index_add(i, channel(1), place, 10);
    }
}

TAP_CASE(index_starts_empty)
{
    struct index *i = index_new(SEED);
    uint64_t places[4];

    tap_equal(index_count(i), 0);
    tap_equal(index_bytes(i), 0);
    tap_equal(index_after(i, channel(1), 0, places, 4), 0);
    tap_equal(index_last(i, channel(1), places, 4), 0);
    index_free(i);
    index_free(NULL);
}

TAP_CASE(index_after_gives_only_later_places_oldest_first)
{
    struct index *i = index_new(SEED);
    uint64_t places[8] = {0};

    index_add(i, channel(1), 10, 5);
    index_add(i, channel(2), 11, 5);
    index_add(i, channel(1), 12, 5);
    index_add(i, channel(1), 20, 5);

    tap_equal(index_after(i, channel(1), 0, places, 8), 3);
    tap_equal(places[0], 10);
    tap_equal(places[2], 20);
    tap_equal(index_after(i, channel(1), 9, places, 8), 3);
    tap_equal(index_after(i, channel(1), 10, places, 8), 2);
    tap_equal(places[0], 12);
    tap_equal(index_after(i, channel(1), 19, places, 8), 1);
    tap_equal(index_after(i, channel(1), 20, places, 8), 0);
    tap_equal(index_after(i, channel(2), 0, places, 8), 1);
    tap_equal(places[0], 11);
    index_free(i);
}

TAP_CASE(index_after_copies_no_more_than_asked_for)
{
    struct index *i = index_new(SEED);
    uint64_t places[3] = {0, 0, 99};

    add_run(i, 1, 5);
    tap_equal(index_after(i, channel(1), 1, places, 2), 2);
    tap_equal(places[0], 2);
    tap_equal(places[1], 3);
    tap_equal(places[2], 99);
    tap_equal(index_after(i, channel(1), 1, places, 0), 0);
    index_free(i);
}

TAP_CASE(index_last_gives_the_newest_oldest_first)
{
    struct index *i = index_new(SEED);
    uint64_t places[8] = {0};

    add_run(i, 1, 5);
    tap_equal(index_last(i, channel(1), places, 2), 2);
    tap_equal(places[0], 4);
    tap_equal(places[1], 5);
    tap_equal(index_last(i, channel(1), places, 5), 5);
    tap_equal(places[0], 1);
    tap_equal(index_last(i, channel(1), places, 8), 5);
    index_free(i);
}

TAP_CASE(index_counts_events_and_bytes)
{
    struct index *i = index_new(SEED);

    index_add(i, channel(1), 1, 100);
    index_add(i, channel(2), 2, 50);
    index_add(i, channel(1), 3, 7);
    tap_equal(index_count(i), 3);
    tap_equal(index_bytes(i), 157);
    index_drop_first(i, channel(1), 1, 100);
    tap_equal(index_count(i), 2);
    tap_equal(index_bytes(i), 57);
    index_free(i);
}

static void count_channel(const struct index_channel_stat *stat, void *context)
{
    struct index_channel_stat *sum = context;

    sum->count++;
    sum->bytes += stat->bytes;
    sum->first_place += stat->first_place;
    sum->last_place += stat->last_place;
    sum->channel.len += stat->channel.len;
}

TAP_CASE(index_each_shows_every_channel)
{
    struct index *i = index_new(SEED);
    struct index_channel_stat sum = {0};

    index_add(i, channel(1), 1, 100);
    index_add(i, channel(2), 2, 50);
    index_add(i, channel(1), 3, 7);
    index_each(i, count_channel, &sum);
    tap_equal(sum.count, 2);
    tap_equal(sum.bytes, 157);
    tap_equal(sum.first_place, 1 + 2);
    tap_equal(sum.last_place, 3 + 2);
    tap_equal(sum.channel.len, 20);
    index_free(i);
}

TAP_CASE(index_drops_a_channel_with_its_last_place)
{
    struct index *i = index_new(SEED);
    struct index_channel_stat sum = {0};

    index_add(i, channel(1), 1, 100);
    index_drop_first(i, channel(1), 1, 100);
    index_each(i, count_channel, &sum);
    tap_equal(sum.count, 0);
    tap_equal(index_bytes(i), 0);
    index_add(i, channel(1), 2, 100);
    tap_equal(index_count(i), 1);
    index_free(i);
}

TAP_CASE(index_drop_of_an_unknown_place_or_channel_changes_nothing)
{
    struct index *i = index_new(SEED);

    index_add(i, channel(1), 5, 100);
    index_drop_first(i, channel(2), 5, 100);
    index_drop_first(i, channel(1), 4, 100);
    tap_equal(index_count(i), 1);
    tap_equal(index_bytes(i), 100);
    index_free(i);
}

TAP_CASE(index_drop_also_forgets_what_was_left_before_it)
{
    struct index *i = index_new(SEED);
    uint64_t places[4];

    index_add(i, channel(1), 5, 100);
    index_add(i, channel(1), 6, 10);
    index_add(i, channel(1), 7, 1);
    index_drop_first(i, channel(1), 6, 10);
    tap_equal(index_count(i), 1);
    tap_equal(index_after(i, channel(1), 0, places, 4), 1);
    tap_equal(places[0], 7);
    index_drop_first(i, channel(1), 7, 1);
    tap_equal(index_bytes(i), 0);
    index_free(i);
}

TAP_CASE(index_holds_places_at_the_end_of_a_channels_span)
{
    struct index *i = index_new(SEED);
    uint64_t places[4];

    index_add(i, channel(1), 5, 1);
    index_add(i, channel(1), 5 + SPAN - 1, 1);
    tap_equal(index_after(i, channel(1), 0, places, 4), 2);
    tap_equal(places[0], 5);
    tap_equal(places[1], 5 + SPAN - 1);
    index_free(i);
}

TAP_CASE(index_lets_go_of_places_beyond_a_channels_span)
{
    struct index *i = index_new(SEED);
    uint64_t places[4];

    index_add(i, channel(1), 5, 1);
    index_add(i, channel(1), 6, 1);
    index_add(i, channel(1), 5 + SPAN, 1);
    tap_equal(index_after(i, channel(1), 0, places, 4), 2);
    tap_equal(places[0], 6);
    tap_equal(places[1], 5 + SPAN);

    index_add(i, channel(1), 10 * SPAN, 1);
    tap_equal(index_after(i, channel(1), 0, places, 4), 1);
    tap_equal(places[0], 10 * SPAN);
    tap_equal(index_count(i), 1);
    index_drop_first(i, channel(1), 10 * SPAN, 1);
    tap_equal(index_bytes(i), 0);
    index_free(i);
}

TAP_CASE(index_goes_on_for_ever_in_a_moving_window)
{
    struct index *i = index_new(SEED);
    uint64_t places[8];
    uint64_t step = SPAN / 4;
    uint64_t place = step;

    for (unsigned n = 0; n < 1000; n++, place += step) {
        index_add(i, channel(1), place, 1);
        if (n >= 3) {
            index_drop_first(i, channel(1), place - 3 * step, 1);
            tap_equal(index_count(i), 3);
            tap_equal(index_after(i, channel(1), 0, places, 8), 3);
            tap_equal(places[0], place - 2 * step);
            tap_equal(places[2], place);
        }
    }
    index_free(i);
}

TAP_CASE(index_survives_growing_and_shrinking_at_every_size)
{
    for (uint64_t size = 1; size < 60; size++) {
        struct index *i = index_new(SEED);
        uint64_t places[60];

        add_run(i, 1, size);
        for (uint64_t n = 1; n <= 2 * size; n++) {
            index_drop_first(i, channel(1), n, 10);
            index_add(i, channel(1), size + n, 10);
        }
        tap_equal(index_last(i, channel(1), places, 60), size);
        for (uint64_t n = 0; n < size; n++) {
            tap_equal(places[n], 2 * size + 1 + n);
        }
        for (uint64_t n = 0; n < size; n++) {
            tap_equal(index_after(i, channel(1), 0, places, 1), 1);
            tap_equal(places[0], 2 * size + 1 + n);
            index_drop_first(i, channel(1), 2 * size + 1 + n, 10);
        }
        tap_equal(index_count(i), 0);
        index_free(i);
    }
}

#define MODEL_CHANNELS 5
#define MODEL_PLACES 4000

/* The model: each place's channel, from `first` to `next`. */
struct model {
    unsigned channel_of[MODEL_PLACES];
    size_t first;
    size_t next;
};

static size_t model_after(const struct model *m,
                          unsigned of,
                          uint64_t after,
                          uint64_t *ret)
{
    size_t count = 0;

    for (size_t n = m->first; n < m->next; n++) {
        if (m->channel_of[n] == of && n + 1 > after) {
            ret[count++] = n + 1;
        }
    }
    return count;
}

static void compare(struct index *i, const struct model *m, unsigned random)
{
    static uint64_t expected[MODEL_PLACES];
    static uint64_t actual[MODEL_PLACES];
    unsigned of = random % MODEL_CHANNELS;
    uint64_t after = random % (m->next + 2);
    size_t count = model_after(m, of, after, expected);

    tap_equal(index_after(i, channel(of), after, actual, MODEL_PLACES), count);
    tap_equal(memcmp(actual, expected, count * sizeof(*actual)), 0);
    tap_equal(index_count(i), m->next - m->first);
}

TAP_CASE(index_agrees_with_a_plain_model_on_a_random_walk)
{
    struct index *i = index_new(SEED);
    static struct model m;
    unsigned random = 12345;

    while (m.next < MODEL_PLACES) {
        random = random * 1103515245 + 12345;
        if (random >> 16 & 1 || m.first == m.next ||
            (random >> 20 & 3 && m.next < MODEL_PLACES / 2)) {
            /* Some channels are busy, some hold one place now and then. */
            m.channel_of[m.next] =
                (random >> 24) % 16 < 12 ? 0 : (random >> 24) % MODEL_CHANNELS;
            m.next++;
            index_add(i, channel(m.channel_of[m.next - 1]), m.next, 3);
        } else {
            m.first++;
            index_drop_first(i, channel(m.channel_of[m.first - 1]), m.first, 3);
        }
        if (random % 7 == 0) {
            compare(i, &m, random >> 8);
        }
    }
    tap_equal(index_bytes(i), 3 * (m.next - m.first));
    index_free(i);
}

/* What the heap holds, or 0 where the allocator does not tell. */
static size_t heap_bytes(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

TAP_CASE(index_of_many_channels_with_one_event_costs_under_200_bytes_each)
{
    enum { COUNT = 100000 };
    struct index *i = index_new(SEED);
    size_t before = heap_bytes();
    size_t after;

    for (unsigned n = 0; n < COUNT; n++) {
        index_add(i, channel(n), n + 1, 100);
    }
    after = heap_bytes();
    tap_check(after >= before && (after - before) / COUNT < 200);
    index_free(i);
}

TAP_CASE(index_of_one_channel_costs_at_most_12_bytes_an_event)
{
    enum { COUNT = 1000000 };
    struct index *i = index_new(SEED);
    size_t before = heap_bytes();
    size_t after;

    add_run(i, 1, COUNT);
    after = heap_bytes();
    tap_check(after >= before && (after - before) / COUNT <= 12);
    index_free(i);
}

static void *read_while_it_changes(void *context)
{
    struct index *i = context;
    uint64_t places[16];
    size_t count;

    do {
        count = index_last(i, bytes_text("/default/1"), places, 16);
        for (size_t n = 1; n < count; n++) {
            if (places[n] <= places[n - 1]) {
                return i;
            }
        }
    } while (count == 0 || places[count - 1] < 20000);
    return NULL;
}

TAP_CASE(index_can_be_read_while_it_changes)
{
    struct index *i = index_new(SEED);
    pthread_t reader;
    void *wrong;

    tap_equal(pthread_create(&reader, NULL, read_while_it_changes, i), 0);
    for (uint64_t place = 1; place <= 20000; place++) {
        index_add(i, bytes_text("/default/1"), place, 1);
        if (place > 100) {
            index_drop_first(i, bytes_text("/default/1"), place - 100, 1);
        }
    }
    tap_equal(pthread_join(reader, &wrong), 0);
    tap_check(wrong == NULL);
    index_free(i);
}

TAP_MAIN()

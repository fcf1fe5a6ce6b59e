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

static void set_window(struct index *i, uint64_t events, uint64_t bytes)
{
    const struct index_window window = {.events_max = events,
                                        .bytes_max = bytes};

    index_window_set(i, bytes_text("default"), &window);
}

static struct index_lost lost(struct index *i, uint64_t after)
{
    const struct index_range range = {
        .after = after, .since = UINT64_MAX, .until = UINT64_MAX};
    struct index_lost ret = {.place = 99, .count = 99};
    uint64_t place;

    (void)index_read(i, channel(1), &range, &place, 1, &ret);
    return ret;
}

static bool kept(struct index *i, unsigned n, uint64_t place)
{
    return index_state(i, channel(n), place, 0) == INDEX_KEPT;
}

TAP_CASE(index_window_keeps_so_many_events_of_a_channel)
{
    struct index *i = index_new(SEED);
    uint64_t places[16];

    set_window(i, 3, INDEX_UNLIMITED);
    add_run(i, 1, 10);
    index_add(i, channel(2), 11, 10);
    tap_equal(index_after(i, channel(1), 0, places, 16), 3);
    tap_equal(places[0], 8);
    tap_equal(index_after(i, channel(1), 8, places, 16), 2);
    tap_equal(index_last(i, channel(1), places, 16), 3);
    tap_equal(index_last(i, channel(1), places, 2), 2);
    tap_equal(places[0], 9);
    tap_equal(index_after(i, channel(2), 0, places, 16), 1);
    tap_equal(index_count(i), 11);
    tap_equal(index_bytes(i), 110);
    index_free(i);
}

TAP_CASE(index_window_of_one_event_and_without_limit)
{
    struct index *i = index_new(SEED);
    uint64_t places[4];

    set_window(i, 1, INDEX_UNLIMITED);
    add_run(i, 1, 5);
    index_add(i, bytes_text("/other/a"), 6, 1);
    index_add(i, bytes_text("/other/a"), 7, 1);
    index_add(i, bytes_text("/other"), 8, 1);
    tap_equal(index_after(i, channel(1), 0, places, 4), 1);
    tap_equal(places[0], 5);
    tap_equal(index_after(i, bytes_text("/other/a"), 0, places, 4), 2);
    tap_equal(index_after(i, bytes_text("/other"), 0, places, 4), 1);
    index_free(i);
}

TAP_CASE(index_window_keeps_so_many_bytes_of_a_channel)
{
    struct index *i = index_new(SEED);
    uint64_t places[16];

    set_window(i, INDEX_UNLIMITED, 100);
    index_add(i, channel(1), 1, 60);
    index_add(i, channel(1), 2, 30);
    index_add(i, channel(1), 3, 10);
    tap_equal(index_after(i, channel(1), 0, places, 16), 3);
    index_add(i, channel(1), 4, 1);
    tap_equal(index_after(i, channel(1), 0, places, 16), 3);
    tap_equal(places[0], 2);
    index_add(i, channel(1), 5, 100);
    tap_equal(index_after(i, channel(1), 0, places, 16), 1);
    tap_equal(places[0], 5);
    index_add(i, channel(1), 6, 101);
    tap_equal(index_after(i, channel(1), 0, places, 16), 0);
    index_add(i, channel(1), 7, 5);
    tap_equal(index_after(i, channel(1), 0, places, 16), 1);
    tap_equal(index_bytes(i), 307);
    for (uint64_t place = 1; place <= 7; place++) {
        index_drop_first(i, channel(1), place, 0);
    }
    tap_equal(index_bytes(i), 0);
    tap_equal(index_count(i), 0);
    index_free(i);
}

TAP_CASE(index_window_of_zero_keeps_none_but_what_is_on_its_way)
{
    static const uint64_t zeros[][2] = {
        {0, INDEX_UNLIMITED}, {INDEX_UNLIMITED, 0}, {0, 0}};

    for (size_t n = 0; n < 3; n++) {
        struct index *i = index_new(SEED);
        struct index_range range = {
            .after = 2, .since = 7, .until = UINT64_MAX};
        struct index_lost missed;
        uint64_t places[16];

        set_window(i, zeros[n][0], zeros[n][1]);
        add_run(i, 1, 10);
        tap_equal(index_after(i, channel(1), 0, places, 16), 0);
        tap_equal(index_last(i, channel(1), places, 16), 0);
        tap_equal(index_nth_last(i, channel(1), 1), 0);
        tap_equal(index_state(i, channel(1), 10, 0), INDEX_NEVER_KEPT);
        tap_equal(index_count(i), 10);

        tap_equal(index_read(i, channel(1), &range, places, 16, &missed), 3);
        tap_equal(places[0], 8);
        tap_equal(missed.count, 5);
        tap_equal(missed.place, 7);
        range.after = 8;
        tap_equal(index_read(i, channel(1), &range, places, 16, &missed), 2);
        tap_equal(missed.count, 0);
        range = (struct index_range){.after = 2, .since = 7, .until = 4};
        tap_equal(index_read(i, channel(1), &range, places, 16, &missed), 6);
        tap_equal(missed.count, 2);
        tap_equal(index_expired_before(i, bytes_text("default")),
                  INDEX_UNLIMITED);
        index_free(i);
    }
}

TAP_CASE(index_state_tells_whether_an_event_had_left_before)
{
    struct index *i = index_new(SEED);

    set_window(i, 3, INDEX_UNLIMITED);
    add_run(i, 1, 10);
    tap_equal(index_state(i, channel(1), 8, 0), INDEX_KEPT);
    tap_equal(index_state(i, channel(1), 7, 10), INDEX_LEFT_BEFORE);
    tap_equal(index_state(i, channel(1), 7, 9), INDEX_LEFT);
    tap_equal(index_state(i, channel(1), 6, 9), INDEX_LEFT_BEFORE);
    tap_equal(index_state(i, channel(1), 6, 5), INDEX_LEFT);
    tap_equal(index_state(i, channel(2), 6, 5), INDEX_LEFT);
    index_free(i);
}

TAP_CASE(index_state_knows_the_same_of_a_window_in_bytes)
{
    for (uint64_t shift = 0; shift < 3; shift++) {
        struct index *i = index_new(SEED);

        /* The sums go over 2^32, and over the ring's end. */
        set_window(i, INDEX_UNLIMITED, 30);
        index_add(i, channel(1), 1, UINT32_MAX - 20 - shift);
        add_run(i, 2, 11);
        index_drop_first(i, channel(1), 1, 0);
        tap_equal(index_state(i, channel(1), 9, 0), INDEX_KEPT);
        tap_equal(index_state(i, channel(1), 8, 11), INDEX_LEFT_BEFORE);
        tap_equal(index_state(i, channel(1), 8, 10), INDEX_LEFT);
        tap_equal(index_state(i, channel(1), 2, 5), INDEX_LEFT_BEFORE);
        tap_equal(index_state(i, channel(1), 2, 4), INDEX_LEFT);
        index_free(i);
    }
}

TAP_CASE(index_knows_up_to_where_a_channel_has_left_the_disk)
{
    struct index *i = index_new(SEED);

    add_run(i, 1, 3);
    index_add(i, channel(2), 4, 1);
    tap_equal(index_gone(i, channel(1)).sequence, 0);
    index_leave(i, channel(1), 5, 71);
    tap_equal(index_gone(i, channel(1)).sequence, 71);
    tap_equal(index_gone(i, channel(1)).origin, 5);
    index_leave(i, channel(1), 6, 70);
    tap_equal(index_gone(i, channel(1)).sequence, 71);
    tap_equal(index_gone(i, channel(1)).origin, 0);
    index_drop_first(i, channel(1), 2, 10);
    index_leave(i, channel(1), 5, 73);
    index_leave(i, channel(1), 5, 72);
    index_drop_first(i, channel(1), 3, 10);
    tap_equal(index_gone(i, channel(1)).sequence, 73);
    tap_equal(index_gone(i, channel(2)).sequence, 0);
    index_leave(i, channel(3), 5, 99);
    tap_equal(index_gone(i, channel(3)).sequence, 0);
    index_add(i, channel(1), 5, 1);
    tap_equal(index_gone(i, channel(1)).sequence, 73);
    index_free(i);
}

TAP_CASE(index_on_disk_gives_what_left_the_window_too)
{
    struct index *i = index_new(SEED);
    uint64_t places[16];

    set_window(i, 1, INDEX_UNLIMITED);
    add_run(i, 1, 5);
    tap_equal(index_on_disk(i, channel(1), 2, places, 2), 2);
    tap_equal(places[0], 3);
    tap_equal(index_on_disk(i, channel(1), 4, places, 2), 1);
    tap_equal(index_on_disk(i, channel(2), 0, places, 2), 0);
    index_free(i);
}

TAP_CASE(index_tells_where_a_namespace_has_expired_to)
{
    struct index *i = index_new(SEED);

    tap_equal(index_expired_before(i, bytes_text("default")), 0);
    index_expire_before(i, bytes_text("default"), 8);
    tap_equal(index_expired_before(i, bytes_text("default")), 8);
    tap_equal(index_expired_before(i, bytes_text("other")), 0);
    index_free(i);
}

TAP_CASE(index_lost_tells_what_left_the_window_and_is_on_disk)
{
    struct index *i = index_new(SEED);

    tap_equal(lost(i, 0).count, 0);
    set_window(i, 2, INDEX_UNLIMITED);
    add_run(i, 1, 2);
    tap_equal(lost(i, 0).count, 0);
    tap_equal(lost(i, 0).place, 0);
    add_run(i, 3, 6);
    tap_equal(lost(i, 0).count, 4);
    tap_equal(lost(i, 0).place, 4);
    tap_equal(lost(i, 3).count, 1);
    tap_equal(lost(i, 4).count, 0);
    tap_equal(lost(i, 6).count, 0);
    index_drop_first(i, channel(1), 1, 10);
    tap_equal(lost(i, 0).count, 3);
    tap_equal(lost(i, 0).place, 4);
    for (uint64_t place = 2; place <= 5; place++) {
        index_drop_first(i, channel(1), place, 10);
    }
    tap_equal(lost(i, 0).count, 0);
    tap_check(kept(i, 1, 6));
    index_free(i);
}

TAP_CASE(index_expires_by_place_and_never_takes_it_back)
{
    struct index *i = index_new(SEED);
    uint64_t places[16];

    add_run(i, 1, 10);
    index_add(i, bytes_text("/other/a"), 11, 1);
    index_expire_before(i, bytes_text("default"), 5);
    index_expire_before(i, bytes_text("default"), 3);
    tap_equal(index_after(i, channel(1), 0, places, 16), 6);
    tap_equal(places[0], 5);
    tap_equal(lost(i, 0).count, 4);
    tap_equal(lost(i, 0).place, 4);
    index_expire_before(i, bytes_text("default"), 1000);
    tap_equal(index_after(i, channel(1), 0, places, 16), 0);
    tap_equal(index_nth_last(i, channel(1), 1), 0);
    tap_equal(lost(i, 0).count, 10);
    tap_check(!kept(i, 1, 10));
    tap_equal(index_after(i, bytes_text("/other/a"), 0, places, 16), 1);
    add_run(i, 1001, 1001);
    tap_equal(index_after(i, channel(1), 0, places, 16), 1);
    tap_equal(lost(i, 0).place, 10);
    index_free(i);
}

TAP_CASE(index_remove_takes_one_place_from_anywhere)
{
    static const uint64_t bounds[][2] = {{INDEX_UNLIMITED, INDEX_UNLIMITED},
                                         {4, INDEX_UNLIMITED},
                                         {INDEX_UNLIMITED, 190}};

    for (size_t b = 0; b < 3; b++) {
        for (uint64_t removed = 1; removed <= 8; removed++) {
            struct index *i = index_new(SEED);
            uint64_t places[16];
            size_t count = b == 0 ? 8 : b == 1 ? 4 : 3;
            uint64_t bytes = 0;

            /* Of 10 to 80 bytes; the last three together have 210. */
            set_window(i, bounds[b][0], bounds[b][1]);
            for (uint64_t place = 1; place <= 8; place++) {
                index_add(i, channel(1), place, place == 8 ? 40 : place * 10);
                bytes += place == 8 ? 40 : place * 10;
            }
            tap_equal(index_after(i, channel(1), 0, places, 16), count);
            index_remove(i, channel(1), 99, 10);
            index_remove(i, channel(2), removed, 10);
            index_remove(
                i, channel(1), removed, removed == 8 ? 40 : removed * 10);
            bytes -= removed == 8 ? 40 : removed * 10;
            tap_equal(index_count(i), 7);
            tap_equal(index_bytes(i), bytes);
            tap_equal(index_on_disk(i, channel(1), 0, places, 16), 7);
            for (uint64_t n = 0; n < 7; n++) {
                tap_equal(places[n], n + 1 < removed ? n + 1 : n + 2);
            }
            count -= removed > 8 - count;
            tap_equal(index_after(i, channel(1), 0, places, 16), count);
            /* It comes again at the end, and the window is as it should be. */
            index_add(i, channel(1), 9, removed == 8 ? 40 : removed * 10);
            if (b == 1) {
                tap_equal(index_after(i, channel(1), 0, places, 16), 4);
            }
            for (uint64_t place = 1; place <= 9; place++) {
                if (place != removed) {
                    index_drop_first(i,
                                     channel(1),
                                     place,
                                     place == 9   ? removed * 10
                                     : place == 8 ? 40
                                                  : place * 10);
                }
            }
            tap_equal(index_bytes(i), 0);
            tap_equal(index_count(i), 0);
            index_free(i);
        }
    }
}

#define MILLION UINT64_C(1000000)

static void expect_same(struct index *a, struct index *b)
{
    for (uint64_t after = 0; after < 40; after += 3) {
        const struct index_range range = {
            .after = after, .since = 0, .until = UINT64_MAX};
        struct index_lost lost[2];
        uint64_t places[2][32] = {{0}};
        size_t count = index_read(a, channel(1), &range, places[0], 32, lost);

        tap_equal(index_read(b, channel(1), &range, places[1], 32, lost + 1),
                  count);
        tap_equal(memcmp(places[0], places[1], sizeof(places[0])), 0);
        tap_equal(lost[0].count, lost[1].count);
        tap_equal(lost[0].place, lost[1].place);
    }
    tap_equal(index_count(a), index_count(b));
    tap_equal(index_bytes(a), index_bytes(b));
}

/* One that was damaged and is whole again is as if it had always been. */
TAP_CASE(index_takes_a_place_between_others)
{
    static const struct index_window windows[] = {
        {.events_max = INDEX_UNLIMITED, .bytes_max = INDEX_UNLIMITED},
        {.events_max = 5, .bytes_max = INDEX_UNLIMITED},
        {.events_max = INDEX_UNLIMITED, .bytes_max = 200},
        {.events_max = 4, .bytes_max = 100},
    };

    for (size_t w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
        for (uint64_t late = 11; late <= 22; late++) {
            struct index *all = index_new(SEED);
            struct index *i = index_new(SEED);

            index_window_set(all, bytes_text("default"), &windows[w]);
            index_window_set(i, bytes_text("default"), &windows[w]);
            for (uint64_t place = 11; place <= 22; place++) {
                index_add(all, channel(1), place, place);
                if (place != late) {
                    index_add(i, channel(1), place, place);
                }
            }
            index_add(i, channel(1), late, late);
            expect_same(all, i);
            for (uint64_t place = 23; place <= 30; place++) {
                index_add(all, channel(1), place, place);
                index_add(i, channel(1), place, place);
                index_drop_first(all, channel(1), place - 10, place - 10);
                index_drop_first(i, channel(1), place - 10, place - 10);
                expect_same(all, i);
            }
            index_free(all);
            index_free(i);
        }
    }
}

TAP_CASE(index_lets_go_of_a_place_too_far_before_others)
{
    struct index *i = index_new(SEED);
    uint64_t places[4];

    index_add(i, channel(1), SPAN + 10, 5);
    index_add(i, channel(1), 2, 5);
    tap_equal(index_count(i), 1);
    tap_equal(index_bytes(i), 5);
    index_add(i, channel(1), 20, 5);
    tap_equal(index_after(i, channel(1), 0, places, 4), 2);
    tap_equal(places[0], 20);
    tap_equal(places[1], SPAN + 10);
    index_free(i);
}

TAP_CASE(index_holds_a_channel_of_a_million_events_and_its_window)
{
    struct index *i = index_new(SEED);
    const struct index_range range = {
        .after = 5, .since = UINT64_MAX, .until = UINT64_MAX};
    struct index_lost missed;
    uint64_t places[16];

    set_window(i, 1000, 64 * 1024);
    for (uint64_t place = 1; place <= MILLION; place++) {
        index_add(i, bytes_text("/default/1"), place, 100);
        if (place > MILLION / 2) {
            index_drop_first(i, bytes_text("/default/1"), place / 2, 100);
        }
    }
    tap_equal(index_count(i), MILLION / 2);
    tap_equal(index_bytes(i), MILLION / 2 * 100);
    tap_equal(index_nth_last(i, bytes_text("/default/1"), UINT64_MAX),
              MILLION - 655 + 1);
    tap_equal(
        index_read(i, bytes_text("/default/1"), &range, places, 16, &missed),
        16);
    tap_equal(missed.count, MILLION / 2 - 655);
    tap_equal(places[0], MILLION - 655 + 1);
    index_free(i);
}

TAP_CASE(index_holds_a_million_channels_of_one_event)
{
    struct index *i = index_new(SEED);
    char name[32];
    uint64_t places[2];
    struct index_channel_stat sum = {0};

    set_window(i, 1000, 64 * 1024);
    for (uint64_t n = 0; n < MILLION; n++) {
        (void)snprintf(name, sizeof(name), "/default/%07u", (unsigned)n);
        index_add(i, bytes_text(name), n + 1, 100);
    }
    tap_equal(index_count(i), MILLION);
    for (uint64_t n = 0; n < MILLION; n += 997) {
        (void)snprintf(name, sizeof(name), "/default/%07u", (unsigned)n);
        tap_equal(index_after(i, bytes_text(name), 0, places, 2), 1);
        tap_equal(places[0], n + 1);
    }
    index_expire_before(i, bytes_text("default"), MILLION / 4 + 1);
    index_each(i, count_channel, &sum);
    tap_equal(sum.count, MILLION / 4 * 3);
    for (uint64_t n = 0; n < MILLION; n++) {
        (void)snprintf(name, sizeof(name), "/default/%07u", (unsigned)n);
        index_leave(i, bytes_text(name), 5, n + 1);
        index_drop_first(i, bytes_text(name), n + 1, 100);
    }
    tap_equal(index_count(i), 0);
    tap_equal(index_bytes(i), 0);
    /* Each slot is shared by some; it says no less than is true. */
    for (uint64_t n = 0; n < MILLION; n += 997) {
        (void)snprintf(name, sizeof(name), "/default/%07u", (unsigned)n);
        tap_check(index_gone(i, bytes_text(name)).sequence >= n + 1);
    }
    index_free(i);
}

TAP_CASE(index_each_leaves_out_channels_without_a_window)
{
    struct index *i = index_new(SEED);
    struct index_channel_stat sum = {0};

    index_add(i, channel(1), 1, 100);
    index_add(i, channel(2), 2, 50);
    index_add(i, channel(2), 3, 50);
    index_expire_before(i, bytes_text("default"), 3);
    index_each(i, count_channel, &sum);
    tap_equal(sum.count, 1);
    tap_equal(sum.first_place, 3);
    index_free(i);
}

TAP_CASE(index_nth_last_is_the_oldest_when_there_are_fewer)
{
    struct index *i = index_new(SEED);

    tap_equal(index_nth_last(i, channel(1), 1), 0);
    set_window(i, 4, INDEX_UNLIMITED);
    add_run(i, 11, 20);
    tap_equal(index_nth_last(i, channel(1), 1), 20);
    tap_equal(index_nth_last(i, channel(1), 4), 17);
    tap_equal(index_nth_last(i, channel(1), 5), 17);
    tap_equal(index_nth_last(i, channel(1), UINT64_MAX), 17);
    tap_check(kept(i, 1, 17));
    tap_check(!kept(i, 1, 16));
    tap_check(!kept(i, 2, 17));
    index_free(i);
}

TAP_CASE(index_windows_survive_growing_and_shrinking_at_every_size)
{
    for (uint64_t size = 1; size < 60; size++) {
        struct index *i = index_new(SEED);
        uint64_t places[60];

        set_window(i, INDEX_UNLIMITED, size * 5);
        add_run(i, 1, size);
        for (uint64_t n = 1; n <= 2 * size; n++) {
            index_drop_first(i, channel(1), n, 10);
            index_add(i, channel(1), size + n, 10);
        }
        tap_equal(index_last(i, channel(1), places, 60), size / 2);
        tap_equal(lost(i, 0).count, size - size / 2);
        tap_equal(lost(i, 0).place, 3 * size - size / 2);
        for (uint64_t n = 0; n < size; n++) {
            index_drop_first(i, channel(1), 2 * size + 1 + n, 10);
            tap_equal(index_bytes(i), (size - 1 - n) * 10);
        }
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

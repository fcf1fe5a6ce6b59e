/* The log: what is appended stays, reopened or not; what is trimmed is gone but
 * its names are not used again; reading gives pages. */
#include "storage/log.h"

#include "tests/lib/log_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define SECOND (UINT64_C(1000) << 16)

TAP_CASE(log_is_made_where_there_is_none)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct log_stat stat = fixture_stat(log);
    struct stat found;

    tap_equal(stat.origin, FIXTURE_ORIGIN);
    tap_equal(stat.event_count, 0);
    tap_equal(stat.first_place, 0);
    tap_equal(stat.last_place, 0);
    tap_equal(stat.last_sequence, 0);
    tap_equal(stat.corrupt_count, 0);
    tap_equal(stat.bytes_max, FIXTURE_BYTES);
    tap_check(stat.file_bytes > 0);
    tap_equal(lstat(dir, &found), 0);
    tap_equal(found.st_mode & 0777, 0700);
    log_close(log);
    log_close(NULL);
}

TAP_CASE(log_gives_places_from_one_on_in_order)
{
    struct log *log = fixture_open(fixture_dir());
    struct event *events[3] = {
        fixture_event(5, 20), fixture_event(6, 20), fixture_event(9, 20)};

    tap_equal(log_append(log, events, 1, NULL), 0);
    tap_equal(log_append(log, events + 1, 2, NULL), 0);
    tap_equal(events[0]->place, 1);
    tap_equal(events[1]->place, 2);
    tap_equal(events[2]->place, 3);
    tap_equal(log_last_sequence(log, FIXTURE_ORIGIN), 9);
    tap_equal(log_last_sequence(log, 77), 0);
    for (size_t n = 0; n < 3; n++) {
        event_unref(events[n]);
    }
    log_close(log);
}

TAP_CASE(log_keeps_events_and_identity_when_it_is_reopened)
{
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(dir);
    struct log *log = fixture_open(dir);
    struct fixture_found found;
    struct log_stat before;
    struct log_stat after;
    uint64_t places[64];

    fixture_append(log, 100, 50, 200);
    fixture_append(log, 150, 10, 5000);
    before = fixture_stat(log);
    log_close(log);

    options.new_origin = 999;
    log = fixture_open_with(&options);
    after = fixture_stat(log);
    tap_equal(after.origin, FIXTURE_ORIGIN);
    tap_equal(after.event_count, 60);
    tap_equal(after.record_bytes, before.record_bytes);
    tap_equal(after.last_sequence, 159);
    tap_equal(after.first_place, 1);
    tap_equal(after.last_place, 60);
    found = fixture_read_all(log);
    tap_equal(found.count, 60);
    tap_equal(found.wrong, 0);
    tap_equal(found.gaps, 0);
    tap_equal(index_after(log_index(log), fixture_channel(100), 0, places, 64),
              20);
    tap_equal(places[0], 1);
    tap_equal(places[1], 4);
    log_close(log);
}

TAP_CASE(log_holds_records_of_every_size_around_a_page)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct fixture_found found;
    uint64_t sequence = 1;

    for (size_t len = 1900; len < 2100; len += 10) {
        fixture_append(log, sequence++, 1, len);
    }
    for (size_t len = 4000; len < 4200; len += 10) {
        fixture_append(log, sequence++, 1, len);
    }
    fixture_append(log, sequence++, 4, 240 * 1024);
    log_close(log);

    log = fixture_open(dir);
    found = fixture_read_all(log);
    tap_equal(found.count, 44);
    tap_equal(found.wrong, 0);
    log_close(log);
}

TAP_CASE(log_keeps_each_origins_highest_sequence)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct event *events[4];

    for (uint64_t n = 0; n < 4; n++) {
        events[n] = fixture_event(10 + n, 20);
        events[n]->origin = n % 2 == 0 ? FIXTURE_ORIGIN : 77;
    }
    tap_equal(log_append(log, events, 4, NULL), 0);
    tap_equal(log_last_sequence(log, FIXTURE_ORIGIN), 12);
    tap_equal(log_last_sequence(log, 77), 13);
    for (size_t n = 0; n < 4; n++) {
        event_unref(events[n]);
    }
    log_close(log);

    log = fixture_open(dir);
    tap_equal(log_last_sequence(log, FIXTURE_ORIGIN), 12);
    tap_equal(log_last_sequence(log, 77), 13);
    tap_equal(fixture_stat(log).last_sequence, 12);
    log_close(log);
}

TAP_CASE(log_never_uses_a_sequence_or_place_again_after_all_was_trimmed)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct log_stat stat;
    struct event *event;

    fixture_append(log, 100, 60, 100);
    tap_equal(fixture_trim_all(log, UINT64_MAX), 60);
    tap_equal(fixture_stat(log).event_count, 0);
    tap_equal(fixture_stat(log).first_place, 0);
    log_close(log);

    log = fixture_open(dir);
    stat = fixture_stat(log);
    tap_equal(stat.event_count, 0);
    tap_equal(stat.last_sequence, 159);
    tap_equal(stat.last_place, 60);
    event = fixture_event(160, 20);
    tap_equal(log_append(log, &event, 1, NULL), 0);
    tap_equal(event->place, 61);
    event_unref(event);
    log_close(log);
}

TAP_CASE(log_trim_takes_only_what_is_older)
{
    struct log *log = fixture_open(fixture_dir());
    uint64_t places[4];

    for (uint64_t second = 1; second <= 10; second++) {
        fixture_append(log, second * SECOND, 1, 50);
    }
    tap_equal(fixture_trim_all(log, 0), 0);
    tap_equal(fixture_trim_all(log, 1000), 0);
    tap_equal(fixture_trim_all(log, 1001), 1);
    tap_equal(fixture_trim_all(log, 5000), 3);
    tap_equal(fixture_stat(log).first_place, 5);
    tap_equal(fixture_stat(log).event_count, 6);
    tap_equal(index_count(log_index(log)), 6);
    tap_equal(
        index_after(log_index(log), fixture_channel(5 * SECOND), 0, places, 4),
        2);
    tap_equal(places[0], 5);
    log_close(log);
}

TAP_CASE(log_trim_takes_no_more_than_a_step)
{
    struct log *log = fixture_open(fixture_dir());

    fixture_append(log, 1, 10, 50);
    tap_equal(log_trim(log, UINT64_MAX, 4, NULL), 4);
    tap_equal(fixture_stat(log).first_place, 5);
    tap_equal(log_trim(log, UINT64_MAX, 4, NULL), 4);
    tap_equal(log_trim(log, UINT64_MAX, 4, NULL), 2);
    tap_equal(log_trim(log, UINT64_MAX, 4, NULL), 0);
    log_close(log);
}

TAP_CASE(log_trim_keeps_the_window_within_its_budget)
{
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(dir);
    struct log *log;
    struct fixture_found found;
    uint64_t sequence = 1;

    options.bytes_max = LOG_BYTES_MIN;
    log = fixture_open_with(&options);
    while (fixture_stat(log).window_bytes <= LOG_BYTES_MIN) {
        tap_equal(fixture_trim_all(log, 0), 0);
        fixture_append(log, sequence, 40, 1000);
        sequence += 40;
    }
    for (unsigned round = 0; round < 100; round++) {
        tap_check(fixture_stat(log).window_bytes <= LOG_BYTES_MIN + 65536);
        fixture_trim_all(log, 0);
        tap_check(fixture_stat(log).window_bytes <= LOG_BYTES_MIN);
        tap_check(fixture_stat(log).window_bytes >= LOG_BYTES_MIN * 15 / 16);
        fixture_append(log, sequence, 40, 1000);
        sequence += 40;
    }
    found = fixture_read_all(log);
    tap_equal(found.wrong, 0);
    tap_equal(found.gaps, 0);
    tap_equal(found.last_sequence, sequence - 1);
    tap_check(fixture_stat(log).file_bytes <= 20 << 20);
    log_close(log);
}

TAP_CASE(log_without_trims_fills_up_loses_nothing_and_goes_on_after_a_trim)
{
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(dir);
    struct log *log;
    struct fixture_found found;
    struct why why = {0};
    uint64_t sequence = 1;
    int rc;

    options.bytes_max = LOG_BYTES_MIN;
    log = fixture_open_with(&options);
    while ((rc = fixture_try_append(log, sequence, 8, 60000, &why)) == 0) {
        sequence += 8;
        tap_check(sequence < 10000);
    }
    tap_equal(rc, RC_NO_SPACE);
    tap_check(strstr(why.text, "no room") != NULL);
    tap_equal(fixture_try_append(log, sequence, 8, 60000, NULL), RC_NO_SPACE);
    found = fixture_read_all(log);
    tap_equal(found.count, sequence - 1);
    tap_equal(found.wrong, 0);
    tap_equal(fixture_stat(log).last_place, sequence - 1);
    log_close(log);

    log = fixture_open_with(&options);
    tap_equal(fixture_read_all(log).count, sequence - 1);
    tap_equal(fixture_try_append(log, sequence, 8, 60000, NULL), RC_NO_SPACE);
    tap_check(fixture_trim_all(log, 0) > 0);
    fixture_append(log, sequence, 8, 60000);
    tap_check(fixture_stat(log).window_bytes <= LOG_BYTES_MIN + (1 << 19));
    found = fixture_read_all(log);
    tap_equal(found.wrong, 0);
    tap_equal(found.last_sequence, sequence + 7);
    log_close(log);
}

TAP_CASE(log_with_a_smaller_budget_than_before_trims_down_to_it)
{
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(dir);
    struct log *log = fixture_open(dir);

    for (uint64_t n = 0; n < 20; n++) {
        fixture_append(log, 1 + n * 32, 32, 60000);
    }
    log_close(log);

    options.bytes_max = LOG_BYTES_MIN;
    log = fixture_open_with(&options);
    tap_equal(fixture_stat(log).event_count, 640);
    tap_check(fixture_trim_all(log, 0) > 0);
    tap_check(fixture_stat(log).window_bytes <= LOG_BYTES_MIN);
    fixture_append(log, 641, 8, 60000);
    tap_equal(fixture_read_all(log).last_sequence, 648);
    log_close(log);
}

TAP_CASE(log_refuses_a_batch_over_the_limit_and_takes_one_at_it)
{
    struct log *log = fixture_open(fixture_dir());
    struct event *events[64];
    size_t each = LOG_BATCH_BYTES_MAX / 64;
    size_t overhead = RECORD_OVERHEAD_BYTES + 10;

    for (uint64_t n = 0; n < 64; n++) {
        events[n] = fixture_event(3 * (n + 1), each - overhead);
    }
    tap_equal(record_len(events[0]), each);
    tap_equal(log_append(log, events, 64, NULL), 0);
    tap_equal(fixture_stat(log).event_count, 64);
    for (uint64_t n = 0; n < 64; n++) {
        event_unref(events[n]);
        events[n] = fixture_event(3 * (n + 100), each - overhead + (n == 5));
    }
    tap_equal(log_append(log, events, 64, NULL), RC_TOO_LARGE);
    tap_equal(fixture_stat(log).event_count, 64);
    for (uint64_t n = 0; n < 64; n++) {
        event_unref(events[n]);
    }
    log_close(log);
}

TAP_CASE(log_refuses_a_record_over_the_limit_and_takes_one_at_it)
{
    struct log *log = fixture_open(fixture_dir());
    size_t most = LOG_RECORD_BYTES_MAX - RECORD_OVERHEAD_BYTES - 10;
    struct fixture_found found;

    tap_equal(fixture_try_append(log, 3, 1, most + 1, NULL), RC_TOO_LARGE);
    fixture_append(log, 3, 1, most);
    found = fixture_read_all(log);
    tap_equal(found.count, 1);
    tap_equal(found.wrong, 0);
    log_close(log);
}

TAP_CASE(log_grow_makes_the_file_longer_within_bounds_and_that_is_harmless)
{
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(dir);
    struct log *log;
    uint64_t before;
    uint64_t after;

    options.bytes_max = LOG_BYTES_MIN;
    log = fixture_open_with(&options);
    before = fixture_stat(log).file_bytes;
    log_grow(log);
    after = fixture_stat(log).file_bytes;
    tap_check(after > before && after <= before + (1 << 20));
    for (unsigned n = 0; n < 100; n++) {
        log_grow(log);
    }
    after = fixture_stat(log).file_bytes;
    tap_check(after >= 8 << 20 && after <= 12 << 20);
    fixture_append(log, 1, 50, 1000);
    log_close(log);

    log = fixture_open_with(&options);
    tap_equal(fixture_read_all(log).count, 50);
    tap_equal(fixture_stat(log).file_bytes, after);
    fixture_append(log, 51, 50, 1000);
    tap_equal(fixture_read_all(log).wrong, 0);
    log_close(log);
}

TAP_CASE(log_grow_never_goes_beyond_the_map)
{
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(dir);
    struct log *log;
    uint64_t sequence = 1;

    options.bytes_max = LOG_BYTES_MIN;
    log = fixture_open_with(&options);
    while (fixture_try_append(log, sequence, 8, 60000, NULL) == 0) {
        sequence += 8;
        log_grow(log);
    }
    for (unsigned n = 0; n < 50; n++) {
        log_grow(log);
    }
    tap_check(fixture_stat(log).file_bytes <= (17 << 20) + (2 << 20));
    log_close(log);
}

struct pages {
    size_t count;
    size_t stop_after;
    size_t bytes;
    uint64_t places[64];
};

static bool collect(uint64_t place, const struct record *record, void *context)
{
    struct pages *pages = context;

    pages->bytes +=
        RECORD_OVERHEAD_BYTES + record->channel.len + record->content.len;
    pages->places[pages->count++ % 64] = place;
    return pages->count != pages->stop_after;
}

TAP_CASE(log_read_gives_a_page_up_to_its_bytes)
{
    struct log *log = fixture_open(fixture_dir());
    size_t each = RECORD_OVERHEAD_BYTES + 10 + 100;
    struct pages pages = {0};

    fixture_append(log, 1, 10, 100);
    tap_equal(log_read(log, 1, 4 * each, collect, &pages, NULL), 0);
    tap_equal(pages.count, 4);
    tap_equal(pages.bytes, 4 * each);

    pages = (struct pages){0};
    tap_equal(log_read(log, 5, 4 * each - 1, collect, &pages, NULL), 0);
    tap_equal(pages.count, 3);
    tap_equal(pages.places[0], 5);

    pages = (struct pages){0};
    tap_equal(log_read(log, 8, 1, collect, &pages, NULL), 0);
    tap_equal(pages.count, 1);
    tap_equal(pages.places[0], 8);

    pages = (struct pages){0};
    tap_equal(log_read(log, 11, 1000, collect, &pages, NULL), 0);
    tap_equal(pages.count, 0);
    log_close(log);
}

TAP_CASE(log_read_stops_when_the_visitor_has_enough)
{
    struct log *log = fixture_open(fixture_dir());
    struct pages pages = {.stop_after = 3};

    fixture_append(log, 1, 10, 100);
    tap_equal(log_read(log, 0, 100000, collect, &pages, NULL), 0);
    tap_equal(pages.count, 3);
    tap_equal(pages.places[2], 3);
    log_close(log);
}

TAP_CASE(log_read_places_visits_those_that_are_left_in_the_order_asked_for)
{
    struct log *log = fixture_open(fixture_dir());
    struct pages pages = {0};
    const uint64_t places[] = {9, 2, 7, 0, 11, 5};

    fixture_append(log, SECOND, 5, 100);
    fixture_append(log, 2 * SECOND, 5, 100);
    tap_equal(fixture_trim_all(log, 1500), 5);
    tap_equal(log_read_places(log, places, 6, collect, &pages, NULL), 0);
    tap_equal(pages.count, 2);
    tap_equal(pages.places[0], 9);
    tap_equal(pages.places[1], 7);

    pages = (struct pages){.stop_after = 1};
    tap_equal(log_read_places(log, places, 6, collect, &pages, NULL), 0);
    tap_equal(pages.count, 1);
    tap_equal(log_read_places(log, places, 0, collect, &pages, NULL), 0);
    log_close(log);
}

struct progress {
    unsigned calls;
    uint64_t done;
    uint64_t all;
};

static void on_progress(uint64_t done, uint64_t all, void *context)
{
    struct progress *p = context;

    p->calls++;
    tap_check(done > p->done);
    p->done = done;
    p->all = all;
}

TAP_CASE(log_open_tells_its_progress_now_and_then)
{
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(dir);
    struct progress progress = {0};
    struct log *log;

    options.on_progress = on_progress;
    options.context = &progress;
    options.bytes_max = UINT64_C(600) << 20;
    log = fixture_open_with(&options);
    for (uint64_t n = 0; n < 18; n++) {
        fixture_append(log, 1 + n * 64, 64, 250000);
    }
    log_close(log);
    tap_equal(progress.calls, 0);

    log = fixture_open_with(&options);
    tap_equal(progress.calls, 1);
    tap_equal(progress.all, 18 * 64);
    tap_check(progress.done < progress.all);
    log_close(log);
}

struct reader {
    struct log *log;
    atomic_bool stop;
    size_t wrong;
    size_t rounds;
};

static void *read_on(void *context)
{
    struct reader *r = context;

    while (!atomic_load(&r->stop)) {
        struct fixture_found found = {0};

        r->wrong +=
            log_read(
                r->log, 0, LOG_PAGE_BYTES_MAX, fixture_visit, &found, NULL) !=
            0;
        r->wrong += found.wrong + found.gaps;
        r->rounds++;
    }
    return NULL;
}

TAP_CASE(log_can_be_read_by_many_threads_while_it_is_appended_and_trimmed)
{
    enum { READERS = 4 };
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(dir);
    struct reader readers[READERS];
    pthread_t threads[READERS];
    struct log *log;

    options.bytes_max = LOG_BYTES_MIN;
    log = fixture_open_with(&options);
    for (size_t n = 0; n < READERS; n++) {
        readers[n] = (struct reader){.log = log};
        tap_equal(pthread_create(&threads[n], NULL, read_on, &readers[n]), 0);
    }
    for (uint64_t n = 0; n < 200; n++) {
        /* No trims at first, so that the map is full and its size changes. */
        if (fixture_try_append(log, 1 + n * 8, 8, 20000, NULL) != 0) {
            fixture_trim_all(log, 0);
            fixture_append(log, 1 + n * 8, 8, 20000);
        }
    }
    for (size_t n = 0; n < READERS; n++) {
        atomic_store(&readers[n].stop, true);
        pthread_join(threads[n], NULL);
        tap_equal(readers[n].wrong, 0);
        tap_check(readers[n].rounds > 0);
    }
    tap_equal(fixture_stat(log).last_sequence, 1600);
    log_close(log);
}

/* Fill the map, then expect that a single step makes room for the very next
 * append; so often that readers are met at every point. */
static void fill_and_trim(struct log *log, unsigned rounds)
{
    uint64_t next = 1;

    for (unsigned round = 0; round < rounds; round++) {
        while (fixture_try_append(log, next, 8, 60000, NULL) == 0) {
            next += 8;
        }
        tap_check(log_trim(log, 0, 10000, NULL) > 0);
        fixture_append(log, next, 8, 60000);
        next += 8;
    }
}

TAP_CASE(log_that_is_full_has_room_for_the_very_next_append_after_a_trim)
{
    struct log_options options = fixture_options(fixture_dir());
    struct log *log;

    options.bytes_max = LOG_BYTES_MIN;
    log = fixture_open_with(&options);
    fill_and_trim(log, 3);
    log_close(log);
}

TAP_CASE(log_that_is_full_has_room_after_a_trim_also_while_it_is_read)
{
    enum { READERS = 3 };
    struct log_options options = fixture_options(fixture_dir());
    struct reader readers[READERS];
    pthread_t threads[READERS];
    struct log *log;

    options.bytes_max = LOG_BYTES_MIN;
    log = fixture_open_with(&options);
    for (size_t n = 0; n < READERS; n++) {
        readers[n] = (struct reader){.log = log};
        tap_equal(pthread_create(&threads[n], NULL, read_on, &readers[n]), 0);
    }
    fill_and_trim(log, 10);
    for (size_t n = 0; n < READERS; n++) {
        atomic_store(&readers[n].stop, true);
        pthread_join(threads[n], NULL);
        tap_equal(readers[n].wrong, 0);
    }
    log_close(log);
}

TAP_MAIN()

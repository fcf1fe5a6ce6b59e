/* Windows of a log: by count, bytes and age, also when opened again; what has
 * left them, and who misses it. */
#include "tests/lib/damage.h"
#include "tests/lib/log_fixture.h"

static uint64_t at_ms(uint64_t ms)
{
    return ms << 16;
}

/* Fixture channels repeat with the sequence: a run of one channel has steps of
 * their count. */
#define STEP ((uint64_t)FIXTURE_CHANNELS)
#define A bytes_text("/default/a")

/* `count` events of /default/a, a millisecond each, from `first_ms` on. */
static void append_run(struct log *log, uint64_t first_ms, size_t count)
{
    for (uint64_t ms = first_ms; ms < first_ms + count; ms++) {
        uint64_t sequence = at_ms(ms) + (STEP - at_ms(ms) % STEP) % STEP;
        struct event *event = fixture_event(sequence, 40);
        struct why why;

        event->predecessor = log_last_sequence(log, FIXTURE_ORIGIN);
        tap_check(bytes_equal(event->channel, A));
        tap_equal(log_append(log, &event, 1, &why), 0);
        event_unref(event);
    }
}

static struct log *open_with(const char *dir,
                             uint64_t events_max,
                             uint64_t bytes_max,
                             uint64_t age_max_ms)
{
    const struct log_window window = {
        .name_space = bytes_text("default"),
        .channel = {.events_max = events_max, .bytes_max = bytes_max},
        .age_max_ms = age_max_ms};
    struct log_options options = fixture_options(dir);

    options.windows = &window;
    options.window_count = 1;
    return fixture_open_with(&options);
}

static size_t held(struct log *log)
{
    uint64_t places[64];

    return index_after(log_index(log), A, 0, places, 64);
}

static struct vector vector_at(struct log *log, uint64_t place)
{
    struct vector v;
    struct why why;

    tap_equal(log_seek_vector_at(log, place, &v, &why), 0);
    return v;
}

static struct log_missed missed(struct log *log,
                                uint64_t from,
                                const struct vector *after)
{
    const struct index_range range = {
        .after = from - 1, .since = UINT64_MAX, .until = UINT64_MAX};
    const struct log_reader reader = {
        .channel = A, .from = from, .after = after};
    struct log_missed ret = {.count = 0};
    struct index_lost lost;
    uint64_t place;
    struct why why;

    (void)index_read(log_index(log), A, &range, &place, 1, &lost);
    if (lost.count > 0) {
        tap_equal(log_window_missed(log, &reader, &lost, &ret, &why), 0);
    }
    return ret;
}

TAP_CASE(a_window_bounds_events_and_bytes_also_when_opened_again)
{
    static const uint64_t bounds[][3] = {
        {3, INDEX_UNLIMITED, 3}, {INDEX_UNLIMITED, 300, 3}, {0, 0, 0}};

    for (size_t n = 0; n < 3; n++) {
        const char *dir = fixture_dir();

        for (int open = 0; open < 2; open++) {
            struct log *log =
                open_with(dir, bounds[n][0], bounds[n][1], INDEX_UNLIMITED);

            if (open == 0) {
                append_run(log, 1000, 10);
            }
            tap_equal(held(log), bounds[n][2]);
            tap_equal(fixture_stat(log).event_count, 10);
            log_close(log);
        }
    }
}

TAP_CASE(what_is_too_old_leaves_the_window_to_the_millisecond)
{
    const char *dir = fixture_dir();
    struct log *log = open_with(dir, INDEX_UNLIMITED, INDEX_UNLIMITED, 500);
    struct why why;

    tap_equal(log_window_expire(log, 400, &why), 0);
    append_run(log, 1000, 60);
    tap_equal(log_window_expire(log, 1500, &why), 0);
    tap_equal(held(log), 60);
    tap_equal(log_window_expire(log, 1501, &why), 0);
    tap_equal(held(log), 59);
    tap_equal(log_window_expire(log, 1530, &why), 0);
    tap_equal(held(log), 30);
    tap_equal(log_window_expire(log, 1510, &why), 0);
    tap_equal(held(log), 30);
    log_close(log);

    log = open_with(dir, INDEX_UNLIMITED, INDEX_UNLIMITED, 500);
    tap_equal(held(log), 60);
    tap_equal(log_window_expire(log, 1530, &why), 0);
    tap_equal(held(log), 30);
    tap_equal(log_window_expire(log, 9000, &why), 0);
    tap_equal(held(log), 0);
    append_run(log, 9100, 1);
    tap_equal(log_window_expire(log, 9600, &why), 0);
    tap_equal(held(log), 1);
    log_close(log);
}

TAP_CASE(age_is_found_far_behind_the_last_mark)
{
    struct log *log =
        open_with(fixture_dir(), INDEX_UNLIMITED, INDEX_UNLIMITED, 10);
    struct why why;

    append_run(log, 1000, 1000);
    for (uint64_t now = 1010; now < 2010; now += 37) {
        uint64_t places[1];

        tap_equal(log_window_expire(log, now, &why), 0);
        tap_equal(index_after(log_index(log), A, 0, places, 1), 1);
        tap_equal(places[0], now - 1010 + 1);
    }
    log_close(log);
}

TAP_CASE(what_a_reader_misses_of_a_window_is_counted_exactly)
{
    struct log *log =
        open_with(fixture_dir(), 5, INDEX_UNLIMITED, INDEX_UNLIMITED);
    struct vector none = {0};

    append_run(log, 1000, 400);
    for (uint64_t place = 0; place <= 400; place += 19) {
        struct vector after = vector_at(log, place);
        struct vector to = vector_at(log, 395);
        uint64_t from = log_seek(log, &after);
        struct log_missed m = missed(log, from, &after);

        tap_check(from <= place + 1);
        tap_equal(m.count, place < 395 ? 395 - place : 0);
        if (m.count > 0) {
            tap_check(m.exact);
            tap_check(vector_equal(&m.to, &to));
        }
    }
    tap_equal(missed(log, 1, &none).count, 395);
    log_close(log);
}

TAP_CASE(what_is_hidden_is_not_missed_and_no_gap_covers_it)
{
    struct log *log =
        open_with(fixture_dir(), 2, INDEX_UNLIMITED, INDEX_UNLIMITED);
    struct event *hidden = event_new(A, bytes_text("1"));
    struct vector none = {0};
    struct log_shown shown = {.place = 7};
    struct log_missed m;
    struct why why;

    append_run(log, 1000, 2);
    hidden->origin = FIXTURE_ORIGIN + 1;
    hidden->sequence = at_ms(1050);
    tap_equal(log_append(log, &hidden, 1, &why), 0);
    event_unref(hidden);
    append_run(log, 1100, 4);
    (void)vector_raise(
        &shown.vector, FIXTURE_ORIGIN, log_last_sequence(log, FIXTURE_ORIGIN));
    log_show(log, &shown);

    m = missed(log, 1, &none);
    tap_equal(m.count, 4);
    tap_check(m.exact);
    tap_equal(vector_get(&m.to, FIXTURE_ORIGIN + 1), 0);
    tap_check(vector_get(&m.to, FIXTURE_ORIGIN) > at_ms(1000));
    log_close(log);
}

TAP_CASE(a_trim_is_no_loss_for_a_channel_that_had_nothing_there)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct bytes other = bytes_text("/other/c/d");
    struct vector after;
    struct vector first;

    /* Nine events of three channels, then a run of one. */
    fixture_append(log, at_ms(1), 9, 40);
    first = vector_at(log, 3);
    after = vector_at(log, 9);
    append_run(log, 1000, 20);
    tap_check(!log_window_gone(log, other, &first));
    tap_equal(fixture_trim_all(log, 1005), 14);

    tap_check(log_window_gone(log, bytes_of(NULL, 0), &after));
    tap_check(log_window_gone(log, A, &after));
    tap_check(!log_window_gone(log, other, &after));
    tap_check(log_window_gone(log, other, &first));
    tap_check(!log_window_gone(log, bytes_text("/other/never"), &after));
    after = vector_at(log, 14);
    tap_check(!log_window_gone(log, A, &after));
    log_close(log);

    /* Afterwards nobody knows whose those were. */
    log = fixture_open(dir);
    tap_check(!log_window_gone(log, A, &after));
    after = first;
    tap_check(log_window_gone(log, bytes_text("/other/never"), &after));
    log_close(log);
}

TAP_CASE(a_reserve_is_on_disk_with_the_next_append_and_stays)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);

    tap_equal(fixture_stat(log).reserved, 0);
    log_reserve(log, at_ms(5000));
    tap_equal(fixture_stat(log).reserved, 0);
    append_run(log, 1000, 1);
    tap_equal(fixture_stat(log).reserved, at_ms(5000));
    log_reserve(log, at_ms(4000));
    append_run(log, 1001, 1);
    tap_equal(fixture_stat(log).reserved, at_ms(5000));
    log_close(log);

    log = fixture_open(dir);
    tap_equal(fixture_stat(log).reserved, at_ms(5000));
    log_reserve(log, at_ms(6000));
    log_close(log);
    log = fixture_open(dir);
    tap_equal(fixture_stat(log).reserved, at_ms(5000));
    log_close(log);
}

static void append_other(struct log *log, uint64_t sequence)
{
    struct event *event = fixture_event(sequence, 40);
    struct why why;

    event->origin = FIXTURE_ORIGIN + 2;
    event->predecessor = log_last_sequence(log, event->origin);
    tap_equal(log_append(log, &event, 1, &why), 0);
    event_unref(event);
}

TAP_CASE(who_has_all_misses_nothing_beside_an_origin_with_an_event_now_and_then)
{
    struct log *log =
        open_with(fixture_dir(), 10, INDEX_UNLIMITED, INDEX_UNLIMITED);
    struct vector has;
    struct log_missed m;

    append_other(log, 1);
    append_run(log, 1000, 600);
    log_seek_vector(log, &has);
    append_other(log, 2);
    append_run(log, 1600, 5);
    m = missed(log, log_seek(log, &has), &has);
    tap_equal(m.count, 0);
    append_run(log, 1605, 600);
    m = missed(log, log_seek(log, &has), &has);
    tap_equal(m.count, 605 - 10);
    tap_check(m.exact);
    log_close(log);
}

/* Nobody had the time to read it and be told that it is damaged. */
TAP_CASE(a_damaged_record_that_is_trimmed_is_gone_for_those_who_lack_it)
{
    for (uint64_t left = 4; left <= 5; left++) { /* the first that stays */
        const char *dir = fixture_dir();
        struct log *log = fixture_open(dir);
        struct vector has = {0};
        struct why why;

        fixture_append(log, 1, 6, 40); /* the third is of channel A */
        log_close(log);
        tap_equal(damage_flip(dir, "\"3:", 1), 1);
        log = fixture_open(dir);
        tap_equal(log_trim(log, 1, left - 1, &why), (int)left - 1);
        tap_check(vector_raise(&has, FIXTURE_ORIGIN, 2));
        tap_check(log_window_gone(log, A, &has));
        tap_check(vector_raise(&has, FIXTURE_ORIGIN, 3));
        tap_check(!log_window_gone(log, A, &has));
        log_close(log);
    }
}

TAP_MAIN()

/* What is on disk and not to be seen yet, and what takes new places. */
#include "tests/lib/log_fixture.h"

#define OTHER (FIXTURE_ORIGIN ^ EVENT_ORIGIN_QUORUM)

static struct event *event_of(uint64_t origin, uint64_t sequence)
{
    struct event *event = fixture_event(sequence, 30);

    event->origin = origin;
    return event;
}

static void append(struct log *log, struct event *event)
{
    struct why why;

    tap_equal(log_append(log, &event, 1, &why), 0);
}

static struct log_shown shown(struct log *log)
{
    struct log_shown ret;

    log_show_now(log, &ret);
    return ret;
}

static void hide_after(struct log *log, uint64_t place, uint64_t sequence)
{
    struct log_shown s = {.place = place};

    (void)vector_raise(&s.vector, FIXTURE_ORIGIN, sequence);
    log_show(log, &s);
}

TAP_CASE(log_shows_everything_unless_it_is_told_otherwise)
{
    struct log *log = fixture_open(fixture_dir());
    struct log_shown s;

    fixture_append(log, 1, 5, 30);
    s = shown(log);
    tap_check(s.all);
    tap_equal(s.place, 5);
    tap_equal(vector_get(&s.vector, FIXTURE_ORIGIN), 5);
    tap_check(log_show_covers(&s, 99, 99, 99));
    log_close(log);
}

TAP_CASE(log_hides_by_place_and_by_sequence)
{
    struct log *log = fixture_open(fixture_dir());
    struct log_shown s;

    fixture_append(log, 1, 5, 30);
    hide_after(log, 4, 3);
    s = shown(log);
    tap_check(log_show_covers(&s, 3, FIXTURE_ORIGIN, 3));
    tap_check(!log_show_covers(&s, 4, FIXTURE_ORIGIN, 4));
    tap_check(!log_show_covers(&s, 5, FIXTURE_ORIGIN, 3));
    tap_check(!log_show_covers(&s, 1, OTHER, 1));
    log_close(log);
}

TAP_CASE(log_hides_again_after_a_start_what_was_hidden_at_the_last_append)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct log_shown s;

    fixture_append(log, 1, 2, 30);
    hide_after(log, 2, 2);
    fixture_append(log, 3, 2, 30);
    log_close(log);
    log = fixture_open(dir);
    s = shown(log);
    tap_check(!s.all);
    tap_equal(vector_get(&s.vector, FIXTURE_ORIGIN), 2);
    tap_equal(s.place, 4);

    log_show(log, &(struct log_shown){.all = true});
    fixture_append(log, 5, 1, 30);
    log_close(log);
    log = fixture_open(dir);
    tap_check(shown(log).all);
    log_close(log);
}

static bool note_place(uint64_t place,
                       const struct record *record,
                       void *context)
{
    uint64_t *places = context;

    places[record->origin == FIXTURE_ORIGIN ? record->sequence : 0] = place;
    return true;
}

/* Three of one origin with one of another between them. */
static struct log *mixed(const char *dir, struct event *ret[3])
{
    struct log *log = fixture_open(dir);
    struct event *other = event_of(OTHER, 7);

    for (uint64_t n = 0; n < 3; n++) {
        ret[n] = event_of(FIXTURE_ORIGIN, n + 1);
        append(log, ret[n]);
        if (n == 0) {
            append(log, other);
        }
    }
    event_unref(other);
    return log;
}

static void places_are(struct log *log, uint64_t two, uint64_t three)
{
    uint64_t places[4] = {0};
    uint64_t of_channel[8];
    struct why why;
    struct vector v;

    tap_equal(log_read(log, 1, LOG_PAGE_BYTES_MAX, note_place, places, &why),
              0);
    tap_equal(places[0], 2);
    tap_equal(places[1], 1);
    tap_equal(places[2], two);
    tap_equal(places[3], three);
    for (uint64_t n = 1; n <= 3; n++) {
        size_t count = index_after(
            log_index(log), fixture_channel(n), places[n] - 1, of_channel, 8);

        tap_check(count > 0);
        tap_equal(of_channel[0], places[n]);
    }
    tap_equal(index_count(log_index(log)), 4);
    tap_equal(log_seek_vector_at(log, 4, &v, &why), 0);
    tap_equal(vector_get(&v, OTHER), 7);
    tap_equal(fixture_stat(log).last_place, three);
}

TAP_CASE(log_moves_events_to_the_end)
{
    const char *dir = fixture_dir();
    struct event *events[3];
    struct log *log = mixed(dir, events);
    struct vector after = {0};
    struct why why;

    places_are(log, 3, 4);
    tap_equal(log_move(log, events + 1, 2, &why), 0);
    tap_equal(events[1]->place, 5);
    tap_equal(events[2]->place, 6);
    places_are(log, 5, 6);
    (void)vector_raise(&after, FIXTURE_ORIGIN, 1);
    (void)vector_raise(&after, OTHER, 7);
    tap_check(log_seek(log, &after) <= 5);
    (void)vector_raise(&after, FIXTURE_ORIGIN, 2);
    tap_check(log_seek(log, &after) <= 6);
    log_close(log);
    log = fixture_open(dir);
    places_are(log, 5, 6);
    tap_equal(log_last_sequence(log, FIXTURE_ORIGIN), 3);
    for (int n = 0; n < 3; n++) {
        event_unref(events[n]);
    }
    log_close(log);
}

/* They waited for so long that the window went over them. */
TAP_CASE(log_moves_what_was_trimmed_and_it_is_no_longer_gone)
{
    struct event *events[3];
    struct log *log = mixed(fixture_dir(), events);
    struct vector has = {0};
    struct why why;

    tap_check(vector_raise(&has, OTHER, 7));
    tap_equal(log_trim(log, 1, 4, &why), 4);
    tap_check(log_window_gone(log, bytes_of(NULL, 0), &has));
    tap_equal(log_move(log, events + 1, 2, &why), 0);
    tap_check(log_window_gone(log, bytes_of(NULL, 0), &has));
    tap_check(vector_raise(&has, FIXTURE_ORIGIN, 1));
    tap_check(!log_window_gone(log, bytes_of(NULL, 0), &has));
    for (int n = 0; n < 3; n++) {
        event_unref(events[n]);
    }
    log_close(log);
}

TAP_CASE(log_move_keeps_what_is_reserved_on_disk)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct event *event = event_of(FIXTURE_ORIGIN, 1);
    struct why why;

    append(log, event);
    log_reserve(log, 1000);
    tap_equal(log_move(log, &event, 1, &why), 0);
    tap_equal(fixture_stat(log).reserved, 1000);
    log_close(log);
    log = fixture_open(dir);
    tap_equal(fixture_stat(log).reserved, 1000);
    event_unref(event);
    log_close(log);
}

TAP_CASE(log_moves_an_event_with_its_key)
{
    struct log *log = fixture_open(fixture_dir());
    struct event *event = event_new_keyed(
        bytes_text("/default/a"), bytes_text("1"), bytes_text("key"));
    uint64_t origin;
    uint64_t sequence;
    struct why why;

    event->origin = FIXTURE_ORIGIN;
    event->sequence = 8;
    append(log, event);
    tap_equal(log_move(log, &event, 1, &why), 0);
    tap_equal(event->place, 2);
    tap_equal(
        log_find_key(log, event->channel, event->key, &origin, &sequence, &why),
        0);
    tap_equal(sequence, 8);
    event_unref(event);
    log_close(log);
}

/* Of the other origin, up to 50 is missing; also after a restart. Closes it. */
static void misses_up_to_50(const char *dir, struct log *log, uint64_t last)
{
    struct vector low;

    for (int round = 0; round < 2; round++) {
        tap_equal(log_last_sequence(log, OTHER), last);
        log_seek_low_water(log, bytes_of(NULL, 0), &low);
        tap_equal(vector_get(&low, OTHER), 50);
        tap_equal(vector_get(&low, FIXTURE_ORIGIN), 0);
        log_close(log);
        log = fixture_open(dir);
    }
    log_close(log);
}

TAP_CASE(log_skips_what_nobody_has)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct why why;

    fixture_append(log, 1, 3, 30);
    tap_equal(log_append_skip(log, OTHER, 50, &why), 0);
    misses_up_to_50(dir, log, 50);
}

static void append_behind(struct log *log,
                          uint64_t origin,
                          uint64_t predecessor,
                          uint64_t sequence)
{
    struct event *event = event_of(origin, sequence);

    event->predecessor = predecessor;
    append(log, event);
    event_unref(event);
}

TAP_CASE(where_an_origin_forked_outlives_a_restart)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct why why;

    fixture_append(log, 1, 3, 30);
    append_behind(log, OTHER, 0, 10);
    append_behind(log, OTHER, 10, 60);
    tap_equal(log_append_fork(log, OTHER, 50, &why), 0);
    misses_up_to_50(dir, log, 60);
}

static bool misses(struct log *log, uint64_t sequence)
{
    struct event *first = fixture_event(1, 30);
    struct vector after = {0};
    bool gone;

    (void)vector_raise(&after, OTHER, sequence);
    gone = log_window_gone(log, first->channel, &after);
    event_unref(first);
    return gone;
}

TAP_CASE(log_tells_of_what_was_skipped_behind_events_that_it_has)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct why why;

    append_behind(log, OTHER, 0, 1);
    tap_check(!misses(log, 0));
    tap_equal(log_append_skip(log, OTHER, 50, &why), 0);
    for (int round = 0; round < 3; round++) {
        tap_check(misses(log, 1));
        tap_check(misses(log, 49));
        tap_check(!misses(log, 50));
        log_close(log);
        log = fixture_open(dir);
        if (round == 0) {
            append_behind(log, OTHER, 50, 60);
        }
    }
    log_close(log);
}

TAP_MAIN()

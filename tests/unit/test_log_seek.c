/* From cursors to places and back, with one origin and with several, trimmed
 * and opened again. */
#include "tests/lib/damage.h"
#include "tests/lib/log_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define OTHER UINT64_C(0x9999)

/* Sequences whose wall clock is n milliseconds. */
static uint64_t at_ms(uint64_t n)
{
    return n << 16;
}

/* `count` events of two origins in turn, from `first` ms on, a ms each. */
static void append_both(struct log *log, uint64_t first, size_t count)
{
    for (uint64_t n = first; n < first + count; n++) {
        struct event *event = fixture_event(at_ms(n), 40);
        struct why why;

        event->origin = n % 2 == 0 ? FIXTURE_ORIGIN : OTHER;
        event->predecessor = n <= 2 ? 0 : at_ms(n - 2);
        tap_equal(log_append(log, &event, 1, &why), 0);
        event_unref(event);
    }
}

static struct vector vector_at(struct log *log, uint64_t place)
{
    struct vector v;
    struct why why;

    tap_equal(log_seek_vector_at(log, place, &v, &why), 0);
    return v;
}

/* Every place's vector leads to a place near enough before the next event. */
static void seeks_near(struct log *log, uint64_t first, uint64_t last)
{
    for (uint64_t place = first; place <= last; place++) {
        struct vector v = vector_at(log, place);
        uint64_t found = log_seek(log, &v);

        tap_check(found <= place + 1);
        tap_check(found + LOG_SEEK_SLACK > place);
    }
}

TAP_CASE(an_empty_log_has_its_own_origin_with_nothing)
{
    struct log *log = fixture_open(fixture_dir());
    struct vector v;

    log_seek_vector(log, &v);
    tap_equal(v.count, 1);
    tap_equal(v.entries[0].origin, FIXTURE_ORIGIN);
    tap_equal(v.entries[0].sequence, 0);
    tap_equal(log_seek(log, &v), 1);
    log_seek_low_water(log, bytes_of(NULL, 0), &v);
    tap_equal(v.count, 0);
    v = vector_at(log, 0);
    tap_equal(vector_get(&v, FIXTURE_ORIGIN), 0);
    log_close(log);
}

TAP_CASE(the_vector_at_a_place_has_what_stands_up_to_there)
{
    struct log *log = fixture_open(fixture_dir());
    struct vector v;

    append_both(log, 1, 1000);
    for (uint64_t place = 1; place <= 1000; place++) {
        v = vector_at(log, place);
        tap_equal(vector_get(&v, place % 2 == 0 ? FIXTURE_ORIGIN : OTHER),
                  at_ms(place));
        tap_equal(vector_get(&v, place % 2 == 0 ? OTHER : FIXTURE_ORIGIN),
                  at_ms(place - 1));
    }
    log_seek_vector(log, &v);
    tap_equal(vector_get(&v, FIXTURE_ORIGIN), at_ms(1000));
    tap_equal(log_seek(log, &v), 1001);
    seeks_near(log, 1, 1000);
    log_close(log);
}

TAP_CASE(a_vector_that_lacks_an_origin_begins_before_all_of_its_events)
{
    struct log *log = fixture_open(fixture_dir());
    struct vector v = {0};

    append_both(log, 1, 500);
    (void)vector_raise(&v, FIXTURE_ORIGIN, at_ms(500));
    tap_equal(log_seek(log, &v), 1);
    log_close(log);
}

TAP_CASE(what_is_trimmed_is_under_low_water_also_when_opened_again)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct vector low;

    append_both(log, 1, 600);
    tap_equal(fixture_trim_all(log, 401), 400);
    for (int opened = 0; opened < 2; opened++) {
        log_seek_low_water(log, bytes_of(NULL, 0), &low);
        tap_equal(vector_get(&low, FIXTURE_ORIGIN), at_ms(400));
        tap_equal(vector_get(&low, OTHER), at_ms(399));
        tap_check(log_seek(log, &low) <= 401);
        seeks_near(log, 401, 600);
        log_close(log);
        log = fixture_open(dir);
    }
    tap_equal(fixture_trim_all(log, 601), 200);
    for (int opened = 0; opened < 2; opened++) {
        log_seek_low_water(log, bytes_of(NULL, 0), &low);
        tap_equal(vector_get(&low, FIXTURE_ORIGIN), at_ms(600));
        tap_equal(vector_get(&low, OTHER), at_ms(599));
        tap_equal(log_seek(log, &low), 601);
        log_close(log);
        log = fixture_open(dir);
    }
    log_close(log);
}

static void append_other(struct log *log, uint64_t sequence, uint64_t before)
{
    struct event *event = fixture_event(sequence, 40);
    struct why why;

    event->origin = OTHER;
    event->predecessor = before;
    tap_equal(log_append(log, &event, 1, &why), 0);
    event_unref(event);
}

/* A record that is read is found to be damaged: those far from the place are
 * not read, however seldom another origin has an event. */
TAP_CASE(the_vector_at_a_place_costs_a_few_records_beside_a_slow_origin)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct vector v;

    for (int slow = 0; slow < 3; slow++) {
        if (slow > 0) { /* it begins in the middle */
            append_other(log, (uint64_t)slow, (uint64_t)slow - 1);
        }
        for (uint64_t n = 0; n < 150; n++) {
            fixture_append(log, 1 + ((uint64_t)slow * 150 + n) * 50, 50, 40);
        }
    }
    tap_equal(damage_flip(dir, "\"500:", 1), 1);
    tap_equal(damage_flip(dir, "\"8000:", 1), 1);
    tap_equal(damage_flip(dir, "\"16000:", 1), 1);
    v = vector_at(log, 7000);
    tap_equal(vector_get(&v, FIXTURE_ORIGIN), 7000);
    tap_equal(vector_get(&v, OTHER), 0);
    v = vector_at(log, 14001);
    tap_equal(vector_get(&v, FIXTURE_ORIGIN), 14000);
    tap_equal(vector_get(&v, OTHER), 1);
    tap_check(log_seek(log, &v) + LOG_SEEK_SLACK > 14002);
    v = vector_at(log, 22002);
    tap_equal(vector_get(&v, FIXTURE_ORIGIN), 22000);
    tap_equal(vector_get(&v, OTHER), 2);
    tap_equal(fixture_stat(log).corrupt_count, 0);
    log_close(log);
}

/* Its node was restored from an old copy, and went on from there. */
TAP_CASE(an_origin_that_was_set_back_hides_nothing_that_it_had_before)
{
    struct log *log = fixture_open(fixture_dir());
    struct vector v;

    for (uint64_t sequence = 1; sequence <= 10; sequence++) {
        append_other(log, sequence, sequence - 1);
    }
    fixture_append(log, 1, 55, 40);
    append_other(log, 20, 5);
    log_seek_vector(log, &v);
    tap_check(vector_set(&v, OTHER, 7));
    tap_check(log_seek(log, &v) <= 8);
    v = vector_at(log, 65);
    tap_equal(vector_get(&v, OTHER), 10);
    log_close(log);
}

struct backwards {
    uint64_t next;
    uint64_t end;
};

static bool visit_back(uint64_t place,
                       const struct record *record,
                       void *context)
{
    struct backwards *b = context;

    (void)record;
    tap_equal(place, b->next);
    b->next--;
    return b->next != b->end;
}

TAP_CASE(reading_back_visits_a_page_of_the_newest_first_until_told_to_end)
{
    struct log *log = fixture_open(fixture_dir());
    struct backwards b = {.next = 9000, .end = 0};
    struct why why;

    for (uint64_t n = 0; n < 10000; n += 50) {
        fixture_append(log, n + 1, 50, 40);
    }
    tap_equal(
        log_read_back(log, 9000, LOG_PAGE_BYTES_MAX, visit_back, &b, &why), 0);
    tap_check(b.next > 0 && b.next < 9000 - 1000);
    while (b.next > 0) {
        tap_equal(log_read_back(
                      log, b.next, LOG_PAGE_BYTES_MAX, visit_back, &b, &why),
                  0);
    }
    b.next = 5000;
    tap_equal(log_read_back(log, 5000, 1, visit_back, &b, &why), 0);
    tap_equal(b.next, 4999);
    b = (struct backwards){.next = 10000, .end = 9990};
    tap_equal(
        log_read_back(log, 20000, LOG_PAGE_BYTES_MAX, visit_back, &b, &why), 0);
    tap_equal(b.next, 9990);
    log_close(log);
}

static void *expect_many(void *context)
{
    for (uint64_t origin = 1; origin <= 2000; origin++) {
        log_seek_expect(context, 2 * (FIXTURE_ORIGIN + origin));
    }
    return NULL;
}

/* The cluster's thread hears of nodes while the log's writes. */
TAP_CASE(origins_become_known_while_the_log_trims)
{
    struct log *log = fixture_open(fixture_dir());
    pthread_t thread;

    fixture_append(log, 1, 64, 30);
    tap_equal(pthread_create(&thread, NULL, expect_many, log), 0);
    for (int i = 0; i < 32; i++) {
        tap_equal(log_trim(log, UINT64_MAX, 2, NULL), 2);
    }
    pthread_join(thread, NULL);
    tap_check(log_seek_knows(log, 2 * (FIXTURE_ORIGIN + 2000)));
    log_close(log);
}

struct watch {
    struct log *log;
    _Atomic(bool) ready;
    _Atomic(bool) stop;
    size_t marks; /* how many it has seen, one after another */
};

static void *watch_low_water(void *context)
{
    struct watch *w = context;
    uint64_t last = 0;

    do {
        struct vector low;
        uint64_t sequence;

        log_seek_low_water(w->log, bytes_of(NULL, 0), &low);
        sequence = vector_get(&low, FIXTURE_ORIGIN);
        w->marks += sequence > last;
        last = sequence;
        atomic_store(&w->ready, true);
    } while (!atomic_load(&w->stop));
    return NULL;
}

TAP_CASE(what_a_step_of_trimming_takes_is_under_low_water_at_once)
{
    enum { STEPS = 8, STEP_EVENTS = 512 };
    struct log *log = fixture_open(fixture_dir());
    struct watch w = {.log = log};
    pthread_t thread;

    for (size_t n = 0; n < STEPS * STEP_EVENTS / 64; n++) {
        fixture_append(log, 1 + n * 64, 64, 30);
    }
    tap_equal(pthread_create(&thread, NULL, watch_low_water, &w), 0);
    while (!atomic_load(&w.ready)) {
        sched_yield();
    }
    for (size_t n = 0; n < STEPS; n++) {
        tap_equal(log_trim(log, UINT64_MAX, STEP_EVENTS, NULL), STEP_EVENTS);
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    tap_check(w.marks <= STEPS);
    log_close(log);
}

TAP_MAIN()

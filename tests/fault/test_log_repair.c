/* Damaged records are found out from what stands around them, and made whole
 * where they are. */
#include "storage/log_repair.h"

#include "tests/lib/damage.h"
#include "tests/lib/log_fixture.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>

#define OTHER_ORIGIN UINT64_C(0x2468)
#define HOLES_MAX 8

static void flip_near(const char *dir, const char *needle, int offset)
{
    tap_check(damage_flip(dir, needle, offset) > 0);
}

static void flip(const char *dir, uint64_t sequence)
{
    char needle[32];

    snprintf(needle, sizeof(needle), "\"%llu:", (unsigned long long)sequence);
    flip_near(dir, needle, 8); /* behind the number: it can be found again */
}

static const char *log_of_ten(void)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);

    fixture_append(log, 1001, 10, 100);
    log_close(log);
    return dir;
}

struct holes {
    size_t count;
    struct log_hole all[HOLES_MAX];
};

static struct holes find_holes(struct log *log)
{
    struct log_hole_walk walk = {0};
    struct holes holes = {0};
    struct why why = {0};
    size_t count;
    int rc;

    do {
        rc = log_hole_find(log,
                           &walk,
                           holes.all + holes.count,
                           HOLES_MAX - holes.count,
                           &count,
                           &why);
        tap_check(rc >= 0);
        holes.count += count;
    } while (rc == 1 && holes.count < HOLES_MAX);
    return holes;
}

/* Repair with the events [first, first + count), each of `len` bytes. */
static int repair_with(struct log *log,
                       const struct log_hole *hole,
                       uint64_t first,
                       size_t count,
                       size_t len)
{
    struct bytes records[FIXTURE_BATCH_MAX] = {{0}};
    struct why why = {0};
    int repaired;

    for (size_t n = 0; n < count; n++) {
        struct event *event = fixture_event(first + n, len);
        uint8_t *bytes = alloc_raw(record_len(event));

        event->origin = hole->origin;
        record_encode(event, bytes);
        records[n] = bytes_of(bytes, record_len(event));
        event_unref(event);
    }
    repaired = log_repair(log, hole, records, count, &why);
    for (size_t n = 0; n < count; n++) {
        free((void *)(uintptr_t)records[n].data);
    }
    return repaired;
}

/* All ten are there, in order, and every table knows them. */
static void expect_whole(struct log *log, size_t count)
{
    struct fixture_found found = fixture_read_all(log);
    uint64_t places[64];
    size_t indexed = 0;

    tap_equal(found.count, count);
    tap_equal(found.wrong, 0);
    tap_equal(found.gaps, 0);
    tap_equal(fixture_stat(log).corrupt_count, 0);
    tap_equal(fixture_stat(log).event_count, count);
    for (uint64_t n = 0; n < FIXTURE_CHANNELS; n++) {
        size_t got =
            index_after(log_index(log), fixture_channel(n), 0, places, 64);

        for (size_t i = 1; i < got; i++) {
            tap_check(places[i - 1] < places[i]);
        }
        indexed += got;
    }
    tap_equal(indexed, count);
    tap_equal(find_holes(log).count, 0);
}

static size_t set_aside_count(const char *dir)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_stat stat = {0};

    tap_equal(mdb_env_create(&env), 0);
    tap_equal(mdb_env_set_maxdbs(env, 3), 0);
    tap_equal(mdb_env_open(env, dir, MDB_RDONLY, 0600), 0);
    tap_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    if (mdb_dbi_open(txn, "damaged", MDB_INTEGERKEY, &dbi) == 0) {
        tap_equal(mdb_stat(txn, dbi, &stat), 0);
    }
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return stat.ms_entries;
}

TAP_CASE(what_is_hidden_is_not_repaired_before_it_has_its_place)
{
    const char *dir = log_of_ten();
    struct log_shown shown = {.place = 10};
    struct log *log;

    flip(dir, 1005);
    log = fixture_open(dir);
    (void)vector_raise(&shown.vector, FIXTURE_ORIGIN, 1003);
    log_show(log, &shown);
    tap_equal(find_holes(log).count, 0);
    (void)vector_raise(&shown.vector, FIXTURE_ORIGIN, 1010);
    log_show(log, &shown);
    tap_equal(find_holes(log).count, 1);
    log_close(log);
}

TAP_CASE(a_hole_is_found_and_its_record_put_back)
{
    const char *dir = log_of_ten();
    struct log *log;
    struct holes holes;

    flip(dir, 1005);
    log = fixture_open(dir);
    holes = find_holes(log);
    tap_equal(holes.count, 1);
    tap_equal(holes.all[0].origin, FIXTURE_ORIGIN);
    tap_equal(holes.all[0].after, 1004);
    tap_equal(holes.all[0].until, 1005);
    tap_equal(repair_with(log, &holes.all[0], 1005, 1, 100), 1);
    expect_whole(log, 10);
    fixture_append(log, 1011, 1, 100);
    log_close(log);
    log = fixture_open(dir);
    expect_whole(log, 11);
    log_close(log);
    tap_equal(set_aside_count(dir), 1);
}

TAP_CASE(neighbours_are_put_back_in_order_also_in_parts)
{
    const char *dir = log_of_ten();
    struct log *log;
    struct holes holes;

    flip(dir, 1004);
    flip(dir, 1005);
    flip(dir, 1006);
    flip(dir, 1009);
    log = fixture_open(dir);
    holes = find_holes(log);
    tap_equal(holes.count, 2);
    tap_equal(holes.all[0].after, 1003);
    tap_equal(holes.all[0].until, 1006);
    tap_equal(holes.all[1].after, 1008);
    tap_equal(holes.all[1].until, 1009);
    tap_equal(repair_with(log, &holes.all[0], 1005, 1, 100), 1);
    tap_equal(repair_with(log, &holes.all[1], 1009, 1, 100), 1);
    holes = find_holes(log);
    tap_equal(holes.count, 2);
    tap_equal(holes.all[0].until, 1004);
    tap_equal(holes.all[1].after, 1005);
    tap_equal(repair_with(log, &holes.all[1], 1006, 1, 100), 1);
    tap_equal(repair_with(log, &holes.all[0], 1004, 1, 100), 1);
    expect_whole(log, 10);
    log_close(log);
}

TAP_CASE(a_name_that_is_damaged_does_not_matter)
{
    const char *dir = log_of_ten();
    struct log *log;
    struct holes holes;

    /* The content follows the head and the channel: back to the sequence. */
    flip_near(dir, "\"1005:", -(int)fixture_channel(1005).len - 16);
    log = fixture_open(dir);
    tap_equal(fixture_stat(log).corrupt_count, 1);
    holes = find_holes(log);
    tap_equal(holes.count, 1);
    tap_equal(repair_with(log, &holes.all[0], 1005, 1, 100), 1);
    expect_whole(log, 10);
    log_close(log);
}

TAP_CASE(the_first_record_of_a_log_is_found_by_its_name)
{
    const char *dir = log_of_ten();
    const struct vector none = {0};
    struct vector low;
    struct log *log;
    struct holes holes;

    flip(dir, 1001);
    flip(dir, 1002);
    log = fixture_open(dir);
    for (uint64_t sequence = 1002; sequence > 1000; sequence--) {
        holes = find_holes(log);
        tap_equal(holes.count, 1);
        tap_equal(holes.all[0].until, sequence);
        tap_equal(repair_with(log, &holes.all[0], sequence, 1, 100), 1);
    }
    expect_whole(log, 10);
    log_seek_low_water(log, bytes_of(NULL, 0), &low);
    tap_equal(vector_get(&low, FIXTURE_ORIGIN), 1000);
    tap_equal(log_seek(log, &none), 1);
    log_close(log);
}

TAP_CASE(a_last_record_that_came_again_is_cleared)
{
    const char *dir = log_of_ten();
    struct log *log;
    struct holes holes;

    flip(dir, 1010);
    log = fixture_open(dir);
    tap_equal(find_holes(log).count, 0);
    tap_equal(log_last_sequence(log, FIXTURE_ORIGIN), 1009);
    fixture_append(log, 1010, 1, 100);
    tap_equal(fixture_read_all(log).last_place, 11);
    holes = find_holes(log);
    tap_equal(holes.count, 1);
    tap_equal(holes.all[0].whole_place, 11);
    tap_equal(log_repair(log, &holes.all[0], NULL, 0, NULL), 1);
    expect_whole(log, 10);
    log_close(log);
    log = fixture_open(dir);
    expect_whole(log, 10);
    log_close(log);
    tap_equal(set_aside_count(dir), 1);
}

TAP_CASE(what_goes_bad_while_the_log_is_open_is_put_back)
{
    const char *dir = log_of_ten();
    struct log *log = fixture_open(dir);
    struct holes holes;

    flip(dir, 1010);
    tap_equal(fixture_read_all(log).count, 9);
    tap_equal(find_holes(log).count, 0);
    fixture_append(log, 1011, 1, 100);
    flip(dir, 1005);
    tap_equal(fixture_read_all(log).count, 9);
    holes = find_holes(log);
    tap_equal(holes.count, 2);
    tap_equal(repair_with(log, &holes.all[0], 1005, 1, 100), 1);
    tap_equal(repair_with(log, &holes.all[1], 1010, 1, 100), 1);
    expect_whole(log, 11);
    log_close(log);
}

TAP_CASE(what_does_not_belong_is_not_put_there)
{
    const char *dir = log_of_ten();
    struct log *log;
    struct holes holes;
    struct log_hole wrong;
    uint8_t record[512];
    struct bytes bytes;
    struct event *event = fixture_event(1005, 100);

    flip(dir, 1005);
    log = fixture_open(dir);
    holes = find_holes(log);
    tap_equal(repair_with(log, &holes.all[0], 1004, 1, 100), 0);
    tap_equal(repair_with(log, &holes.all[0], 1006, 1, 100), 0);
    tap_equal(repair_with(log, &holes.all[0], 1005, 1, 101), 0);
    wrong = holes.all[0];
    wrong.origin = OTHER_ORIGIN;
    tap_equal(repair_with(log, &wrong, 1005, 1, 100), 0);
    record_encode(event, record);
    bytes = bytes_of(record, record_len(event));
    record[50] ^= 1;
    tap_equal(log_repair(log, &holes.all[0], &bytes, 1, NULL), 0);
    tap_equal(fixture_stat(log).corrupt_count, 1);
    tap_equal(fixture_read_all(log).count, 9);

    /* A second time there is no hole any more. */
    tap_equal(repair_with(log, &holes.all[0], 1005, 1, 100), 1);
    tap_equal(repair_with(log, &holes.all[0], 1005, 1, 100), 0);
    expect_whole(log, 10);
    event_unref(event);
    log_close(log);
}

/* Events of two origins by turns, at places 1 to 20. */
static const char *log_of_two(void)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);

    for (uint64_t n = 1; n <= 10; n++) {
        struct event *event = fixture_event(2000 + n, 100);

        fixture_append(log, 1000 + n, 1, 100);
        event->origin = OTHER_ORIGIN;
        tap_equal(log_append(log, &event, 1, NULL), 0);
        event_unref(event);
    }
    log_close(log);
    return dir;
}

TAP_CASE(two_origins_share_a_damaged_stretch)
{
    const char *dir = log_of_two();
    struct log *log;
    struct holes holes;
    struct why why = {0};
    struct vector at;

    flip(dir, 1005);
    flip(dir, 2005);
    flip(dir, 1006);
    flip(dir, 2006);
    log = fixture_open(dir);
    tap_equal(fixture_stat(log).corrupt_count, 4);
    holes = find_holes(log);
    tap_equal(holes.count, 2);
    for (size_t n = 0; n < 2; n++) {
        uint64_t first = holes.all[n].origin == OTHER_ORIGIN ? 2005 : 1005;

        tap_equal(holes.all[n].after, first - 1);
        tap_equal(holes.all[n].until, first + 1);
        tap_equal(repair_with(log, &holes.all[n], first, 2, 100), 2);
    }
    tap_equal(fixture_stat(log).corrupt_count, 0);
    tap_equal(fixture_stat(log).event_count, 20);
    tap_equal(log_seek_vector_at(log, 10, &at, &why), 0);
    tap_equal(vector_get(&at, FIXTURE_ORIGIN), 1005);
    tap_equal(vector_get(&at, OTHER_ORIGIN), 2005);
    log_close(log);
}

TAP_CASE(a_key_is_found_again)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct event *event = event_new_keyed(
        bytes_text("/default/a"), bytes_text("\"needle\""), bytes_text("k"));
    uint8_t record[128];
    struct bytes bytes = bytes_of(record, record_len(event));
    struct holes holes;
    uint64_t origin;
    uint64_t sequence = 0;

    event->origin = FIXTURE_ORIGIN;
    event->sequence = 1001;
    event->predecessor = 1000;
    record_encode(event, record);
    tap_equal(log_append(log, &event, 1, NULL), 0);
    fixture_append(log, 1002, 3, 100);
    log_close(log);
    flip_near(dir, "\"needle\"", 2);
    log = fixture_open(dir);
    holes = find_holes(log);
    tap_equal(holes.count, 1);
    tap_equal(log_repair(log, &holes.all[0], &bytes, 1, NULL), 1);
    tap_equal(
        log_find_key(log, event->channel, event->key, &origin, &sequence, NULL),
        0);
    tap_equal(sequence, 1001);
    event_unref(event);
    log_close(log);
}

TAP_CASE(a_long_walk_goes_page_by_page)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct event *event = fixture_event(2001, 100);
    struct log_hole_walk walk = {0};
    struct log_hole hole = {0};
    struct why why = {0};
    size_t count = 0;
    unsigned steps = 0;

    event->origin = OTHER_ORIGIN;
    tap_equal(log_append(log, &event, 1, NULL), 0);
    event_unref(event);
    event = fixture_event(2002, 100);
    event->origin = OTHER_ORIGIN;
    tap_equal(log_append(log, &event, 1, NULL), 0);
    event_unref(event);
    for (uint64_t n = 0; n < 40; n++) {
        fixture_append(log, 10000 + 16 * n, 16, 8000);
    }
    event = fixture_event(2003, 100);
    event->origin = OTHER_ORIGIN;
    tap_equal(log_append(log, &event, 1, NULL), 0);
    event_unref(event);
    log_close(log);
    flip(dir, 2002);
    log = fixture_open(dir);
    while (count == 0) {
        tap_check(log_hole_find(log, &walk, &hole, 1, &count, &why) >= 0);
        tap_check(++steps < 100);
    }
    tap_check(steps > 10);
    tap_equal(hole.origin, OTHER_ORIGIN);
    tap_equal(hole.after, 2001);
    tap_equal(hole.until, 2002);
    log_close(log);
}

/* What is set aside stays within its bound, the newest of it. */
TAP_CASE(what_is_set_aside_is_bounded)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct holes holes;
    enum { LONG = 900000 };

    for (uint64_t n = 0; n < 12; n++) {
        fixture_append(log, 1001 + n, 1, LONG);
    }
    log_close(log);
    for (uint64_t n = 2; n < 12; n++) {
        flip(dir, 1000 + n);
    }
    log = fixture_open(dir);
    holes = find_holes(log);
    tap_equal(holes.count, 1);
    tap_equal(repair_with(log, &holes.all[0], 1002, 10, LONG), 10);
    expect_whole(log, 12);
    log_close(log);
    tap_equal(set_aside_count(dir), 4);
}

TAP_MAIN()

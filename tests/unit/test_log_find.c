/* An event is found by its channel and key for as long as it is in the window,
 * also after the log was opened again, and no other one is. */
#include "tests/lib/log_fixture.h"

#define MEGABYTE (UINT64_C(1) << 20)

static int try_find(struct log *log,
                    const char *channel,
                    const char *key,
                    uint64_t *ret_sequence)
{
    uint64_t origin = 0;
    int rc = log_find_key(
        log, bytes_text(channel), bytes_text(key), &origin, ret_sequence, NULL);

    tap_equal(origin, rc == 0 ? FIXTURE_ORIGIN : 0);
    return rc;
}

/* The sequence of the event; 0: there is none. */
static uint64_t find(struct log *log, const char *channel, const char *key)
{
    uint64_t sequence = 0;
    int rc = try_find(log, channel, key, &sequence);

    tap_check(rc == 0 || rc == RC_NOT_FOUND);
    return sequence;
}

static void put(struct log *log,
                uint64_t sequence,
                const char *channel,
                const char *key)
{
    struct event *event =
        event_new_keyed(bytes_text(channel), bytes_text("1"), bytes_text(key));

    event->origin = FIXTURE_ORIGIN;
    event->sequence = sequence;
    tap_equal(log_append(log, &event, 1, NULL), 0);
    event_unref(event);
}

TAP_CASE(log_find_key_finds_the_event_of_the_channel_and_the_key)
{
    struct log *log = fixture_open(fixture_dir());

    put(log, 1, "/default/a", "k");
    put(log, 2, "/default/b", "k");
    put(log, 3, "/default/a", "l");

    tap_equal(find(log, "/default/a", "k"), 1);
    tap_equal(find(log, "/default/b", "k"), 2);
    tap_equal(find(log, "/default/a", "l"), 3);
    tap_equal(find(log, "/default/b", "l"), 0);
    tap_equal(find(log, "/default/c", "k"), 0);
    log_close(log);
}

TAP_CASE(log_find_key_knows_where_a_key_ends_and_the_channel_begins)
{
    struct log *log = fixture_open(fixture_dir());

    put(log, 1, "/b/c", "k/a");

    tap_equal(find(log, "/a/b/c", "k"), 0);
    tap_equal(find(log, "/c", "k/a/b"), 0);
    tap_equal(find(log, "/b/c", "k/a"), 1);
    log_close(log);
}

TAP_CASE(log_find_key_does_not_find_events_without_one)
{
    struct log *log = fixture_open(fixture_dir());

    fixture_append(log, 1, 5, 20);

    tap_equal(find(log, "/default/a", "k"), 0);
    log_close(log);
}

TAP_CASE(log_find_key_finds_the_first_of_several)
{
    struct log *log = fixture_open(fixture_dir());

    put(log, 1, "/default/a", "k");
    put(log, 2, "/default/a", "k");

    tap_equal(find(log, "/default/a", "k"), 1);
    log_close(log);
}

TAP_CASE(log_find_key_finds_after_the_log_was_opened_again)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    char longest[EVENT_KEY_BYTES_MAX + 1];

    memset(longest, 'x', sizeof(longest));
    longest[EVENT_KEY_BYTES_MAX] = '\0';
    put(log, 1, "/default/a", "k");
    put(log, 2, "/default/b", longest);
    log_close(log);
    log = fixture_open(dir);

    tap_equal(find(log, "/default/a", "k"), 1);
    tap_equal(find(log, "/default/b", longest), 2);
    tap_equal(find(log, "/default/b", "k"), 0);
    log_close(log);
}

TAP_CASE(log_find_key_finds_no_event_that_was_trimmed)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    uint64_t minute = UINT64_C(60000) << 16;

    put(log, minute, "/default/a", "old");
    put(log, 2 * minute, "/default/a", "new");
    tap_equal(fixture_trim_all(log, 90000), 1);

    tap_equal(find(log, "/default/a", "old"), 0);
    tap_equal(find(log, "/default/a", "new"), 2 * minute);
    put(log, 3 * minute, "/default/a", "old");
    tap_equal(find(log, "/default/a", "old"), 3 * minute);
    log_close(log);
    log = fixture_open(dir);
    tap_equal(find(log, "/default/a", "old"), 3 * minute);
    log_close(log);
}

TAP_CASE(log_find_key_does_not_know_what_the_log_refused)
{
    struct log *log = fixture_open(fixture_dir());
    char *content = alloc_zero(2 * MEGABYTE);
    struct event *event = event_new_keyed(bytes_text("/default/a"),
                                          bytes_of(content, 2 * MEGABYTE),
                                          bytes_text("k"));

    event->origin = FIXTURE_ORIGIN;
    event->sequence = 1;
    tap_equal(log_append(log, &event, 1, NULL), RC_TOO_LARGE);

    tap_equal(find(log, "/default/a", "k"), 0);
    event_unref(event);
    free(content);
    log_close(log);
}

TAP_CASE(log_find_key_knows_thousands_apart)
{
    enum { COUNT = 2000 };
    struct log *log = fixture_open(fixture_dir());
    char key[16];

    for (unsigned n = 1; n <= COUNT; n++) {
        snprintf(key, sizeof(key), "key-%u", n);
        put(log, n, "/default/a", key);
    }
    for (unsigned n = 1; n <= COUNT; n++) {
        snprintf(key, sizeof(key), "key-%u", n);
        tap_equal(find(log, "/default/a", key), n);
    }
    tap_equal(find(log, "/default/a", "key-0"), 0);
    log_close(log);
}

TAP_MAIN()

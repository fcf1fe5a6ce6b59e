/* An event is a repeat when both its channel and its key were there before. */
#include "src/bridge/repeats.h"
#include "tests/lib/tap.h"

#include <stdio.h>

static struct event *event_of(const char *channel, const char *key)
{
    return event_new_keyed(
        bytes_text(channel), bytes_text("1"), bytes_text(key));
}

static const struct event *find(const struct repeats *r,
                                const char *channel,
                                const char *key)
{
    struct event *event = event_of(channel, key);
    const struct event *found = repeats_find(r, event);

    event_unref(event);
    return found;
}

TAP_CASE(repeats_finds_the_event_with_the_same_channel_and_key)
{
    struct event *first = event_of("/default/a", "k");
    struct event *second = event_of("/default/b", "k");
    struct repeats r;

    repeats_init(&r, 1);
    tap_check(find(&r, "/default/a", "k") == NULL);
    repeats_add(&r, first);
    repeats_add(&r, second);

    tap_check(find(&r, "/default/a", "k") == first);
    tap_check(find(&r, "/default/b", "k") == second);
    tap_check(find(&r, "/default/c", "k") == NULL);
    tap_check(find(&r, "/default/a", "l") == NULL);
    repeats_done(&r);
    event_unref(first);
    event_unref(second);
}

TAP_CASE(repeats_knows_where_a_key_ends_and_the_channel_begins)
{
    struct event *event = event_of("/b/c", "k/a");
    struct repeats r;

    repeats_init(&r, 1);
    repeats_add(&r, event);

    tap_check(find(&r, "/a/b/c", "k") == NULL);
    tap_check(find(&r, "/c", "k/a/b") == NULL);
    tap_check(find(&r, "/b/c", "k/a") == event);
    repeats_done(&r);
    event_unref(event);
}

TAP_CASE(repeats_takes_events_without_a_key_for_different_ones)
{
    struct event *event = event_of("/default/a", "");
    struct repeats r;

    repeats_init(&r, 1);
    repeats_add(&r, event);
    repeats_add(&r, event);

    tap_check(repeats_find(&r, event) == NULL);
    repeats_done(&r);
    event_unref(event);
}

TAP_CASE(repeats_holds_a_batch)
{
    enum { COUNT = 8192 };
    static struct event *events[COUNT];
    struct repeats r;
    char key[16];

    repeats_init(&r, 1);
    for (int n = 0; n < COUNT; n++) {
        (void)snprintf(key, sizeof(key), "%d", n);
        events[n] = event_of("/default/a", key);
        repeats_add(&r, events[n]);
    }
    for (int n = 0; n < COUNT; n++) {
        tap_check(repeats_find(&r, events[n]) == events[n]);
    }
    repeats_done(&r);
    for (int n = 0; n < COUNT; n++) {
        event_unref(events[n]);
    }
}

TAP_MAIN()

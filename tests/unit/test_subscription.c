/* Which subscriptions an event finds: by its exact name and by every wildcard
 * above it, and nothing else. */
#include "base/alloc.h"
#include "proto/client_msg.h"
#include "src/bridge/replay.h"
#include "src/bridge/subscription.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct subscription *subscribe(struct subscription_table *t,
                                      const char *id,
                                      const char *pattern)
{
    struct channel_name name;

    tap_equal(channel_name_parse_pattern(bytes_text(pattern), &name), 0);
    return subscription_new(t, NULL, bytes_text(id), &name, 1, 0);
}

static void end(struct subscription_table *t, struct subscription *s)
{
    subscription_end(t, s);
    free(s->replay);
    subscription_free(s);
}

/* How many subscriptions match. */
static size_t matches(const struct subscription_table *t, const char *channel)
{
    struct topic *topics[SUBSCRIPTION_TOPICS_MAX];
    size_t count = subscription_topics(t, bytes_text(channel), topics);
    size_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += topics[i]->count;
    }
    return sum;
}

/* Whether a table with this one pattern matches. */
static bool matches_one(const char *pattern, const char *channel)
{
    struct subscription_table t;
    struct subscription *s;
    size_t count;

    subscription_table_init(&t, 1);
    s = subscribe(&t, "s", pattern);
    count = matches(&t, channel);
    end(&t, s);
    subscription_table_done(&t);
    return count == 1;
}

TAP_CASE(an_exact_name_matches_itself_alone)
{
    tap_check(matches_one("/default/a", "/default/a"));
    tap_check(!matches_one("/default/a", "/default/b"));
    tap_check(!matches_one("/default/a", "/default/a/b"));
    tap_check(!matches_one("/default/a", "/default"));
    tap_check(!matches_one("/default/a", "/default/A"));
    tap_check(!matches_one("/default/a", "/default/aa"));
}

TAP_CASE(a_name_matches_however_its_slashes_were_written)
{
    tap_check(matches_one("default/a", "/default/a"));
    tap_check(matches_one("default/a/", "/default/a"));
    tap_check(matches_one("default/*", "/default/a"));
}

TAP_CASE(a_wildcard_matches_every_channel_below_it_at_any_depth)
{
    tap_check(matches_one("/default/*", "/default/a"));
    tap_check(matches_one("/default/*", "/default/a/b/c/d"));
    tap_check(matches_one("/default/a/*", "/default/a/b"));
    tap_check(matches_one("/default/a/b/c/*", "/default/a/b/c/d"));
}

TAP_CASE(a_wildcard_does_not_match_what_is_not_below_it)
{
    tap_check(!matches_one("/default/*", "/default"));
    tap_check(!matches_one("/default/*", "/defaults/a"));
    tap_check(!matches_one("/default/*", "/other/default/a"));
    tap_check(!matches_one("/default/a/*", "/default/a"));
    tap_check(!matches_one("/default/a/*", "/default/ab/c"));
}

TAP_CASE(an_event_finds_its_name_and_all_wildcards_above_it)
{
    static const char *const patterns[] = {"/n/a/b/c/d",
                                           "/n/*",
                                           "/n/a/*",
                                           "/n/a/b/*",
                                           "/n/a/b/c/*",
                                           "/n/a/b/c",
                                           "/n/x/*"};
    struct subscription *all[7];
    struct subscription_table t;

    subscription_table_init(&t, 1);
    for (int i = 0; i < 7; i++) {
        all[i] = subscribe(&t, "s", patterns[i]);
    }

    tap_equal(t.count, 7);
    tap_equal(matches(&t, "/n/a/b/c/d"), 5);
    tap_equal(matches(&t, "/n/a/b/c"), 4);
    tap_equal(matches(&t, "/n/a"), 1);
    tap_equal(matches(&t, "/n/x/y"), 2);
    tap_equal(matches(&t, "/n"), 0);
    for (int i = 0; i < 7; i++) {
        end(&t, all[i]);
    }
    tap_equal(matches(&t, "/n/a/b/c/d"), 0);
    subscription_table_done(&t);
}

TAP_CASE(a_name_and_a_wildcard_with_the_same_text_are_apart)
{
    struct subscription_table t;
    struct subscription *exact;
    struct subscription *wildcard;

    subscription_table_init(&t, 1);
    exact = subscribe(&t, "e", "/n/a");
    wildcard = subscribe(&t, "w", "/n/a/*");

    end(&t, exact);
    tap_equal(matches(&t, "/n/a"), 0);
    tap_equal(matches(&t, "/n/a/b"), 1);
    end(&t, wildcard);
    tap_equal(matches(&t, "/n/a/b"), 0);
    subscription_table_done(&t);
}

TAP_CASE(a_subscription_knows_its_id_and_how_its_frames_begin)
{
    struct subscription_table t;
    struct subscription *s;

    subscription_table_init(&t, 1);
    s = subscribe(&t, "my-id_1+", "/n/a");

    tap_equal_text(subscription_id(s), "my-id_1+");
    tap_equal_text(subscription_begin(s),
                   "{\"type\":\"data\",\"id\":\"my-id_1+\",\"event\":");
    end(&t, s);
    subscription_table_done(&t);
}

TAP_CASE(an_id_may_be_one_byte_or_the_longest)
{
    struct subscription_table t;
    struct subscription *s;
    char id[CLIENT_MSG_ID_BYTES_MAX + 1];

    subscription_table_init(&t, 1);
    s = subscribe(&t, "x", "/n/a");
    tap_equal_text(subscription_id(s), "x");
    end(&t, s);
    memset(id, 'i', sizeof(id));
    id[CLIENT_MSG_ID_BYTES_MAX] = '\0';
    s = subscribe(&t, id, "/n/a");
    tap_equal_text(subscription_id(s), id);
    end(&t, s);
    subscription_table_done(&t);
}

TAP_CASE(any_of_many_subscriptions_to_one_channel_can_leave)
{
    enum { COUNT = 9 };
    struct subscription *all[COUNT];
    struct subscription_table t;
    size_t left = COUNT;

    subscription_table_init(&t, 1);
    for (int i = 0; i < COUNT; i++) {
        char id[16];

        snprintf(id, sizeof(id), "s%d", i);
        all[i] = subscribe(&t, id, "/n/a");
    }
    /* From the middle, the end and the front: 4, 8, 3, 7, 2, 6, 1, 5, 0. */
    for (int i = 4; left > 0; i = (i + 4) % COUNT) {
        struct topic *topics[SUBSCRIPTION_TOPICS_MAX];

        end(&t, all[i]);
        all[i] = NULL;
        left--;
        tap_equal(matches(&t, "/n/a"), left);
        if (left > 0) {
            tap_equal(subscription_topics(&t, bytes_text("/n/a"), topics), 1);
            for (uint32_t slot = 0; slot < topics[0]->count; slot++) {
                struct subscription *s = topics[0]->links[slot]->subscription;

                tap_equal(s->links[0].slot, slot);
                tap_check(bytes_equal(
                    subscription_id(s),
                    subscription_id(all[subscription_id(s).data[1] - '0'])));
            }
        }
    }
    subscription_table_done(&t);
}

TAP_CASE(those_that_are_live_stand_first_whoever_leaves)
{
    enum { COUNT = 16, STEPS = 2000 };
    struct subscription *all[COUNT] = {NULL};
    struct replay *replays[COUNT];
    struct subscription_table t;
    uint32_t random = 1;

    subscription_table_init(&t, 1);
    for (int step = 0; step < STEPS; step++) {
        struct topic *topics[SUBSCRIPTION_TOPICS_MAX];
        size_t live = 0;
        int i = (int)((random = random * 1664525 + 1013904223) >> 16) % COUNT;

        if (all[i] == NULL) {
            all[i] = subscribe(&t, "s", "/n/a");
        } else if (step % 3 == 0) {
            end(&t, all[i]);
            all[i] = NULL;
        } else if (all[i]->replay == NULL) {
            replays[i] = alloc_zero(sizeof(*replays[i]));
            subscription_replay(all[i], replays[i]);
        } else {
            subscription_replay(all[i], NULL);
            free(replays[i]);
        }
        for (int n = 0; n < COUNT; n++) {
            live += all[n] != NULL && all[n]->replay == NULL;
        }
        if (subscription_topics(&t, bytes_text("/n/a"), topics) == 0) {
            tap_equal(live, 0);
            continue;
        }
        tap_equal(topics[0]->live_count, live);
        for (uint32_t slot = 0; slot < topics[0]->count; slot++) {
            const struct topic_link *link = topics[0]->links[slot];

            tap_equal(link->slot, slot);
            tap_equal(link->subscription->replay == NULL, slot < live);
        }
    }
    for (int i = 0; i < COUNT; i++) {
        if (all[i] != NULL) {
            end(&t, all[i]);
        }
    }
    subscription_table_done(&t);
}

/* Channels below "/n" of up to five segments of the letters a and b. */
static void random_name(uint32_t *random, bool wildcard, char out[32])
{
    size_t len = 2;
    int depth;

    memcpy(out, "/n", 2);
    *random = *random * 1664525 + 1013904223;
    depth = (int)(*random >> 16) % 4 + 1;
    for (int i = 0; i < depth; i++) {
        out[len++] = '/';
        out[len++] = (char)('a' + (*random >> (20 + i)) % 2);
    }
    memcpy(out + len, wildcard ? "/*" : "", wildcard ? 3 : 1);
}

TAP_CASE(what_is_found_is_what_a_pattern_covers_for_random_names)
{
    enum { COUNT = 300 };
    struct subscription *all[COUNT];
    char patterns[COUNT][32];
    struct subscription_table t;
    uint32_t random = 1;

    subscription_table_init(&t, 99);
    for (int i = 0; i < COUNT; i++) {
        random_name(&random, i % 3 == 0, patterns[i]);
        all[i] = subscribe(&t, "s", patterns[i]);
    }
    for (int round = 0; round < 200; round++) {
        struct channel_name channel;
        struct channel_name pattern;
        char text[32];
        size_t expected = 0;

        random_name(&random, false, text);
        tap_equal(channel_name_parse(bytes_text(text), &channel), 0);
        for (int i = 0; i < COUNT; i++) {
            tap_equal(
                channel_name_parse_pattern(bytes_text(patterns[i]), &pattern),
                0);
            expected += channel_name_covers(&pattern, &channel);
        }
        tap_equal(matches(&t, text), expected);
    }
    for (int i = 0; i < COUNT; i++) {
        end(&t, all[i]);
    }
    subscription_table_done(&t);
}

TAP_MAIN()

/* Who may do what, and what is let in: key, namespace, right, events, room. */
#include "proto/client_request.h"
#include "src/bridge/admission.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

static enum problem authorize(struct shard_world *w,
                              const char *key,
                              enum authority_right right,
                              const char *channel)
{
    struct channel_name name;

    if (channel == NULL) {
        return admission_authorize(
            w->shard, w->now, bytes_text(key), right, NULL);
    }
    tap_equal(channel_name_parse_pattern(bytes_text(channel), &name), 0);
    return admission_authorize(w->shard, w->now, bytes_text(key), right, &name);
}

TAP_CASE(a_key_that_covers_the_channel_may)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *key =
        shard_world_key(w, "/default/a", "/default/b/*", false, 0);

    tap_equal(authorize(w, key, AUTHORITY_PUBLISH, "/default/a"), 0);
    tap_equal(authorize(w, key, AUTHORITY_SUBSCRIBE, "/default/b/c"), 0);
    tap_equal(authorize(w, key, AUTHORITY_SUBSCRIBE, "/default/b/*"), 0);
    shard_world_free(w);
}

TAP_CASE(a_right_to_publish_is_none_to_subscribe_nor_the_other_way_round)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *key =
        shard_world_key(w, "/default/a", "/default/b/*", false, 0);

    tap_equal(authorize(w, key, AUTHORITY_SUBSCRIBE, "/default/a"),
              PROBLEM_FORBIDDEN);
    tap_equal(authorize(w, key, AUTHORITY_PUBLISH, "/default/b/c"),
              PROBLEM_FORBIDDEN);
    tap_equal(authorize(w, key, AUTHORITY_SUBSCRIBE, "/default/*"),
              PROBLEM_FORBIDDEN);
    shard_world_free(w);
}

TAP_CASE(being_an_admin_is_no_right_over_channels)
{
    struct shard_world *w = shard_world_new(NULL);
    const char *key = shard_world_key(w, NULL, NULL, true, 0);

    tap_equal(authorize(w, key, AUTHORITY_PUBLISH, "/default/a"),
              PROBLEM_FORBIDDEN);
    tap_equal(authorize(w, key, AUTHORITY_PUBLISH, NULL), 0);
    shard_world_free(w);
}

TAP_CASE(a_namespace_that_is_not_there_is_told_apart_from_a_right_that_is_not)
{
    struct shard_world *w = shard_world_new(NULL);

    tap_equal(authorize(w, w->key, AUTHORITY_PUBLISH, "/none/a"),
              PROBLEM_NAMESPACE_UNKNOWN);
    tap_equal(authorize(w, w->key, AUTHORITY_SUBSCRIBE, "/none/*"),
              PROBLEM_NAMESPACE_UNKNOWN);
    tap_equal(authorize(w, w->key, AUTHORITY_PUBLISH, "/other/a"), 0);
    shard_world_free(w);
}

TAP_CASE(a_bad_key_learns_nothing_about_namespaces)
{
    struct shard_world *w = shard_world_new(NULL);

    tap_equal(authorize(w, "weir1_none", AUTHORITY_PUBLISH, "/none/a"),
              PROBLEM_UNAUTHORIZED);
    tap_equal(authorize(w, "weir1_none", AUTHORITY_PUBLISH, "/default/a"),
              PROBLEM_UNAUTHORIZED);
    tap_equal(authorize(w, "", AUTHORITY_PUBLISH, NULL), PROBLEM_UNAUTHORIZED);
    tap_equal(w->metrics.keys_refused, 3);
    shard_world_free(w);
}

TAP_CASE(a_key_holds_up_to_its_last_second)
{
    struct shard_world *w = shard_world_new(NULL);
    uint64_t now_s = SHARD_WORLD_WALL_MS / 1000;
    const char *key = shard_world_key(w, "/*", "/*", false, now_s + 10);

    w->now.wall_ms = (now_s + 10) * 1000 - 1;
    tap_equal(authorize(w, key, AUTHORITY_PUBLISH, "/default/a"), 0);
    w->now.wall_ms++;
    tap_equal(authorize(w, key, AUTHORITY_PUBLISH, "/default/a"),
              PROBLEM_UNAUTHORIZED);
    shard_world_free(w);
}

struct attempt {
    struct shard_world *world;
    struct shard_peer *peer;
    struct client_msg msg;
};

static enum problem publish(struct attempt *a)
{
    struct channel_name name;

    tap_equal(channel_name_parse(bytes_text("/default/a"), &name), 0);
    return admission_publish(a->world->shard, a->peer->client, &name, &a->msg);
}

static void attempt_init(struct attempt *a, size_t intake_bytes_max)
{
    struct shard_world_options options = shard_world_defaults();

    options.intake_bytes_max = intake_bytes_max;
    a->world = shard_world_new(&options);
    a->peer = shard_world_connect(a->world);
    a->msg = (struct client_msg){.type = CLIENT_MSG_PUBLISH};
}

static void add(struct attempt *a, struct bytes event)
{
    a->msg.events[a->msg.event_count++] = event;
}

static struct publish *taken(struct attempt *a)
{
    struct list publishes;
    struct list *node;

    list_init(&publishes);
    shard_take_publishes(a->world->shard, &publishes);
    node = list_pop_front(&publishes);
    tap_check(node != NULL && list_empty(&publishes));
    return list_entry(node, struct publish, node);
}

static void attempt_done(struct attempt *a, struct publish *publish)
{
    if (publish != NULL) {
        intake_release(&a->world->intake, publish->bytes);
        publish_free(publish);
    }
    shard_world_free(a->world);
}

/* JSON text of exactly `len` bytes, in memory that the next call uses again. */
static struct bytes text_of(size_t len)
{
    static char text[CLIENT_MSG_EVENT_BYTES_MAX + 2];

    memset(text, 'x', len);
    text[0] = '"';
    text[len - 1] = '"';
    return bytes_of(text, len);
}

TAP_CASE(what_is_admitted_waits_for_the_log_charged_to_the_intake)
{
    struct attempt a;
    struct publish *p;

    attempt_init(&a, 1 << 20);
    add(&a, bytes_text("1"));
    add(&a, bytes_text("2"));
    tap_equal(publish(&a), PROBLEM_NONE);
    p = taken(&a);

    tap_equal(p->count, 2);
    tap_equal_text(p->items[0].event->channel, "/default/a");
    tap_equal_text(p->items[1].event->content, "2");
    tap_equal(p->shard, 0);
    tap_equal(p->id_len, 0);
    tap_equal(atomic_load(&a.world->intake.bytes), p->bytes);
    tap_equal(a.world->metrics.publishes, 1);
    attempt_done(&a, p);
}

TAP_CASE(each_event_is_given_its_key)
{
    struct attempt a;
    struct publish *p;

    attempt_init(&a, 1 << 20);
    add(&a, bytes_text("1"));
    add(&a, bytes_text("2"));
    a.msg.idempotency.count = 2;
    a.msg.idempotency.keys[0] = bytes_text("first");
    a.msg.idempotency.keys[1] = bytes_text("second");
    tap_equal(publish(&a), PROBLEM_NONE);
    p = taken(&a);

    tap_equal_text(p->items[0].event->key, "first");
    tap_equal_text(p->items[1].event->key, "second");
    attempt_done(&a, p);
}

TAP_CASE(an_event_of_the_largest_size_is_stored_and_one_byte_more_fails_alone)
{
    struct attempt a;
    struct publish *p;
    static char large[CLIENT_MSG_EVENT_BYTES_MAX + 1];
    struct bytes text = text_of(CLIENT_MSG_EVENT_BYTES_MAX + 1);

    attempt_init(&a, 1 << 20);
    memcpy(large, text.data, text.len);
    add(&a, bytes_of(large, sizeof(large)));
    add(&a, text_of(CLIENT_MSG_EVENT_BYTES_MAX));
    tap_equal(publish(&a), PROBLEM_NONE);
    p = taken(&a);

    tap_check(p->items[0].event == NULL);
    tap_equal(p->items[0].outcome.problem, PROBLEM_EVENT_TOO_LARGE);
    tap_equal(p->items[1].event->content.len, CLIENT_MSG_EVENT_BYTES_MAX);
    tap_equal(p->items[1].outcome.problem, PROBLEM_NONE);
    attempt_done(&a, p);
}

TAP_CASE(refused_events_get_identifiers_of_version_4_and_no_two_alike)
{
    struct attempt a;
    struct publish *p;

    attempt_init(&a, 1 << 20);
    for (int i = 0; i < CLIENT_MSG_EVENTS_MAX; i++) {
        add(&a, text_of(CLIENT_MSG_EVENT_BYTES_MAX + 1));
    }
    tap_equal(publish(&a), PROBLEM_NONE);
    p = taken(&a);

    for (size_t i = 0; i < p->count; i++) {
        const uint8_t *id = p->items[i].outcome.identifier;

        tap_equal(id[6] >> 4, 4);
        tap_equal(id[8] >> 6, 2);
        for (size_t before = 0; before < i; before++) {
            tap_check(memcmp(id, p->items[before].outcome.identifier, 16) != 0);
        }
    }
    attempt_done(&a, p);
}

TAP_CASE(one_event_that_is_not_json_fails_the_whole_publish)
{
    struct attempt a;

    attempt_init(&a, 1 << 20);
    add(&a, bytes_text("1"));
    add(&a, bytes_text("{"));
    tap_equal(publish(&a), PROBLEM_EVENT_NOT_JSON);
    tap_equal(atomic_load(&a.world->intake.bytes), 0);
    tap_equal(a.world->metrics.publishes, 0);
    attempt_done(&a, NULL);
}

TAP_CASE(a_publish_that_just_fits_the_intake_is_taken_and_one_byte_less_is_not)
{
    size_t bytes = sizeof(struct publish) + sizeof(struct event) +
                   strlen("/default/a") + 1;
    struct attempt a;

    attempt_init(&a, bytes - 1);
    add(&a, bytes_text("1"));
    tap_equal(publish(&a), PROBLEM_BUSY);
    tap_equal(atomic_load(&a.world->intake.bytes), 0);
    attempt_done(&a, NULL);
    attempt_init(&a, bytes);
    add(&a, bytes_text("1"));
    tap_equal(publish(&a), PROBLEM_NONE);
    tap_equal(publish(&a), PROBLEM_BUSY);
    attempt_done(&a, taken(&a));
}

TAP_CASE(a_full_intake_is_told_as_busy_and_has_room_again_after_the_batch)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;
    const char *lines;

    options.intake_bytes_max = 2 * sizeof(struct publish);
    w = shard_world_new(&options);
    p = shard_world_websocket(w);
    shard_peer_publish(p, "a", "/default/a", "1");
    shard_peer_publish(p, "b", "/default/a", "2");
    shard_world_turn(w);
    lines = shard_peer_lines(p);
    tap_check(strstr(lines, "{\"type\":\"publish_error\",\"id\":\"b\"") ==
              lines);
    tap_check(strstr(lines, "LimitExceededError") != NULL);
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p), "\"id\":\"a\"") != NULL);
    shard_peer_publish(p, "c", "/default/a", "3");
    shard_world_settle(w);
    tap_check(strstr(shard_peer_lines(p),
                     "{\"type\":\"publish_success\",\"id\":\"c\"") != NULL);
    tap_equal(shard_world_last_place(w), 2);
    shard_world_free(w);
}

TAP_MAIN()

/* A publish carries its events, their fates and the way back. */
#include "src/bridge/publish.h"
#include "tests/lib/tap.h"

#include <string.h>

static const uint8_t identifier[16] = {1, 2, 3};

static struct publish *publish_of(const char *id)
{
    return publish_new(3, 77, bytes_text(id));
}

static void add(struct publish *p, const char *content, enum problem problem)
{
    publish_add(p,
                bytes_text("/default/a"),
                bytes_text(content),
                bytes_of(NULL, 0),
                problem,
                identifier);
}

TAP_CASE(a_publish_knows_whom_to_answer)
{
    struct publish *p = publish_of("op-1");

    tap_equal(p->shard, 3);
    tap_equal(p->client_id, 77);
    tap_equal_text(publish_id(p), "op-1");
    tap_equal(p->problem, PROBLEM_NONE);
    tap_equal(p->count, 0);
    publish_free(p);
}

TAP_CASE(a_publish_over_http_has_no_id)
{
    struct publish *p = publish_new(0, 1, bytes_of(NULL, 0));

    tap_equal(p->id_len, 0);
    publish_free(p);
}

TAP_CASE(an_id_may_be_as_long_as_a_message_allows)
{
    char id[CLIENT_MSG_ID_BYTES_MAX + 1];
    struct publish *p;

    memset(id, 'x', sizeof(id));
    id[CLIENT_MSG_ID_BYTES_MAX] = '\0';
    p = publish_of(id);

    tap_equal_text(publish_id(p), id);
    publish_free(p);
}

TAP_CASE(an_event_that_is_to_be_stored_is_copied)
{
    struct publish *p = publish_of("a");
    char content[] = "{\"n\":1}";

    add(p, content, PROBLEM_NONE);
    content[0] = '!';

    tap_equal(p->count, 1);
    tap_equal_text(p->items[0].event->channel, "/default/a");
    tap_equal_text(p->items[0].event->content, "{\"n\":1}");
    tap_equal(p->items[0].outcome.problem, PROBLEM_NONE);
    publish_free(p);
}

TAP_CASE(an_event_that_is_refused_is_not_kept_but_named)
{
    struct publish *p = publish_of("a");
    size_t before = p->bytes;

    add(p, "\"x\"", PROBLEM_EVENT_TOO_LARGE);

    tap_check(p->items[0].event == NULL);
    tap_equal(p->items[0].outcome.problem, PROBLEM_EVENT_TOO_LARGE);
    tap_equal(memcmp(p->items[0].outcome.identifier, identifier, 16), 0);
    tap_equal(p->bytes, before);
    publish_free(p);
}

TAP_CASE(the_bytes_of_a_publish_cover_itself_and_its_events)
{
    struct publish *p = publish_of("a");
    size_t empty = p->bytes;

    tap_equal(empty, sizeof(*p));
    add(p, "\"12345678\"", PROBLEM_NONE);
    tap_equal(p->bytes,
              empty + sizeof(struct event) + strlen("/default/a") + 10);
    add(p, "\"12345678\"", PROBLEM_NONE);
    tap_equal(p->bytes,
              empty + 2 * (sizeof(struct event) + strlen("/default/a") + 10));
    publish_free(p);
}

TAP_CASE(a_publish_holds_as_many_events_as_a_message)
{
    struct publish *p = publish_of("a");

    for (int i = 0; i < CLIENT_MSG_EVENTS_MAX; i++) {
        add(p, "1", i % 2 == 0 ? PROBLEM_NONE : PROBLEM_EVENT_TOO_LARGE);
    }

    tap_equal(p->count, CLIENT_MSG_EVENTS_MAX);
    tap_check(p->items[CLIENT_MSG_EVENTS_MAX - 1].event != NULL);
    publish_free(p);
}

TAP_CASE(the_largest_publish_is_charged_no_more_than_the_most)
{
    static char content[CLIENT_MSG_EVENT_BYTES_MAX];
    static char channel[CHANNEL_NAME_BYTES_MAX];
    static char key[EVENT_KEY_BYTES_MAX];
    struct publish *p = publish_of("a");

    for (int i = 0; i < CLIENT_MSG_EVENTS_MAX; i++) {
        publish_add(p,
                    bytes_of(channel, sizeof(channel)),
                    bytes_of(content, sizeof(content)),
                    bytes_of(key, sizeof(key)),
                    PROBLEM_NONE,
                    identifier);
    }

    tap_equal(p->bytes, PUBLISH_BYTES_MAX);
    publish_free(p);
}

TAP_CASE(an_event_outlives_its_publish_when_somebody_else_holds_it)
{
    struct publish *p = publish_of("a");
    struct event *event;

    add(p, "\"kept\"", PROBLEM_NONE);
    event = event_ref(p->items[0].event);
    publish_free(p);

    tap_equal_text(event->content, "\"kept\"");
    event_unref(event);
}

TAP_MAIN()

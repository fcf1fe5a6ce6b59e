/* Requests for history that stand behind one another on one connection: each
 * is begun once the one before it has been answered, whatever ended that. */
#include "tests/lib/replay_world.h"

static void publish(struct shard_peer *p, const char *channel)
{
    char text[2048];
    char body[128];

    (void)snprintf(body,
                   sizeof(body),
                   "{\"channel\":\"%s\",\"events\":[\"\\\"new\\\"\"]}",
                   channel);
    (void)snprintf(text,
                   sizeof(text),
                   "POST /event HTTP/1.1\r\nHost: h\r\nx-api-key: %s\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   p->world->key,
                   strlen(body),
                   body);
    shard_peer_send(p, text);
}

/* The next answer is 200 and its events' numbers are these. */
static void has(struct shard_peer *p, int first, int end)
{
    static const char event[] = "\"event\":\"";
    const char *at;
    int number = first;

    tap_equal(shard_peer_answer(p, NULL), 200);
    buffer_u8(&p->taken, 0);
    for (at = strstr((const char *)p->taken.data, event); at != NULL;
         at = strstr(at + 1, event)) {
        tap_equal(atoi(at + strlen(event)), number);
        number++;
    }
    tap_equal(number, end);
}

static struct shard_world *world(void)
{
    struct shard_world *w = replay_world();

    replay_publish(w, "/default/a", 0, 3);
    replay_publish(w, "/default/b", 3, 3);
    return w;
}

static void none_is_left(struct shard_world *w)
{
    tap_equal(w->metrics.subscriptions_open, 0);
    shard_world_free(w);
}

TAP_CASE(two_that_come_in_one_write_are_answered_in_their_order)
{
    static const char *const more[] = {"", "&limit=2", "&wait=1", "&last=2"};

    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        struct shard_world *w = world();
        struct shard_peer *p = shard_world_connect(w);
        int first = i == 3 ? 1 : 0;
        int count = i == 1 || i == 3 ? 2 : 3;
        char query[64];

        (void)snprintf(query, sizeof(query), "channel=/default/a%s", more[i]);
        replay_ask(p, query);
        replay_ask(p, query);
        (void)snprintf(query, sizeof(query), "channel=/default/b%s", more[i]);
        replay_ask(p, query);
        shard_world_settle(w);
        has(p, first, first + count);
        has(p, first, first + count);
        has(p, 3 + first, 3 + first + count);
        none_is_left(w);
    }
}

TAP_CASE(one_of_a_wildcard_is_followed_by_one_of_a_channel_without_events)
{
    struct shard_world *w = world();
    struct shard_peer *p = shard_world_connect(w);

    replay_ask(p, "channel=/default/*");
    replay_ask(p, "channel=/default/none");
    replay_ask(p, "channel=/default/*&last=1");
    shard_world_settle(w);
    has(p, 0, 6);
    has(p, 0, 0);
    has(p, 5, 6);
    none_is_left(w);
}

TAP_CASE(those_whose_time_is_over_are_followed_by_the_next)
{
    struct shard_world *w = world();
    struct shard_peer *p = shard_world_connect(w);

    replay_ask(p, "channel=/default/a&last=0&wait=1");
    replay_ask(p, "channel=/default/a&last=0&wait=1");
    replay_ask(p, "channel=/default/a");
    shard_world_settle(w);
    shard_world_wait(w, 1000);
    has(p, 0, 0);
    tap_equal(shard_peer_answer(p, NULL), 0);
    shard_world_wait(w, 1000);
    has(p, 0, 0);
    has(p, 0, 3);
    none_is_left(w);
}

TAP_CASE(who_went_while_waiting_is_owed_nothing_when_the_time_is_over)
{
    struct shard_world *w = world();
    struct shard_peer *p = shard_world_connect(w);

    replay_ask(p, "channel=/default/a&last=0&wait=1");
    shard_world_settle(w);
    shard_peer_end(p, true);
    shard_world_wait(w, 1000); /* before the shard lets go of it */
    tap_equal(p->got.len, 0);
    tap_check(p->closed);
    none_is_left(w);
}

TAP_CASE(one_that_waits_is_followed_by_a_publish_that_it_does_not_see)
{
    struct shard_world *w = world();
    struct shard_peer *p = shard_world_connect(w);

    replay_ask(p, "channel=/default/a&last=0&wait=1");
    publish(p, "/default/a");
    replay_ask(p, "channel=/default/a&last=1");
    shard_world_settle(w);
    shard_world_wait(w, 1000);
    shard_world_settle(w);
    has(p, 0, 0);
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_equal(shard_peer_answer(p, NULL), 200);
    buffer_u8(&p->taken, 0);
    tap_check(strstr((const char *)p->taken.data, "\"event\":\"new\"") != NULL);
    none_is_left(w);
}

TAP_CASE(one_that_fails_is_followed_by_one_that_fails_as_well)
{
    struct shard_world *w = world();
    struct shard_peer *p = shard_world_connect(w);

    w->log_unreadable = true;
    replay_ask(p, "channel=/default/a");
    replay_ask(p, "channel=/default/b");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, NULL), 500);
    tap_equal(shard_peer_answer(p, NULL), 500);
    none_is_left(w);
}

TAP_CASE(one_is_followed_by_a_stream_that_others_share_the_page_of)
{
    struct shard_world *w = world();
    struct shard_peer *p = shard_world_connect(w);
    struct shard_peer *q = shard_world_connect(w);
    char text[2048];

    for (int i = 0; i < 2; i++) {
        struct shard_peer *each = i == 0 ? p : q;

        replay_ask(each, "channel=/default/a");
        (void)snprintf(text,
                       sizeof(text),
                       "GET /event/stream?channel=/default/b&all=true "
                       "HTTP/1.1\r\nHost: h\r\nx-api-key: %s\r\n\r\n",
                       w->key);
        shard_peer_send(each, text);
    }
    shard_world_settle(w);
    has(p, 0, 3);
    has(q, 0, 3);
    tap_equal(w->metrics.subscriptions_open, 2);
    shard_peer_end(p, true);
    shard_peer_end(q, true);
    shard_world_settle(w);
    none_is_left(w);
}

TAP_CASE(a_node_that_stops_answers_the_one_that_waits_and_begins_no_other)
{
    struct shard_world *w = world();
    struct shard_peer *p = shard_world_connect(w);
    struct shard_input drain = {.kind = SHARD_INPUT_DRAIN};

    replay_ask(p, "channel=/default/a&last=0&wait=10");
    replay_ask(p, "channel=/default/a");
    shard_world_settle(w);
    shard_world_step(w, &drain);
    shard_world_settle(w);
    has(p, 0, 0);
    tap_equal(shard_peer_answer(p, NULL), 0);
    tap_check(p->half_closed || p->closed);
    none_is_left(w);
}

TAP_CASE(a_wait_of_a_minute_ends_before_a_proxy_s_patience)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_connect(w);

    replay_ask(p, "channel=/default/a&wait=60");
    shard_world_settle(w);
    shard_world_wait(w, 44999);
    tap_equal(shard_peer_answer(p, NULL), 0);
    shard_world_wait(w, 1);
    has(p, 0, 0);
    tap_check(!p->closed && !p->half_closed);
    shard_world_free(w);
}

TAP_MAIN()

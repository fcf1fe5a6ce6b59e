/* Where a stream begins and what its head says; what it is sent is delivery's
 * and replay's. */
#include "src/bridge/event_stream.h"

#include "tests/lib/replay_world.h"

/* A stream of /default/a; what came of it in `ret`. */
static struct shard_peer *open_stream(struct shard_world *w,
                                      const char *method,
                                      const char *query,
                                      const char *field,
                                      char ret[4096])
{
    struct shard_peer *p = shard_world_connect(w);
    char text[8192];
    struct bytes got;

    (void)snprintf(text,
                   sizeof(text),
                   "%s /event/stream?channel=/default/a%s HTTP/1.1\r\n"
                   "Host: h\r\n%sx-api-key: %s\r\n\r\n",
                   method,
                   query,
                   field,
                   w->key);
    shard_peer_send(p, text);
    shard_world_settle(w);
    got = shard_peer_take(p);
    (void)snprintf(ret, 4096, "%.*s", (int)got.len, (const char *)got.data);
    return p;
}

/* The number of the event that comes first, or -1. */
static int first_event(const char *text)
{
    const char *at = strstr(text, "\"event\":\"");

    return at == NULL ? -1 : atoi(at + strlen("\"event\":\""));
}

/* The cursor after the event of that number. */
static void cursor_after(struct shard_world *w, int number, char ret[1024])
{
    char got[4096];
    char id[32];
    const char *at;

    (void)open_stream(w, "GET", "&all=true", "", got);
    (void)snprintf(id, sizeof(id), "\"event\":\"%d:", number);
    at = strstr(got, id);
    tap_check(at != NULL);
    while (strncmp(at, "id: ", 4) != 0) {
        at--;
    }
    tap_check(sscanf(at, "id: %1000s", ret) == 1);
}

TAP_CASE(the_head_keeps_proxies_from_holding_events_back)
{
    struct shard_world *w = replay_world();
    char got[4096];

    (void)open_stream(w, "GET", "", "", got);
    tap_check(strstr(got, "\r\ncontent-type: text/event-stream\r\n") != NULL);
    tap_check(strstr(got, "\r\ncache-control: no-store, no-transform\r\n") !=
              NULL);
    tap_check(strstr(got, "\r\nx-accel-buffering: no\r\n") != NULL);
    tap_check(strstr(got, "\r\nConnection: close\r\n") != NULL);
    tap_check(strstr(got, "\r\ndate: ") != NULL);
    tap_check(strstr(got, "Content-Length") == NULL);
    shard_world_free(w);
}

TAP_CASE(a_body_begins_at_once_also_where_the_past_is_looked_for_first)
{
    struct shard_world *w = replay_world();
    struct shard_peer *p = shard_world_connect(w);
    char text[2048];
    struct bytes got;

    replay_publish(w, "/default/a", 0, 5);
    w->pages_per_turn = 0;
    (void)snprintf(text,
                   sizeof(text),
                   "GET /event/stream?channel=/default/*&last=2 HTTP/1.1\r\n"
                   "Host: h\r\nx-api-key: %s\r\n\r\n",
                   w->key);
    shard_peer_send(p, text);
    shard_world_turn(w);
    got = shard_peer_take(p);
    tap_check(got.len > 7);
    tap_equal_text(bytes_from(got, got.len - 7), "\r\n\r\n:\n\n");
    w->pages_per_turn = 2;
    shard_world_free(w);
}

TAP_CASE(the_answer_to_head_is_the_head_alone)
{
    struct shard_world *w = replay_world();
    char got[4096];

    (void)open_stream(w, "HEAD", "", "", got);
    tap_check(strstr(got, "\r\ncontent-type: text/event-stream\r\n") != NULL);
    tap_equal_text(bytes_text(got + strlen(got) - 4), "\r\n\r\n");
    tap_check(strstr(got, "\r\n\r\n:") == NULL);
    shard_world_free(w);
}

TAP_CASE(the_last_event_s_id_may_come_in_the_query_as_polyfills_name_it)
{
    static const char *const names[] = {"lastEventId",
                                        "Last-Event-ID",
                                        "last-event-id",
                                        "lastEventID",
                                        "evs_last_event_id"};
    struct shard_world *w = replay_world();
    char cursor[1024];
    char query[4096];
    char got[4096];

    replay_publish(w, "/default/a", 0, 5);
    cursor_after(w, 1, cursor);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(query, sizeof(query), "&%s=%s", names[i], cursor);
        (void)open_stream(w, "GET", query, "", got);
        tap_equal(first_event(got), 2);
    }
    (void)open_stream(w, "GET", "&lastEventId=", "", got);
    tap_equal(first_event(got), -1);
    (void)open_stream(w, "GET", "&lastEventId=x", "", got);
    tap_check(strncmp(got, "HTTP/1.1 400 ", 13) == 0);
    tap_check(strstr(got, "InvalidCursorError") != NULL);
    (void)snprintf(query,
                   sizeof(query),
                   "&lastEventId=%s&last-event-id=%s",
                   cursor,
                   cursor);
    (void)open_stream(w, "GET", query, "", got);
    tap_check(strncmp(got, "HTTP/1.1 400 ", 13) == 0);
    shard_world_free(w);
}

TAP_CASE(the_newest_place_counts_the_field_then_the_id_then_the_rest)
{
    struct shard_world *w = replay_world();
    char older[1024];
    char newer[1024];
    char query[4096];
    char field[2048];
    char got[4096];

    replay_publish(w, "/default/a", 0, 5);
    cursor_after(w, 0, older);
    cursor_after(w, 2, newer);
    (void)snprintf(query, sizeof(query), "&all=true&lastEventId=%s", older);
    (void)open_stream(w, "GET", query, "", got);
    tap_equal(first_event(got), 1);
    (void)snprintf(field, sizeof(field), "Last-Event-ID: %s\r\n", newer);
    (void)open_stream(w, "GET", query, field, got);
    tap_equal(first_event(got), 3);
    shard_world_free(w);
}

TAP_CASE(a_comment_comes_well_before_a_proxy_loses_patience)
{
    struct shard_world *w = replay_world();
    char got[4096];
    struct shard_peer *p = open_stream(w, "GET", "", "", got);

    shard_world_wait(w, 24999); /* half of what HAProxy on Debian waits */
    tap_equal_text(shard_peer_take(p), ":\n\n");
    shard_world_free(w);
}

TAP_MAIN()

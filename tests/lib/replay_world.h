/* Subscriptions to one shard that begin in the past: numbered events, and what
 * arrives of them. */
#ifndef TESTS_LIB_REPLAY_WORLD_H
#define TESTS_LIB_REPLAY_WORLD_H

#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

static inline struct shard_world *replay_world(void)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;

    options.limits.send_buffer_max = 4096;
    w = shard_world_new(&options);
    w->page_bytes_max = 500;
    w->pages_per_turn = 2;
    return w;
}

static inline void replay_publish(struct shard_world *w,
                                  const char *channel,
                                  int first,
                                  int count)
{
    char text[128];

    for (int number = first; number < first + count; number++) {
        (void)snprintf(text, sizeof(text), "\"%d:%050d\"", number, 0);
        shard_world_publish(w, channel, text);
        shard_world_commit(w);
        shard_world_turn(w);
    }
}

static inline void replay_subscribe(struct shard_peer *p,
                                    const char *channel,
                                    const char *members)
{
    char text[2048];

    (void)snprintf(text,
                   sizeof(text),
                   "{\"type\":\"subscribe\",\"id\":\"s\",\"channel\":\"%s\","
                   "\"authorization\":{\"x-api-key\":\"%s\"},%s}",
                   channel,
                   p->world->key,
                   members);
    shard_peer_say(p, "%s", text);
}

/* Ask for a page of history. */
static inline void replay_ask(struct shard_peer *p, const char *query)
{
    char text[4096];

    (void)snprintf(text,
                   sizeof(text),
                   "GET /event?%s HTTP/1.1\r\nHost: h\r\nx-api-key: %s\r\n\r\n",
                   query,
                   p->world->key);
    shard_peer_send(p, text);
}

/* The lines have exactly these numbers, in order. */
static inline void replay_has_exactly(const char *lines, int first, int end)
{
    static const char event[] = "\"event\":\"\\\"";
    int number = first;

    for (lines = strstr(lines, event); lines != NULL;
         lines = strstr(lines + 1, event)) {
        tap_equal(atoi(lines + strlen(event)), number);
        number++;
    }
    tap_equal(number, end);
}

/* The value of the last member of that name. */
static inline void replay_last_cursor(const char *lines,
                                      const char *name,
                                      char ret[1024])
{
    const char *found = NULL;

    for (const char *at = strstr(lines, name); at != NULL;
         at = strstr(at + 1, name)) {
        found = at + strlen(name);
    }
    tap_check(found != NULL);
    tap_check(sscanf(found, "\":\"%1000[^\"]", ret) == 1);
}

static inline void replay_after(struct shard_peer *p,
                                const char *channel,
                                const char *cursor)
{
    char members[1100];

    (void)snprintf(
        members, sizeof(members), "\"replay\":{\"after\":\"%s\"}", cursor);
    replay_subscribe(p, channel, members);
}

#endif

/* POST /event with idempotency keys: which events they name, and which are
 * refused. */
#include "tests/lib/shard_world.h"

#include <stdio.h>

#define BODY(channel) "{\"channel\":\"" channel "\",\"events\":[\"1\",\"2\"]}"
#define BODY_KEYS(keys)                                     \
    "{\"channel\":\"/default/a\",\"events\":[\"1\",\"2\"]," \
    "\"idempotencyKeys\":" keys "}"

/* The status of a publish with these fields; its body is in `answer`. */
static int post(struct shard_world *w,
                const char *fields,
                const char *body,
                char answer[1024])
{
    struct shard_peer *p = shard_world_connect(w);
    char length[64];
    int status;

    (void)snprintf(
        length, sizeof(length), "Content-Length: %zu\r\n\r\n", strlen(body));
    shard_peer_send(p, "POST /event HTTP/1.1\r\nHost: h\r\nx-api-key: ");
    shard_peer_send(p, w->key);
    shard_peer_send(p, "\r\n");
    shard_peer_send(p, fields);
    shard_peer_send(p, length);
    shard_peer_send(p, body);
    shard_world_settle(w);
    status = shard_peer_answer(p, NULL);
    tap_check(p->taken.len < 1024);
    memcpy(answer, p->taken.data, p->taken.len);
    answer[p->taken.len] = '\0';
    return status;
}

static void refused(const char *fields, const char *body)
{
    struct shard_world *w = shard_world_new(NULL);
    char answer[1024];

    tap_equal(post(w, fields, body, answer), 400);
    tap_check(strstr(answer, "\"BadRequestException\"") != NULL);
    tap_check(strstr(answer, "Idempotency") != NULL);
    tap_equal(shard_world_last_place(w), 0);
    shard_world_free(w);
}

TAP_CASE(a_publish_without_keys_is_stored_each_time)
{
    struct shard_world *w = shard_world_new(NULL);
    char answer[1024];

    tap_equal(post(w, "", BODY("/default/a"), answer), 200);
    tap_equal(post(w, "", BODY("/default/a"), answer), 200);
    tap_equal(shard_world_last_place(w), 4);
    shard_world_free(w);
}

TAP_CASE(a_publish_with_the_same_header_is_stored_once_and_answered_alike)
{
    struct shard_world *w = shard_world_new(NULL);
    char first[1024];
    char second[1024];

    tap_equal(post(w, "Idempotency-Key: k\r\n", BODY("/default/a"), first),
              200);
    tap_equal(post(w, "idempotency-key:  k \r\n", BODY("/default/a"), second),
              200);

    tap_equal(strcmp(first, second), 0);
    tap_equal(shard_world_last_place(w), 2);
    shard_world_free(w);
}

TAP_CASE(another_channel_or_key_is_another_event)
{
    struct shard_world *w = shard_world_new(NULL);
    char answer[1024];

    (void)post(w, "Idempotency-Key: k\r\n", BODY("/default/a"), answer);
    (void)post(w, "Idempotency-Key: k\r\n", BODY("/default/b"), answer);
    (void)post(w, "Idempotency-Key: l\r\n", BODY("/default/a"), answer);

    tap_equal(shard_world_last_place(w), 6);
    shard_world_free(w);
}

TAP_CASE(the_header_and_the_member_can_name_the_same_events)
{
    struct shard_world *w = shard_world_new(NULL);
    char first[1024];
    char second[1024];

    (void)post(w, "Idempotency-Key: k\r\n", BODY("/default/a"), first);
    tap_equal(post(w, "", BODY_KEYS("[\"k/0\",\"k/1\"]"), second), 200);

    tap_equal(strcmp(first, second), 0);
    tap_equal(shard_world_last_place(w), 2);
    shard_world_free(w);
}

TAP_CASE(keys_that_are_none_are_refused)
{
    refused("Idempotency-Key:\r\n", BODY("/default/a"));
    refused("Idempotency-Key: a b\r\n", BODY("/default/a"));
    refused("Idempotency-Key: 0123456789abcdef0123456789abcdef"
            "0123456789abcdef0123456789abcdefx\r\n",
            BODY("/default/a"));
    refused("", BODY_KEYS("[\"a\"]"));
    refused("", BODY_KEYS("[\"a\",\"\"]"));
    refused("", BODY_KEYS("null"));
}

TAP_CASE(keys_in_two_places_are_refused)
{
    refused("Idempotency-Key: a\r\n", BODY_KEYS("[\"a\",\"b\"]"));
    refused("Idempotency-Key: a\r\nIdempotency-Key: a\r\n", BODY("/default/a"));
}

TAP_CASE(a_page_may_send_the_header)
{
    struct shard_world *w = shard_world_new(NULL);
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    shard_peer_send(p, "OPTIONS /event HTTP/1.1\r\nHost: h\r\n\r\n");
    shard_world_settle(w);
    tap_equal(shard_peer_answer(p, head), 204);
    tap_check(strstr(head, "idempotency-key") != NULL);
    shard_world_free(w);
}

TAP_MAIN()

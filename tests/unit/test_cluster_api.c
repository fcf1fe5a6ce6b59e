/* Who may ask about the cluster, and what a node may be told of it. */
#include "tests/lib/shard_peer.h"
#include "tests/lib/shard_world.h"
#include "tests/lib/tap.h"

#include <stdio.h>

static void ask(struct shard_peer *p,
                const char *method,
                const char *path,
                const char *key,
                const char *body)
{
    char text[2048];

    (void)snprintf(text,
                   sizeof(text),
                   "%s %s HTTP/1.1\r\nHost: h\r\nx-api-key: %s\r\n"
                   "content-length: %zu\r\n\r\n%s",
                   method,
                   path,
                   key,
                   strlen(body),
                   body);
    shard_peer_send(p, text);
    shard_world_settle(p->world);
}

static bool body_has(const struct shard_peer *p, const char *text)
{
    return memmem(p->taken.data, p->taken.len, text, strlen(text)) != NULL;
}

static const char *admin(struct shard_world *w)
{
    return shard_world_key(w, NULL, NULL, true, 0);
}

TAP_CASE(an_admin_is_shown_the_cluster_in_two_forms)
{
    const struct shard_world_options options = shard_world_defaults();
    struct shard_world *w = shard_world_new(&options);
    struct shard_peer *p = shard_world_connect(w);
    char head[1024];

    ask(p, "GET", "/cluster", admin(w), "");
    tap_equal(shard_peer_answer(p, head), 200);
    tap_check(strstr(head, "application/json") != NULL);
    tap_check(body_has(p, "{\"members\":[]}"));
    ask(p, "GET", "/cluster.txt", admin(w), "");
    tap_equal(shard_peer_answer(p, head), 200);
    tap_check(strstr(head, "text/plain") != NULL);
    tap_check(body_has(p, "node"));
    shard_world_free(w);
}

TAP_CASE(others_are_told_only_where_the_nodes_are)
{
    const struct shard_world_options options = shard_world_defaults();
    struct shard_world *w = shard_world_new(&options);
    struct shard_peer *p = shard_world_connect(w);

    ask(p, "GET", "/cluster", w->key, "");
    tap_equal(shard_peer_answer(p, NULL), 401);
    ask(p, "GET", "/cluster.txt", w->key, "");
    tap_equal(shard_peer_answer(p, NULL), 401);
    ask(p, "POST", "/cluster/forget", w->key, "{\"node\":\"dead\"}");
    tap_equal(shard_peer_answer(p, NULL), 401);
    tap_equal(w->forgotten, 0);
    ask(p, "GET", "/cluster/urls", w->key, "");
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_check(body_has(p, "{\"urls\":[]}"));
    ask(p, "GET", "/cluster/urls", "wrong", "");
    tap_equal(shard_peer_answer(p, NULL), 401);
    shard_world_free(w);
}

TAP_CASE(a_dead_member_is_forgotten_and_no_other)
{
    static const char *const malformed[] = {
        "",
        "[]",
        "{}",
        "{\"node\":1}",
        "{\"node\":\"\"}",
        "{\"node\":\"x\"}",
        "{\"name\":\"dead\"}",
        "{\"node\":\"dead\",\"node\":\"dead\"}",
        "{\"node\":\"dead\"} 1",
        "{\"node\":\"11112222333344445\"}",
    };
    const struct shard_world_options options = shard_world_defaults();
    struct shard_world *w = shard_world_new(&options);
    struct shard_peer *p = shard_world_connect(w);
    const char *key = admin(w);

    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        ask(p, "POST", "/cluster/forget", key, malformed[i]);
        tap_equal(shard_peer_answer(p, NULL), 400);
    }
    tap_equal(w->forgotten, 0);
    ask(p, "POST", "/cluster/forget", key, "{\"node\":\"beef\"}");
    tap_equal(shard_peer_answer(p, NULL), 404);
    ask(p, "POST", "/cluster/forget", key, "{\"node\":\"000000000000dead\"}");
    tap_equal(shard_peer_answer(p, NULL), 200);
    tap_equal(w->forgotten, SHARD_WORLD_DEAD_MEMBER);
    shard_world_free(w);
}

TAP_MAIN()

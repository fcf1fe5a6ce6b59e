/* What all nodes of a simulated cluster have been told: namespaces, limits, and
 * whom to believe. */
#include "base/check.h"
#include "tests/sim/cluster_world.h"

#include <sodium.h>

const struct world_namespace world_namespaces[WORLD_NAMESPACES] = {
    {"quorum", NAMESPACE_QUORUM, INDEX_UNLIMITED},
    {"disk", NAMESPACE_DISK, INDEX_UNLIMITED},
    {"memory", NAMESPACE_MEMORY, INDEX_UNLIMITED},
    {"short", NAMESPACE_QUORUM, 12},
    {"live", NAMESPACE_DISK, 0},
};

const char *const world_channels[WORLD_CHANNELS] = {
    "/quorum/a",
    "/quorum/b/c",
    "/disk/a",
    "/disk/b/c",
    "/memory/a",
    "/short/a",
    "/live/a",
};

static const struct shard_limits limits = {
    .head_bytes_max = 16 * 1024,
    .body_bytes_max = 64 * 1024,
    .message_bytes_max = 64 * 1024,
    .send_buffer_max = 4096,
    .subscriptions_max = 20,
    .publishes_in_flight_max = 4,
    .request_timeout_ms = 5000,
    .idle_timeout_ms = 5000,
    .write_timeout_ms = 10000,
    .close_timeout_ms = 1000,
    .keepalive_ms = WORLD_KEEPALIVE_MS,
    .connection_timeout_ms = 3 * WORLD_KEEPALIVE_MS,
};

static void make_key(struct world *w)
{
    struct api_key key = {.publish_count = 1, .subscribe_count = 1};
    uint8_t seed[crypto_sign_SEEDBYTES] = {7};
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t issuer[crypto_sign_PUBLICKEYBYTES];
    struct bytes all = bytes_text("/*");
    struct buffer text;

    crypto_sign_seed_keypair(issuer, secret, seed);
    w->authority = authority_new(1);
    check(authority_trust(w->authority, issuer) == 0);
    memcpy(key.id, "sim", sizeof("sim"));
    check(channel_name_parse_grant(all, &key.publish[0]) == 0);
    check(channel_name_parse_grant(all, &key.subscribe[0]) == 0);
    buffer_init(&text, API_KEY_TEXT_BYTES_MAX);
    authority_sign(&key, secret, &text);
    check(!text.overflowed);
    memcpy(w->key, text.data, text.len);
    buffer_done(&text);
}

const struct world_namespace *world_rules_of(const char *channel)
{
    for (size_t i = 0; i < WORLD_NAMESPACES; i++) {
        size_t len = strlen(world_namespaces[i].name);

        if (strncmp(channel + 1, world_namespaces[i].name, len) == 0) {
            return &world_namespaces[i];
        }
    }
    check_unreachable();
}

void world_rules_init(struct world *w)
{
    namespace_table_init(&w->namespaces, 1);
    for (size_t i = 0; i < WORLD_NAMESPACES; i++) {
        const struct world_namespace *n = &world_namespaces[i];
        const struct namespace_rules rules = {.durability = n->durability,
                                              .history = n->window_max > 0};

        namespace_table_add(&w->namespaces, bytes_text(n->name), &rules);
        w->windows[i] =
            (struct log_window){.name_space = bytes_text(n->name),
                                .channel = {.events_max = n->window_max,
                                            .bytes_max = INDEX_UNLIMITED},
                                .age_max_ms = INDEX_UNLIMITED};
    }
    w->limits = limits;
    make_key(w);
}

void world_rules_done(struct world *w)
{
    namespace_table_done(&w->namespaces);
    authority_free(w->authority);
}

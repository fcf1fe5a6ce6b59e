/* Deciding about publishes and subscriptions before they are begun. */
#include "src/bridge/admission.h"

#include "base/check.h"
#include "base/splitmix.h"

enum problem admission_authorize(struct shard *shard,
                                 struct moment now,
                                 struct bytes key_text,
                                 enum authority_right right,
                                 const struct channel_name *name)
{
    const struct api_key *key;

    shard->admitted = NULL;
    if (authority_check(shard->options.authority, now, key_text, &key) != 0) {
        shard_count(shard, keys_refused, 1);
        return PROBLEM_UNAUTHORIZED;
    }
    shard->admitted = key;
    if (name == NULL) {
        return PROBLEM_NONE;
    }
    if (namespace_table_find(shard->options.namespaces,
                             channel_name_namespace(name)) == NULL) {
        return PROBLEM_NAMESPACE_UNKNOWN;
    }
    return authority_covers(key, right, name) ? PROBLEM_NONE
                                              : PROBLEM_FORBIDDEN;
}

/* A version 4 UUID (RFC 9562, 5.4) for an event that gets no place in the log.
 * Nothing is looked up by it and it guards nothing. */
static void random_uuid(struct shard *shard, uint8_t ret[16])
{
    for (int half = 0; half < 2; half++) {
        uint64_t z = splitmix_next(&shard->random);

        memcpy(ret + 8 * half, &z, sizeof(z));
    }
    ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x40);
    ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80);
}

static struct publish *make_publish(struct shard *shard,
                                    const struct client *client,
                                    const struct channel_name *name,
                                    const struct client_msg *msg,
                                    const enum problem *problems)
{
    struct publish *publish =
        publish_new(shard->options.index,
                    client->id,
                    client->websocket ? msg->id : bytes_of(NULL, 0));
    const struct namespace_rules *rules = namespace_table_find(
        shard->options.namespaces, channel_name_namespace(name));
    uint8_t identifier[16] = {0};

    publish->durability = rules->durability;
    for (size_t i = 0; i < msg->event_count; i++) {
        struct bytes key = i < msg->idempotency.count ? msg->idempotency.keys[i]
                                                      : bytes_of(NULL, 0);

        if (problems[i] != PROBLEM_NONE) {
            random_uuid(shard, identifier);
        }
        publish_add(publish,
                    channel_name_view(name),
                    msg->events[i],
                    key,
                    problems[i],
                    identifier);
    }
    return publish;
}

enum problem admission_publish(struct shard *shard,
                               struct client *client,
                               const struct channel_name *name,
                               const struct client_msg *msg)
{
    enum problem problems[CLIENT_MSG_EVENTS_MAX];
    struct publish *publish;

    check(msg->event_count > 0 && msg->event_count <= CLIENT_MSG_EVENTS_MAX);
    for (size_t i = 0; i < msg->event_count; i++) {
        problems[i] = client_msg_event_problem(msg->events[i]);
        if (problems[i] != PROBLEM_NONE &&
            problems[i] != PROBLEM_EVENT_TOO_LARGE) {
            return problems[i];
        }
    }
    publish = make_publish(shard, client, name, msg, problems);
    if (!intake_charge(shard->options.intake, publish->bytes)) {
        publish_free(publish);
        return PROBLEM_BUSY;
    }
    list_push_back(&shard->publishes, &publish->node);
    shard_count(shard, publishes, 1);
    return PROBLEM_NONE;
}

enum problem admission_admin(struct client *client, struct moment now)
{
    struct bytes key = http_request_field(client->request, "x-api-key");
    struct bytes bearer = http_request_field(client->request, "authorization");
    const struct api_key *checked;

    if (key.len == 0 && bytes_starts_with(bearer, bytes_text("Bearer "))) {
        key = bytes_trim(bytes_from(bearer, strlen("Bearer ")));
    }
    return authority_check(
               client->shard->options.authority, now, key, &checked) == 0 &&
                   checked->admin
               ? PROBLEM_NONE
               : PROBLEM_UNAUTHORIZED;
}

/* Deciding about publishes and subscriptions before they are begun. */
#include "src/bridge/admission.h"

#include "base/check.h"
#include "base/splitmix.h"

/* The key, at a cost that is its sender's: see refusals.h. Only bytes of a
 * client's are charged to anybody. */
static enum problem find_key(struct shard *shard,
                             struct moment now,
                             struct bytes text,
                             const struct api_key **ret)
{
    struct client *c = shard->speaking;
    struct authority_cost cost = {
        .limited =
            c != NULL && !refusals_allow(&shard->refusals, &c->address, now)};
    int rc =
        authority_check_within(shard->options.authority, now, text, &cost, ret);

    if (rc == 0) {
        return PROBLEM_NONE;
    }
    shard_count(shard, keys_refused, 1);
    shard_count(shard, keys_refused_again, cost.known ? 1 : 0);
    shard_count(shard, keys_unchecked, rc == RC_BUSY ? 1 : 0);
    if (c != NULL && rc == RC_DENIED && cost.checked) {
        refusals_add(&shard->refusals, &c->address, now);
    }
    if (c != NULL && (cost.checked || cost.known || rc == RC_BUSY) &&
        refusals_slow(&shard->refusals, &c->address, now)) {
        client_hold(c, now);
    }
    return rc == RC_BUSY ? PROBLEM_BUSY : PROBLEM_UNAUTHORIZED;
}

enum problem admission_authorize(struct shard *shard,
                                 struct moment now,
                                 struct bytes key_text,
                                 enum authority_right right,
                                 const struct channel_name *name)
{
    const struct api_key *key;
    enum problem problem;

    shard->admitted = NULL;
    problem = find_key(shard, now, key_text, &key);
    if (problem != PROBLEM_NONE) {
        return problem;
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

bool admission_publishes(const struct shard *shard, const struct api_key *key)
{
    for (size_t i = 0; i < key->publish_count; i++) {
        struct bytes name_space = channel_name_namespace(&key->publish[i]);

        if (name_space.len == 0 ||
            namespace_table_find(shard->options.namespaces, name_space) !=
                NULL) {
            return true;
        }
    }
    return false;
}

enum problem admission_publisher(struct client *client, struct moment now)
{
    struct shard *shard = client->shard;
    struct bytes text = http_request_field(client->request, "x-api-key");
    const struct api_key *key;
    enum problem problem = find_key(shard, now, text, &key);

    if (problem == PROBLEM_NONE && !admission_publishes(shard, key)) {
        problem = PROBLEM_FORBIDDEN;
    }
    return problem;
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
    enum problem problem;

    if (key.len == 0 && bytes_starts_with(bearer, bytes_text("Bearer "))) {
        key = bytes_trim(bytes_from(bearer, strlen("Bearer ")));
    }
    problem = find_key(client->shard, now, key, &checked);
    if (problem == PROBLEM_NONE && !checked->admin) {
        problem = PROBLEM_UNAUTHORIZED;
    }
    return problem;
}

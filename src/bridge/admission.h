/* The door for publishes and subscriptions of either transport: may this key do
 * that, are these events well formed, is there room for them. */
#ifndef BRIDGE_ADMISSION_H
#define BRIDGE_ADMISSION_H

#include "src/bridge/shard_state.h"

/* Check the key, which is shard->admitted then, that the namespace exists, and
 * the key's right over `name`; with a NULL name, only that the key is good. */
enum problem admission_authorize(struct shard *shard,
                                 struct moment now,
                                 struct bytes key_text,
                                 enum authority_right right,
                                 const struct channel_name *name);

/* Whether the request's key is good and may publish anything at all here: what
 * it takes to have a publish read. PROBLEM_FORBIDDEN: it is good for nothing
 * of that kind. */
enum problem admission_publisher(struct client *client, struct moment now);

/* Whether a checked key may publish to any of this node's namespaces. */
bool admission_publishes(const struct shard *shard, const struct api_key *key);

/* Queue a message's events for the log. An event that is too large fails by
 * itself; one that is not JSON fails them all. The answer comes back as a
 * publish with this client's id. */
enum problem admission_publish(struct shard *shard,
                               struct client *client,
                               const struct channel_name *name,
                               const struct client_msg *msg);

/* Whether the request's key is an admin's: as x-api-key, or as a bearer token,
 * which is what scrapers of metrics can send. */
enum problem admission_admin(struct client *client, struct moment now);

#endif

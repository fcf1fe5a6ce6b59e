/* The routes about the cluster:
 *
 *     GET  /cluster         all that is known, as JSON; for admins
 *     GET  /cluster.txt     the same as a table
 *     GET  /cluster/urls    {"urls":["http://..."]}: where the nodes that live
 *                           can be reached; for every key
 *     POST /cluster/forget  {"node":"0123456789abcdef"}: it will not come back;
 *                           for admins
 */
#ifndef BRIDGE_CLUSTER_API_H
#define BRIDGE_CLUSTER_API_H

#include "base/moment.h"
#include "proto/problem.h"

struct client;

enum problem cluster_api_json(struct client *client, struct moment now);
enum problem cluster_api_text(struct client *client, struct moment now);
enum problem cluster_api_urls(struct client *client, struct moment now);
enum problem cluster_api_forget(struct client *client, struct moment now);

#endif

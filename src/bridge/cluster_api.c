/* What the node knows of its cluster is asked of it, behind a function. */
#include "src/bridge/cluster_api.h"

#include "base/rc.h"
#include "base/text.h"
#include "proto/json.h"
#include "src/bridge/admission.h"
#include "src/bridge/client.h"
#include "src/bridge/http_answer.h"
#include "src/bridge/shard_state.h"

static enum problem show(struct client *c,
                         struct moment now,
                         enum shard_cluster_form form,
                         const char *content_type)
{
    const struct shard_cluster *cluster = &c->shard->options.cluster;
    struct buffer *text = &c->shard->text;

    buffer_clear(text);
    cluster->show(cluster->context, form, text);
    http_answer(c, now, 200, content_type, buffer_view(text));
    return PROBLEM_NONE;
}

enum problem cluster_api_json(struct client *client, struct moment now)
{
    enum problem problem = admission_admin(client, now);

    return problem != PROBLEM_NONE
               ? problem
               : show(client, now, SHARD_CLUSTER_JSON, "application/json");
}

enum problem cluster_api_text(struct client *client, struct moment now)
{
    enum problem problem = admission_admin(client, now);

    return problem != PROBLEM_NONE
               ? problem
               : show(client, now, SHARD_CLUSTER_TEXT, "text/plain");
}

enum problem cluster_api_urls(struct client *client, struct moment now)
{
    struct bytes key = http_request_field(client->request, "x-api-key");
    enum problem problem =
        admission_authorize(client->shard, now, key, AUTHORITY_SUBSCRIBE, NULL);

    return problem != PROBLEM_NONE
               ? problem
               : show(client, now, SHARD_CLUSTER_URLS, "application/json");
}

/* {"node":"0123456789abcdef"} and nothing else. */
static bool parse_node(struct bytes body, uint64_t *ret)
{
    struct json_token token;
    struct json j;

    json_init(&j, body);
    if (json_next(&j).type != JSON_OBJECT_BEGIN) {
        return false;
    }
    token = json_next(&j);
    if (token.type != JSON_STRING || !json_equal_text(token, "node")) {
        return false;
    }
    token = json_next(&j);
    return token.type == JSON_STRING && text_hex_u64(token.raw, ret) &&
           json_next(&j).type == JSON_OBJECT_END &&
           json_next(&j).type == JSON_END;
}

enum problem cluster_api_forget(struct client *client, struct moment now)
{
    const struct shard_cluster *cluster = &client->shard->options.cluster;
    uint64_t node;

    if (!parse_node(http_request_body(client->request), &node)) {
        return PROBLEM_MESSAGE_MALFORMED;
    }
    if (!cluster->forget(cluster->context, node)) {
        return PROBLEM_MEMBER_UNKNOWN;
    }
    http_answer(client, now, 200, "application/json", bytes_text("{}"));
    return PROBLEM_NONE;
}

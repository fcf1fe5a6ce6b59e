/* Who asks was judged before what is asked (http_api.c), so that strangers
 * learn nothing. */
#include "src/bridge/http_publish.h"

#include "src/bridge/admission.h"

/* The value of Idempotency-Key; false when the field comes twice, which cannot
 * be one key. Data NULL: there is none. */
static bool key_field(const struct http_request *request, struct bytes *ret)
{
    size_t count = http_request_field_count(request);

    *ret = bytes_of(NULL, 0);
    for (size_t i = 0; i < count; i++) {
        struct bytes name;
        struct bytes value = http_request_field_at(request, i, &name);

        if (bytes_equal_nocase(name, "idempotency-key")) {
            if (ret->data != NULL) {
                return false;
            }
            *ret = value;
        }
    }
    return true;
}

/* Put what the field says into the message, which has said nothing of it. */
static enum problem take_key(struct client *c, struct client_msg *msg)
{
    struct bytes value;

    if (!key_field(c->request, &value)) {
        return PROBLEM_KEYS_MALFORMED;
    }
    if (value.data == NULL) {
        return PROBLEM_NONE;
    }
    if (msg->idempotency.count > 0 ||
        idempotency_from_field(
            value, msg->event_count, &c->shard->text, &msg->idempotency) != 0) {
        return PROBLEM_KEYS_MALFORMED;
    }
    return PROBLEM_NONE;
}

enum problem http_publish(struct client *client, struct moment now)
{
    struct shard *shard = client->shard;
    struct channel_name name;
    struct client_msg msg;
    struct bytes key = http_request_field(client->request, "x-api-key");
    enum problem problem = client_msg_parse_publish(
        http_request_body(client->request), &shard->scratch, &msg);

    if (problem == PROBLEM_NONE) {
        problem = take_key(client, &msg);
    }
    if (problem == PROBLEM_NONE &&
        channel_name_parse(msg.channel, &name) != 0) {
        problem = PROBLEM_CHANNEL_MALFORMED;
    }
    if (problem == PROBLEM_NONE) {
        problem =
            admission_authorize(shard, now, key, AUTHORITY_PUBLISH, &name);
    }
    if (problem == PROBLEM_NONE) {
        problem = admission_publish(shard, client, &name, &msg);
    }
    if (problem == PROBLEM_NONE) {
        client->state = CLIENT_HTTP_WAITING;
        http_body_clear(http_request_incoming(client->request));
        client_wait_stop(client);
    }
    return problem;
}

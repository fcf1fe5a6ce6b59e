/* The body says for how long, or nothing. */
#include "src/bridge/http_token.h"

#include "base/check.h"
#include "src/bridge/admission.h"
#include "src/bridge/http_answer.h"

enum problem http_token_admit(struct client *client, struct moment now)
{
    struct bytes key = http_request_field(client->request, "x-api-key");

    return admission_authorize(
        client->shard, now, key, AUTHORITY_SUBSCRIBE, NULL);
}

enum problem http_token(struct client *client, struct moment now)
{
    struct shard *shard = client->shard;
    struct buffer *text = &shard->text;
    struct bytes key = http_request_field(client->request, "x-api-key");
    uint64_t seconds;
    uint64_t expires_s;

    if (token_read_request(http_request_body(client->request), &seconds) != 0) {
        return PROBLEM_TOKEN_MALFORMED;
    }
    expires_s = now.wall_ms / 1000 + seconds;
    buffer_clear(text);
    buffer_text(text, "{\"token\":\"");
    token_seal(shard->options.token_secret, key, expires_s, text);
    buffer_text(text, "\",\"expires\":");
    buffer_decimal(text, expires_s);
    buffer_text(text, "}");
    check(!text->overflowed);
    http_answer(client, now, 200, "application/json", buffer_view(text));
    return PROBLEM_NONE;
}

/* A key in a file is taken without the white space around it, so that the file
 * may end in a newline. */
#include "src/client.h"

#include "base/check.h"
#include "proto/api_key.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* Other servers of the protocol have keys of their own form, so a key is only
 * checked to be fit for a header. */
static int key_set(struct client *c,
                   struct bytes text,
                   const char *origin,
                   struct why *why)
{
    while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL) {
        text.len--;
    }
    text = bytes_trim(text);
    if (text.len == 0) {
        return why_set(why, RC_MALFORMED, "the API key in %s is empty", origin);
    }
    if (text.len > API_KEY_TEXT_BYTES_MAX) {
        return why_set(why,
                       RC_MALFORMED,
                       "the API key in %s is longer than %d characters",
                       origin,
                       API_KEY_TEXT_BYTES_MAX);
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            return why_set(why,
                           RC_MALFORMED,
                           "the API key in %s holds white space or other "
                           "characters that no key has",
                           origin);
        }
    }
    buffer_append(&c->key, text);
    return 0;
}

static int key_from_file(struct client *c, const char *path, struct why *why)
{
    char text[API_KEY_TEXT_BYTES_MAX + 64];
    char origin[WHY_BYTES_MAX / 2];
    FILE *file = fopen(path, "re");
    size_t len;

    if (file == NULL) {
        return why_set(why,
                       RC_NOT_FOUND,
                       "cannot read the key file '%s': %s",
                       path,
                       strerror(errno));
    }
    len = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    (void)snprintf(origin, sizeof(origin), "'%s'", path);
    return key_set(c, bytes_of(text, len), origin, why);
}

static int key_find(struct client *c,
                    const struct client_arguments *arguments,
                    struct why *why)
{
    const char *variable = getenv(CLIENT_KEY_VARIABLE);

    if (arguments->key != NULL) {
        return key_set(c, bytes_text(arguments->key), "--key", why);
    }
    if (arguments->key_file != NULL) {
        return key_from_file(c, arguments->key_file, why);
    }
    if (variable != NULL && variable[0] != '\0') {
        return key_set(c, bytes_text(variable), CLIENT_KEY_VARIABLE, why);
    }
    return 0;
}

struct client_arguments client_arguments(const struct options *o,
                                         const char *url)
{
    return (struct client_arguments){
        .url = url,
        .key = options_value(o, "key"),
        .key_file = options_value(o, "key-file"),
        .ca_file = options_value(o, "ca"),
    };
}

int client_init(struct client *c,
                const struct client_arguments *arguments,
                struct why *why)
{
    uint64_t mask_seed;
    int rc;

    check(sodium_init() >= 0);
    memset(c, 0, sizeof(*c));
    buffer_init(&c->key, API_KEY_TEXT_BYTES_MAX);
    rc = url_parse(arguments->url, &c->url, why);
    if (rc == 0) {
        rc = key_find(c, arguments, why);
    }
    if (rc == 0 && c->url.tls) {
        rc = tls_context_new_client(arguments->ca_file, &c->tls, why);
    } else if (rc == 0 && arguments->ca_file != NULL) {
        rc = why_set(why,
                     RC_MALFORMED,
                     "--ca is for https:// and wss://, and '%s' is neither",
                     arguments->url);
    }
    if (rc != 0) {
        client_done(c);
        return rc;
    }
    url_authority(&c->url, c->authority);
    randombytes_buf(&mask_seed, sizeof(mask_seed));
    c->pool = ws_stream_pool_new(
        WS_STREAM_CLIENT, WS_CLIENT_MESSAGE_BYTES_MAX, mask_seed);
    return 0;
}

void client_done(struct client *c)
{
    sodium_memzero(c->key.data, c->key.len);
    buffer_done(&c->key);
    tls_context_unref(c->tls);
    if (c->pool != NULL) {
        ws_stream_pool_free(c->pool);
    }
    memset(c, 0, sizeof(*c));
}

static struct outbound_target target(const struct client *c)
{
    return (struct outbound_target){
        .host = c->url.host,
        .port = c->url.port,
        .tls = c->tls,
    };
}

struct ws_client_options client_ws_options(const struct client *c)
{
    return (struct ws_client_options){
        .target = target(c),
        .who = {.api_key = buffer_view(&c->key),
                .host = bytes_text(c->authority)},
        .pool = c->pool,
    };
}

struct http_client_options client_http_options(const struct client *c)
{
    return (struct http_client_options){
        .target = target(c),
        .authority = c->authority,
        .path = "/event",
        .api_key = buffer_view(&c->key),
    };
}

void client_channel(const char *text, struct buffer *out)
{
    struct bytes channel = bytes_text(text);

    if (channel.len > 0 && channel.data[0] == '/') {
        channel = bytes_from(channel, 1);
    }
    if (channel.len > 0 && channel.data[channel.len - 1] == '/') {
        channel.len--;
    }
    buffer_u8(out, '/');
    buffer_append(out, channel);
}

/* Which server, and with which key: what `weir pub`, `weir sub` and `weir
 * bench` are told alike, checked and made ready for their connections. */
#ifndef SRC_CLIENT_H
#define SRC_CLIENT_H

#include "base/why.h"
#include "src/io/http_client.h"
#include "src/io/ws_client.h"
#include "src/options.h"
#include "src/url.h"

#define CLIENT_KEY_VARIABLE "WEIR_API_KEY"

struct client {
    struct url url;
    char authority[URL_AUTHORITY_BYTES_MAX];
    struct buffer key;       /* empty: none */
    struct tls_context *tls; /* NULL: the URL says plain */
    struct ws_stream_pool *pool;
};

/* What the command line said; NULL where it said nothing. */
struct client_arguments {
    const char *url;
    const char *key;
    const char *key_file;
    const char *ca_file;
};

/* The entries of a command's option table that say these; the URL is one of
 * its operands. */
#define CLIENT_OPTIONS                                                       \
    {"key", "KEY", "The API key.", false},                                   \
        {"key-file",                                                         \
         "FILE",                                                             \
         "Read the API key from FILE; without this and --key it is taken "   \
         "from the environment variable WEIR_API_KEY.",                      \
         false},                                                             \
    {                                                                        \
        "ca", "FILE",                                                        \
            "With https, believe the certificate authorities in FILE (PEM) " \
            "instead of the system's.",                                      \
            false                                                            \
    }
struct client_arguments client_arguments(const struct options *o,
                                         const char *url);

/* A key comes from `key`, else `key_file`, else the environment; without any
 * of them the server decides. RC_MALFORMED, RC_NOT_FOUND, RC_DENIED, with a
 * sentence; `c` then holds nothing. Initialises libsodium. */
int client_init(struct client *c,
                const struct client_arguments *arguments,
                struct why *why);

/* After the loop of its connections has ended. Accepts a zeroed structure. */
void client_done(struct client *c);

struct ws_client_options client_ws_options(const struct client *c);
struct http_client_options client_http_options(const struct client *c);

/* A channel as data frames name it: one slash in front, none behind. */
void client_channel(const char *text, struct buffer *out);

#endif

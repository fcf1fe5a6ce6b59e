/* What a client of AppSync Events says, written: the frames and the body that
 * client_msg reads, and the subprotocol that carries its key. */
#ifndef PROTO_CLIENT_REQUEST_H
#define PROTO_CLIENT_REQUEST_H

#include "base/buffer.h"
#include "base/bytes.h"

/* Who asks: stands in every frame that needs a right. */
struct client_request_identity {
    struct bytes api_key; /* len 0: none */
    struct bytes host;
};

/* The value of Sec-WebSocket-Protocol. */
void client_request_subprotocols(const struct client_request_identity *who,
                                 struct buffer *out);

void client_request_connection_init(struct buffer *out);

/* `begin` is the member that says where to begin, such as "cursor":true or
 * "replay":{"all":true} (doc/client-protocol); empty: as AWS's clients do. */
void client_request_subscribe(const struct client_request_identity *who,
                              struct bytes id,
                              struct bytes channel,
                              struct bytes begin,
                              struct buffer *out);

/* What a publish holds. */
struct client_request_events {
    const struct bytes *texts;
    const struct bytes *keys; /* one for each; NULL: none has one */
    size_t count;
};

void client_request_publish(const struct client_request_identity *who,
                            struct bytes id,
                            struct bytes channel,
                            const struct client_request_events *events,
                            struct buffer *out);

/* The body of POST /event. */
void client_request_publish_body(struct bytes channel,
                                 const struct client_request_events *events,
                                 struct buffer *out);

#endif

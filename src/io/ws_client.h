/* A client of AppSync Events on a WebSocket: handshake with the key in the
 * subprotocol, connection_init and its answer, then messages both ways. A
 * server that falls silent for longer than it promised is given up. */
#ifndef IO_WS_CLIENT_H
#define IO_WS_CLIENT_H

#include "proto/client_request.h"
#include "proto/server_msg.h"
#include "proto/ws_stream.h"
#include "src/io/outbound.h"

#define WS_CLIENT_MESSAGE_BYTES_MAX (2 * 1024 * 1024)
#define WS_CLIENT_ACK_MS_MAX 15000 /* from the start to connection_ack */
/* Silence that is borne before connection_ack promises something else. */
#define WS_CLIENT_SILENCE_MS 300000

struct ws_client; /* one connection */

struct ws_client_options {
    struct outbound_target target;
    struct client_request_identity who; /* kept by the caller */
    struct ws_stream_pool *pool; /* of clients; outlives the loop's last turn */
};

struct ws_client_events {
    /* connection_ack came. */
    void (*opened)(void *context);
    /* One message, ka included; borrowed for the call. Used when `received` is
     * NULL. */
    void (*message)(void *context, const struct server_msg *msg);
    /* All bytes after connection_ack as they come, frames and all: for who
     * reads frames without wslay and JSON. Then silence is not watched. */
    void (*received)(void *context, struct bytes bytes);
    /* The last call, and the connection's end. RC_DENIED: the server refused
     * it, so that trying again is of no use. */
    void (*closed)(void *context, int rc, const struct why *why);
};

struct ws_client *ws_client_open(uv_loop_t *loop,
                                 const struct ws_client_options *options,
                                 const struct ws_client_events *events,
                                 void *context);

/* Send one text message, once opened. RC_BUSY: too much waits. */
int ws_client_send(struct ws_client *c, struct bytes text);

/* Send bytes that are whole frames already. */
int ws_client_send_frames(struct ws_client *c, struct bytes frames);

/* Say good-bye (1000) and close; no event follows. */
void ws_client_close(struct ws_client *c);

#endif

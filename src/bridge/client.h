/* One client connection as its shard sees it: what it speaks, what it has
 * subscribed to, what still has to be sent. An idle one is this struct and its
 * subscriptions; parsers and buffers come and go with the bytes.
 *
 * Private to src/bridge. Other threads know a client by its id only, which is
 * never used again, so an answer for one that has gone finds nobody. */
#ifndef BRIDGE_CLIENT_H
#define BRIDGE_CLIENT_H

#include "base/buffer.h"
#include "base/list.h"
#include "base/moment.h"
#include "proto/http_request.h"
#include "proto/problem.h"
#include "proto/ws_stream.h"
#include "src/bridge/history.h"
#include "src/bridge/refusals.h"
#include "src/bridge/subscription.h"

struct http_route;
struct shard;

enum client_state {
    CLIENT_HTTP_IDLE,    /* between requests, or before the first */
    CLIENT_HTTP_READING, /* inside a request */
    CLIENT_HTTP_WAITING, /* its publish is on the way to the log */
    CLIENT_WS_OPEN,
    CLIENT_HISTORY, /* its answer is being made, or waits for an event */
    CLIENT_STREAM, /* is sent events as they come, and reads no more requests */
    CLIENT_CLOSING, /* what is queued goes out, nothing is read; then closed */
};

/* Why a client is in one of the shard's lists of deadlines. All waits of one
 * kind are equally long, so each list is in order of its deadlines. */
enum client_wait {
    CLIENT_WAIT_NONE,
    CLIENT_WAIT_REQUEST, /* a whole request, or the close that was promised */
    CLIENT_WAIT_IDLE,    /* the next request on a kept connection */
    CLIENT_WAIT_CLOSE,   /* the peer's half of a close */
    CLIENT_WAIT_REFUSED, /* the first message of one who may not be here */
    CLIENT_WAIT_MESSAGE, /* the rest of a WebSocket message */
    CLIENT_WAIT_COUNT,
};

#define CLIENT_REFUSED_TIMEOUT_MS 500

/* How long the answer to a bad key is held back, and for how many clients of a
 * shard at once; those beyond are answered, as holding them would cost. */
#define CLIENT_HOLD_MS 1000
#define CLIENT_HELD_MAX 1024

struct client {
    uint64_t id;
    void *socket; /* the world's; only handed back */
    struct shard *shard;
    enum client_state state;
    enum client_wait wait;
    uint64_t wait_deadline_ms;
    struct list wait_node;
    uint64_t keepalive_deadline_ms;
    struct list keepalive_node; /* in the shard's, when a WebSocket */
    uint64_t write_deadline_ms;
    struct list write_node; /* in the shard's blocked, while bytes wait */
    uint64_t hold_deadline_ms;
    struct list hold_node;           /* in the shard's held, while it is */
    struct refusals_address address; /* of the peer */

    struct http_request *request;   /* NULL while idle or a WebSocket */
    const struct http_route *route; /* of a request judged by its head */
    struct ws_stream ws;
    struct buffer in;        /* bytes that came before they could be used */
    struct buffer out;       /* bytes that the socket has not taken */
    size_t unfinished_bytes; /* of it, when that was last settled */
    size_t charged;          /* of that, to the node's budget (unfinished.h) */
    struct list unfinished_node; /* in the shard's, while it is charged */
    bool blocked;                /* the socket took less than it was given */
    bool held;       /* is sent nothing, and not read, for a moment */
    bool keep_alive; /* of the request being answered */
    bool head_only;
    bool websocket;       /* speaks, or spoke, WebSocket */
    bool publisher;       /* a WebSocket whose key may publish something here */
    enum problem refusal; /* the request's, or the WebSocket's: to be told */
    bool aborted;         /* to be closed without waiting for the peer */
    bool half_closed;     /* our half of the connection is shut */
    bool peer_done;       /* the peer sends nothing more */
    bool leaving;         /* sent away, once it has its answers */
    uint16_t publishes_in_flight;
    uint16_t subscription_count;
    struct list subscriptions;
    struct lease_holder lease; /* a WebSocket's: of the key it was opened by */

    /* Deliveries of this turn, oldest first, by index + 1 into the shard's
     * arena; 0: none. And about how many bytes they will be. */
    uint32_t first_delivery;
    uint32_t last_delivery;
    uint32_t delivery_bytes;

    struct list replays;     /* of its subscriptions, the next to read first */
    struct history *history; /* while it asks for that */

    struct list send_node;   /* in the shard's: has output this turn */
    struct list close_node;  /* in the shard's: to be closed */
    struct list resume_node; /* in the shard's: its bytes are used next */
};

struct client *client_new(struct shard *shard, uint64_t id, void *socket);
void client_free(struct client *c); /* leaves every list */

/* Append bytes to what is sent, after everything so far, and see to it that
 * they go out this turn. */
struct buffer *client_output(struct client *c);

/* Have it subscribe, live for events after `after_place`, for as long as the
 * key that was admitted last allows, and no longer; the arguments are
 * subscription_new()'s. */
struct subscription *client_subscription_add(
    struct client *c,
    struct bytes id,
    const struct channel_name *patterns,
    size_t pattern_count,
    uint64_t after_place);
void client_subscription_drop(struct client *c, struct subscription *s);

/* Whether it may be sent events now. */
bool client_subscribes(const struct client *c);

/* Whether it may be given a page of the log: all that it had to get is out. */
bool client_takes_page(const struct client *c);

/* Send nothing, and read no more, for CLIENT_HOLD_MS; and end that. The first
 * message of one who may not be here is waited for from then on. */
void client_hold(struct client *c, struct moment now);
void client_release(struct client *c, struct moment now);

/* Append one text frame. */
void client_send_text(struct client *c, struct bytes text);

/* Close once all output is out. Reading stops at once. */
void client_finish(struct client *c);

/* Close now, whatever is queued. */
void client_abort(struct client *c);

void client_wait_start(struct client *c,
                       enum client_wait wait,
                       struct moment now);
void client_wait_stop(struct client *c);

/* Whether the world should read from this client's socket: not while it owes
 * us a drained buffer or waits for an answer. */
bool client_wants_read(const struct client *c);

#endif

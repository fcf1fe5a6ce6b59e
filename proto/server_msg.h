/* What an AppSync Events server says, as a client reads it: a frame of the
 * WebSocket, or the body that answers POST /event, which has the same members
 * without a type. What a server writes is client_msg's. */
#ifndef PROTO_SERVER_MSG_H
#define PROTO_SERVER_MSG_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "proto/client_msg.h"

enum server_msg_type {
    SERVER_MSG_NONE, /* no member "type": an HTTP body */
    SERVER_MSG_CONNECTION_ACK,
    SERVER_MSG_CONNECTION_ERROR,
    SERVER_MSG_KA,
    SERVER_MSG_SUBSCRIBE_SUCCESS,
    SERVER_MSG_SUBSCRIBE_ERROR,
    SERVER_MSG_UNSUBSCRIBE_SUCCESS,
    SERVER_MSG_UNSUBSCRIBE_ERROR,
    SERVER_MSG_PUBLISH_SUCCESS,
    SERVER_MSG_PUBLISH_ERROR,
    SERVER_MSG_DATA,
    SERVER_MSG_BROADCAST_ERROR,
    SERVER_MSG_ERROR,
    SERVER_MSG_GAP,
    SERVER_MSG_OTHER, /* of a later version: to be ignored */
};

#define SERVER_MSG_MISSED_UNKNOWN UINT64_MAX

/* One entry of "successful" or "failed". */
struct server_msg_outcome {
    uint64_t index;
    struct bytes identifier;
    struct bytes code; /* no data: it succeeded */
    struct bytes message;
};

struct server_msg {
    enum server_msg_type type;
    struct bytes id;
    struct bytes event;   /* of a data frame: the JSON text published */
    struct bytes channel; /* of a data frame, no data when it was not sent */
    struct bytes cursor;  /* likewise; of a subscribe_success too */
    struct bytes reason;  /* of a gap */
    struct bytes from;    /* of a gap: a cursor */
    struct bytes to;      /* likewise */
    uint64_t missed;      /* of a gap, or SERVER_MSG_MISSED_UNKNOWN */
    uint64_t timeout_ms;  /* of connection_ack: connectionTimeoutMs, or 0 */
    size_t error_count;
    struct bytes error_type; /* of the first error */
    struct bytes error_message;
    size_t successful_count;
    size_t failed_count;
    struct server_msg_outcome successful[CLIENT_MSG_EVENTS_MAX];
    struct server_msg_outcome failed[CLIENT_MSG_EVENTS_MAX];
};

/* Members that are not known are passed over. Views point into `scratch`,
 * which is cleared first. RC_MALFORMED: not JSON, or a known member is of
 * another type than PROTOCOL says. RC_TOO_LARGE: more than the scratch may
 * hold. */
int server_msg_parse(struct bytes text,
                     struct buffer *scratch,
                     struct server_msg *ret);

#endif

/* Everything that can be wrong with a request, in one table. One fault may have
 * two names, over HTTP and over WebSocket, because AppSync Events gives it two.
 */
#ifndef PROTO_PROBLEM_H
#define PROTO_PROBLEM_H

enum problem {
    PROBLEM_NONE,
    PROBLEM_UNAUTHORIZED,      /* key missing, wrong, expired, foreign */
    PROBLEM_NAMESPACE_UNKNOWN, /* Unauthorized, without a message */
    PROBLEM_FORBIDDEN,         /* the key does not cover the channel */
    PROBLEM_MESSAGE_NOT_JSON,  /* the body or frame */
    PROBLEM_MESSAGE_MALFORMED, /* missing, repeated, mistyped members */
    PROBLEM_ID_MALFORMED,
    PROBLEM_TYPE_UNKNOWN,
    PROBLEM_CHANNEL_MALFORMED,
    PROBLEM_EVENTS_NONE,
    PROBLEM_EVENTS_TOO_MANY,
    PROBLEM_EVENT_NOT_STRING,
    PROBLEM_EVENT_NOT_JSON,
    PROBLEM_EVENT_TOO_LARGE,
    PROBLEM_KEYS_MALFORMED, /* idempotency keys */
    PROBLEM_BODY_TOO_LARGE,
    PROBLEM_KEY_ENDED, /* while what it allowed was open */
    PROBLEM_CODING,    /* a Content-Encoding */
    PROBLEM_BINARY,    /* a binary WebSocket message */
    PROBLEM_SUBSCRIPTION_EXISTS,
    PROBLEM_SUBSCRIPTION_UNKNOWN,
    PROBLEM_SUBSCRIPTIONS_TOO_MANY,
    PROBLEM_REPLAY_MALFORMED, /* not one of the ways to ask for it */
    PROBLEM_CURSOR_MALFORMED,
    PROBLEM_CURSOR_UNKNOWN, /* foreign, or from the future */
    PROBLEM_QUERY_MALFORMED,
    PROBLEM_TOKEN_MALFORMED, /* what a token is asked for with */
    PROBLEM_SUBPROTOCOL,     /* aws-appsync-event-ws was not offered */
    PROBLEM_MEMBER_UNKNOWN,  /* of the cluster, or it lives */
    PROBLEM_ROUTE_UNKNOWN,
    PROBLEM_CONDITION, /* If-Match */
    PROBLEM_METHOD,
    PROBLEM_BUSY,    /* a bound was met: try again later */
    PROBLEM_STORAGE, /* the log cannot take it: full, failing */
    PROBLEM_STORAGE_READ,
    PROBLEM_QUORUM,         /* too few nodes in reach: not taken */
    PROBLEM_QUORUM_TIMEOUT, /* taken here, not known to be safe in time */
    PROBLEM_COUNT,
};

/* The stable names and the sentence; an empty message is left out of answers,
 * as the real service does. */
const char *problem_name_http(enum problem problem); /* errorType */
const char *problem_name_ws(enum problem problem);
const char *problem_message_http(enum problem problem);
const char *problem_message_ws(enum problem problem);
int problem_status(enum problem problem); /* HTTP status, and errorCode */

#endif

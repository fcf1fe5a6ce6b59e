/* Names and sentences that AppSync Events is known to use stand as it uses
 * them; the others say in one sentence what to change. */
#include "proto/problem.h"

#include "base/check.h"

struct entry {
    int status;
    const char *name_http;
    const char *name_ws;
    const char *message_http;
    const char *message_ws;
};

/* A row that reads the same over HTTP and over WebSocket, and one that does
 * not. */
#define ALIKE(status, name, message)         \
    {                                        \
        status, name, name, message, message \
    }
#define APART(status, http, ws, message_http, message_ws) \
    {                                                     \
        status, http, ws, message_http, message_ws        \
    }

static const struct entry table[PROBLEM_COUNT] = {
    [PROBLEM_NONE] = ALIKE(200, "", ""),
    [PROBLEM_UNAUTHORIZED] = ALIKE(401,
                                   "UnauthorizedException",
                                   "You are not authorized to make this call."),
    [PROBLEM_KEY_ENDED] =
        ALIKE(401,
              "UnauthorizedException",
              "The API key has expired: come back with another, or renew in "
              "time with connection_init and authorization"),
    [PROBLEM_NAMESPACE_UNKNOWN] = ALIKE(401, "UnauthorizedException", ""),
    [PROBLEM_FORBIDDEN] = ALIKE(403, "UnauthorizedException", ""),
    [PROBLEM_MESSAGE_NOT_JSON] =
        ALIKE(400,
              "BadRequestException",
              "The message is not valid JSON: send one JSON object in UTF-8"),
    [PROBLEM_MESSAGE_MALFORMED] =
        ALIKE(400,
              "BadRequestException",
              "The message needs each of its members once and of the right "
              "type: strings type, id and channel, array events, object "
              "authorization with strings in it"),
    [PROBLEM_ID_MALFORMED] =
        ALIKE(400,
              "BadRequestException",
              "The member id must be 1 to 128 letters, digits, '-', '_' or "
              "'+'"),
    [PROBLEM_TYPE_UNKNOWN] =
        ALIKE(400,
              "UnsupportedOperation",
              "Operation not supported through the realtime channel"),
    [PROBLEM_CHANNEL_MALFORMED] =
        ALIKE(400, "BadRequestException", "Invalid Channel Format"),
    [PROBLEM_EVENTS_NONE] = ALIKE(400,
                                  "BadRequestException",
                                  "The member events must hold 1 to 5 events"),
    [PROBLEM_EVENTS_TOO_MANY] = APART(400,
                                      "BadRequestException",
                                      "InvalidInputError",
                                      "Input exceeded 5 event limit",
                                      "input exceeded 5 event limit"),
    [PROBLEM_EVENT_NOT_STRING] =
        ALIKE(400,
              "BadRequestException",
              "Each event must be a string that holds JSON: stringify it"),
    [PROBLEM_EVENT_NOT_JSON] =
        ALIKE(400,
              "BadRequestException",
              "The text of each event must be valid JSON: stringify it"),
    [PROBLEM_EVENT_TOO_LARGE] = ALIKE(400,
                                      "EventTooLargeException",
                                      "Transformed event is larger than 240KB"),
    [PROBLEM_KEYS_MALFORMED] =
        ALIKE(400,
              "BadRequestException",
              "Idempotency keys are 1 to 64 characters of visible ASCII: as "
              "many in idempotencyKeys as there are events, or one in one "
              "header Idempotency-Key, not both"),
    [PROBLEM_BODY_TOO_LARGE] =
        ALIKE(413,
              "BadRequestException",
              "The request is over the size limit: send fewer or smaller "
              "events"),
    [PROBLEM_CODING] =
        ALIKE(415,
              "BadRequestException",
              "No content coding is understood: send the body as it is, "
              "without Content-Encoding"),
    [PROBLEM_BINARY] = ALIKE(400,
                             "BadRequestException",
                             "Binary messages are not understood: send text"),
    [PROBLEM_SUBSCRIPTION_EXISTS] =
        ALIKE(400,
              "DuplicatedOperationError",
              "The id already names a subscription of this connection: choose "
              "another"),
    [PROBLEM_SUBSCRIPTION_UNKNOWN] =
        ALIKE(400, "UnknownOperationError", "Unknown operation id"),
    [PROBLEM_SUBSCRIPTIONS_TOO_MANY] =
        ALIKE(400,
              "MaxSubscriptionsReachedError",
              "The connection holds as many subscriptions as it may: "
              "unsubscribe from one first"),
    [PROBLEM_REPLAY_MALFORMED] = ALIKE(
        400,
        "BadRequestException",
        "A replay is asked for with exactly one of after (a cursor), last "
        "(0 to 1000000), seconds or all (true), and without cursor"),
    [PROBLEM_CURSOR_MALFORMED] =
        ALIKE(400,
              "InvalidCursorError",
              "This is not a cursor, or it was changed on the way"),
    [PROBLEM_CURSOR_UNKNOWN] =
        ALIKE(400,
              "UnknownCursorError",
              "The cursor is of events that have never been here: another "
              "cluster's, or from before its data was lost"),
    [PROBLEM_QUERY_MALFORMED] =
        ALIKE(400,
              "BadRequestException",
              "The query needs channel and takes each other parameter once: "
              "see the manual"),
    [PROBLEM_TOKEN_MALFORMED] =
        ALIKE(400,
              "BadRequestException",
              "A token is asked for with {\"seconds\":N}, 1 to 3600, or with "
              "nothing"),
    [PROBLEM_SUBPROTOCOL] =
        ALIKE(400,
              "SubProtocolNotSupportedError",
              "Offer the WebSocket subprotocol aws-appsync-event-ws"),
    [PROBLEM_ROUTE_UNKNOWN] =
        ALIKE(404,
              "NotFoundException",
              "There is nothing at this path: publish to /event, subscribe at "
              "/event/realtime"),
    [PROBLEM_CONDITION] =
        ALIKE(412,
              "BadRequestException",
              "Nothing here has an entity tag: ask without If-Match"),
    [PROBLEM_METHOD] =
        ALIKE(405,
              "BadRequestException",
              "The path does not take this method: see the Allow field"),
    [PROBLEM_BUSY] =
        ALIKE(429, "LimitExceededError", "Too much at once: try again later"),
    [PROBLEM_MEMBER_UNKNOWN] = ALIKE(404,
                                     "NotFoundException",
                                     "No member of the cluster that is dead or "
                                     "has left has this identity"),
    [PROBLEM_STORAGE] = ALIKE(500,
                              "InternalFailure",
                              "The event could not be stored: try again later"),
    [PROBLEM_STORAGE_READ] = ALIKE(
        500, "InternalFailure", "The log cannot be read: try again later"),
    [PROBLEM_QUORUM] = ALIKE(503,
                             "ServiceUnavailable",
                             "Too few nodes of the cluster are in reach: "
                             "nothing was published, try again later"),
    [PROBLEM_QUORUM_TIMEOUT] =
        ALIKE(503,
              "ServiceUnavailable",
              "Too few nodes of the cluster confirmed in time: the event may "
              "or may not be published later"),
};

static const struct entry *entry_of(enum problem problem)
{
    check((unsigned)problem < PROBLEM_COUNT);
    return &table[problem];
}

const char *problem_name_http(enum problem problem)
{
    return entry_of(problem)->name_http;
}

const char *problem_name_ws(enum problem problem)
{
    return entry_of(problem)->name_ws;
}

const char *problem_message_http(enum problem problem)
{
    return entry_of(problem)->message_http;
}

const char *problem_message_ws(enum problem problem)
{
    return entry_of(problem)->message_ws;
}

int problem_status(enum problem problem)
{
    return entry_of(problem)->status;
}

/* The JSON messages of AppSync Events, as text: what clients send on a
 * WebSocket or in POST /event, and what a server answers. Says what is wrong
 * with a message as an enum problem. */
#ifndef PROTO_CLIENT_MSG_H
#define PROTO_CLIENT_MSG_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "proto/credentials.h"
#include "proto/idempotency.h"
#include "proto/problem.h"
#include "proto/replay_request.h"

#define CLIENT_MSG_ID_BYTES_MAX 128
#define CLIENT_MSG_EVENTS_MAX 5
#define CLIENT_MSG_EVENT_BYTES_MAX 245760 /* 240 KB */

enum client_msg_type {
    CLIENT_MSG_CONNECTION_INIT,
    CLIENT_MSG_SUBSCRIBE,
    CLIENT_MSG_UNSUBSCRIBE,
    CLIENT_MSG_PUBLISH,
    CLIENT_MSG_KA, /* some clients answer a ka with one: ignored */
    CLIENT_MSG_UNKNOWN,
};

struct client_msg {
    enum client_msg_type type;
    struct bytes id;        /* [a-zA-Z0-9-_+]{1,128}, or len 0 when it is not */
    struct bytes channel;   /* as sent; not yet checked */
    bool has_authorization; /* a well-formed one */
    struct credentials authorization;
    bool cursors;                 /* of a subscribe: with them, please */
    struct replay_request replay; /* of a subscribe */
    size_t event_count;           /* as sent, also when over the limit */
    struct bytes events[CLIENT_MSG_EVENTS_MAX]; /* unescaped JSON texts */
    struct idempotency idempotency; /* none, or a key for each event */
};

/* Read one WebSocket message. Returns PROBLEM_NONE, or the first problem; then
 * `ret->type` and `ret->id` are still what could be made out, so that the
 * answer can name them. Views point into `text` or `scratch`, which is cleared
 * first and whose cap must be at least the length of `text`
 * (PROBLEM_BODY_TOO_LARGE otherwise). Members may come in any order. Unknown
 * ones are skipped (aws-amplify sends `payload`); known ones given twice are
 * refused. What a message of its type does not need is not judged, and
 * `authorization` may be absent. Events are checked to be strings, not to be
 * JSON: see client_msg_event_problem(). */
enum problem client_msg_parse(struct bytes text,
                              struct buffer *scratch,
                              struct client_msg *ret);

/* Read the body of POST /event: the members channel, events and
 * idempotencyKeys. */
enum problem client_msg_parse_publish(struct bytes body,
                                      struct buffer *scratch,
                                      struct client_msg *ret);

/* What is wrong with one event's text, if anything: too large, or not JSON. */
enum problem client_msg_event_problem(struct bytes event);

#endif

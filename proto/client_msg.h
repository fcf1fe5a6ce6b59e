/* The JSON messages of AppSync Events, as text: what clients send on a
 * WebSocket or in POST /event, and what a server answers. Says what is wrong
 * with a message as an enum problem. */
#ifndef PROTO_CLIENT_MSG_H
#define PROTO_CLIENT_MSG_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "proto/credentials.h"
#include "proto/problem.h"

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
    size_t event_count; /* as sent, also when over the limit */
    struct bytes events[CLIENT_MSG_EVENTS_MAX]; /* unescaped JSON texts */
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

/* Read the body of POST /event: the members channel and events. */
enum problem client_msg_parse_publish(struct bytes body,
                                      struct buffer *scratch,
                                      struct client_msg *ret);

/* What is wrong with one event's text, if anything: too large, or not JSON. */
enum problem client_msg_event_problem(struct bytes event);

/* Answers. `id` is one that client_msg_parse() returned; when it is empty the
 * member is left out. Each appends one JSON object, no framing. */
void client_msg_connection_ack(struct buffer *out, uint64_t timeout_ms);
void client_msg_ka(struct buffer *out);
/* `type`: "subscribe_success", "unsubscribe_success". */
void client_msg_success(struct buffer *out, const char *type, struct bytes id);
/* `type`: "connection_error", "subscribe_error", "unsubscribe_error",
 * "publish_error", "error", "broadcast_error". connection_error carries the
 * numeric errorCode. `detail`, when not NULL, takes the table's message's
 * place. */
void client_msg_error(struct buffer *out,
                      const char *type,
                      struct bytes id,
                      enum problem problem,
                      const char *detail);
/* The HTTP body {"errors":[...]}. An empty message is left out. */
void client_msg_http_error(struct buffer *out,
                           enum problem problem,
                           const char *detail);

/* One event's fate in the answer to a publish. */
struct client_msg_outcome {
    uint8_t identifier[16];
    enum problem problem; /* PROBLEM_NONE: successful */
};

/* The two arrays of a publish answer; with `id`, the WebSocket frame around
 * them ("publish_success"), without (data NULL), the HTTP body. */
void client_msg_publish_result(struct buffer *out,
                               struct bytes id,
                               const struct client_msg_outcome *outcomes,
                               size_t count);

/* A data frame's text is two parts: client_msg_data_begin(id) + the shared
 * client_msg_data_tail(event), so that a fan-out builds the tail once. */
void client_msg_data_begin(struct buffer *out, struct bytes id);
void client_msg_data_tail(struct buffer *out, struct bytes event);

#endif

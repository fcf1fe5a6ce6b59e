/* What a server says, as text: the answers of AppSync Events, on a WebSocket
 * and over HTTP, and what weir adds for those who asked for cursors
 * (doc/client-protocol). What clients say is client_msg's. */
#ifndef PROTO_ANSWER_H
#define PROTO_ANSWER_H

#include "base/buffer.h"
#include "base/vector.h"
#include "proto/client_msg.h"
#include "proto/problem.h"

/* Answers. `id` is one that client_msg_parse() returned; when it is empty the
 * member is left out. Each appends one JSON object, no framing. */
void answer_connection_ack(struct buffer *out, uint64_t timeout_ms);
void answer_ka(struct buffer *out);
/* `type`: "subscribe_success", "unsubscribe_success". */
void answer_success(struct buffer *out, const char *type, struct bytes id);
/* `type`: "connection_error", "subscribe_error", "unsubscribe_error",
 * "publish_error", "error", "broadcast_error". connection_error carries the
 * numeric errorCode. `detail`, when not NULL, takes the table's message's
 * place. */
void answer_error(struct buffer *out,
                  const char *type,
                  struct bytes id,
                  enum problem problem,
                  const char *detail);
/* The HTTP body {"errors":[...]}. An empty message is left out. */
void answer_http_error(struct buffer *out,
                       enum problem problem,
                       const char *detail);

/* One event's fate in the answer to a publish. */
struct answer_outcome {
    uint8_t identifier[16];
    enum problem problem; /* PROBLEM_NONE: successful */
};

/* The two arrays of a publish answer; with `id`, the WebSocket frame around
 * them ("publish_success"), without (data NULL), the HTTP body. */
void answer_publish_result(struct buffer *out,
                           struct bytes id,
                           const struct answer_outcome *outcomes,
                           size_t count);

/* A data frame's text is two parts: answer_data_begin(id) + the shared
 * answer_data_tail(event), so that a fan-out builds the tail once. */
void answer_data_begin(struct buffer *out, struct bytes id);
void answer_data_tail(struct buffer *out, struct bytes event);

/* For those who asked for cursors. */
void answer_subscribed(struct buffer *out,
                       struct bytes id,
                       const struct vector *from);
void answer_data_tail_cursor(struct buffer *out,
                             struct bytes event,
                             struct bytes channel,
                             const struct vector *cursor);

/* Events after `from` up to `to` that can no longer be had. */
struct answer_gap {
    const char *reason; /* "retention", "slow", "corrupt" */
    struct vector from;
    struct vector to;
    bool counted;
    uint64_t missed; /* when counted */
};

void answer_gap(struct buffer *out,
                struct bytes id,
                const struct answer_gap *gap);

/* Server-Sent Events (HTML standard, 9.2): the place where a stream begins, an
 * event, a gap, and a comment that keeps the connection alive. */
void answer_stream_begin(struct buffer *out, const struct vector *from);
void answer_stream_event(struct buffer *out,
                         struct bytes event,
                         struct bytes channel,
                         const struct vector *cursor);
void answer_stream_gap(struct buffer *out, const struct answer_gap *gap);
void answer_stream_alive(struct buffer *out);
void answer_stream_end(struct buffer *out, enum problem problem);

/* A page of history is begin, items with a comma between them, end. */
void answer_history_begin(struct buffer *out);
void answer_history_event(struct buffer *out,
                          struct bytes event,
                          struct bytes channel,
                          const struct vector *cursor);
/* `gap`: NULL for none. */
void answer_history_end(struct buffer *out,
                        const struct vector *next,
                        const struct answer_gap *gap);

#endif

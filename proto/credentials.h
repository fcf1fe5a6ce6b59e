/* Where a client says who it is: the same header-like pairs arrive as HTTP
 * headers, as a base64url JSON object inside Sec-WebSocket-Protocol, and as the
 * "authorization" object of a frame. Names compare in any case; members that
 * are not known are ignored. */
#ifndef PROTO_CREDENTIALS_H
#define PROTO_CREDENTIALS_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "proto/json.h"

#define CREDENTIALS_BYTES_MAX 16384 /* of the JSON object */

struct credentials {
    struct bytes api_key;       /* x-api-key; len 0: none */
    struct bytes authorization; /* for the modes to come */
};

/* The functions append to `scratch` what has escapes or was encoded, after
 * making room for all of it at once: views that they return hold until the
 * next write to `scratch`. */

/* Read the object that `first` begins, up to its end unless it is not JSON,
 * which the reader's next token then says. RC_MALFORMED: not an object of
 * strings, over the limit, or a credential given twice. */
int credentials_read(struct json *reader,
                     struct json_token first,
                     struct buffer *scratch,
                     struct credentials *ret);

/* Read a JSON object that is a text of its own. RC_MALFORMED as above. */
int credentials_from_json(struct bytes object,
                          struct buffer *scratch,
                          struct credentials *ret);

/* Read the subprotocol list of an upgrade request. `ret_offered`, written in
 * every case: whether "aws-appsync-event-ws" is in it. `ret` is filled from
 * "header-..." when there is one. RC_MALFORMED: "header-..." is not base64url
 * of such an object, or came twice. */
int credentials_from_subprotocols(struct bytes list,
                                  struct buffer *scratch,
                                  bool *ret_offered,
                                  struct credentials *ret);

#endif

/* Where a subscription begins, as a client asks for it: doc/client-protocol,
 * section 2. The same words come as a JSON object and as the parameters of a
 * query. */
#ifndef PROTO_REPLAY_REQUEST_H
#define PROTO_REPLAY_REQUEST_H

#include "base/vector.h"
#include "proto/json.h"
#include "proto/problem.h"

#define REPLAY_LAST_MAX 1000000
#define REPLAY_SECONDS_MAX UINT32_MAX

enum replay_kind {
    REPLAY_NONE,    /* from now on */
    REPLAY_AFTER,   /* everything that `after` does not cover */
    REPLAY_LAST,    /* the last `count` events */
    REPLAY_SECONDS, /* those of the last `count` seconds */
    REPLAY_ALL,     /* what the window holds */
};

struct replay_request {
    enum replay_kind kind;
    uint64_t count;
    struct vector after;
};

/* Read the object that `first` begins, up to its end unless it is not JSON,
 * which the reader's next token then says. `scratch` takes what has escapes.
 * PROBLEM_REPLAY_MALFORMED, PROBLEM_CURSOR_MALFORMED. */
enum problem replay_request_read(struct json *reader,
                                 struct json_token first,
                                 struct buffer *scratch,
                                 struct replay_request *ret);

/* Take one parameter of a query, decoded. True when it was one of ours; then
 * `problem` says what is wrong with it, two of them in one query included. */
bool replay_request_take(struct bytes name,
                         struct bytes value,
                         struct replay_request *ret,
                         enum problem *ret_problem);

#endif

/* The keys by which a publisher's events are known again, in both forms:
 * "idempotencyKeys" in a message, and the field Idempotency-Key of HTTP
 * (doc/client-protocol, 5). */
#ifndef PROTO_IDEMPOTENCY_H
#define PROTO_IDEMPOTENCY_H

#include "base/buffer.h"
#include "proto/json.h"

#define IDEMPOTENCY_KEY_BYTES_MAX 64
#define IDEMPOTENCY_KEYS_MAX 5

struct idempotency {
    size_t count; /* 0: the events have none */
    struct bytes keys[IDEMPOTENCY_KEYS_MAX];
};

/* 1 to 64 characters of visible ASCII. */
bool idempotency_key_valid(struct bytes key);

/* Read the array that begins with `first`. RC_MALFORMED: not one of 1 to 5 good
 * keys; all of it has been read all the same. Views point into the reader's
 * text or `scratch`, which has room for every string of it. */
int idempotency_read(struct json *reader,
                     struct json_token first,
                     struct buffer *scratch,
                     struct idempotency *ret);

/* The keys that a field's value stands for, of `count` events: "<value>/<n>",
 * with n the event's index in the answer. Views point into `text`, which is
 * cleared first. RC_MALFORMED: the value is no good key. */
int idempotency_from_field(struct bytes value,
                           size_t count,
                           struct buffer *text,
                           struct idempotency *ret);

#endif

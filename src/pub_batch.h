/* The publishes of `weir pub` that wait for an answer, oldest first, and what
 * the answers say to a person. */
#ifndef SRC_PUB_BATCH_H
#define SRC_PUB_BATCH_H

#include "base/buffer.h"
#include "base/why.h"
#include "proto/server_msg.h"

#define PUB_BATCH_WAITING_MAX 16
#define PUB_BATCH_BYTES_MAX \
    (1024 * 1024) /* that wait; the last may exceed it */

struct pub_batch {
    uint64_t first; /* number of its first event, counted from 1 */
    size_t count;
    size_t bytes; /* of the request */
};

struct pub_batches {
    struct pub_batch items[PUB_BATCH_WAITING_MAX];
    uint64_t added;
    uint64_t answered;
    size_t bytes; /* of all that wait */
};

bool pub_batch_full(const struct pub_batches *b);
bool pub_batch_none(const struct pub_batches *b);
void pub_batch_add(struct pub_batches *b,
                   uint64_t first,
                   size_t count,
                   size_t bytes);

/* The oldest, which was answered. */
struct pub_batch pub_batch_take(struct pub_batches *b);

/* The first event that waits, not none. */
uint64_t pub_batch_first(const struct pub_batches *b);

/* Judge an answer. 0: every event was taken. Else a sentence that names the
 * events and gives the server's reason: RC_DENIED, the whole request was
 * refused; RC_TOO_LARGE, some of its events were. RC_MALFORMED: the answer does
 * not say what became of each event. */
int pub_batch_judge(struct pub_batch batch,
                    const struct server_msg *answer,
                    struct why *why);

/* Append a line for each identifier, in the order of the events. */
void pub_batch_identifiers(const struct server_msg *answer, struct buffer *out);

#endif

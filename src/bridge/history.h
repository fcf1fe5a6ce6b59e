/* History over HTTP: GET /event answers with a page of events (doc/
 * client-protocol, 4). It is a subscription that ends with its page: one that
 * finds nothing may wait, live, for the first event. */
#ifndef BRIDGE_HISTORY_H
#define BRIDGE_HISTORY_H

#include "base/buffer.h"
#include "base/list.h"
#include "base/moment.h"
#include "base/vector.h"
#include "proto/answer.h"

struct client;
struct shard;
struct subscription;

#define HISTORY_EVENTS_MAX 1000
#define HISTORY_EVENTS_INITIAL 100
#define HISTORY_BYTES_MAX \
    (1024 * 1024) /* of items, unless the first is longer */
#define HISTORY_WAIT_SECONDS_MAX 60
#define HISTORY_WAIT_MS_MAX 45000 /* proxies give up after 50 s and more */

/* One answer while it is made. */
struct history {
    struct list node; /* in the shard's, by their deadlines */
    struct subscription *subscription;
    struct vector had;    /* what the node could show when it was asked */
    uint64_t deadline_ms; /* 0: does not wait */
    uint64_t limit;
    uint64_t count;
    struct buffer body;
    bool gapped;
    struct answer_gap gap;
};

/* Answer the client's request, now or when there is something to answer. */
enum problem history_open(struct client *client, struct moment now);

/* The client asks for it no longer; it is freed when the step ends. */
void history_drop(struct client *client);
void history_free(struct history *h); /* one that was dropped */

/* Add an event as answer_history_event() prints it, or note what is gone. */
void history_event(struct client *client, struct bytes item);
void history_gap(struct client *client, const struct answer_gap *gap);

/* Whether another event fits, and how much does before the last. */
bool history_wants(const struct client *client);
void history_room(const struct client *client,
                  uint64_t *ret_bytes,
                  uint64_t *ret_count);

/* Whether the shard has yet to walk to what the node could show when it was
 * asked: who publishes at one connection and asks at another finds the event.
 */
bool history_lags(const struct client *client);

/* A page of the log is through; `live`: there is no more. Answers when that is
 * enough. `at`: the cursor behind it. */
void history_page_end(struct client *client,
                      struct moment now,
                      const struct vector *at,
                      bool live);

/* Answer with what it has; `at`: the cursor behind that. */
void history_end(struct client *client,
                 struct moment now,
                 const struct vector *at);

/* It can have no answer: say why. */
void history_fail(struct client *client,
                  struct moment now,
                  enum problem problem);

/* The wait is over. */
void history_timeout(struct client *client, struct moment now);

#endif

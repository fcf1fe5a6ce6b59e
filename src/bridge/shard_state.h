/* What a shard holds; private to the files that make it up: shard (the door,
 * lists and deadlines), delivery and replay (events to clients), http_api and
 * ws_session (what clients ask). */
#ifndef BRIDGE_SHARD_STATE_H
#define BRIDGE_SHARD_STATE_H

#include "proto/http_date.h"
#include "src/bridge/client_table.h"
#include "src/bridge/delivery.h"
#include "src/bridge/drain.h"
#include "src/bridge/refusals.h"
#include "src/bridge/replay_page.h"
#include "src/bridge/shard.h"

/* Parsers kept for the next request, so that a busy connection does not make
 * one each time and an idle one does not hold one. */
#define SHARD_SPARE_REQUESTS_MAX 64

struct shard {
    struct shard_options options;
    struct ws_stream_pool *ws_pool;
    struct http_request_limits request_limits;
    struct http_request *spare_requests[SHARD_SPARE_REQUESTS_MAX];
    size_t spare_request_count;
    struct buffer scratch;    /* of one message, while it is looked at */
    struct buffer text;       /* of one answer, while it is made */
    uint64_t date_s;          /* what `date` says; nothing at first */
    char date[HTTP_DATE_LEN]; /* of answers */
    uint64_t random;
    struct moment now;              /* of the step */
    const struct api_key *admitted; /* found good last, by admission; valid
                                       until it looks at the next */

    struct client *speaking; /* whose bytes are being used; NULL: nobody's */
    struct refusals refusals;

    struct client_table clients;
    struct subscription_table subscriptions;
    struct lease_table leases;
    struct delivery_arena deliveries;
    uint64_t place;           /* of the last event walked */
    struct bytes gone;        /* of the event that is walked (event.h) */
    struct vector vector;     /* what the events up to there come to */
    uint64_t sequence_before; /* in it, of the origin being walked */

    /* Batches not yet walked to their end, oldest first. */
    struct batch **batches;
    size_t batch_count;
    size_t batch_capacity;
    size_t batch_event; /* of the oldest: the next event to walk */

    struct replay_page_queue pages;
    struct list sending;
    struct list closing;
    struct list blocked;
    struct list held; /* by their deadlines */
    size_t held_count;
    struct list keepalives;        /* of WebSockets */
    struct list unfinished;        /* clients that are charged, newest last */
    struct list histories;         /* that wait, by their deadlines */
    struct list stream_keepalives; /* of event streams */
    struct list waits[CLIENT_WAIT_COUNT];
    struct list publishes;

    /* What is left to do when a step ends (shard.c, end_step): clients whose
     * bytes waited for it, and what ended in it, which whoever called may still
     * be looking at. */
    struct list resumes;
    struct list ended_subscriptions; /* by client_node */
    struct list ended_replays;       /* by node */
    struct list ended_histories;     /* by node */
    bool draining;
    struct drain drain;
};

/* Count in this shard's metrics. */
#define shard_count(shard, name, n) \
    metrics_add((shard)->options.metrics, name, (uint64_t)(n))

#endif

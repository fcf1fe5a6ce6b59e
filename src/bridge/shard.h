/* A shard: the client connections of one event loop, without the loop. It reads
 * HTTP and WebSocket, keeps subscriptions, and walks every batch that has
 * become safe against them. Shards share nothing.
 *
 * One door: shard_step() takes one thing that happened. What is to be done
 * about it is pulled afterwards, once a turn, so that all a connection gets in
 * one turn leaves in one write:
 *     shard_next_send()    bytes for a socket; answer with shard_sent()
 *     shard_next_page()    a page of the log to be read
 *     shard_next_close()   a socket to close; the client is gone then
 *     shard_take_publishes() what goes to the log */
#ifndef BRIDGE_SHARD_H
#define BRIDGE_SHARD_H

#include "base/moment.h"
#include "base/vector.h"
#include "src/bridge/authority.h"
#include "src/bridge/batch.h"
#include "src/bridge/metrics.h"
#include "src/bridge/namespace.h"
#include "src/bridge/refusals.h"
#include "src/bridge/token.h"

struct shard;
struct client;

/* Settings of one node, shared by its shards and constant. */
struct shard_limits {
    size_t head_bytes_max;
    size_t body_bytes_max;
    size_t message_bytes_max;         /* of a WebSocket message that arrives */
    size_t send_buffer_max;           /* above it a client reads from the log */
    uint16_t subscriptions_max;       /* a connection */
    uint16_t publishes_in_flight_max; /* a WebSocket connection */
    uint64_t request_timeout_ms;
    uint64_t idle_timeout_ms;
    uint64_t write_timeout_ms;
    uint64_t close_timeout_ms;
    uint64_t keepalive_ms;          /* between two ka */
    uint64_t connection_timeout_ms; /* told in connection_ack */
};

/* What the shard may ask of the log at once: all of it is in memory or a few
 * records away. Called in the shard's thread. Places are of the first event to
 * read. */
struct shard_lookup {
    void *context;
    /* What is shown: the last place, and what all up to there comes to. */
    uint64_t (*vector)(void *context, struct vector *ret);
    bool (*knows)(void *context, uint64_t origin); /* of its, or a member's */
    /* Up to where all events may have gone, or those of the namespace of
     * `channel`, unless that has len 0. */
    void (*low_water)(void *context, struct bytes channel, struct vector *ret);
    uint64_t (*seek)(void *context, const struct vector *after);
    /* The oldest of the channel's last `count` that are shown; 0: none is. */
    uint64_t (*last)(void *context, struct bytes channel, uint64_t count);
    int (*vector_at)(void *context, uint64_t place, struct vector *ret);

    /* Where what the windows hold begins, or what is still to come. */
    uint64_t (*kept_from)(void *context,
                          const struct channel_name *patterns,
                          size_t pattern_count);

    /* Whether events of `channel`, len 0: of any, that `after` does not cover
     * may have left the disk. */
    bool (*gone)(void *context,
                 struct bytes channel,
                 const struct vector *after);
};

/* What became of an event in the log. */
enum shard_record_state {
    SHARD_RECORD_KEPT,
    SHARD_RECORD_LEFT,        /* its channel's window */
    SHARD_RECORD_LEFT_BEFORE, /* the same, and had by shard_page.since */
    SHARD_RECORD_NEVER_KEPT,  /* its namespace has no history */
};

/* The node's cluster, be it the node alone; asked in the shard's thread. */
enum shard_cluster_form {
    SHARD_CLUSTER_JSON,
    SHARD_CLUSTER_TEXT,
    SHARD_CLUSTER_URLS,
};

struct shard_cluster {
    void *context;
    void (*show)(void *context,
                 enum shard_cluster_form form,
                 struct buffer *out);
    /* Ask that a member be forgotten; false: there is none, or it lives. */
    bool (*forget)(void *context, uint64_t node);
};

struct shard_options {
    uint32_t index;
    uint64_t seed;        /* of its maps */
    uint64_t random_seed; /* of what need not be secret */
    uint64_t last_place;  /* of the log, when the shard starts */
    struct shard_lookup lookup;
    struct shard_cluster cluster;
    uint8_t
        token_secret[TOKEN_SECRET_BYTES]; /* the node's: all shards' alike */
    const struct shard_limits *limits;
    const struct namespace_table *namespaces;
    struct authority *authority; /* this shard's own: it holds a cache */
    struct intake *intake;
    struct intake *unfinished;          /* the node's (unfinished.h) */
    struct metrics *metrics;            /* this shard's own */
    struct metrics *const *all_metrics; /* for /metrics */
    size_t all_metrics_count;
    bool clustered;   /* other nodes may have events that we still lack */
    bool compression; /* take permessage-deflate when it is offered */
    const struct bytes *allowed_origins; /* for browsers; "*": any */
    size_t allowed_origins_count;
    bool console; /* serve the page of console.h */
};

enum shard_input_kind {
    SHARD_INPUT_OPENED,   /* a connection; `client` is set by the step */
    SHARD_INPUT_BYTES,    /* from its peer */
    SHARD_INPUT_EOF,      /* the peer sends no more, or the socket failed */
    SHARD_INPUT_WRITABLE, /* a blocked socket takes bytes again */
    SHARD_INPUT_BATCHES,  /* safe now, oldest first */
    SHARD_INPUT_MISSED,   /* left the window of the page's channel; before the
                             page's records */
    SHARD_INPUT_CORRUPT,  /* here was one, or may have been: of a channel that
                             is not known */
    SHARD_INPUT_RECORD,   /* one record of the page asked for */
    SHARD_INPUT_PAGE_END, /* that page is done, see `page` */
    SHARD_INPUT_TICK,     /* time has passed, see shard_deadline_ms() */
    SHARD_INPUT_DRAIN,    /* the node stops: send everybody away; once */
};

struct shard_input {
    enum shard_input_kind kind;
    struct client *client;
    union {
        struct {
            void *socket;
            struct refusals_address address; /* of the peer */
        };                                   /* OPENED */
        struct bytes bytes;                  /* BYTES: borrowed */
        bool reset; /* EOF: nothing can be sent either */
        struct {
            struct batch *const *list; /* borrowed for the step */
            size_t count;
        } batches;
        struct {
            uint64_t place;
            uint64_t origin;
            uint64_t sequence;
            uint64_t predecessor;
            struct bytes channel;
            struct bytes content;
            bool gone; /* it stands for what left the log (base/event.h) */
            enum shard_record_state state; /* unless the page has a channel */
        } record;
        struct {
            uint64_t place; /* the last of them */
            uint64_t count;
            bool exact;              /* there may be fewer otherwise */
            const struct vector *to; /* borrowed: covers the last of them */
        } missed;
        struct {
            uint64_t covered_place; /* every event asked for, up to here (down
                                       to, when read back), was given or is not
                                       there */
            bool failed;
            size_t given_bytes; /* set by the step: what it led to, about */
        } page;
        uint64_t drain_ms; /* DRAIN: over how long */
    };
};

struct shard *shard_new(const struct shard_options *options);
void shard_free(struct shard *shard); /* closes nothing: see next_close */

void shard_step(struct shard *shard, struct moment now, struct shard_input *in);

/* When to call with TICK next, on the monotonic clock; MOMENT_NEVER. */
uint64_t shard_deadline_ms(const struct shard *shard);

/* The next client with output, or false. The bytes are valid until
 * shard_sent(), which must follow and says how many the socket took: with fewer
 * than all, WRITABLE must follow when it takes more. */
bool shard_next_send(struct shard *shard,
                     struct moment now,
                     struct client **ret_client,
                     void **ret_socket,
                     struct bytes *ret_bytes);
void shard_sent(struct shard *shard,
                struct moment now,
                struct client *client,
                size_t taken);

/* A page of the log that clients are to be given: read on from `from`, only
 * events of `channel` unless its len is 0, or back from there, all events; give
 * each record by RECORD while shard_page_wants() says so, then PAGE_END, before
 * anything else happens. */
struct shard_page {
    struct shard *shard;
    uint64_t from;
    struct bytes channel; /* borrowed until PAGE_END */
    bool back;
    uint64_t until; /* what is behind it comes live */
    uint64_t since; /* where nothing is kept, what is behind it still is */
    const struct vector *at; /* what is covered need not be told; borrowed */
};

bool shard_next_page(struct shard *shard, struct shard_page *ret);
bool shard_page_wants(const struct shard *shard);

/* A socket to close; its client's memory is freed by the call. With
 * `ret_half`, only our half is to be shut: the peer has its answer to read, and
 * a full close with bytes of its own unread would cut that short. */
bool shard_next_close(struct shard *shard, void **ret_socket, bool *ret_half);

/* Move this turn's publishes to the end of `out`. */
void shard_take_publishes(struct shard *shard, struct list *out);

/* Whether the socket of this client should be read. */
bool shard_wants_read(const struct client *client);

size_t shard_client_count(const struct shard *shard);

#endif

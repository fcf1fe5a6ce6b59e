/* The frames that two nodes exchange. A frame on the wire:
 *
 *     u32  length of what follows, little-endian
 *     u8   kind
 *     a protobuf message of that kind (proto/peer.proto)
 *
 * A kind that this weir does not know is skipped, and so is a field, so that
 * nodes of two versions can talk while a cluster is upgraded. What is known is
 * read strictly: every limit below is checked, and that vectors are in order.
 *
 * EVENTS is the event path and has a reader and a writer of its own:
 * proto/peer_events. FETCHED has the same body, but may be without records. */
#ifndef PROTO_PEER_H
#define PROTO_PEER_H

#include "base/buffer.h"
#include "base/rc.h"
#include "base/vector.h"
#include "proto/peer_events.h"

#define PEER_HEAD_BYTES 5
#define PEER_FRAME_BYTES_MAX (4 << 20)     /* with its head */
#define PEER_CONTROL_BYTES_MAX (256 << 10) /* but EVENTS and FETCHED */
#define PEER_RECORD_BYTES_MAX (PEER_FRAME_BYTES_MAX - 64)
#define PEER_NAME_BYTES_MAX 255
#define PEER_URLS_MAX 8
#define PEER_URL_BYTES_MAX 255
#define PEER_ISSUERS_MAX 128
#define PEER_ISSUER_BYTES_MAX 256
#define PEER_TEXT_BYTES_MAX 255

/* The versions of the protocol that this weir speaks. A new one is for what a
 * node of the old must not skip; all else is a new kind, field or feature. */
#define PEER_VERSION 1
#define PEER_VERSION_LEAST 1

/* The numbers are for ever. */
enum peer_kind {
    PEER_SKIPPED = 0, /* not on the wire: of a kind that is not known here */
    PEER_HELLO = 1,   /* the first frame of each side, once */
    PEER_HAVE = 2,    /* this is on my disk */
    PEER_WANT = 3,    /* send me these origins' events, and go on */
    PEER_STOP = 4,    /* send me these origins' events no more */
    PEER_EVENTS = 5,
    PEER_GAP = 6,     /* events that you want are no longer here */
    PEER_ISSUERS = 7, /* whose API keys to believe */
    PEER_MEMBERS = 8, /* a table of members, push-pull */
    PEER_PING = 9,
    PEER_PONG = 10,
    PEER_GOODBYE = 11, /* I end this link, and nothing is wrong */
    PEER_ERROR = 12,   /* I end this link, because of you */
    PEER_FETCH = 13,   /* send me these events, which are damaged here */
    PEER_FETCHED = 14, /* as many of them as I have, in the order of FETCH */
};

struct peer_hello {
    uint32_t version; /* the highest it speaks, and the lowest */
    uint32_t version_least;
    uint64_t node; /* its origin */
    uint64_t run;  /* random, new at each start */
    uint64_t wall_ms;
    uint64_t features; /* bits; none yet */
    struct bytes name; /* UTF-8, for people; may be empty */
    size_t url_count;  /* where clients reach it */
    struct bytes urls[PEER_URLS_MAX];
    struct vector have;      /* on its disk */
    struct vector low_water; /* up to where its window has dropped events */
};

struct peer_stop {
    size_t count;
    uint64_t origins[VECTOR_ORIGINS_MAX];
};

/* Of `origin`, the events after `from` up to and with `to` have left the
 * window of the sender. */
struct peer_gap {
    uint64_t origin;
    uint64_t from;
    uint64_t to;
};

/* Of `origin`, the events after `after` up to and with `until`. */
struct peer_fetch {
    uint64_t origin;
    uint64_t after;
    uint64_t until;
};

struct peer_issuers {
    size_t count;
    struct bytes records[PEER_ISSUERS_MAX]; /* opaque here */
};

/* Numbers that a reader does not know are to be taken as the first. */
enum peer_goodbye {
    PEER_GOODBYE_OTHER = 0,
    PEER_GOODBYE_STOPPING = 1,  /* the node stops; it will come back */
    PEER_GOODBYE_LEAVING = 2,   /* the node leaves the cluster */
    PEER_GOODBYE_DUPLICATE = 3, /* another link joins the two already */
};

enum peer_fault {
    PEER_FAULT_OTHER = 0,
    PEER_FAULT_MALFORMED = 1,
    PEER_FAULT_VERSION = 2,  /* no version in common */
    PEER_FAULT_IDENTITY = 3, /* another live node has your identity */
};

struct peer_error {
    uint32_t code;     /* enum peer_fault, or one that is not known here */
    struct bytes text; /* UTF-8, a sentence */
};

struct peer_frame {
    enum peer_kind kind;
    void *message; /* what peer_frame_done() frees; NULL in a frame to encode */
    union {
        struct peer_hello hello;
        struct vector have; /* what has changed since the last */
        struct vector want; /* of each origin, the events after sequence */
        struct peer_stop stop;
        struct peer_events events; /* EVENTS and FETCHED */
        struct peer_gap gap;
        struct peer_fetch fetch;
        struct peer_issuers issuers;
        struct bytes members; /* opaque here */
        uint64_t nonce;       /* PING and PONG */
        uint32_t goodbye;     /* enum peer_goodbye, or not known here */
        struct peer_error error;
    };
};

/* Append a frame of any kind but EVENTS (peer_events_begin()); its counts and
 * texts must be within the limits. Of FETCHED, `events.fields` is appended as
 * it is. */
void peer_encode(const struct peer_frame *frame, struct buffer *out);

/* Split the frame off the front of `rest`. RC_AGAIN: it is not whole yet;
 * RC_TOO_LARGE as soon as its head says so; RC_MALFORMED. On failure `rest` is
 * as it was. The views of a frame hold until peer_frame_done(), those of EVENTS
 * as long as the bytes that were decoded. */
int peer_decode(struct bytes *rest, struct peer_frame *ret);
void peer_frame_done(struct peer_frame *frame);

/* The version that both sides speak, or 0. */
uint32_t peer_version_common(const struct peer_hello *a,
                             const struct peer_hello *b);

#endif

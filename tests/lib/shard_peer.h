/* The far end of a connection to a shard in a world, with the kernel's socket
 * in between: sends, takes or does not take, and reads HTTP answers and
 * WebSocket frames. */
#ifndef TESTS_LIB_SHARD_PEER_H
#define TESTS_LIB_SHARD_PEER_H

#include "base/buffer.h"

struct client;
struct shard_world;

#define SHARD_PEER_BYTES_MAX ((size_t)256 << 20)

/* One connection, as its far end and the kernel between see it. */
struct shard_peer {
    struct shard_world *world;
    struct client *client; /* NULL once it is closed */
    struct buffer sent;    /* by the peer, not yet read by the shard */
    struct buffer got;     /* by the peer, not yet taken by the test */
    struct buffer taken;   /* what the test took last */
    size_t room;           /* bytes that the socket still takes */
    size_t sends;          /* writes that carried bytes */
    size_t largest_send;
    bool blocked;
    bool half_closed; /* the shard shut its half */
    bool closed;      /* the shard closed it */
    bool ended;       /* the peer sends no more */
    bool deflate;     /* agreed on */
};

/* The peer sends; its bytes are read as the shard wants them. */
void shard_peer_send(struct shard_peer *p, const char *text);
void shard_peer_send_bytes(struct shard_peer *p, struct bytes bytes);

/* It sends no more: orderly, or by reset. */
void shard_peer_end(struct shard_peer *p, bool reset);

/* Its socket takes so many bytes more; SIZE_MAX: all that comes. */
void shard_peer_allow(struct shard_peer *p, size_t bytes);

/* Its socket takes nothing more. */
void shard_peer_block(struct shard_peer *p);

/* What came since the last call, as it came; valid until the next. */
struct bytes shard_peer_take(struct shard_peer *p);

/* The status of the next whole HTTP answer, 0 when there is none; its body is
 * in p->taken, its head is written to `ret_head` if that is not NULL. */
int shard_peer_answer(struct shard_peer *p, char ret_head[1024]);

/* Ask for the upgrade; `subprotocols` NULL: with the world's key. */
void shard_peer_upgrade(struct shard_peer *p,
                        const char *subprotocols,
                        const char *more_fields);

/* One masked frame, of opcode 1 (text), 2, 8, 9 or 10. */
void shard_peer_frame(struct shard_peer *p, int opcode, struct bytes payload);
void shard_peer_say(struct shard_peer *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Messages with the world's key. */
void shard_peer_subscribe(struct shard_peer *p,
                          const char *id,
                          const char *channel);
void shard_peer_unsubscribe(struct shard_peer *p, const char *id);
void shard_peer_publish(struct shard_peer *p,
                        const char *id,
                        const char *channel,
                        const char *event);

/* The whole frames that came since the last call, one a line: a text as it
 * stands, "close 1000 reason", "pong payload". Valid until the next call. */
const char *shard_peer_lines(struct shard_peer *p);

#endif

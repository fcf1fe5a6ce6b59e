/* What members of a cluster tell each other about the cluster: the datagrams of
 * cluster/membership, before they are sealed, as protobuf (proto/gossip.proto).
 * A table of all members, as it is saved or sent over a link, is one such
 * message without the bound of a datagram. */
#ifndef PROTO_GOSSIP_H
#define PROTO_GOSSIP_H

#include "base/buffer.h"
#include "proto/seal.h"

/* A datagram passes a path with Ethernet's MTU in one piece, also in a tunnel:
 * 1,500 bytes less IPv6, UDP and what a tunnel adds. */
#define GOSSIP_DATAGRAM_BYTES_MAX 1400
#define GOSSIP_BYTES_MAX (GOSSIP_DATAGRAM_BYTES_MAX - SEAL_EXTRA_BYTES)

#define GOSSIP_URLS_BYTES_MAX 255 /* one node's, printable ASCII, by spaces */
#define GOSSIP_ACCUSERS_MAX 4
#define GOSSIP_MEMBERS_MAX 32       /* in a datagram */
#define GOSSIP_MEMBER_BYTES_MAX 400 /* encoded; no record is larger */

/* Enough for as many times as any node can suspect another, and what is above
 * it is malformed, so that adding one never overflows. */
#define GOSSIP_INCARNATION_MAX (UINT64_MAX / 2)

/* Where a node listens, for datagrams and for links. IPv4 is mapped into IPv6
 * (RFC 4291, 2.5.5.2). Plain memory; zeroed: nowhere. Scoped addresses
 * (link-local) mean something on one link only and cannot be told. */
struct gossip_address {
    uint8_t ip[16];
    uint16_t port; /* as a number, not in network order */
};

bool gossip_address_equal(const struct gossip_address *a,
                          const struct gossip_address *b);
bool gossip_address_is_nowhere(const struct gossip_address *address);

/* The values are those of gossip.proto, and their order is that of precedence:
 * see gossip_member_compare(). */
enum gossip_state {
    GOSSIP_ALIVE = 1,
    GOSSIP_SUSPECT = 2,
    GOSSIP_DEAD = 3,
    GOSSIP_LEFT = 4,
    GOSSIP_FORGOTTEN = 5,
};

/* "alive" */
const char *gossip_state_name(enum gossip_state state);

/* What somebody believes about a member. */
struct gossip_member {
    uint64_t id; /* the node's, which is the origin of its events; never 0 */
    uint64_t incarnation; /* raised by the member itself only */
    enum gossip_state state;
    struct gossip_address address;
    uint64_t started_ms; /* Unix time */
    uint64_t run;        /* random: tells one process from the next */
    uint64_t rival; /* the run of another process with this id; 0: none seen */
    size_t accuser_count;
    uint64_t accusers[GOSSIP_ACCUSERS_MAX]; /* of a suspect; ids */
    char urls[GOSSIP_URLS_BYTES_MAX + 1];
};

/* Which of two records of one member holds: below 0 when `b` replaces `a`, 0
 * when they say the same (accusers may differ). The higher incarnation, then
 * the higher state; between two processes of one id, the one that started
 * later. A total order: whoever has heard the same records believes the same,
 * in whatever order they came. */
int gossip_member_compare(const struct gossip_member *a,
                          const struct gossip_member *b);

enum gossip_kind {
    GOSSIP_NEWS = 1,
    GOSSIP_PING = 2,
    GOSSIP_PING_REQUEST = 3,
    GOSSIP_ACK = 4,
    GOSSIP_NACK = 5,
    GOSSIP_SYNC = 6,
    GOSSIP_TABLE = 7,
};

/* A datagram. What a kind does not use is 0. */
struct gossip {
    enum gossip_kind kind;
    uint64_t from;
    uint64_t incarnation; /* of `from` */
    uint32_t sequence;
    uint64_t target;
    struct gossip_address target_address;
    uint64_t digest;
    bool wanted;
    size_t member_count;
    struct gossip_member members[GOSSIP_MEMBERS_MAX];
};

/* The bytes that a member adds to a datagram, and the most that all else in it
 * takes, so that a writer knows how many fit. */
size_t gossip_member_bytes(const struct gossip_member *member);
#define GOSSIP_HEAD_BYTES_MAX 96

/* Append the encoding. Callers keep it within GOSSIP_BYTES_MAX. */
void gossip_write(const struct gossip *message, struct buffer *out);

/* Read a datagram; all limits above are checked. RC_MALFORMED, RC_TOO_LARGE:
 * `ret` is not of use. A message of an unknown kind is read as NEWS, a member
 * in an unknown state is left out: they are of a later version. */
int gossip_read(struct bytes datagram, struct gossip *ret);

/* A table of any length, written member by member and read likewise. `take` is
 * called for each record; what it was given is borrowed for the call.
 * RC_MALFORMED, RC_TOO_LARGE: over GOSSIP_TABLE_BYTES_MAX; nothing was taken.
 */
#define GOSSIP_TABLE_BYTES_MAX (1u << 20)
void gossip_table_append(const struct gossip_member *member,
                         struct buffer *out);
int gossip_table_read(struct bytes table,
                      void (*take)(void *context,
                                   const struct gossip_member *member),
                      void *context);

#endif

/* One connection between two nodes: bytes from the peer in, frames out; frames
 * in, bytes for the peer out. Sans-IO: no socket, clock or entropy.
 *
 * After the handshake the frames of each direction are a sealed stream. They
 * are sealed when the world asks for output, all that wait together, so what a
 * link sends in one turn costs one seal for each 64 KB.
 *
 * EVENTS are taken while less than output_bytes_max waits to be sealed, other
 * frames while it is less than PEER_FRAME_BYTES_MAX more: an acknowledgement is
 * not held up by events. Sealed bytes leave before others are sealed, so what
 * waits to leave is at most twice that.
 *
 * The responder sends nothing sealed before it has opened a chunk, so a
 * handshake that was overheard and is played again gets nothing out of it.
 *
 * A link ends once, with a reason; from then on everything is refused. What was
 * to be sent before (an ERROR, a GOODBYE) can still be taken out. */
#ifndef CLUSTER_LINK_H
#define CLUSTER_LINK_H

#include "base/buffer.h"
#include "base/moment.h"
#include "cluster/handshake.h"
#include "cluster/inflight.h"
#include "proto/peer.h"

struct link;

struct link_settings {
    uint64_t handshake_timeout_ms; /* until the peer's HELLO is here */
    uint64_t ping_interval_ms;
    uint64_t silence_timeout_ms; /* without a chunk: the peer is dead */
    size_t output_bytes_max;     /* see above */
    size_t inflight_bytes_max;   /* events sent that the peer has not synced */
};

/* Why a link has ended; each is counted by its name. */
#define LINK_END_MAP(X)                                                        \
    X(LINK_OPEN, "open", "it has not ended")                                   \
    X(LINK_END_FOREIGN, "foreign", "the peer speaks another protocol")         \
    X(LINK_END_SECRET, "secret", "the peer has another cluster secret")        \
    X(LINK_END_VERSION, "version", "the peer speaks no version that we speak") \
    X(LINK_END_TAMPERED, "tampered", "bytes were changed on their way")        \
    X(LINK_END_MALFORMED, "malformed", "the peer sent a malformed frame")      \
    X(LINK_END_HANDSHAKE, "handshake_timeout", "the peer did not say hello")   \
    X(LINK_END_SILENT, "silent", "the peer has been silent for too long")      \
    X(LINK_END_CROWDED, "crowded", "it made room for those that came later")   \
    X(LINK_END_REFUSED, "refused", "we refused the peer")                      \
    X(LINK_END_ERROR, "error", "the peer refused us")                          \
    X(LINK_END_GOODBYE, "goodbye", "the peer said goodbye")

enum link_end {
#define X(name, label, text) name,
    LINK_END_MAP(X)
#undef X
};

const char *link_end_label(enum link_end end);
const char *link_end_text(enum link_end end);

/* `psk` and `ephemeral` as for handshake_init(). `hello` is the first frame
 * that leaves, as soon as the handshake is done. */
struct link *link_new(enum handshake_role role,
                      const uint8_t psk[HANDSHAKE_PSK_BYTES],
                      const uint8_t ephemeral[HANDSHAKE_EPHEMERAL_BYTES],
                      const struct link_settings *settings,
                      const struct peer_hello *hello,
                      struct moment now);
void link_free(struct link *l); /* wipes the keys; accepts NULL */

/* Called for each frame but PING, PONG and those that are skipped; `frame` and
 * its views are borrowed until it returns. The first is HELLO. It may send on
 * the same link. Anything but 0 refuses the peer and ends the link. */
typedef int link_on_frame(void *context, const struct peer_frame *frame);

/* Take bytes from the peer, all of them. Returns 0, or why the link has ended:
 *     RC_MALFORMED    LINK_END_FOREIGN, LINK_END_MALFORMED
 *     RC_UNSUPPORTED  LINK_END_VERSION
 *     RC_DENIED       LINK_END_SECRET
 *     RC_CORRUPT      LINK_END_TAMPERED
 *     RC_CLOSED       LINK_END_ERROR, LINK_END_GOODBYE, or it had ended before
 *     what on_frame returned
 * Nothing of a chunk that does not open is handed on. */
int link_feed(struct link *l,
              struct moment now,
              struct bytes in,
              link_on_frame *on_frame,
              void *context);

/* Append a frame of any kind but HELLO and EVENTS; it may be sent at once, and
 * leaves after HELLO. RC_BUSY: no room, try again when output has left;
 * RC_CLOSED: the link has ended. */
int link_send(struct link *l, const struct peer_frame *frame);

/* Append one EVENTS frame, whole as peer_events_end() left it: encoded once, it
 * can go to many links. `last` is the sequence of its last record. RC_BUSY:
 * there is no room for events; RC_CLOSED. */
int link_send_events(struct link *l,
                     uint64_t origin,
                     uint64_t last,
                     struct bytes frame);

/* How many bytes of events there is room for: below output_bytes_max, and below
 * inflight_bytes_max. When it is not 0, a frame may be longer, so that one
 * record of any length goes. */
size_t link_events_room(const struct link *l);

/* Bytes in flight. The peer's HAVE frames are counted by link_feed(); what is
 * stopped is taken off here. */
size_t link_inflight_bytes(const struct link *l);
void link_inflight_forget(struct link *l, uint64_t origin);

/* End it from our side: an ERROR or GOODBYE sent before still leaves. Crowded:
 * of a peer that has not opened it. */
void link_refuse(struct link *l);
void link_crowd_out(struct link *l);

/* What is to be written to the peer next; len 0: nothing. Valid until the next
 * call with this link. Then say how much of it was written. */
struct bytes link_output(struct link *l);
void link_output_sent(struct link *l, size_t n);

/* When link_tick() is due at the latest, in mono_ms; it may be called at any
 * time. It sends pings, and ends a link whose peer is silent. */
uint64_t link_deadline_ms(const struct link *l);
void link_tick(struct link *l, struct moment now);

/* Whether HELLO of the peer is here, which proves that it has the secret. */
bool link_is_open(const struct link *l);
enum link_end link_end(const struct link *l);
uint32_t link_version(const struct link *l); /* 0 before it is open */

/* Round trip of the last ping; 0 before the first. Skipped: frames of kinds
 * that this weir does not know. */
uint64_t link_lag_ms(const struct link *l);
uint64_t link_skipped_count(const struct link *l);

#endif

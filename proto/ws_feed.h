/* Cuts a WebSocket's incoming bytes at the ends of frames, for wslay, which
 * would take whatever it is offered and could not give any of it back.
 *
 * A header is handed out whole, and so is a control frame: wslay checks the
 * UTF-8 of a close frame rightly only when it comes in one piece. */
#ifndef PROTO_WS_FEED_H
#define PROTO_WS_FEED_H

#include "base/bytes.h"

#define WS_FEED_HEADER_MAX 14
#define WS_FEED_CONTROL_MAX 125 /* bytes of a control frame's payload */

/* Zeroed: at the start of a frame. */
struct ws_feed {
    struct bytes in; /* set by the caller; what is left of it */
    uint8_t held[WS_FEED_HEADER_MAX + WS_FEED_CONTROL_MAX];
    uint8_t held_len;
    uint8_t held_given; /* of them, those that were handed out */
    bool control;
    uint64_t payload_left;
};

/* Up to `room` bytes of the current frame, none of the one after it; nothing
 * when more input is needed. Valid until `in` or the feed changes. */
struct bytes ws_feed_take(struct ws_feed *f, size_t room);

/* Whether all of the last frame was handed out and nothing of the next is
 * held. */
bool ws_feed_at_start(const struct ws_feed *f);

/* Whether the last frame handed out is a control frame. */
bool ws_feed_control(const struct ws_feed *f);

#endif

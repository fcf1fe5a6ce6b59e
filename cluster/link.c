/* The connection's life: handshake, HELLO, frames, the end. */
#include "cluster/link.h"

#include "base/alloc.h"
#include "base/check.h"
#include "cluster/sealed_stream.h"

#include <stdlib.h>

struct link {
    struct link_settings settings;
    enum handshake_role role;
    enum link_end end;
    bool sealed; /* the handshake is done */
    bool proven; /* a chunk of the peer has opened */

    struct handshake handshake;
    uint8_t message[HANDSHAKE_MESSAGE_BYTES]; /* the peer's */
    size_t message_len;
    struct sealed_stream stream;

    struct buffer frames; /* to be sealed */
    struct buffer output; /* as it leaves */
    size_t output_sent;
    struct buffer opened; /* its frames, the last perhaps incomplete */

    struct peer_hello hello; /* ours; no views in it are used */
    uint32_t version;        /* not 0: the peer's HELLO is here */
    struct inflight inflight;
    uint64_t skipped_count;

    uint64_t begun_ms;
    uint64_t heard_ms;
    uint64_t ping_due_ms;
    uint64_t ping_sent_ms;
    uint64_t ping_count;
    uint64_t lag_ms;
};

const char *link_end_label(enum link_end end)
{
    switch (end) {
#define X(name, label, text) \
    case name:               \
        return label;
        LINK_END_MAP(X)
#undef X
    }
    check_unreachable();
}

const char *link_end_text(enum link_end end)
{
    switch (end) {
#define X(name, label, text) \
    case name:               \
        return text;
        LINK_END_MAP(X)
#undef X
    }
    check_unreachable();
}

struct link *link_new(enum handshake_role role,
                      const uint8_t psk[HANDSHAKE_PSK_BYTES],
                      const uint8_t ephemeral[HANDSHAKE_EPHEMERAL_BYTES],
                      const struct link_settings *settings,
                      const struct peer_hello *hello,
                      struct moment now)
{
    struct link *l = alloc_zero(sizeof(*l));
    struct peer_frame first = {.kind = PEER_HELLO, .hello = *hello};
    size_t frames_max = settings->output_bytes_max + PEER_FRAME_BYTES_MAX;

    l->settings = *settings;
    l->role = role;
    l->hello = *hello;
    l->begun_ms = now.mono_ms;
    buffer_init(&l->frames, frames_max);
    buffer_init(&l->output, sealed_stream_len_max(frames_max));
    buffer_init(&l->opened,
                PEER_FRAME_BYTES_MAX + SEALED_STREAM_CHUNK_BYTES_MAX);
    peer_encode(&first, &l->frames);
    handshake_init(&l->handshake, role, psk, ephemeral);
    if (role == HANDSHAKE_INITIATOR) {
        uint8_t message[HANDSHAKE_MESSAGE_BYTES];

        handshake_begin(&l->handshake, message);
        buffer_append(&l->output, bytes_of(message, sizeof(message)));
    }
    return l;
}

void link_free(struct link *l)
{
    if (l == NULL) {
        return;
    }
    buffer_done(&l->frames);
    buffer_done(&l->output);
    buffer_done(&l->opened);
    handshake_done(&l->handshake);
    sealed_stream_done(&l->stream);
    free(l);
}

static int end_with(struct link *l, enum link_end end, int rc)
{
    check(rc != 0);
    if (l->end == LINK_OPEN) {
        l->end = end;
    }
    return rc;
}

/* Tell the peer what is wrong with it, if it can be told, and end. */
static int fault(struct link *l,
                 enum link_end end,
                 enum peer_fault code,
                 int rc)
{
    struct peer_frame frame = {
        .kind = PEER_ERROR,
        .error = {.code = code, .text = bytes_text(link_end_text(end))}};

    (void)link_send(l, &frame);
    return end_with(l, end, rc);
}

/* The peer's message is whole. */
static int shake_hands(struct link *l)
{
    struct handshake_keys keys;
    int rc;

    if (l->role == HANDSHAKE_INITIATOR) {
        rc = handshake_finish(&l->handshake, l->message, &keys);
    } else {
        uint8_t answer[HANDSHAKE_MESSAGE_BYTES];

        rc = handshake_answer(&l->handshake, l->message, answer, &keys);
        if (rc == 0) {
            buffer_append(&l->output, bytes_of(answer, sizeof(answer)));
        }
    }
    if (rc == 0) {
        sealed_stream_init(&l->stream, &keys);
        sodium_memzero(&keys, sizeof(keys));
        l->sealed = true;
    }
    handshake_done(&l->handshake);
    return rc;
}

static int feed_handshake(struct link *l, struct bytes *in)
{
    size_t missing = sizeof(l->message) - l->message_len;
    struct bytes some;
    int rc;

    check(bytes_take(in, in->len < missing ? in->len : missing, &some));
    if (some.len > 0) {
        memcpy(l->message + l->message_len, some.data, some.len);
        l->message_len += some.len;
    }
    rc = handshake_check_head(bytes_of(l->message, l->message_len));
    if (rc == 0 && l->message_len == sizeof(l->message)) {
        rc = shake_hands(l);
    }
    if (rc == RC_MALFORMED) {
        return end_with(l, LINK_END_FOREIGN, rc);
    }
    if (rc == RC_UNSUPPORTED) {
        return end_with(l, LINK_END_VERSION, rc);
    }
    return rc == 0 ? 0 : end_with(l, LINK_END_SECRET, rc);
}

static int on_hello(struct link *l, const struct peer_hello *hello)
{
    l->version = peer_version_common(&l->hello, hello);
    return l->version != 0
               ? 0
               : fault(l, LINK_END_VERSION, PEER_FAULT_VERSION, RC_UNSUPPORTED);
}

static void on_ping(struct link *l, uint64_t nonce)
{
    struct peer_frame pong = {.kind = PEER_PONG, .nonce = nonce};

    /* Without room the peer does not read, and needs no answer to tell. */
    (void)link_send(l, &pong);
}

static void on_pong(struct link *l, uint64_t nonce, struct moment now)
{
    if (l->ping_count != 0 && nonce == l->ping_count) {
        l->lag_ms = now.mono_ms - l->ping_sent_ms;
    }
}

/* What the link itself has to do with a frame, before `on_frame` sees it. */
static int on_any(struct link *l,
                  const struct peer_frame *frame,
                  struct moment now)
{
    if ((frame->kind == PEER_HELLO) != (l->version == 0)) {
        return fault(l, LINK_END_MALFORMED, PEER_FAULT_MALFORMED, RC_MALFORMED);
    }
    if (frame->kind == PEER_HELLO) {
        return on_hello(l, &frame->hello);
    }
    if (frame->kind == PEER_PING) {
        on_ping(l, frame->nonce);
    } else if (frame->kind == PEER_PONG) {
        on_pong(l, frame->nonce, now);
    } else if (frame->kind == PEER_SKIPPED) {
        l->skipped_count++;
    } else if (frame->kind == PEER_HAVE) {
        inflight_had(&l->inflight, &frame->have);
    }
    return 0;
}

static int hand_on(struct link *l,
                   const struct peer_frame *frame,
                   link_on_frame *on_frame,
                   void *context)
{
    int rc;

    if (frame->kind == PEER_PING || frame->kind == PEER_PONG ||
        frame->kind == PEER_SKIPPED) {
        return 0;
    }
    rc = on_frame(context, frame);
    if (rc != 0) {
        return end_with(l, LINK_END_REFUSED, rc);
    }
    if (frame->kind == PEER_ERROR) {
        return end_with(l, LINK_END_ERROR, RC_CLOSED);
    }
    if (frame->kind == PEER_GOODBYE) {
        return end_with(l, LINK_END_GOODBYE, RC_CLOSED);
    }
    return l->end == LINK_OPEN ? 0 : RC_CLOSED;
}

/* Hand on the whole frames that have been opened. */
static int take_frames(struct link *l,
                       struct moment now,
                       link_on_frame *on_frame,
                       void *context)
{
    struct bytes rest = buffer_view(&l->opened);
    struct peer_frame frame;
    int rc;

    while ((rc = peer_decode(&rest, &frame)) == 0) {
        rc = on_any(l, &frame, now);
        if (rc == 0) {
            rc = hand_on(l, &frame, on_frame, context);
        }
        peer_frame_done(&frame);
        if (rc != 0) {
            return rc;
        }
    }
    if (rc != RC_AGAIN) {
        return fault(l, LINK_END_MALFORMED, PEER_FAULT_MALFORMED, RC_MALFORMED);
    }
    buffer_consume(&l->opened, l->opened.len - rest.len);
    return 0;
}

int link_feed(struct link *l,
              struct moment now,
              struct bytes in,
              link_on_frame *on_frame,
              void *context)
{
    int rc = l->end == LINK_OPEN ? 0 : RC_CLOSED;

    if (rc == 0 && !l->sealed) {
        rc = feed_handshake(l, &in);
    }
    while (rc == 0 && l->sealed) {
        rc = sealed_stream_open(&l->stream, &in, &l->opened);
        if (rc == RC_AGAIN) {
            return 0;
        }
        if (rc != 0) {
            return end_with(l, LINK_END_TAMPERED, rc);
        }
        l->proven = true;
        l->heard_ms = now.mono_ms;
        rc = take_frames(l, now, on_frame, context);
    }
    return rc;
}

int link_send(struct link *l, const struct peer_frame *frame)
{
    size_t before = l->frames.len;

    check(frame->kind != PEER_HELLO);
    if (l->end != LINK_OPEN) {
        return RC_CLOSED;
    }
    peer_encode(frame, &l->frames);
    if (l->frames.overflowed) {
        l->frames.overflowed = false;
        l->frames.len = before;
        return RC_BUSY;
    }
    return 0;
}

size_t link_events_room(const struct link *l)
{
    size_t output_max = l->settings.output_bytes_max;
    size_t inflight_max = l->settings.inflight_bytes_max;
    size_t output_room;
    size_t inflight_room;

    if (l->end != LINK_OPEN || l->frames.len >= output_max ||
        l->inflight.bytes >= inflight_max) {
        return 0;
    }
    output_room = output_max - l->frames.len;
    inflight_room = inflight_max - l->inflight.bytes;
    return output_room < inflight_room ? output_room : inflight_room;
}

int link_send_events(struct link *l,
                     uint64_t origin,
                     uint64_t last,
                     struct bytes frame)
{
    check(frame.len > PEER_HEAD_BYTES && frame.len <= PEER_FRAME_BYTES_MAX);
    if (l->end != LINK_OPEN) {
        return RC_CLOSED;
    }
    if (link_events_room(l) == 0 ||
        !inflight_sent(&l->inflight, origin, last, frame.len)) {
        return RC_BUSY;
    }
    buffer_append(&l->frames, frame);
    check(!l->frames.overflowed);
    return 0;
}

size_t link_inflight_bytes(const struct link *l)
{
    return l->inflight.bytes;
}

void link_inflight_forget(struct link *l, uint64_t origin)
{
    inflight_forget(&l->inflight, origin);
}

void link_refuse(struct link *l)
{
    if (l->end == LINK_OPEN) {
        l->end = LINK_END_REFUSED;
    }
}

void link_crowd_out(struct link *l)
{
    check(!link_is_open(l));
    if (l->end == LINK_OPEN) {
        l->end = LINK_END_CROWDED;
    }
}

struct bytes link_output(struct link *l)
{
    if (l->output_sent == l->output.len) {
        buffer_clear(&l->output);
        l->output_sent = 0;
        if (l->sealed && (l->proven || l->role == HANDSHAKE_INITIATOR)) {
            sealed_stream_seal(&l->stream, buffer_view(&l->frames), &l->output);
            buffer_clear(&l->frames);
        }
    }
    return bytes_from(buffer_view(&l->output), l->output_sent);
}

void link_output_sent(struct link *l, size_t n)
{
    check(n <= l->output.len - l->output_sent);
    l->output_sent += n;
}

uint64_t link_deadline_ms(const struct link *l)
{
    uint64_t silent_ms = l->heard_ms + l->settings.silence_timeout_ms;

    if (l->end != LINK_OPEN) {
        return MOMENT_NEVER;
    }
    if (l->version == 0) {
        return l->begun_ms + l->settings.handshake_timeout_ms;
    }
    return silent_ms < l->ping_due_ms ? silent_ms : l->ping_due_ms;
}

void link_tick(struct link *l, struct moment now)
{
    struct peer_frame ping = {.kind = PEER_PING};

    if (now.mono_ms < link_deadline_ms(l)) {
        return;
    }
    if (l->version == 0) {
        l->end = LINK_END_HANDSHAKE;
        return;
    }
    if (now.mono_ms >= l->heard_ms + l->settings.silence_timeout_ms) {
        l->end = LINK_END_SILENT;
        return;
    }
    ping.nonce = l->ping_count + 1;
    if (link_send(l, &ping) == 0) {
        l->ping_count++;
        l->ping_sent_ms = now.mono_ms;
    }
    l->ping_due_ms = now.mono_ms + l->settings.ping_interval_ms;
}

bool link_is_open(const struct link *l)
{
    return l->version != 0 && l->end == LINK_OPEN;
}

enum link_end link_end(const struct link *l)
{
    return l->end;
}

uint32_t link_version(const struct link *l)
{
    return l->version;
}

uint64_t link_lag_ms(const struct link *l)
{
    return l->lag_ms;
}

uint64_t link_skipped_count(const struct link *l)
{
    return l->skipped_count;
}

/* A link and what a stranger or a false friend may say to it. The first byte
 * picks who: one who talks to the responder, or to the initiator, before any
 * handshake; one on the path after an honest handshake; or a peer with the
 * secret who seals any bytes as frames. In pieces, a link hears the same. */
#include "cluster/link.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum who {
    STRANGER_TO_RESPONDER,
    STRANGER_TO_INITIATOR,
    ON_THE_PATH,
    FALSE_FRIEND,
    WHO_COUNT,
};

struct heard {
    struct link *link;
    size_t frames;
    size_t records;
};

static int on_frame(void *context, const struct peer_frame *frame)
{
    struct heard *heard = context;

    heard->frames++;
    if (frame->kind == PEER_EVENTS) {
        heard->records += frame->events.count;
    }
    return 0;
}

static int ignore(void *context, const struct peer_frame *frame)
{
    (void)context;
    (void)frame;
    return 0;
}

static struct link *link_of(enum handshake_role role)
{
    static const struct link_settings settings = {
        .handshake_timeout_ms = 1000,
        .ping_interval_ms = 1000,
        .silence_timeout_ms = 3000,
        .output_bytes_max = 1 << 16,
        .inflight_bytes_max = 1 << 16,
    };
    static const uint8_t psk[HANDSHAKE_PSK_BYTES] = {7};
    uint8_t ephemeral[HANDSHAKE_EPHEMERAL_BYTES] = {(uint8_t)(role + 1)};
    struct peer_hello hello = {.version = PEER_VERSION,
                               .version_least = PEER_VERSION_LEAST,
                               .node = role + 1u};

    return link_new(
        role, psk, ephemeral, &settings, &hello, (struct moment){0});
}

static void feed(struct heard *to, struct bytes in, size_t piece)
{
    while (in.len > 0) {
        struct bytes some;

        check(bytes_take(&in, in.len < piece ? in.len : piece, &some));
        (void)link_feed(to->link, (struct moment){0}, some, on_frame, to);
    }
}

static void pass(struct link *from, struct link *to)
{
    struct bytes out = link_output(from);

    check(link_feed(to, (struct moment){0}, out, ignore, NULL) == 0);
    link_output_sent(from, out.len);
}

/* Whatever was said, the link's own output is bounded and can be taken. */
static void drain(struct link *l)
{
    for (struct bytes out = link_output(l); out.len > 0; out = link_output(l)) {
        check(out.len <= (1 << 16) + 2 * PEER_FRAME_BYTES_MAX);
        link_output_sent(l, out.len);
    }
}

static void run(enum who who, struct bytes in, size_t piece, struct heard *ret)
{
    bool initiator = who == STRANGER_TO_INITIATOR;
    struct link *other =
        link_of(initiator ? HANDSHAKE_RESPONDER : HANDSHAKE_INITIATOR);

    *ret = (struct heard){0};
    ret->link = link_of(initiator ? HANDSHAKE_INITIATOR : HANDSHAKE_RESPONDER);
    if (who == ON_THE_PATH || who == FALSE_FRIEND) {
        pass(other, ret->link);
        pass(ret->link, other);
        pass(other, ret->link);
        check(link_is_open(ret->link));
    }
    if (who == FALSE_FRIEND && in.len > PEER_HEAD_BYTES) {
        check(link_send_events(other, 1, 1, in) == 0);
        in = link_output(other);
    }
    feed(ret, in, piece);
    check(who == FALSE_FRIEND || ret->frames == 0);
    drain(ret->link);
    link_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = bytes_of(data, len);
    struct heard whole;
    struct heard pieces;
    uint8_t options;

    if (!bytes_take_u8(&in, &options) || in.len > PEER_FRAME_BYTES_MAX) {
        return 0;
    }
    run(options % WHO_COUNT, in, SIZE_MAX, &whole);
    run(options % WHO_COUNT, in, 1 + options / WHO_COUNT, &pieces);
    check(whole.frames == pieces.frames);
    check(whole.records == pieces.records);
    check(link_end(whole.link) == link_end(pieces.link));
    link_free(whole.link);
    link_free(pieces.link);
    return 0;
}

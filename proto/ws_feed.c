/* Only lengths are read here; whether a header makes sense is for wslay to
 * say. */
#include "proto/ws_feed.h"

#include "base/check.h"

#define START_LEN 2 /* what every header has */
#define MASK_LEN 4

/* How many bytes the length takes beyond the first two. */
static uint8_t extended_len(const struct ws_feed *f)
{
    switch (f->held[1] & 0x7f) {
    case 126:
        return 2;
    case 127:
        return 8;
    default:
        return 0;
    }
}

static uint64_t payload_len(const struct ws_feed *f)
{
    uint8_t extended = extended_len(f);
    uint64_t len = 0;

    for (size_t i = 0; i < extended; i++) {
        len = len << 8 | f->held[START_LEN + i];
    }
    return extended == 0 ? f->held[1] & 0x7f : len;
}

/* Hold `wanted` bytes; false when the input ends before. */
static bool hold(struct ws_feed *f, size_t wanted)
{
    check(wanted <= sizeof(f->held));
    if (f->held_len < wanted) {
        size_t missing = wanted - f->held_len;
        size_t n = f->in.len < missing ? f->in.len : missing;
        struct bytes taken;

        check(bytes_take(&f->in, n, &taken));
        if (n > 0) {
            memcpy(f->held + f->held_len, taken.data, n);
        }
        f->held_len = (uint8_t)(f->held_len + n);
    }
    return f->held_len >= wanted;
}

static bool hold_header(struct ws_feed *f)
{
    size_t wanted = START_LEN;

    if (!hold(f, wanted)) {
        return false;
    }
    wanted += extended_len(f);
    wanted += (f->held[1] & 0x80) != 0 ? MASK_LEN : 0;
    if (!hold(f, wanted)) {
        return false;
    }
    f->control = (f->held[0] & 0x08) != 0;
    f->payload_left = payload_len(f);
    if (f->control && f->payload_left <= WS_FEED_CONTROL_MAX) {
        wanted += (size_t)f->payload_left;
        if (!hold(f, wanted)) {
            return false;
        }
        f->payload_left = 0;
    }
    return true;
}

struct bytes ws_feed_take(struct ws_feed *f, size_t room)
{
    struct bytes taken = {NULL, 0};

    if (f->held_given == 0 && !hold_header(f)) {
        return taken;
    }
    if (f->held_given < f->held_len) {
        size_t left = f->held_len - f->held_given;
        size_t n = left < room ? left : room;

        taken = bytes_of(f->held + f->held_given, n);
        f->held_given = (uint8_t)(f->held_given + n);
    } else {
        size_t n = f->in.len < room ? f->in.len : room;

        n = n < f->payload_left ? n : (size_t)f->payload_left;
        check(bytes_take(&f->in, n, &taken));
        f->payload_left -= n;
    }
    if (f->held_given == f->held_len && f->payload_left == 0) {
        f->held_len = 0;
        f->held_given = 0;
    }
    return taken;
}

bool ws_feed_at_start(const struct ws_feed *f)
{
    return f->held_len == 0;
}

bool ws_feed_control(const struct ws_feed *f)
{
    return f->control;
}

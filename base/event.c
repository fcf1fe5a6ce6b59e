/* The count of references is the only field that changes once an event is
 * shared, hence the only atomic one. */
#include "base/event.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

#define EVENT_COUNTER_BITS 16
#define EVENT_WALL_MS_MAX (UINT64_MAX >> EVENT_COUNTER_BITS)

static struct bytes put(uint8_t *out, struct bytes from)
{
    if (from.len > 0) {
        memcpy(out, from.data, from.len);
    }
    return bytes_of(out, from.len);
}

struct event *event_new_keyed(struct bytes channel,
                              struct bytes content,
                              struct bytes key)
{
    struct event *event =
        alloc_raw(sizeof(*event) + channel.len + content.len + key.len);

    *event = (struct event){0};
    event->channel = put(event->data, channel);
    event->content = put(event->data + channel.len, content);
    event->key = put(event->data + channel.len + content.len, key);
    atomic_init(&event->refs, 1);
    return event;
}

struct event *event_new(struct bytes channel, struct bytes content)
{
    return event_new_keyed(channel, content, bytes_of(NULL, 0));
}

struct event *event_ref(struct event *event)
{
    unsigned before =
        atomic_fetch_add_explicit(&event->refs, 1, memory_order_relaxed);

    check(before > 0);
    return event;
}

void event_unref(struct event *event)
{
    unsigned before;

    if (event == NULL) {
        return;
    }
    before = atomic_fetch_sub_explicit(&event->refs, 1, memory_order_acq_rel);
    check(before > 0);
    if (before == 1) {
        free(event);
    }
}

bool event_gone_of(struct bytes gone, struct bytes channel)
{
    struct bytes name = bytes_of(NULL, 0);
    struct bytes listed;

    if (bytes_equal_text(gone, EVENT_GONE_ANY) || channel.len == 0) {
        return true;
    }
    gone = bytes_from(gone, 1);
    channel = bytes_from(channel, 1);
    (void)bytes_split(&channel, '/', &name);
    while (bytes_split(&gone, '/', &listed)) {
        if (bytes_equal(listed, name)) {
            return true;
        }
    }
    return false;
}

uint64_t event_sequence_ms(uint64_t sequence)
{
    return sequence >> EVENT_COUNTER_BITS;
}

uint64_t event_sequence_next(uint64_t last, uint64_t wall_ms)
{
    uint64_t clock;

    check(wall_ms <= EVENT_WALL_MS_MAX);
    check(last < UINT64_MAX);
    clock = wall_ms << EVENT_COUNTER_BITS;
    return clock > last ? clock : last + 1;
}

static void put_big_endian(uint64_t value, uint8_t out[8])
{
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> (56 - 8 * i));
    }
}

static uint64_t get_big_endian(const uint8_t in[8])
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++) {
        value = value << 8 | in[i];
    }
    return value;
}

/* The 48 bits of milliseconds come first, where a version 7 UUID has them; the
 * counter's 16 fill rand_a and the front of rand_b, the origin's 58 the rest:
 *
 *     milliseconds:48  version:4  counter:12
 *     variant:2  counter:4  origin:58 */
void event_uuid(uint64_t origin, uint64_t sequence, uint8_t ret[16])
{
    uint64_t counter = sequence & 0xffff;

    check(origin <= EVENT_ORIGIN_MAX);
    put_big_endian(
        (sequence & ~UINT64_C(0xffff)) | UINT64_C(0x7000) | counter >> 4, ret);
    put_big_endian(UINT64_C(1) << 63 | (counter & 0xf) << 58 | origin, ret + 8);
}

bool event_from_uuid(const uint8_t id[16],
                     uint64_t *ret_origin,
                     uint64_t *ret_sequence)
{
    uint64_t high = get_big_endian(id);
    uint64_t low = get_big_endian(id + 8);

    if ((high >> 12 & 0xf) != 7 || low >> 62 != 2) {
        return false;
    }
    *ret_origin = low & EVENT_ORIGIN_MAX;
    *ret_sequence =
        (high & ~UINT64_C(0xffff)) | (high & 0xfff) << 4 | (low >> 58 & 0xf);
    return true;
}

/* Records: what is encoded is what is decoded, and nothing else passes. */
#include "storage/record.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

#define ENCODED_BYTES_MAX 512

struct encoded {
    uint8_t data[ENCODED_BYTES_MAX];
    size_t len;
};

static struct event *event(struct bytes channel, struct bytes content)
{
    struct event *e = event_new(channel, content);

    e->origin = 0x0123456789abcde;
    e->sequence = 0x1122334455667788;
    e->predecessor = 0x1122334455667700;
    return e;
}

static struct encoded encoded(struct event *e)
{
    struct encoded out;

    out.len = record_len(e);
    tap_check(out.len <= sizeof(out.data));
    record_encode(e, out.data);
    event_unref(e);
    return out;
}

static struct encoded small(void)
{
    return encoded(event(bytes_text("/default/a"), bytes_text("\"one\"")));
}

static int decode(const struct encoded *e, struct record *ret)
{
    return record_decode(bytes_of(e->data, e->len), ret);
}

/* Make the checksum fit again after a change. */
static void seal(struct encoded *e)
{
    uint64_t sum = hash_checksum(bytes_of(e->data, e->len - 8));

    for (size_t n = 0; n < 8; n++) {
        e->data[e->len - 8 + n] = (uint8_t)(sum >> (8 * n));
    }
}

static void put_u64(struct encoded *e, size_t at, uint64_t value)
{
    for (size_t n = 0; n < 8; n++) {
        e->data[at + n] = (uint8_t)(value >> (8 * n));
    }
    seal(e);
}

TAP_CASE(record_decode_gives_back_what_was_encoded)
{
    struct encoded e = small();
    struct record r;

    tap_equal(decode(&e, &r), 0);
    tap_equal(r.origin, 0x0123456789abcde);
    tap_equal(r.sequence, 0x1122334455667788);
    tap_equal(r.predecessor, 0x1122334455667700);
    tap_equal_text(r.channel, "/default/a");
    tap_equal_text(r.content, "\"one\"");
}

TAP_CASE(record_bytes_are_laid_out_as_documented)
{
    static const uint8_t head[] = {
        1,    10,   0,    0,    5,    0,    0,    0,    0xde, 0xbc, 0x9a,
        0x78, 0x56, 0x34, 0x12, 0x00, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33,
        0x22, 0x11, 0x00, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    struct encoded e = small();

    tap_equal(sizeof(head), 32);
    tap_equal(e.len, RECORD_OVERHEAD_BYTES + 10 + 5);
    tap_equal(memcmp(e.data, head, sizeof(head)), 0);
    tap_equal(memcmp(e.data + 32, "/default/a\"one\"", 15), 0);
    put_u64(&e, 8, 0x0123456789abcde);
    tap_equal(memcmp(e.data, small().data, e.len), 0);
}

TAP_CASE(record_checksum_of_a_known_record_never_changes)
{
    static const uint8_t sum[] = {
        0xb2, 0xf3, 0xc5, 0x1b, 0x5b, 0x36, 0x91, 0xe1};
    struct encoded e = small();

    tap_equal(memcmp(e.data + e.len - 8, sum, 8), 0);
}

TAP_CASE(record_holds_empty_content)
{
    struct encoded e = encoded(event(bytes_text("/a/b"), bytes_of(NULL, 0)));
    struct record r;

    tap_equal(e.len, RECORD_OVERHEAD_BYTES + 4);
    tap_equal(decode(&e, &r), 0);
    tap_equal(r.content.len, 0);
}

TAP_CASE(record_holds_the_shortest_and_the_longest_channel)
{
    char name[255];
    struct record r;
    struct encoded e;

    memset(name, 'x', sizeof(name));
    e = encoded(event(bytes_of(name, 1), bytes_text("1")));
    tap_equal(decode(&e, &r), 0);
    tap_equal(r.channel.len, 1);

    e = encoded(event(bytes_of(name, sizeof(name)), bytes_text("1")));
    tap_equal(decode(&e, &r), 0);
    tap_equal(r.channel.len, 255);
    tap_equal(memcmp(r.channel.data, name, sizeof(name)), 0);
}

TAP_CASE(record_holds_a_large_content)
{
    size_t len = 256 * 1024;
    uint8_t *content = alloc_zero(len);
    struct event *e = event(bytes_text("/a/b"), bytes_of(content, len));
    uint8_t *out = alloc_raw(record_len(e));
    struct record r;

    record_encode(e, out);
    tap_equal(record_decode(bytes_of(out, record_len(e)), &r), 0);
    tap_equal(r.content.len, len);
    out[len / 2] ^= 1;
    tap_equal(record_decode(bytes_of(out, record_len(e)), &r), RC_CORRUPT);
    free(out);
    free(content);
    event_unref(e);
}

TAP_CASE(record_decode_finds_every_flipped_bit)
{
    struct encoded e = small();
    struct record r;

    for (size_t bit = 0; bit < e.len * 8; bit++) {
        e.data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        tap_equal(decode(&e, &r), RC_CORRUPT);
        e.data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    }
    tap_equal(decode(&e, &r), 0);
}

TAP_CASE(record_decode_finds_every_shorter_length)
{
    struct encoded e = small();
    struct record r;

    for (size_t len = 0; len < e.len; len++) {
        tap_equal(record_decode(bytes_of(e.data, len), &r), RC_CORRUPT);
    }
}

TAP_CASE(record_decode_rejects_bytes_after_the_end)
{
    struct encoded e = small();
    struct record r;

    e.len++;
    e.data[e.len - 1] = 0;
    tap_equal(decode(&e, &r), RC_CORRUPT);
    seal(&e);
    tap_equal(decode(&e, &r), RC_CORRUPT);
}

TAP_CASE(record_decode_rejects_lengths_that_do_not_fit_under_a_good_checksum)
{
    struct encoded e = small();
    struct record r;

    e.data[1]++;
    seal(&e);
    tap_equal(decode(&e, &r), RC_CORRUPT);
    e.data[1] -= 2;
    seal(&e);
    tap_equal(decode(&e, &r), RC_CORRUPT);
    e.data[1]++;
    e.data[7] = 0xff;
    seal(&e);
    tap_equal(decode(&e, &r), RC_CORRUPT);
}

TAP_CASE(record_decode_tells_an_unknown_version_from_a_broken_record)
{
    struct encoded e = small();
    struct record r;

    e.data[0] = 2;
    tap_equal(decode(&e, &r), RC_CORRUPT);
    seal(&e);
    tap_equal(decode(&e, &r), RC_UNSUPPORTED);
}

TAP_CASE(record_decode_does_not_guess_at_unknown_flags)
{
    struct encoded e = small();
    struct record r;

    e.data[2] = 4;
    seal(&e);
    tap_equal(decode(&e, &r), RC_UNSUPPORTED);
}

TAP_CASE(record_decode_rejects_origins_out_of_range)
{
    struct encoded e = small();
    struct record r;

    put_u64(&e, 8, 0);
    tap_equal(decode(&e, &r), RC_CORRUPT);
    put_u64(&e, 8, 1);
    tap_equal(decode(&e, &r), 0);
    put_u64(&e, 8, EVENT_ORIGIN_MAX);
    tap_equal(decode(&e, &r), 0);
    put_u64(&e, 8, EVENT_ORIGIN_MAX + 1);
    tap_equal(decode(&e, &r), RC_CORRUPT);
}

TAP_CASE(record_decode_rejects_a_predecessor_that_is_not_before)
{
    struct encoded e = small();
    struct record r;

    put_u64(&e, 24, 0x1122334455667788);
    tap_equal(decode(&e, &r), RC_CORRUPT);
    put_u64(&e, 24, 0x1122334455667787);
    tap_equal(decode(&e, &r), 0);
}

TAP_CASE(record_decode_rejects_an_empty_channel)
{
    struct encoded e = small();
    struct record r;

    e.data[1] = 0;
    e.data[4] = 15;
    seal(&e);
    tap_equal(decode(&e, &r), RC_CORRUPT);
}

static struct encoded keyed(const char *key)
{
    struct event *e = event_new_keyed(
        bytes_text("/default/a"), bytes_text("1"), bytes_text(key));

    e->origin = 1;
    e->sequence = 2;
    return encoded(e);
}

TAP_CASE(record_keeps_a_key_behind_the_content)
{
    struct encoded e = keyed("order-7");
    struct record r;

    tap_equal(e.len, RECORD_OVERHEAD_BYTES + 10 + 1 + 1 + 7);
    tap_equal(e.data[2], 1);
    tap_equal(e.data[32 + 11], 7);
    tap_equal(decode(&e, &r), 0);
    tap_equal_text(r.content, "1");
    tap_equal_text(r.key, "order-7");
    tap_equal(record_len_decoded(&r), e.len);
}

TAP_CASE(record_without_a_key_says_so)
{
    struct encoded e = small();
    struct record r;

    tap_equal(e.data[2], 0);
    tap_equal(decode(&e, &r), 0);
    tap_equal(r.key.len, 0);
    tap_equal(record_len_decoded(&r), e.len);
}

TAP_CASE(record_decode_rejects_a_key_that_does_not_fit_under_a_good_checksum)
{
    static const uint8_t wrong[] = {0, 6, 8, 255};
    struct encoded e = keyed("order-7");
    struct record r;

    for (size_t n = 0; n < sizeof(wrong); n++) {
        e.data[32 + 11] = wrong[n];
        seal(&e);
        tap_equal(decode(&e, &r), RC_CORRUPT);
    }
    e = keyed("order-7");
    e.data[2] = 0;
    seal(&e);
    tap_equal(decode(&e, &r), RC_CORRUPT);
    e = small();
    e.data[2] = 1;
    seal(&e);
    tap_equal(decode(&e, &r), RC_CORRUPT);
}

TAP_CASE(record_decode_writes_nothing_on_failure)
{
    struct encoded e = small();
    struct record r = {.origin = 42};

    e.data[9] ^= 1;
    tap_equal(decode(&e, &r), RC_CORRUPT);
    tap_equal(r.origin, 42);
}

TAP_CASE(record_of_what_is_gone_has_neither_content_nor_key)
{
    struct event *event = event_new(bytes_text("/a/b"), bytes_of(NULL, 0));
    struct encoded e = small();
    struct record r;
    uint8_t out[64];

    event->origin = 2;
    event->sequence = 9;
    event->predecessor = 3;
    event->gone = true;
    record_encode(event, out);
    tap_equal(record_decode(bytes_of(out, record_len(event)), &r), 0);
    tap_check(r.gone && bytes_equal_text(r.channel, "/a/b"));
    tap_equal(r.predecessor, 3);
    event_unref(event);

    e.data[2] |= 2;
    seal(&e);
    tap_equal(decode(&e, &r), RC_CORRUPT);
}

TAP_MAIN()

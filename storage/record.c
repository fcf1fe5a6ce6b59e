/* Records: encoding, and the checks that a record must pass before anyone sees
 * its content. */
#include "storage/record.h"

#include "base/check.h"
#include "base/hash.h"

#include <endian.h>

#define RECORD_VERSION 1
#define RECORD_HEAD_BYTES 32
#define RECORD_CHECKSUM_BYTES 8
#define RECORD_FLAG_KEY 1
#define RECORD_FLAG_GONE 2

_Static_assert(RECORD_HEAD_BYTES + RECORD_CHECKSUM_BYTES ==
                   RECORD_OVERHEAD_BYTES,
               "the head and the checksum are the overhead");

static size_t len_of(struct bytes channel,
                     struct bytes content,
                     struct bytes key)
{
    return RECORD_OVERHEAD_BYTES + channel.len + content.len +
           (key.len > 0 ? 1 + key.len : 0);
}

size_t record_len(const struct event *event)
{
    return len_of(event->channel, event->content, event->key);
}

size_t record_len_decoded(const struct record *record)
{
    return len_of(record->channel, record->content, record->key);
}

static uint8_t *put(uint8_t *out, const void *from, size_t len)
{
    if (len > 0) {
        memcpy(out, from, len);
    }
    return out + len;
}

static uint8_t *put_u64(uint8_t *out, uint64_t value)
{
    uint64_t little = htole64(value);

    return put(out, &little, sizeof(little));
}

void record_encode(const struct event *event, uint8_t *out)
{
    uint8_t *start = out;
    uint16_t flags =
        htole16((uint16_t)((event->key.len > 0 ? RECORD_FLAG_KEY : 0) |
                           (event->gone ? RECORD_FLAG_GONE : 0)));
    uint32_t content_len = htole32((uint32_t)event->content.len);

    check(event->channel.len >= 1 && event->channel.len <= UINT8_MAX);
    check(event->content.len <= UINT32_MAX);
    check(event->key.len <= UINT8_MAX);
    check(!event->gone || event->content.len + event->key.len == 0);

    *out++ = RECORD_VERSION;
    *out++ = (uint8_t)event->channel.len;
    out = put(out, &flags, sizeof(flags));
    out = put(out, &content_len, sizeof(content_len));
    out = put_u64(out, event->origin);
    out = put_u64(out, event->sequence);
    out = put_u64(out, event->predecessor);
    out = put(out, event->channel.data, event->channel.len);
    out = put(out, event->content.data, event->content.len);
    if (event->key.len > 0) {
        *out++ = (uint8_t)event->key.len;
        out = put(out, event->key.data, event->key.len);
    }

    out = put_u64(out, hash_checksum(bytes_of(start, (size_t)(out - start))));
    check((size_t)(out - start) == record_len(event));
}

/* Split the checksum off the end and compare it; `body` is what is before. */
static bool checksum_fits(struct bytes bytes, struct bytes *ret_body)
{
    struct bytes body;
    uint64_t stored;

    if (bytes.len < RECORD_CHECKSUM_BYTES ||
        !bytes_take(&bytes, bytes.len - RECORD_CHECKSUM_BYTES, &body) ||
        !bytes_take_u64(&bytes, &stored)) {
        return false;
    }
    *ret_body = body;
    return stored == hash_checksum(body);
}

/* What follows the content is the key, if the flags promise one. */
static bool take_key(struct bytes *body, uint16_t flags, struct bytes *ret)
{
    uint8_t len;

    *ret = bytes_of(NULL, 0);
    return (flags & RECORD_FLAG_KEY) == 0 ||
           (bytes_take_u8(body, &len) && len > 0 && bytes_take(body, len, ret));
}

int record_decode(struct bytes bytes, struct record *ret)
{
    struct bytes body;
    struct record record;
    uint8_t version;
    uint8_t channel_len;
    uint16_t flags;
    uint32_t content_len;

    if (!checksum_fits(bytes, &body) || !bytes_take_u8(&body, &version)) {
        return RC_CORRUPT;
    }
    if (version != RECORD_VERSION) {
        return RC_UNSUPPORTED;
    }
    if (!bytes_take_u8(&body, &channel_len) || !bytes_take_u16(&body, &flags)) {
        return RC_CORRUPT;
    }
    if ((flags & ~(RECORD_FLAG_KEY | RECORD_FLAG_GONE)) != 0) {
        return RC_UNSUPPORTED;
    }
    if (!bytes_take_u32(&body, &content_len) ||
        !bytes_take_u64(&body, &record.origin) ||
        !bytes_take_u64(&body, &record.sequence) ||
        !bytes_take_u64(&body, &record.predecessor) ||
        !bytes_take(&body, channel_len, &record.channel) ||
        !bytes_take(&body, content_len, &record.content) ||
        !take_key(&body, flags, &record.key) || body.len != 0) {
        return RC_CORRUPT;
    }
    record.gone = (flags & RECORD_FLAG_GONE) != 0;
    /* A checksum only says that the bytes are those that were written. */
    if (channel_len == 0 || record.origin == 0 ||
        (record.gone && record.content.len + record.key.len > 0) ||
        record.origin > EVENT_ORIGIN_MAX ||
        record.predecessor >= record.sequence) {
        return RC_CORRUPT;
    }
    record.whole = bytes;
    *ret = record;
    return 0;
}

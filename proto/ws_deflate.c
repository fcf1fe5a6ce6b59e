/* One zlib stream each way serves every message, for none remembers the one
 * before it. The offers of RFC 7692 are read strictly: an answer to an offer
 * that was misread would end the connection. */
#include "proto/ws_deflate.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/rc.h"
#include "base/text.h"

#include <stdlib.h>
#include <zlib.h>

#define WINDOW_BITS 15
#define MEMORY_LEVEL 8
#define OUTPUT_BYTES_MIN 1024

/* What a sync flush ends with; senders leave it out (RFC 7692, 7.2.1). */
#define FLUSH_LEN 4
static const uint8_t flush_end[FLUSH_LEN] = {0, 0, 0xff, 0xff};

struct ws_deflate {
    z_stream deflate;
    z_stream inflate;
};

struct ws_deflate *ws_deflate_new(void)
{
    struct ws_deflate *d = alloc_zero(sizeof(*d));

    /* Negative bits: blocks alone, without zlib's header and checksum. */
    check(deflateInit2(&d->deflate,
                       Z_DEFAULT_COMPRESSION,
                       Z_DEFLATED,
                       -WINDOW_BITS,
                       MEMORY_LEVEL,
                       Z_DEFAULT_STRATEGY) == Z_OK);
    check(inflateInit2(&d->inflate, -WINDOW_BITS) == Z_OK);
    return d;
}

void ws_deflate_free(struct ws_deflate *d)
{
    if (d == NULL) {
        return;
    }
    (void)deflateEnd(&d->deflate);
    (void)inflateEnd(&d->inflate);
    free(d);
}

/* As bytes_split(), trimmed, but blind to separators in quoted strings. */
static bool split_unquoted(struct bytes *rest,
                           char separator,
                           struct bytes *ret)
{
    size_t len = 0;
    bool quoted = false;

    if (rest->len == 0) {
        return false;
    }
    for (; len < rest->len; len++) {
        char c = (char)rest->data[len];

        if (quoted && c == '\\' && len + 1 < rest->len) {
            len++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == separator) {
            break;
        }
    }
    *ret = bytes_trim(bytes_of(rest->data, len));
    *rest = bytes_from(*rest, len < rest->len ? len + 1 : len);
    return true;
}

struct offer {
    bool server_no_context_takeover;
    bool client_no_context_takeover;
    bool server_max_window_bits;
    bool client_max_window_bits;
};

/* 8 to 15 without leading zeros, quoted or not; 0 when it is anything else. */
static unsigned window_bits(struct bytes value)
{
    uint64_t bits = 0;

    if (value.len >= 2 && value.data[0] == '"' &&
        value.data[value.len - 1] == '"') {
        value = bytes_of(value.data + 1, value.len - 2);
    }
    if (value.len == 0 || value.data[0] == '0' || !text_decimal(value, &bits)) {
        return 0;
    }
    return bits >= 8 && bits <= WINDOW_BITS ? (unsigned)bits : 0;
}

/* Mark a parameter as seen; false when it already was. */
static bool mark(bool *seen)
{
    bool first = !*seen;

    *seen = true;
    return first;
}

/* False for what is unknown, repeated, or more than can be promised. */
static bool read_parameter(struct offer *offer, struct bytes parameter)
{
    bool has_value = memchr(parameter.data, '=', parameter.len) != NULL;
    struct bytes value = parameter;
    struct bytes name;

    if (!split_unquoted(&value, '=', &name)) {
        return false;
    }
    value = bytes_trim(value);
    if (bytes_equal_nocase(name, "server_no_context_takeover")) {
        return !has_value && mark(&offer->server_no_context_takeover);
    }
    if (bytes_equal_nocase(name, "client_no_context_takeover")) {
        return !has_value && mark(&offer->client_no_context_takeover);
    }
    if (bytes_equal_nocase(name, "server_max_window_bits")) {
        return window_bits(value) == WINDOW_BITS &&
               mark(&offer->server_max_window_bits);
    }
    if (bytes_equal_nocase(name, "client_max_window_bits")) {
        /* A hint: a window of 15 inflates what any smaller one made. */
        return (!has_value || window_bits(value) != 0) &&
               mark(&offer->client_max_window_bits);
    }
    return false;
}

static bool read_offer(struct bytes text, struct offer *ret_offer)
{
    struct offer offer = {0};
    struct bytes part;

    if (!split_unquoted(&text, ';', &part) ||
        !bytes_equal_nocase(part, "permessage-deflate")) {
        return false;
    }
    while (split_unquoted(&text, ';', &part)) {
        if (part.len == 0 || !read_parameter(&offer, part)) {
            return false;
        }
    }
    *ret_offer = offer;
    return true;
}

bool ws_deflate_negotiate(struct bytes offers, struct buffer *out)
{
    struct bytes text;
    struct offer offer;

    while (split_unquoted(&offers, ',', &text)) {
        if (!read_offer(text, &offer)) {
            continue;
        }
        buffer_text(out,
                    "permessage-deflate; server_no_context_takeover; "
                    "client_no_context_takeover");
        /* RFC 7692, 7.1.2.1: accepting the offer means to repeat it. */
        if (offer.server_max_window_bits) {
            buffer_text(out, "; server_max_window_bits=15");
        }
        return true;
    }
    return false;
}

/* Inflate into `out`, which may take `room` more; *room falls. Z_OK when all
 * input was used, Z_BUF_ERROR when there is more output than room. */
static int inflate_into(z_stream *z, size_t *room, struct buffer *out)
{
    int rc = Z_OK;

    while (rc == Z_OK) {
        /* With no room left, one byte tells whether there is more. */
        uint8_t over;
        size_t want = z->avail_in * 4 + OUTPUT_BYTES_MIN;
        size_t n = want < *room ? want : *room;
        uint8_t *to = n == 0 ? &over : buffer_reserve(out, n);

        check(to != NULL);
        z->next_out = to;
        z->avail_out = n == 0 ? 1 : (uInt)n;
        rc = inflate(z, Z_SYNC_FLUSH);
        if (n == 0 && z->avail_out == 0) {
            return Z_BUF_ERROR;
        }
        if (n > 0) {
            buffer_advance(out, n - z->avail_out);
            *room -= n - z->avail_out;
        }
        if (z->avail_out > 0 && z->avail_in == 0) {
            return rc == Z_STREAM_END ? rc : Z_OK;
        }
    }
    return rc == Z_BUF_ERROR ? Z_DATA_ERROR : rc;
}

/* As inflate_into(); a block marked as the last may be followed by more
 * (RFC 7692, 7.2.3.4). */
static int inflate_part(z_stream *z,
                        struct bytes in,
                        size_t *room,
                        struct buffer *out)
{
    int rc = Z_OK;

    check(in.len <= UINT32_MAX);
    z->next_in = (Bytef *)(uintptr_t)in.data;
    z->avail_in = (uInt)in.len;
    while (z->avail_in > 0) {
        rc = inflate_into(z, room, out);
        if (rc != Z_STREAM_END) {
            return rc;
        }
        check(inflateReset(z) == Z_OK);
    }
    return Z_OK;
}

/* Between two blocks, and with no bit of a byte left over. */
static bool inflate_at_boundary(const z_stream *z)
{
    return (z->data_type & 128) != 0 && (z->data_type & 63) == 0;
}

int ws_deflate_inflate(struct ws_deflate *d,
                       struct bytes message,
                       size_t bytes_max,
                       struct buffer *out)
{
    z_stream *z = &d->inflate;
    size_t room = bytes_max;
    int rc = Z_OK;

    check(bytes_max <= out->cap - out->len);
    check(inflateReset(z) == Z_OK);
    rc = inflate_part(z, message, &room, out);
    if (rc == Z_BUF_ERROR) {
        return RC_TOO_LARGE;
    }
    if (rc == Z_OK) {
        /* With any room, they could pass for the end of a cut block. */
        room = 0;
        rc = inflate_part(z, bytes_of(flush_end, FLUSH_LEN), &room, out);
    }
    check(rc != Z_MEM_ERROR);
    check(rc != Z_STREAM_ERROR);
    return rc == Z_OK && inflate_at_boundary(z) ? RC_OK : RC_MALFORMED;
}

void ws_deflate_tail(struct ws_deflate *d,
                     struct bytes tail,
                     struct buffer *out)
{
    z_stream *z = &d->deflate;
    size_t bound = deflateBound(z, tail.len) + OUTPUT_BYTES_MIN;
    uint8_t *to = buffer_reserve(out, bound);
    size_t len = 0;

    check(tail.len <= UINT32_MAX / 2);
    if (to == NULL) {
        return;
    }
    check(deflateReset(z) == Z_OK);
    z->next_in = (Bytef *)(uintptr_t)tail.data;
    z->avail_in = (uInt)tail.len;
    z->next_out = to;
    z->avail_out = (uInt)bound;
    check(deflate(z, Z_SYNC_FLUSH) == Z_OK);
    check(z->avail_in == 0);
    check(z->avail_out > 0);
    len = bound - z->avail_out;
    check(len > FLUSH_LEN);
    check(memcmp(to + len - FLUSH_LEN, flush_end, FLUSH_LEN) == 0);
    buffer_advance(out, len - FLUSH_LEN);
}

void ws_deflate_stored(size_t len, uint8_t out[WS_DEFLATE_STORED_LEN])
{
    check(len <= UINT16_MAX);
    out[0] = 0;
    out[1] = (uint8_t)len;
    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)~out[1];
    out[4] = (uint8_t)~out[2];
}

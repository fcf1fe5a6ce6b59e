/* Both directions begin with secretstream's init_pull, also the one that
 * pushes: init_push is the same with a header that it makes of entropy, and
 * here the header is the handshake's hash, which both sides know. */
#include "cluster/sealed_stream.h"

#include "base/check.h"

#define LENGTH_BYTES 2
#define TAG_BYTES SEALED_STREAM_TAG_BYTES

static void begin(crypto_secretstream_xchacha20poly1305_state *stream,
                  const uint8_t key[HANDSHAKE_KEY_BYTES],
                  const struct handshake_keys *keys)
{
    _Static_assert(crypto_secretstream_xchacha20poly1305_HEADERBYTES <=
                           sizeof(keys->hash) &&
                       crypto_secretstream_xchacha20poly1305_KEYBYTES ==
                           HANDSHAKE_KEY_BYTES,
                   "the handshake makes enough bytes");
    check(crypto_secretstream_xchacha20poly1305_init_pull(
              stream, keys->hash, key) == 0);
}

void sealed_stream_init(struct sealed_stream *s,
                        const struct handshake_keys *keys)
{
    begin(&s->push, keys->send, keys);
    begin(&s->pull, keys->receive, keys);
    buffer_init(&s->chunk, LENGTH_BYTES + UINT16_MAX);
}

void sealed_stream_done(struct sealed_stream *s)
{
    buffer_done(&s->chunk);
    sodium_memzero(s, sizeof(*s));
}

size_t sealed_stream_len_max(size_t len)
{
    return len + (len / SEALED_STREAM_CHUNK_BYTES_MAX + 1) *
                     SEALED_STREAM_OVERHEAD_BYTES;
}

void sealed_stream_seal(struct sealed_stream *s,
                        struct bytes bytes,
                        struct buffer *out)
{
    while (bytes.len > 0) {
        struct bytes part;
        uint8_t *room;

        check(bytes_take(&bytes,
                         bytes.len < SEALED_STREAM_CHUNK_BYTES_MAX
                             ? bytes.len
                             : SEALED_STREAM_CHUNK_BYTES_MAX,
                         &part));
        buffer_u16(out, (uint16_t)(part.len + TAG_BYTES));
        room = buffer_reserve(out, part.len + TAG_BYTES);
        check(room != NULL);
        check(crypto_secretstream_xchacha20poly1305_push(
                  &s->push,
                  room,
                  NULL,
                  part.data,
                  part.len,
                  NULL,
                  0,
                  crypto_secretstream_xchacha20poly1305_TAG_MESSAGE) == 0);
        buffer_advance(out, part.len + TAG_BYTES);
    }
}

/* Move bytes from `in` until `chunk` holds `len`; whether it does. */
static bool gather(struct buffer *chunk, struct bytes *in, size_t len)
{
    size_t missing = chunk->len < len ? len - chunk->len : 0;
    struct bytes some;

    check(bytes_take(in, in->len < missing ? in->len : missing, &some));
    buffer_append(chunk, some);
    return chunk->len >= len;
}

/* The next sealed chunk: where it stands in `in` if it is all there, gathered
 * in `chunk` otherwise. False: not whole yet. */
static bool take_chunk(struct buffer *chunk,
                       struct bytes *in,
                       struct bytes *ret)
{
    struct bytes rest = *in;
    uint16_t len;

    if (chunk->len == 0 && bytes_take_u16(&rest, &len) &&
        bytes_take(&rest, len, ret)) {
        *in = rest;
        return true;
    }
    if (!gather(chunk, in, LENGTH_BYTES)) {
        return false;
    }
    rest = buffer_view(chunk);
    check(bytes_take_u16(&rest, &len));
    if (!gather(chunk, in, LENGTH_BYTES + (size_t)len)) {
        return false;
    }
    *ret = bytes_from(buffer_view(chunk), LENGTH_BYTES);
    return true;
}

int sealed_stream_open(struct sealed_stream *s,
                       struct bytes *in,
                       struct buffer *opened)
{
    struct bytes sealed;
    uint8_t *room;
    uint8_t tag;

    if (!take_chunk(&s->chunk, in, &sealed)) {
        return RC_AGAIN;
    }
    if (sealed.len < TAG_BYTES) {
        return RC_CORRUPT;
    }
    room = buffer_reserve(opened, sealed.len - TAG_BYTES);
    check(room != NULL);
    if (crypto_secretstream_xchacha20poly1305_pull(
            &s->pull, room, NULL, &tag, sealed.data, sealed.len, NULL, 0) !=
        0) {
        return RC_CORRUPT;
    }
    buffer_advance(opened, sealed.len - TAG_BYTES);
    buffer_clear(&s->chunk);
    return 0;
}

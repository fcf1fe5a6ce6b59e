/* What one side seals opens at the other, in its place and nowhere else. */
#include "cluster/sealed_stream.h"

#include "tests/lib/tap.h"

static uint8_t some[200000];

struct pair {
    struct sealed_stream a;
    struct sealed_stream b;
    struct buffer sealed;
    struct buffer opened;
};

static void pair_init(struct pair *p)
{
    struct handshake_keys keys = {
        .send = {1}, .receive = {2}, .hash = {3, 4, 5}};
    struct handshake_keys crosswise = {
        .send = {2}, .receive = {1}, .hash = {3, 4, 5}};

    sealed_stream_init(&p->a, &keys);
    sealed_stream_init(&p->b, &crosswise);
    buffer_init(&p->sealed, 1 << 20);
    buffer_init(&p->opened, 1 << 20);
    for (size_t i = 0; i < sizeof(some); i++) {
        some[i] = (uint8_t)(i * 7 + i / 256);
    }
}

static void pair_done(struct pair *p)
{
    sealed_stream_done(&p->a);
    sealed_stream_done(&p->b);
    buffer_done(&p->sealed);
    buffer_done(&p->opened);
}

TAP_CASE(bytes_open_whatever_their_number)
{
    static const size_t lens[] = {0,
                                  1,
                                  SEALED_STREAM_CHUNK_BYTES_MAX - 1,
                                  SEALED_STREAM_CHUNK_BYTES_MAX,
                                  SEALED_STREAM_CHUNK_BYTES_MAX + 1,
                                  2 * SEALED_STREAM_CHUNK_BYTES_MAX,
                                  sizeof(some)};

    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct bytes bytes = bytes_of(some, lens[i]);
        size_t chunks = (lens[i] + SEALED_STREAM_CHUNK_BYTES_MAX - 1) /
                        SEALED_STREAM_CHUNK_BYTES_MAX;
        struct bytes rest;
        struct pair p;

        pair_init(&p);
        sealed_stream_seal(&p.a, bytes, &p.sealed);
        tap_equal(p.sealed.len,
                  lens[i] + chunks * SEALED_STREAM_OVERHEAD_BYTES);
        tap_check(p.sealed.len <= sealed_stream_len_max(lens[i]));
        rest = buffer_view(&p.sealed);
        for (; chunks > 0; chunks--) {
            tap_equal(sealed_stream_open(&p.b, &rest, &p.opened), 0);
        }
        tap_equal(sealed_stream_open(&p.b, &rest, &p.opened), RC_AGAIN);
        tap_check(bytes_equal(buffer_view(&p.opened), bytes));
        pair_done(&p);
    }
}

TAP_CASE(chunks_may_come_in_pieces)
{
    struct pair p;

    pair_init(&p);
    for (int chunk = 0; chunk < 3; chunk++) {
        buffer_clear(&p.sealed);
        buffer_clear(&p.opened);
        sealed_stream_seal(&p.a, bytes_of(some, 100), &p.sealed);
        for (size_t i = 0; i < p.sealed.len; i++) {
            struct bytes byte = bytes_of(p.sealed.data + i, 1);

            tap_equal(sealed_stream_open(&p.b, &byte, &p.opened),
                      i + 1 < p.sealed.len ? RC_AGAIN : 0);
            tap_equal(byte.len, 0);
        }
        tap_check(bytes_equal(buffer_view(&p.opened), bytes_of(some, 100)));
    }
    pair_done(&p);
}

TAP_CASE(a_chunk_too_short_to_be_sealed_is_refused)
{
    for (uint16_t len = 0; len < SEALED_STREAM_TAG_BYTES; len++) {
        struct bytes rest;
        struct pair p;

        pair_init(&p);
        buffer_u16(&p.sealed, len);
        buffer_append(&p.sealed, bytes_of(some, len));
        rest = buffer_view(&p.sealed);
        tap_equal(sealed_stream_open(&p.b, &rest, &p.opened), RC_CORRUPT);
        tap_equal(p.opened.len, 0);
        pair_done(&p);
    }
}

TAP_CASE(the_two_directions_differ)
{
    struct bytes rest;
    struct pair p;

    pair_init(&p);
    sealed_stream_seal(&p.a, bytes_of(some, 100), &p.sealed);
    rest = buffer_view(&p.sealed);
    tap_equal(sealed_stream_open(&p.a, &rest, &p.opened), RC_CORRUPT);
    pair_done(&p);
}

/* What this file builds on: with the same header, init_push and init_pull make
 * the same state. */
TAP_CASE(a_stream_begins_as_libsodium_begins_one)
{
    crypto_secretstream_xchacha20poly1305_state push = {0};
    crypto_secretstream_xchacha20poly1305_state pull = {0};
    uint8_t header[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
    uint8_t key[crypto_secretstream_xchacha20poly1305_KEYBYTES] = {1};

    tap_equal(
        crypto_secretstream_xchacha20poly1305_init_push(&push, header, key), 0);
    tap_equal(
        crypto_secretstream_xchacha20poly1305_init_pull(&pull, header, key), 0);
    tap_equal(memcmp(&push, &pull, sizeof(push)), 0);
}

TAP_MAIN()

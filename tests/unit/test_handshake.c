/* The handshake is Noise's, to the byte, and who does not have the secret gets
 * nowhere with it. */
#include "cluster/handshake.h"

#include "tests/lib/tap.h"

static const uint8_t psk[HANDSHAKE_PSK_BYTES] =
    "!verysecretverysecretverysecret!";

struct pair {
    struct handshake initiator;
    struct handshake responder;
    uint8_t message[HANDSHAKE_MESSAGE_BYTES];
    uint8_t answer[HANDSHAKE_MESSAGE_BYTES];
    struct handshake_keys initiator_keys;
    struct handshake_keys responder_keys;
};

static void ephemeral(uint8_t first, uint8_t ret[HANDSHAKE_EPHEMERAL_BYTES])
{
    for (uint8_t i = 0; i < HANDSHAKE_EPHEMERAL_BYTES; i++) {
        ret[i] = (uint8_t)(first + i);
    }
}

static void pair_init(struct pair *p)
{
    uint8_t bytes[HANDSHAKE_EPHEMERAL_BYTES];

    memset(p, 0, sizeof(*p));
    ephemeral(0x20, bytes);
    handshake_init(&p->initiator, HANDSHAKE_INITIATOR, psk, bytes);
    ephemeral(0x41, bytes);
    handshake_init(&p->responder, HANDSHAKE_RESPONDER, psk, bytes);
    handshake_begin(&p->initiator, p->message);
}

static int answer(struct pair *p)
{
    return handshake_answer(
        &p->responder, p->message, p->answer, &p->responder_keys);
}

static int finish(struct pair *p)
{
    return handshake_finish(&p->initiator, p->answer, &p->initiator_keys);
}

/* Whether `bytes` are those of the hexadecimal text. */
static bool is_hex(const uint8_t *bytes, size_t len, const char *hex)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        if (hex[2 * i] != digits[bytes[i] >> 4] ||
            hex[2 * i + 1] != digits[bytes[i] & 15]) {
            return false;
        }
    }
    return hex[2 * len] == '\0';
}

#define IS_HEX(bytes, hex) is_hex(bytes, sizeof(bytes), hex)

/* From another implementation, in Python with the package cryptography, which
 * makes the published vector of this protocol (that of the Go package
 * flynn/noise) when the prologue is empty. */
TAP_CASE(it_is_noise_nnpsk0_25519_chachapoly_sha256)
{
    struct pair p;

    pair_init(&p);
    tap_equal(answer(&p), 0);
    tap_equal(finish(&p), 0);
    tap_check(IS_HEX(p.message,
                     "776569726c696e6b01"
                     "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2"
                     "cd166254503cc4e520ee7799d2323864dea9b71d"));
    tap_check(IS_HEX(p.answer,
                     "776569726c696e6b01"
                     "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d98"
                     "46d4846684bdfb7afa0c00df4363b1a353c69fe7"));
    tap_check(IS_HEX(p.initiator_keys.hash,
                     "38db86207656be61d6652463774a6c78"
                     "d056e9d406cfce6171f777d7f13ecb79"));
    tap_check(IS_HEX(p.initiator_keys.send,
                     "8f2df069094c6c8bbd9e07b5380f3b81"
                     "6bb0f9e21c392d11fa4ff90dee8a7986"));
    tap_check(IS_HEX(p.initiator_keys.receive,
                     "b73631edbe4e95461bc287d82afad0e5"
                     "d48f8e8c05c084f9b43763982374a071"));
}

TAP_CASE(both_sides_have_the_same_keys_crosswise)
{
    struct pair p;

    pair_init(&p);
    tap_equal(answer(&p), 0);
    tap_equal(finish(&p), 0);
    tap_equal(memcmp(p.initiator_keys.send, p.responder_keys.receive, 32), 0);
    tap_equal(memcmp(p.initiator_keys.receive, p.responder_keys.send, 32), 0);
    tap_equal(memcmp(p.initiator_keys.hash, p.responder_keys.hash, 32), 0);
    tap_check(memcmp(p.initiator_keys.send, p.initiator_keys.receive, 32) != 0);
}

TAP_CASE(every_changed_bit_of_the_message_is_refused)
{
    for (size_t bit = 0; bit < 8 * HANDSHAKE_MESSAGE_BYTES; bit++) {
        struct pair p;
        int rc;

        pair_init(&p);
        p.message[bit / 8] ^= (uint8_t)(1 << bit % 8);
        rc = answer(&p);
        tap_equal(rc,
                  bit / 8 >= HANDSHAKE_HEAD_BYTES       ? RC_DENIED
                  : bit / 8 == HANDSHAKE_HEAD_BYTES - 1 ? RC_UNSUPPORTED
                                                        : RC_MALFORMED);
    }
}

/* The top bit of a public key is not part of X25519's number, but it is part of
 * what is hashed. */
TAP_CASE(every_changed_bit_of_the_answer_is_refused)
{
    for (size_t bit = 0; bit < 8 * HANDSHAKE_MESSAGE_BYTES; bit++) {
        struct pair p;

        pair_init(&p);
        tap_equal(answer(&p), 0);
        p.answer[bit / 8] ^= (uint8_t)(1 << bit % 8);
        tap_check(finish(&p) != 0);
    }
}

TAP_CASE(another_secret_is_refused_by_the_responder)
{
    uint8_t other[HANDSHAKE_PSK_BYTES] = {1};
    uint8_t bytes[HANDSHAKE_EPHEMERAL_BYTES];
    struct pair p;

    pair_init(&p);
    ephemeral(0x20, bytes);
    handshake_init(&p.initiator, HANDSHAKE_INITIATOR, other, bytes);
    handshake_begin(&p.initiator, p.message);
    tap_equal(answer(&p), RC_DENIED);
    /* And it wrote nothing that could be sent. */
    for (size_t i = 0; i < sizeof(p.answer); i++) {
        tap_equal(p.answer[i], 0);
    }
}

TAP_CASE(another_secret_is_refused_by_the_initiator)
{
    uint8_t other[HANDSHAKE_PSK_BYTES] = {1};
    uint8_t bytes[HANDSHAKE_EPHEMERAL_BYTES];
    struct pair theirs;
    struct pair p;

    pair_init(&p);
    pair_init(&theirs);
    ephemeral(0x20, bytes);
    handshake_init(&theirs.initiator, HANDSHAKE_INITIATOR, other, bytes);
    handshake_begin(&theirs.initiator, theirs.message);
    ephemeral(0x41, bytes);
    handshake_init(&theirs.responder, HANDSHAKE_RESPONDER, other, bytes);
    tap_equal(answer(&theirs), 0);
    memcpy(p.answer, theirs.answer, sizeof(p.answer));
    tap_equal(finish(&p), RC_DENIED);
}

TAP_CASE(an_answer_to_another_handshake_is_refused)
{
    uint8_t bytes[HANDSHAKE_EPHEMERAL_BYTES];
    struct pair old;
    struct pair p;

    pair_init(&old);
    tap_equal(answer(&old), 0);
    pair_init(&p);
    ephemeral(0x60, bytes);
    handshake_init(&p.initiator, HANDSHAKE_INITIATOR, psk, bytes);
    handshake_begin(&p.initiator, p.message);
    memcpy(p.answer, old.answer, sizeof(p.answer));
    tap_equal(finish(&p), RC_DENIED);
}

/* Who plays a message again gets an answer, but not its keys: they are new with
 * the responder's ephemeral key, and need the initiator's. */
TAP_CASE(a_message_played_again_makes_other_keys)
{
    uint8_t bytes[HANDSHAKE_EPHEMERAL_BYTES];
    struct handshake_keys first;
    struct pair p;

    pair_init(&p);
    tap_equal(answer(&p), 0);
    first = p.responder_keys;
    ephemeral(0x60, bytes);
    handshake_init(&p.responder, HANDSHAKE_RESPONDER, psk, bytes);
    tap_equal(answer(&p), 0);
    tap_check(memcmp(first.send, p.responder_keys.send, 32) != 0);
    tap_check(memcmp(first.receive, p.responder_keys.receive, 32) != 0);
}

TAP_CASE(a_message_sent_back_to_its_maker_is_refused)
{
    struct pair p;

    pair_init(&p);
    memcpy(p.answer, p.message, sizeof(p.answer));
    tap_equal(finish(&p), RC_DENIED);
}

/* A key of low order would make the shared secret one that everybody knows.
 * This tag is good: from the implementation in Python, for a key of zeros. */
TAP_CASE(a_key_of_low_order_is_refused)
{
    static const uint8_t tag[16] = {0x76,
                                    0x61,
                                    0xa9,
                                    0xf9,
                                    0xac,
                                    0xab,
                                    0x1e,
                                    0x96,
                                    0xc3,
                                    0x84,
                                    0x90,
                                    0xb6,
                                    0x50,
                                    0x84,
                                    0x71,
                                    0x34};
    struct pair p;

    pair_init(&p);
    memset(p.message + HANDSHAKE_HEAD_BYTES, 0, 32);
    memcpy(p.message + HANDSHAKE_HEAD_BYTES + 32, tag, sizeof(tag));
    tap_equal(answer(&p), RC_DENIED);
}

TAP_CASE(a_foreign_protocol_is_known_by_its_first_byte)
{
    tap_equal(handshake_check_head(bytes_text("")), 0);
    tap_equal(handshake_check_head(bytes_text("w")), 0);
    tap_equal(handshake_check_head(bytes_text("weirlink")), 0);
    tap_equal(handshake_check_head(bytes_text("weirlink\1")), 0);
    tap_equal(handshake_check_head(bytes_text("weirlink\1more")), 0);
    tap_equal(handshake_check_head(bytes_text("G")), RC_MALFORMED);
    tap_equal(handshake_check_head(bytes_text("weirlinc")), RC_MALFORMED);
    tap_equal(handshake_check_head(bytes_text("weirlink\2")), RC_UNSUPPORTED);
}

TAP_CASE(a_handshake_that_is_done_holds_no_secret)
{
    static const struct handshake nothing;
    struct pair p;

    pair_init(&p);
    handshake_done(&p.initiator);
    tap_equal(memcmp(&p.initiator, &nothing, sizeof(nothing)), 0);
}

TAP_MAIN()

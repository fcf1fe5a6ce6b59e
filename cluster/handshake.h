/* How two nodes that share the cluster's secret agree on the keys of one
 * connection: Noise_NNpsk0_25519_ChaChaPoly_SHA256, by the letter of the Noise
 * Protocol Framework, revision 34 (noiseprotocol.org), from libsodium's parts.
 *
 *     initiator                                    responder
 *     head, ephemeral key, tag      ------->
 *                                   <-------       head, ephemeral key, tag
 *
 * The head, "weirlink" and a version of one byte, is Noise's prologue, so that
 * a foreign protocol and a wrong secret can be told apart and counted. The
 * tags cover all that came before and need the secret: who does not have it
 * learns nothing, not even whether it guessed well, but for the answer.
 *
 * Work before the other side has shown that it has the secret: garbage and a
 * wrong secret cost a few hashes. A first message that was overheard and is
 * played again costs one key exchange and gets an answer it cannot use; only
 * what is sealed with the keys of this handshake proves the secret to the
 * responder.
 *
 * Pure: the ephemeral secret comes from outside, fresh for each handshake. */
#ifndef CLUSTER_HANDSHAKE_H
#define CLUSTER_HANDSHAKE_H

#include "base/bytes.h"
#include "base/rc.h"

#define HANDSHAKE_HEAD_BYTES 9
#define HANDSHAKE_MESSAGE_BYTES (HANDSHAKE_HEAD_BYTES + 32 + 16)
#define HANDSHAKE_EPHEMERAL_BYTES 32
#define HANDSHAKE_PSK_BYTES 32
#define HANDSHAKE_KEY_BYTES 32

enum handshake_role {
    HANDSHAKE_INITIATOR,
    HANDSHAKE_RESPONDER,
};

/* One handshake's state; plain memory, wiped by handshake_done(). */
struct handshake {
    enum handshake_role role;
    uint8_t ephemeral[HANDSHAKE_EPHEMERAL_BYTES];
    uint8_t chain[32];
    uint8_t hash[32];
    uint8_t key[32];
};

/* What a handshake ends with: a key for each direction, and a number that is
 * this handshake's own (Noise's handshake hash). */
struct handshake_keys {
    uint8_t send[HANDSHAKE_KEY_BYTES];
    uint8_t receive[HANDSHAKE_KEY_BYTES];
    uint8_t hash[32];
};

/* `psk` is the key that proto/cluster_secret derives for links; `ephemeral`
 * random bytes that are used for nothing else, ever. */
void handshake_init(struct handshake *h,
                    enum handshake_role role,
                    const uint8_t psk[HANDSHAKE_PSK_BYTES],
                    const uint8_t ephemeral[HANDSHAKE_EPHEMERAL_BYTES]);
void handshake_done(struct handshake *h);

/* Whether `some`, the first bytes of a message or all of it, can be one of
 * ours. RC_MALFORMED: a foreign protocol; RC_UNSUPPORTED: another version of
 * this one. */
int handshake_check_head(struct bytes some);

/* The initiator's message. */
void handshake_begin(struct handshake *h, uint8_t ret[HANDSHAKE_MESSAGE_BYTES]);

/* The responder reads it and answers; the initiator reads the answer. Both have
 * their keys then. RC_MALFORMED and RC_UNSUPPORTED as above; RC_DENIED: made
 * with another secret, or changed on its way. */
int handshake_answer(struct handshake *h,
                     const uint8_t message[HANDSHAKE_MESSAGE_BYTES],
                     uint8_t ret[HANDSHAKE_MESSAGE_BYTES],
                     struct handshake_keys *ret_keys);
int handshake_finish(struct handshake *h,
                     const uint8_t answer[HANDSHAKE_MESSAGE_BYTES],
                     struct handshake_keys *ret_keys);

#endif

/* The WebSocket handshake's arithmetic (RFC 6455, 4). */
#ifndef PROTO_WS_ACCEPT_H
#define PROTO_WS_ACCEPT_H

#include "base/bytes.h"

#define WS_ACCEPT_KEY_LEN 24
#define WS_ACCEPT_LEN 28

/* A Sec-WebSocket-Key is base64 of 16 bytes. */
bool ws_accept_key_valid(struct bytes key);

/* The Sec-WebSocket-Accept value that answers `key`; no NUL is written.
 * Base64 of the SHA-1 of the key and the RFC's GUID. */
void ws_accept_reply(struct bytes key, char out[WS_ACCEPT_LEN]);

#endif

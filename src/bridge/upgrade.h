/* GET /event/realtime becomes a WebSocket (RFC 6455, 4.2; PROTOCOL.md, 4). */
#ifndef BRIDGE_UPGRADE_H
#define BRIDGE_UPGRADE_H

#include "base/moment.h"

struct client;

/* Its request is a well-formed handshake: answer 101 and begin. The credentials
 * may still be bad, which is told on the WebSocket. */
void upgrade_accept(struct client *client, struct moment now);

#endif

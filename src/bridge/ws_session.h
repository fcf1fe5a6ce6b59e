/* AppSync Events on a WebSocket: what each message does and what is answered
 * (PROTOCOL.md, 4 to 6). Each message carries its own authorization. */
#ifndef BRIDGE_WS_SESSION_H
#define BRIDGE_WS_SESSION_H

#include "base/moment.h"
#include "proto/problem.h"
#include "src/bridge/publish.h"

struct client;
struct subscription;

/* The 101 is queued; begin. With a problem, the client is told by
 * connection_error and the WebSocket closed: refusing the upgrade itself would
 * make AWS's clients try again and again. So would an error that arrives
 * together with the 101, which they do not see: it answers the first message,
 * or comes by ws_session_refuse() when there is none for a while. */
void ws_session_begin(struct client *client,
                      struct moment now,
                      enum problem problem);
void ws_session_refuse(struct client *client, struct moment now);

/* The key that opened it has ended: say so, and close. Or that of one of its
 * subscriptions: say so, and end that. A key that is given in time, in the
 * authorization of another connection_init, takes their place. */
void ws_session_expire(struct client *client, struct moment now);
void ws_session_expire_subscription(struct subscription *s);

/* Bytes from the peer. Returns how many were used: fewer than given when too
 * many of its publishes wait for the log. */
size_t ws_session_receive(struct client *client,
                          struct moment now,
                          struct bytes in);

/* A message that was begun is not finished in time. */
void ws_session_timeout(struct client *client, struct moment now);

/* Its publish came back. */
void ws_session_answer(struct client *client, const struct publish *publish);

/* Time for a "ka", which is left out while older output waits. */
void ws_session_keepalive(struct client *client, struct moment now);

/* Say goodbye and wait, for a bounded time, for the peer to say it too. */
void ws_session_close(struct client *client,
                      struct moment now,
                      uint16_t code,
                      const char *reason);

#endif

/* The HTTP routes of a node: POST /event, the upgrade at /event/realtime,
 * GET /event/stream, GET /healthz, GET /metrics, /cluster and the console. One
 * request of a connection is served at a time; those that were sent ahead wait
 * their turn. */
#ifndef BRIDGE_HTTP_API_H
#define BRIDGE_HTTP_API_H

#include "base/moment.h"
#include "src/bridge/publish.h"

struct client;

/* Bytes from the peer. Returns how many were used: not those behind a request
 * that waits for the log, behind an upgrade, or behind more answers than the
 * peer has yet taken. */
size_t http_api_receive(struct client *client,
                        struct moment now,
                        struct bytes in);

/* Its answer is made: send it, or what is wrong instead, and be ready for the
 * next request. */
void http_api_finish(struct client *client,
                     struct moment now,
                     enum problem problem,
                     struct bytes json);

/* Its publish came back: answer, and be ready for the next request. */
void http_api_answer(struct client *client,
                     struct moment now,
                     const struct publish *publish);

/* The request took too long: say so, when one was begun, and close. */
void http_api_timeout(struct client *client, struct moment now);

#endif

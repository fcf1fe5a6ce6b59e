/* A certificate that was renewed while the node serves. */
#ifndef IO_SERVER_TLS_H
#define IO_SERVER_TLS_H

#include "src/io/mailbox.h"
#include "src/io/server.h"

/* Read it again and hand it to every shard, for the connections to come; one
 * that cannot be used changes nothing and is logged. `tls` may be NULL. */
void server_tls_reload(const struct server_tls *tls,
                       struct mailbox *const *shards,
                       unsigned shard_count);

#endif

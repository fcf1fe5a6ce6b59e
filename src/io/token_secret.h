/* What a node's tokens (src/bridge/token.h) are sealed with. It outlives the
 * process, as the tokens do that clients hold. */
#ifndef IO_TOKEN_SECRET_H
#define IO_TOKEN_SECRET_H

#include "src/bridge/token.h"

/* A node of a cluster derives it from the cluster's secret, so that all nodes
 * take each other's tokens. One on its own (NULL) keeps it in the file
 * "token_secret" of its directory, mode 0600, which it makes the first time;
 * when that cannot be read or made, that is logged and a secret of this run
 * alone is used. */
void token_secret_find(const uint8_t *cluster_secret,
                       const char *data_dir,
                       uint8_t ret[TOKEN_SECRET_BYTES]);

#endif

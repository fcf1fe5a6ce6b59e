/* What a node for development needs, made in its directory and kept when it is
 * there:
 *
 *     DIR/data                     the log
 *     DIR/dev/issuer, issuer.pub   who signs its API keys
 *     DIR/dev/api-key              a key with every right that never expires
 *     DIR/dev/ca.pem, ca-key.pem   its own certificate authority, 10 years
 *     DIR/dev/server.pem, server-key.pem
 *                                  for localhost, 127.0.0.1, ::1, one more */
#ifndef SRC_DEV_H
#define SRC_DEV_H

#include "base/why.h"
#include "src/io/file.h"

struct dev {
    char data_dir[FILE_PATH_BYTES_MAX];
    char issuer[FILE_PATH_BYTES_MAX];
    char issuer_public[FILE_PATH_BYTES_MAX];
    char api_key[FILE_PATH_BYTES_MAX];
    char ca[FILE_PATH_BYTES_MAX];
    char ca_key[FILE_PATH_BYTES_MAX];
    char certificate[FILE_PATH_BYTES_MAX];
    char certificate_key[FILE_PATH_BYTES_MAX];
};

/* Make what is missing, and a new server certificate when there is none that
 * lasts for 30 days from `now_s` and holds `tls_host`. A wildcard address such
 * as 0.0.0.0 needs no place in it. Any error with a sentence. */
int dev_prepare(const char *dir,
                const char *tls_host,
                uint64_t now_s,
                struct dev *ret,
                struct why *why);

#endif
